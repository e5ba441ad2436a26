"""Answers beside each other: prompt · tuned · base · comment, the best gains, the worst regressions, and slices."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from tanren.data.languages import language_of
from tanren.evaluation.report import figures
from tanren.evaluation.report.blocks import Block, Cell, Heading, Paragraph, Table, number, text
from tanren.evaluation.report.wording import say
from tanren.evaluation.results import ArmResult, Evaluation, MetricResult, Reply

MOST_ROWS: Final = 8
_LONGEST_TEXT: Final = 600


def side_by_side(evaluation: Evaluation, language: str) -> Iterator[Block]:
    """Of each tuned arm: the first questions, and where there are more, the greatest changes in a metric of answers."""
    for result in evaluation.tuned:
        metric, base = _metric_of_answers(result), evaluation.base
        yield Heading(text=f"{say(language, 'side-by-side')}: {result.arm.name}", level=3)
        rows = range(min(MOST_ROWS, len(evaluation.questions)))
        yield _answers(evaluation, result, metric, rows, language)
        if metric is None or len(evaluation.questions) <= MOST_ROWS:
            continue
        yield _shown(len(rows), len(evaluation.questions), language)
        changes = _changes(metric, base.metric(metric.name))
        gained = [row for row in np.argsort(-changes, kind="stable").tolist() if changes[row] > 0]
        lost = [row for row in np.argsort(changes, kind="stable").tolist() if changes[row] < 0]
        for key, none, found in (("gains", "none-gained", gained), ("regressions", "none-lost", lost)):
            yield Heading(text=f"{say(language, key)}: {result.arm.name} ({metric.name})", level=3)
            if not found:
                yield Paragraph(text=say(language, none))
                continue
            yield _answers(evaluation, result, metric, found[:MOST_ROWS], language)
            yield _shown(min(MOST_ROWS, len(found)), len(found), language)


def _metric_of_answers(result: ArmResult) -> MetricResult | None:
    """One that tells answers apart: of right and wrong many are alike, so a gradual one goes first."""
    named = {metric.name: metric for metric in result.metrics}
    return next((named[name] for name in ("correctness", "rougeL", "f1", "chrf") if name in named), None) or (
        result.metrics[0] if result.metrics else None
    )


def _changes(tuned: MetricResult, base: MetricResult | None) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    if base is None:
        return np.zeros(len(tuned.values))
    sign = 1 if tuned.is_higher_better else -1
    pairs = zip(tuned.values, base.values, strict=True)
    return np.asarray([0.0 if now is None or before is None else sign * (now - before) for now, before in pairs])


def _answers(
    evaluation: Evaluation, result: ArmResult, metric: MetricResult | None, rows: Sequence[int], language: str
) -> Table:
    keys = ("prompt", "tuned-answer", "base-answer", "comment")
    return Table(
        head=tuple(say(language, key) for key in keys),
        rows=tuple(
            (
                _asked(evaluation, row, language),
                text(_said(result.replies[row], language)),
                text(_said(evaluation.base.replies[row], language)),
                _comment(evaluation, result, metric, row, language),
            )
            for row in rows
        ),
        is_of_answers=True,
    )


def comment_on(
    evaluation: Evaluation, result: ArmResult, metric: MetricResult | None, row: int, language: str
) -> tuple[str, str]:
    """The comment's text and tone: what the judge said where there is one, and the figures."""
    if result.replies[row] == evaluation.base.replies[row] or (
        result.replies[row].text.strip() == evaluation.base.replies[row].text.strip()
    ):
        return say(language, "same-answer"), ""
    parts: list[str] = []
    tone = ""
    if result.preference is not None and result.preference.is_believable:
        found = result.preference.outcomes[row]
        if found.outcome in ("tuned", "base"):
            arm = result.arm.name if found.outcome == "tuned" else evaluation.base.arm.name
            parts.append(say(language, "comment-prefers", arm=arm, reason=found.reason))
            tone = "good" if found.outcome == "tuned" else "bad"
        elif found.outcome == "tie":
            parts.append(say(language, "comment-tie"))
    beside = metric and evaluation.base.metric(metric.name)
    if metric is not None and beside is not None:
        base, tuned = beside.values[row], metric.values[row]
        if base is not None and tuned is not None:
            shown = [figures.value(value, name=metric.name) for value in (base, tuned)]
            parts.append(say(language, "comment-scores", metric=metric.name, base=shown[0], tuned=shown[1]))
            if not tone and base != tuned:
                tone = "good" if (tuned > base) == metric.is_higher_better else "bad"
    return " ".join(parts), tone


def _comment(evaluation: Evaluation, result: ArmResult, metric: MetricResult | None, row: int, language: str) -> Cell:
    said, tone = comment_on(evaluation, result, metric, row, language)
    return text(said, tone)


def _asked(evaluation: Evaluation, row: int, language: str) -> Cell:
    """The question, and below it what would be right."""
    question = evaluation.questions[row]
    expected = f"{say(language, 'reference')}: {_shortened(question.reference)}" if question.reference else ""
    return Cell(text=_shortened(question.prompt), note=expected)


def _said(reply: Reply, language: str) -> str:
    return say(language, "no-answer", reason=reply.problem) if reply.problem is not None else _shortened(reply.text)


def _shortened(said: str) -> str:
    return said if len(said) <= _LONGEST_TEXT else said[:_LONGEST_TEXT].rstrip() + " …"


def _shown(shown: int, count: int, language: str) -> Paragraph:
    return Paragraph(text=say(language, "shown-of", shown=shown, count=count))


def slices(evaluation: Evaluation, language: str) -> Iterator[Block]:
    """The first metric of single answers by category and by language, where there are several of them: over the
    questions that all arms have a score of."""
    metric = _metric_of_answers(evaluation.base)
    if metric is None:
        return
    found = [each for result in evaluation.arms if (each := result.metric(metric.name)) is not None]
    rows = [row for row in range(len(evaluation.questions)) if all(each.values[row] is not None for each in found)]
    categories = [evaluation.questions[row].category or "" for row in rows]
    languages = [language_of(evaluation.questions[row].prompt) for row in rows]
    for key, head, names in (("categories", "category", categories), ("languages", "language", languages)):
        if len(set(names)) < 2:
            continue
        yield Heading(text=f"{say(language, key)} ({metric.name})", level=3)
        yield Table(
            head=(
                say(language, head),
                say(language, "questions"),
                *(result.arm.name for result in evaluation.arms),
            ),
            rows=tuple(
                (
                    text(name or figures.NONE),
                    number(str(names.count(name))),
                    *(number(_mean(result.metric(metric.name), rows, names, name)) for result in evaluation.arms),
                )
                for name in dict.fromkeys(names)
            ),
        )


def _mean(metric: MetricResult | None, rows: Sequence[int], names: Sequence[str], name: str) -> str:
    """Of the rows of this name; a dash for an arm without the metric."""
    if metric is None:
        return figures.NONE
    values = [
        value
        for row, its_name in zip(rows, names, strict=True)
        if its_name == name and (value := metric.values[row]) is not None
    ]
    return figures.value(float(np.mean(values)), name=metric.name)
