"""Whether an answer is right, by the metric that a check names; the metrics are those of `evaluation/`."""

from collections.abc import Sequence

from tanren.recipes.collection import Question
from tanren.recipes.manifest import Metric


def share_right(metric: Metric, questions: Sequence[Question], answers: Sequence[str]) -> float:
    """From 0 to 1."""
    return sum(is_right(metric, *each) for each in zip(questions, answers, strict=True)) / len(questions)


def is_right(metric: Metric, question: Question, answer: str) -> bool:
    # Imported here: arrays come with them, which `tanren recipes list` has no use for.
    from tanren.evaluation.metrics.json_schema import violation
    from tanren.evaluation.metrics.matching import is_contained, is_exact

    accepted = (question.completion, *question.also)
    match metric:
        case "exact":
            return any(is_exact(answer, text) for text in accepted)
        case "contains":
            return any(is_contained(answer, text) for text in accepted)
        case "json_valid":
            return violation(answer, question.schema or {}) is None
