"""What an evaluation has found, as plain values: `evaluation.json`, from which reports and comparisons are made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from tanren.domain.errors import ValidationFailed
from tanren.evaluation.answers import Decoding
from tanren.evaluation.arms import Arm
from tanren.evaluation.comparison import Comparison
from tanren.evaluation.contamination import SetOverlap
from tanren.evaluation.costs import Cost
from tanren.evaluation.forgetting import Forgetting
from tanren.evaluation.judge import Preference
from tanren.evaluation.memorisation import Copy
from tanren.evaluation.metrics.classification import ClassificationTable
from tanren.evaluation.plan import Curve
from tanren.evaluation.questions import Question

FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An arm's answer to one question."""

    text: str
    problem: str | None
    """Why there is no text; None of an answer."""
    input_tokens: int
    output_tokens: int
    seconds: float
    is_cut_off: bool = False
    """It ended at the most tokens that it might have, and not by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricResult:
    name: str
    is_higher_better: bool
    value: float | None
    """None where it applies to no question."""
    values: tuple[float | None, ...]
    """Of each question; None where the metric does not apply to it."""
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Copying:
    """How much of an arm's answers stands in the training data word for word."""

    longest: Copy | None
    copying_count: int
    """Answers with a run of at least `LEAST_COPY` characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    arm: Arm
    replies: tuple[Reply, ...]
    metrics: tuple[MetricResult, ...]
    cost: Cost
    comparisons: tuple[Comparison, ...] = ()
    """With the base; none of the base itself."""
    against: Mapping[str, tuple[Comparison, ...]] = field(default_factory=dict[str, tuple[Comparison, ...]])
    """Of a tuned arm: with the base's other arms, by their names."""
    preference: Preference | None = None
    """Over the base, by the judge; of tuned arms."""
    table: ClassificationTable | None = None
    forgetting: Forgetting | None = None
    """Of tuned arms, where the general set was asked."""
    copying: Copying | None = None

    @property
    def unanswered_count(self) -> int:
        return sum(reply.problem is not None for reply in self.replies)

    @property
    def cut_off_count(self) -> int:
        return sum(reply.is_cut_off for reply in self.replies)

    def metric(self, name: str) -> MetricResult | None:
        return next((metric for metric in self.metrics if metric.name == name), None)

    def comparison(self, name: str) -> Comparison | None:
        return next((comparison for comparison in self.comparisons if comparison.metric == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """Of a learning curve."""

    arm: str
    data_share: float
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve:
    metric: str
    points: tuple[CurvePoint, ...]
    """From the least data to the most."""
    last_step: Comparison
    """The arm of most data, as tuned, beside the one before, as base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One criterion, and whether it is met."""

    criterion: str
    state: str
    """"met", "not met", "not shown" (the figure is there, the questions are too few to be sure) or "not measured"."""
    figures: str
    """What was measured, in numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    arm: str
    is_ship: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    format: int = FORMAT
    name: str
    created_at: str
    """ISO 8601, UTC."""
    questions: tuple[Question, ...]
    questions_digest: str
    decoding: Decoding
    arms: tuple[ArmResult, ...]
    """The base first."""
    overlaps: tuple[SetOverlap, ...] | None
    """None where no training data were given."""
    general_replies: Mapping[str, tuple[Reply, ...]] = field(default_factory=dict[str, tuple[Reply, ...]])
    """Arm → answers to the general set."""
    judge_model: str | None = None
    criteria: str | None = None
    verdicts: tuple[Verdict, ...] = ()
    """One for each tuned arm, where criteria were stated."""
    learning_curve: LearningCurve | None = None
    curves: tuple[Curve, ...] = ()
    not_measured: tuple[str, ...] = ()
    """What the report has no figure for: keys of `report/wording.py`."""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    seconds: float
    """For everything besides generation and judging."""

    @property
    def base(self) -> ArmResult:
        return self.arms[0]

    @property
    def tuned(self) -> tuple[ArmResult, ...]:
        return tuple(result for result in self.arms if result.arm.kind == "tuned")

    def arm(self, name: str) -> ArmResult | None:
        return next((result for result in self.arms if result.arm.name == name), None)

    def to_json(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=1)


def read_evaluation(path: Path) -> Evaluation:
    """Raises   ValidationFailed where the file is no evaluation that this version reads."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Evaluation)
    except FileNotFoundError as error:
        raise ValidationFailed(
            f"There is no {path}; `tanren eval run --report DIR` writes DIR/evaluation.json."
        ) from error
    except msgspec.DecodeError as error:
        raise ValidationFailed(f"{path} is no evaluation of format {FORMAT}: {error}") from error
