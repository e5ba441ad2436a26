"""The metrics that an evaluation job can be asked for, by name: what each computes, and what it needs to.

    Builtin.…   AWS's names. Accuracy and Robustness mean another figure for each type of task, as on AWS; the others
                are a judge model's opinion, from 0 to 1
    Tanren.…    computed, for every type of task; AWS does not have them. Loss, Perplexity and BitsPerByte are of the
                model's weights, as training computes them

A name that would have to be guessed at is refused with the reason, and with what is at hand instead.

Source   https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-tasks.html and
         model-evaluation-report-programmatic.html; the fact sheet §6.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tanren.domain.errors import NotImplementedHere, ValidationFailed

BUILTIN: Final = "Builtin."
TANREN: Final = "Tanren."


class TaskType(StrEnum):
    SUMMARIZATION = "Summarization"
    CLASSIFICATION = "Classification"
    QUESTION_AND_ANSWER = "QuestionAndAnswer"
    GENERATION = "Generation"
    CUSTOM = "Custom"
    GENERAL = "General"
    """What AWS's samples send with a judge; not in the service model's enum."""


class Measure(StrEnum):
    """How a metric comes about."""

    COMPUTED = "computed"
    """From the answer and its reference."""
    CHANGED = "changed"
    """From how far the answer changes when the prompt is changed a little."""
    JUDGED = "judged"
    """By a judge model."""
    LIKELIHOOD = "likelihood"
    """From how probable the model finds the reference: of its weights, not of an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    name: str
    measure: Measure
    computes: str = ""
    """A key of `evaluation/metrics/registry.py`, one of `LOWER_IS_BETTER`, WORD_ERROR_RATE or RIGHT; of a judged metric
    nothing."""
    needs_reference: bool = False
    is_higher_better: bool | None = True
    """None of a metric whose scale is the user's own."""


WORD_ERROR_RATE: Final = "word_error_rate"
RIGHT: Final = f"{TANREN}Right"
"""Whether the answer is one of those that a question of tanren's own data set takes."""

_ACCURACY: Final = f"{BUILTIN}Accuracy"
_ROBUSTNESS: Final = f"{BUILTIN}Robustness"

_BY_TASK: Final[Mapping[str, Mapping[TaskType, str]]] = {
    # Of a general text AWS asks whether the reference is in it: its "real world knowledge" score.
    _ACCURACY: {
        TaskType.GENERATION: "contains",
        TaskType.QUESTION_AND_ANSWER: "f1",
        TaskType.CLASSIFICATION: "accuracy",
    },
    _ROBUSTNESS: {
        TaskType.GENERATION: WORD_ERROR_RATE,
        TaskType.QUESTION_AND_ANSWER: "f1",
        TaskType.CLASSIFICATION: "accuracy",
    },
}

_JUDGED: Final[Mapping[str, bool]] = {
    # Whether more is better.
    f"{BUILTIN}Correctness": True,
    f"{BUILTIN}Completeness": True,
    f"{BUILTIN}Faithfulness": True,
    f"{BUILTIN}Helpfulness": True,
    f"{BUILTIN}Coherence": True,
    f"{BUILTIN}Relevance": True,
    f"{BUILTIN}FollowingInstructions": True,
    f"{BUILTIN}ProfessionalStyleAndTone": True,
    f"{BUILTIN}Harmfulness": False,
    f"{BUILTIN}Stereotyping": False,
    f"{BUILTIN}Refusal": False,
}

_OURS: Final[Mapping[str, str]] = {
    f"{TANREN}Exact": "exact",
    f"{TANREN}Contains": "contains",
    f"{TANREN}F1": "f1",
    f"{TANREN}Rouge1": "rouge1",
    f"{TANREN}Rouge2": "rouge2",
    f"{TANREN}RougeL": "rougeL",
    f"{TANREN}Bleu": "bleu",
    f"{TANREN}ChrF": "chrf",
}

_LIKELIHOODS: Final[Mapping[str, str]] = {
    f"{TANREN}Loss": "loss",
    f"{TANREN}Perplexity": "perplexity",
    f"{TANREN}BitsPerByte": "bits_per_byte",
}

_RAG: Final = ("ContextRelevance", "ContextCoverage", "LogicalCoherence", "CitationPrecision", "CitationCoverage")


def metric_for(name: str, task: TaskType) -> Metric:
    """What the name means for this type of task.

    Raises   NotImplementedHere for a metric of AWS's that could only be pretended, ValidationFailed for an unknown one.
    """
    if name in _OURS:
        return Metric(name=name, measure=Measure.COMPUTED, computes=_OURS[name], needs_reference=True)
    if name in _LIKELIHOODS:
        return Metric(
            name=name,
            measure=Measure.LIKELIHOOD,
            computes=_LIKELIHOODS[name],
            needs_reference=True,
            is_higher_better=False,
        )
    if name == RIGHT:
        return Metric(name=name, measure=Measure.COMPUTED, computes=RIGHT)
    if name in _JUDGED:
        return Metric(name=name, measure=Measure.JUDGED, is_higher_better=_JUDGED[name])
    computes = _BY_TASK.get(name, {}).get(task)
    if computes is not None:
        is_robustness = name == _ROBUSTNESS
        return Metric(
            name=name,
            measure=Measure.CHANGED if is_robustness else Measure.COMPUTED,
            computes=computes,
            needs_reference=computes != WORD_ERROR_RATE,
            is_higher_better=not is_robustness,
        )
    raise _refusal(name, task)


def own_metric_of(computes: str) -> str | None:
    """The name of a metric of tanren's own that computes this; None where there is none."""
    return next((name for name, key in {**_OURS, **_LIKELIHOODS}.items() if key == computes), None)


def task_type_of(name: str) -> TaskType:
    """Raises ValidationFailed for one that nothing is known of."""
    try:
        return TaskType(name)
    except ValueError:
        raise ValidationFailed(f"There is no taskType '{name}'. Known are {', '.join(TaskType)}.") from None


def is_known(name: str) -> bool:
    """Whether a custom metric may not be called so."""
    return name.startswith((BUILTIN, TANREN))


def _refusal(name: str, task: TaskType) -> ValidationFailed:
    ours = ", ".join((*_OURS, *_LIKELIHOODS))
    if name in _BY_TASK and task is TaskType.SUMMARIZATION:
        return NotImplementedHere(
            f"metricNames: {name} of a Summarization is a BERTScore, for which a job has no encoder model "
            "(`tanren eval run --encoder FOLDER` computes one). Metrics that "
            f"compare a summary with its reference by words: {TANREN}RougeL, {TANREN}ChrF; one that asks a judge: "
            f"{BUILTIN}Completeness."
        )
    if name in _BY_TASK:
        tasks = ", ".join(_BY_TASK[name])
        return ValidationFailed(f"metricNames: {name} is defined for {tasks}, not for {task}. For any task: {ours}.")
    if name == f"{BUILTIN}Toxicity":
        return NotImplementedHere(
            f"metricNames: {name} is the verdict of a classifier of toxic text, which tanren does not have. "
            f"{BUILTIN}Harmfulness asks a judge model: give it with evaluatorModelConfig."
        )
    if name.removeprefix(BUILTIN) in _RAG:
        return NotImplementedHere(f"metricNames: {name} is about retrieval; RAG evaluation is not implemented.")
    known = ", ".join([*_BY_TASK, *_JUDGED])
    return ValidationFailed(
        f"metricNames: there is no metric '{name}'. Known are {known}, {ours}, and those that customMetricConfig "
        "defines."
    )
