"""The report's content in the order of a write-up: settings, metrics, results, discussion, further experiments."""

from collections.abc import Iterator, Sequence

from tanren.evaluation.comparison import Comparison
from tanren.evaluation.metrics.registry import METRICS
from tanren.evaluation.report import answer_tables, checks, figures
from tanren.evaluation.report.blocks import Block, Cell, Heading, Paragraph, PictureBlock, Report, Table, number, text
from tanren.evaluation.report.pictures import Picture, pictures
from tanren.evaluation.report.wording import WORDS, say
from tanren.evaluation.results import ArmResult, Evaluation
from tanren.evaluation.statistics import ALPHA, least_p_value

TONES = {"better": "good", "worse": "bad", "met": "good", "not met": "bad"}
"""Of outcomes and states; any other is "open"."""


def report_of(evaluation: Evaluation, language: str) -> Report:
    verdict, tone = _verdict(evaluation, language)
    drawn = pictures(evaluation, language)
    blocks = (
        *_settings(evaluation, language),
        *_metrics(evaluation, language),
        *_results(evaluation, language, drawn),
        *checks.discussion(evaluation, language),
        *_supplementary(evaluation, language, drawn),
    )
    unit = "unit-documents" if any(question.document for question in evaluation.questions) else "unit-questions"
    return Report(
        language=language,
        title=say(language, "title", name=evaluation.name),
        verdict=verdict,
        verdict_tone=tone,
        headlines=(
            *(told for result in evaluation.tuned if result.comparisons for told in headlines(result, language)),
            *_unmet(evaluation, language),
        ),
        blocks=blocks,
        foot=(
            say(language, "statistics-note", units=say(language, unit)),
            say(language, "repeat-text"),
            say(language, "computed-in", seconds=f"{evaluation.seconds:.1f}"),
        ),
    )


def _verdict(evaluation: Evaluation, language: str) -> tuple[str, str]:
    if not evaluation.tuned:
        return say(language, "no-tuned"), "open"
    if not evaluation.verdicts:
        return say(language, "no-criteria"), "open"
    shipped = [verdict.arm for verdict in evaluation.verdicts if verdict.is_ship]
    is_ship = bool(shipped)
    if is_ship and len(evaluation.verdicts) > 1:
        return say(language, "ship-arms", arms=", ".join(shipped), count=len(evaluation.verdicts)), "good"
    return say(language, "ship" if is_ship else "dont-ship"), "good" if is_ship else "bad"


def _unmet(evaluation: Evaluation, language: str) -> Iterator[Paragraph]:
    """Why it is not to be shipped."""
    for verdict in evaluation.verdicts:
        prefix = f"{verdict.arm}: " if len(evaluation.verdicts) > 1 else ""
        for reason in verdict.reasons:
            if reason.state != "met":
                state = say(language, reason.state)
                told = say(language, "reason", criterion=reason.criterion, state=state, figures=reason.figures)
                yield Paragraph(text=prefix + told)


def headlines(result: ArmResult, language: str) -> Iterator[Paragraph]:
    """The first metric in one sentence, whatever it shows; every loss that is shown; and, where the first shows
    nothing, the first gain of the others."""
    main, *others = result.comparisons
    yield _headline(result, main, language)
    gains = [other for other in others if other.outcome == "better"]
    losses = [other for other in others if other.outcome == "worse"]
    yield from (_headline(result, other, language) for other in losses + ([] if main.is_shown else gains[:1]))


def _headline(result: ArmResult, told: Comparison, language: str) -> Paragraph:
    has_spread = told.minimum_detectable is not None or told.outcome != "not shown"
    kind = told.outcome.replace(" ", "-") if has_spread else "no-spread"
    sentence = say(
        language,
        f"headline-{kind}",
        arm=result.arm.name,
        metric=told.metric,
        base=figures.value(told.base, name=told.metric),
        tuned=figures.value(told.tuned, name=told.metric),
        difference=figures.signed(told.difference, name=told.metric),
        low=figures.signed(told.low, name=told.metric),
        high=figures.signed(told.high, name=told.metric),
        p=figures.p_says(told.adjusted_p),
        count=_count(told, told.cluster_count, language),
        detectable=figures.value(told.minimum_detectable, name=told.metric),
        least_p=f"{told.least_p:g}",
        times=say(language, "times-metrics", metrics=told.metric_count) if told.metric_count > 1 else "",
    )
    if not told.can_show:
        least = next(n for n in range(2, 64) if least_p_value(n) * told.metric_count < ALPHA)
        sentence += " " + say(language, "least-needed", needed=_count(told, least, language))
    if not told.is_shown and told.needed_clusters is not None and told.can_show:
        sentence += " " + say(language, "needed", needed=_count(told, told.needed_clusters, language))
    return Paragraph(text=sentence, tone=TONES.get(told.outcome, "open"))


def _count(told: Comparison, count: int, language: str) -> str:
    """So many of what the comparison counts: questions, or documents where several are of one."""
    unit = "questions" if told.cluster_count == told.question_count else "documents"
    return say(language, f"count-{unit}", count=f"{count:,}")


