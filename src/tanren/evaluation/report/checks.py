"""The report's discussion: what was forgotten, what had leaked, what is copied, what it costs, and the judge."""

from collections.abc import Iterator

from tanren.evaluation.contamination import KINDS, SetOverlap
from tanren.evaluation.forgetting import UNKNOWN, Forgetting
from tanren.evaluation.judge import Preference
from tanren.evaluation.memorisation import LEAST_COPY
from tanren.evaluation.report import figures
from tanren.evaluation.report.blocks import Block, Heading, Paragraph, Table, number, text
from tanren.evaluation.report.wording import say
from tanren.evaluation.results import Evaluation

_MOST_OVERLAPS = 10
_TONES = {"none": "good", "minor": "open", "major": "bad", "unknown": "open"}


def discussion(evaluation: Evaluation, language: str) -> Iterator[Block]:
    yield Heading(text=say(language, "discussion"), level=2)
    yield from _rivals(evaluation, language)
    for result in evaluation.tuned:
        if result.forgetting is not None:
            yield Heading(text=f"{say(language, 'forgetting')}: {result.arm.name}", level=3)
            yield from _forgetting(result.arm.name, result.forgetting, language)
    if evaluation.overlaps:
        yield Heading(text=say(language, "contamination"), level=3)
        for overlap in evaluation.overlaps:
            yield from _overlap(overlap, language)
    if any(result.copying is not None for result in evaluation.arms):
        yield Heading(text=say(language, "copying"), level=3)
        yield from _copying(evaluation, language)


def _rivals(evaluation: Evaluation, language: str) -> Iterator[Block]:
    """Whether training was worth it beside a better prompt."""
    for result in evaluation.tuned:
        for rival, comparisons in result.against.items():
            if not comparisons:
                continue
            found = comparisons[0]
            is_better = found.outcome == "better"
            yield Paragraph(
                text=say(
                    language,
                    "rivals-better" if is_better else "rivals-not-better",
                    arm=result.arm.name,
                    rival=rival,
                    metric=found.metric,
                    other=figures.value(found.base, name=found.metric),
                    tuned=figures.value(found.tuned, name=found.metric),
                    p=figures.p_says(found.adjusted_p),
                ),
                tone="good" if is_better else "open",
            )


def _forgetting(arm: str, found: Forgetting, language: str) -> Iterator[Block]:
    count = found.comparison.question_count
    is_unclear = found.level == UNKNOWN and not found.has_little_to_forget
    yield Paragraph(
        text=say(
            language,
            "forgetting-unclear" if is_unclear else f"forgetting-{found.level}",
            arm=arm,
            base=round(found.comparison.base * count),
            tuned=round(found.comparison.tuned * count),
            count=count,
            low=figures.signed(found.comparison.low),
            high=figures.signed(found.comparison.high),
            detectable=figures.value(found.comparison.minimum_detectable),
        ),
        tone=_TONES[found.level],
    )
    yield Table(
        head=tuple(say(language, key) for key in ("category", "base-answer", "tuned-answer", "questions")),
        rows=tuple(
            (
                text(row.category),
                number(str(row.base_right)),
                number(str(row.tuned_right), "bad" if row.tuned_right < row.base_right else ""),
                number(str(row.count)),
            )
            for row in found.categories
        ),
    )
    if found.lost:
        yield Paragraph(text=f"{say(language, 'lost-questions')}: {', '.join(found.lost)}")


def _overlap(found: SetOverlap, language: str) -> Iterator[Block]:
    if not found.overlaps:
        yield Paragraph(
            text=say(
                language,
                "contamination-none",
                tested=found.tested_set,
                known=found.known_set,
                count=found.tested_count,
            ),
            tone="good",
        )
        return
    kinds = ", ".join(f"{found.count(kind)} {kind}" for kind in KINDS if found.count(kind))
    yield Paragraph(
        text=say(
            language,
            "contamination-found",
            found=len(found.overlaps),
            count=found.tested_count,
            tested=found.tested_set,
            known=found.known_set,
            kinds=kinds,
        ),
        tone="bad",
    )
    yield Table(
        head=tuple(say(language, key) for key in ("kind", "where", "also-in", "share", "text")),
        rows=tuple(
            (
                text(overlap.kind),
                text(overlap.tested_source),
                text(overlap.known_source),
                number(figures.percent(overlap.share)),
                text(overlap.excerpt),
            )
            for overlap in found.overlaps[:_MOST_OVERLAPS]
        ),
    )


