"""The metrics that are computed from questions and answers alone, by name."""

from collections.abc import Sequence
from statistics import median
from typing import Final

from tanren.domain.errors import ValidationFailed
from tanren.evaluation.metrics.base import Metric
from tanren.evaluation.metrics.classification import accuracy, labels_among, macro_f1
from tanren.evaluation.metrics.json_schema import json_valid
from tanren.evaluation.metrics.matching import contains, exact, f1
from tanren.evaluation.metrics.overlap import bleu, chrf, rouge
from tanren.evaluation.questions import Question

METRICS: Final[dict[str, Metric]] = {
    metric.name: metric
    for metric in (
        Metric(name="exact", span="0–1", score=exact),
        Metric(name="contains", span="0–1", score=contains),
        Metric(name="f1", span="0–1", score=f1),
        Metric(name="accuracy", span="0–1", score=accuracy),
        Metric(name="macro_f1", span="0–1", score=macro_f1),
        Metric(name="json_valid", span="0–1", score=json_valid, needs_schema=True),
        Metric(name="rouge1", span="0–1", score=rouge("rouge1")),
        Metric(name="rouge2", span="0–1", score=rouge("rouge2")),
        Metric(name="rougeL", span="0–1", score=rouge("rougeL")),
        Metric(name="bleu", span="0–100", score=bleu),
        Metric(name="chrf", span="0–100", score=chrf),
    )
}
_SHORT_REFERENCE: Final = 40
"""Characters: a longer reference hardly ever stands word for word in an answer."""
_CLASSIFICATION: Final = ("accuracy", "macro_f1")


def metric_named(name: str) -> Metric:
    """Raises   ValidationFailed, which names those that there are."""
    if name not in METRICS:
        raise ValidationFailed(f"There is no metric '{name}'; there are {', '.join(METRICS)}.")
    return METRICS[name]


def check_applies(name: str, questions: Sequence[Question]) -> None:
    """Raises   ValidationFailed where the metric has nothing to say of any of these questions."""
    metric = metric_named(name)
    if metric.needs_schema:
        if not any(question.schema for question in questions):
            raise ValidationFailed(f"{name} needs questions with a 'schema', and none of these has one.")
    elif not any(question.reference for question in questions):
        raise ValidationFailed(f"{name} needs a reference answer, and none of these questions has one.")
    if name in _CLASSIFICATION and not labels_among(questions):
        raise ValidationFailed(
            f"{name} needs a classification: 2 to 20 short reference answers, each coming back, to at least four times "
            f"as many questions. These {len(questions)} questions are none."
        )


def default_metrics(questions: Sequence[Question]) -> tuple[str, ...]:
    """What is asked where nobody chose: few, since each metric more makes the others harder to show. The first is the
    one that the report's headline is about."""
    references = [len(question.reference) for question in questions if question.reference]
    chosen: tuple[str, ...] = ()
    if labels_among(questions):
        chosen = ("accuracy", "macro_f1")
    elif references:
        is_short = median(references) <= _SHORT_REFERENCE
        chosen = ("contains", "f1", "chrf") if is_short else ("rougeL", "f1", "chrf", "contains")
    return (*chosen, "json_valid") if any(question.schema for question in questions) else chosen