def _settings(evaluation: Evaluation, language: str) -> Iterator[Block]:
    yield Heading(text=say(language, "settings"), level=2)
    documents = {question.document for question in evaluation.questions if question.document}
    count = str(len(evaluation.questions))
    if documents:
        count += " " + say(language, "clusters", count=len(documents))
    decoding = evaluation.decoding
    facts = {
        say(language, "created"): evaluation.created_at,
        say(language, "questions"): count,
        say(language, "questions-digest"): evaluation.questions_digest,
        say(language, "decoding"): say(
            language,
            "decoding-value",
            tokens=decoding.max_new_tokens,
            temperature=decoding.temperature,
            top_p=decoding.top_p,
        ),
        say(language, "judge"): evaluation.judge_model,
        say(language, "criteria"): evaluation.criteria,
        **{WORDS[language].get(name, name): value for name, value in evaluation.settings.items()},
    }
    yield Table(head=(), rows=tuple((text(name), text(value)) for name, value in facts.items() if value))
    yield Heading(text=say(language, "arms"), level=3)
    yield Table(
        head=tuple(say(language, key) for key in ("arm", "model", "system-prompt", "examples")),
        rows=tuple(
            (
                text(result.arm.name),
                text(result.arm.model_id),
                text(result.arm.system or figures.NONE),
                number(str(len(result.arm.examples)) if result.arm.examples else figures.NONE),
            )
            for result in evaluation.arms
        ),
    )


def _metrics(evaluation: Evaluation, language: str) -> Iterator[Block]:
    yield Heading(text=say(language, "metrics"), level=2)
    yield Table(
        head=tuple(say(language, key) for key in ("metric", "meaning", "signature")),
        rows=tuple(
            (text(metric.name), text(_meaning(metric.name, language)), text(metric.signature))
            for metric in evaluation.base.metrics
        ),
    )


def _meaning(name: str, language: str) -> str:
    span = f" ({METRICS[name].span})" if name in METRICS else ""
    return say(language, name) + span


def _results(evaluation: Evaluation, language: str, drawn: Sequence[Picture]) -> Iterator[Block]:
    yield Heading(text=say(language, "results"), level=2)
    for verdict in evaluation.verdicts:
        yield Heading(text=f"{say(language, 'verdict')}: {verdict.arm}", level=3)
        yield Table(
            head=tuple(say(language, key) for key in ("criterion", "state", "figures")),
            rows=tuple(
                (text(r.criterion), text(say(language, r.state), TONES.get(r.state, "open")), text(r.figures))
                for r in verdict.reasons
            ),
        )
    base = evaluation.base.arm.name
    for result in evaluation.tuned:
        yield Heading(text=say(language, "compared-with", tuned=result.arm.name, base=base), level=3)
        yield comparison_table(result.comparisons, language)
    yield from (PictureBlock(picture=picture) for picture in drawn if picture.name.startswith("intervals"))
    yield Heading(text=say(language, "values"), level=3)
    yield _value_table(evaluation, language)
    yield from _partial_values(evaluation, language)
    if any(result.unanswered_count for result in evaluation.arms):
        yield Paragraph(text=say(language, "unanswered-note"))
    if any(result.cut_off_count for result in evaluation.arms):
        yield Paragraph(text=say(language, "cut-off-note"))
    yield from checks.preferences(evaluation, language)
    yield from checks.label_tables(evaluation, language)
    yield from answer_tables.side_by_side(evaluation, language)


def comparison_table(comparisons: Sequence[Comparison], language: str) -> Table:
    keys = ("metric", "questions", "difference", "interval", "p", "detectable", "test", "outcome")
    return Table(
        head=tuple(say(language, key) for key in keys), rows=tuple(_comparison_row(c, language) for c in comparisons)
    )


def _comparison_row(found: Comparison, language: str) -> tuple[Cell, ...]:
    name = found.metric
    values = f"{figures.value(found.base, name=name)} → {figures.value(found.tuned, name=name)}"
    interval = f"{figures.signed(found.low, name=name)} … {figures.signed(found.high, name=name)}"
    return (
        text(name),
        number(str(found.question_count)),
        number(f"{values} ({figures.signed(found.difference, name=name)})"),
        number(figures.NONE if found.low is None else interval),
        number(figures.p(found.adjusted_p)),
        number(figures.value(found.minimum_detectable, name=name)),
        text(found.test),
        text(say(language, found.outcome), TONES.get(found.outcome, "open")),
    )


def _value_table(evaluation: Evaluation, language: str) -> Table:
    names = [metric.name for metric in evaluation.base.metrics]
    return Table(
        head=(say(language, "arm"), *names, say(language, "unanswered"), say(language, "cut-off")),
        rows=tuple(
            (
                text(result.arm.name),
                *(
                    number(figures.value(metric.value if (metric := result.metric(name)) else None, name=name))
                    for name in names
                ),
                number(str(result.unanswered_count)),
                number(str(result.cut_off_count)),
            )
            for result in evaluation.arms
        ),
    )


def _partial_values(evaluation: Evaluation, language: str) -> Iterator[Block]:
    """Which values are over fewer questions than were asked."""
    count = len(evaluation.questions)
    partial = [
        say(language, "partial-value", metric=metric.name, arm=result.arm.name, shown=shown, count=count)
        for result in evaluation.arms
        for metric in result.metrics
        if (shown := sum(value is not None for value in metric.values)) < count
    ]
    if partial:
        yield Paragraph(text=say(language, "partial-values", found="; ".join(partial)))


def _supplementary(evaluation: Evaluation, language: str, drawn: Sequence[Picture]) -> Iterator[Block]:
    yield Heading(text=say(language, "supplementary"), level=2)
    yield from answer_tables.slices(evaluation, language)
    yield from checks.learning_curve(evaluation, language)
    yield from (PictureBlock(picture=picture) for picture in drawn if not picture.name.startswith("intervals"))
    yield from checks.costs(evaluation, language)
    if evaluation.not_measured:
        yield Heading(text=say(language, "limits"), level=3)
        for name in evaluation.not_measured:
            yield Paragraph(text=say(language, f"missing-{name}"))