def _copying(evaluation: Evaluation, language: str) -> Iterator[Block]:
    for result in evaluation.arms:
        if result.copying is None:
            continue
        longest = result.copying.longest
        if longest is None:
            yield Paragraph(text=say(language, "copying-none", arm=result.arm.name, least=LEAST_COPY))
            continue
        yield Paragraph(
            text=say(
                language,
                "copying-found",
                arm=result.arm.name,
                count=result.copying.copying_count,
                least=LEAST_COPY,
                characters=longest.characters,
                text=longest.text[:200],
                source=longest.source,
            )
        )


def preferences(evaluation: Evaluation, language: str) -> Iterator[Block]:
    for result in evaluation.tuned:
        found = result.preference
        if found is None:
            continue
        yield Heading(text=f"{say(language, 'preference')}: {result.arm.name}", level=3)
        yield Paragraph(
            text=say(
                language,
                "preference-counts",
                arm=result.arm.name,
                won=found.count("tuned"),
                lost=found.count("base"),
                ties=found.count("tie"),
                unanswered=found.count("unanswered"),
                p=figures.p_says(found.p_value),
                test=say(language, "sign-flip-test" if found.is_clustered else "sign-test"),
            )
        )
        yield from _faults(found, language)


def _faults(found: Preference, language: str) -> Iterator[Block]:
    yield Paragraph(
        text=say(
            language,
            "preference-faults",
            flips=figures.percent(found.flip_rate),
            first=found.first_place_count,
            second=found.second_place_count,
            longer=found.longer_count,
            decided=found.longer_count + found.shorter_count,
        )
    )
    if found.is_position_biased:
        yield Paragraph(text=say(language, "judge-position"), tone="bad")
    if found.is_length_biased:
        yield Paragraph(text=say(language, "judge-length"), tone="bad")


def label_tables(evaluation: Evaluation, language: str) -> Iterator[Block]:
    for result in evaluation.arms:
        table = result.table
        if table is None:
            continue
        yield Heading(text=f"{say(language, 'labels')}: {result.arm.name}", level=3)
        yield Table(
            head=(
                *(say(language, key) for key in ("label", "precision", "recall", "f1")),
                *(f"→ {label}" for label in table.labels),
                f"→ {say(language, 'no-label')}",
            ),
            rows=tuple(
                (
                    text(score.label),
                    *(number(f"{share:.2f}") for share in (score.precision, score.recall, score.f1)),
                    *(
                        number(str(count), "good" if column == row and count else "")
                        for column, count in enumerate(table.counts[row])
                    ),
                )
                for row, score in enumerate(table.scores)
            ),
        )


def learning_curve(evaluation: Evaluation, language: str) -> Iterator[Block]:
    found = evaluation.learning_curve
    if found is None:
        return
    less, more = found.points[-2:]
    yield Heading(text=say(language, "learning-curve"), level=3)
    yield Paragraph(
        text=say(
            language,
            "more-data-helps" if found.last_step.outcome == "better" else "more-data-unclear",
            less=figures.percent(less.data_share),
            more=figures.percent(more.data_share),
            metric=found.metric,
            low=figures.value(less.value, name=found.metric),
            high=figures.value(more.value, name=found.metric),
        )
    )


def costs(evaluation: Evaluation, language: str) -> Iterator[Block]:
    yield Heading(text=say(language, "costs"), level=3)
    has_money = any(result.cost.money_per_thousand_answers is not None for result in evaluation.arms)
    keys = ("arm", "input-tokens", "output-tokens", "median-seconds", "p95-seconds", *(("money",) if has_money else ()))
    rows = [
        (
            text(result.arm.name),
            number(_short(result.cost.mean_input_tokens, 1)),
            number(_short(result.cost.mean_output_tokens, 1)),
            number(_short(result.cost.median_seconds, 2)),
            number(_short(result.cost.p95_seconds, 2)),
            *((number(_short(result.cost.money_per_thousand_answers, 4)),) if has_money else ()),
        )
        for result in evaluation.arms
    ]
    yield Table(head=tuple(say(language, key) for key in keys), rows=tuple(rows))
    few_shot = next((result for result in evaluation.arms if result.arm.kind == "base+few-shot"), None)
    for result in evaluation.tuned:
        if few_shot is None:
            return
        asked, other = result.cost.mean_input_tokens, few_shot.cost.mean_input_tokens
        if asked is not None and other is not None and other > asked:
            yield Paragraph(
                text=say(
                    language,
                    "saved-tokens",
                    arm=result.arm.name,
                    rival=few_shot.arm.name,
                    tuned=f"{asked:.0f}",
                    other=f"{other:.0f}",
                    saved=f"{other - asked:.0f}",
                )
            )


def _short(value: float | None, digits: int) -> str:
    return figures.NONE if value is None else f"{value:,.{digits}f}"
