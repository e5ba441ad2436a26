"""What an evaluation is to do, fixed before the first question is asked."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from tanren.data.records import TrainingRecord
from tanren.domain.errors import ValidationFailed
from tanren.domain.success_criteria import CONTAMINATION, CORRECTNESS, FORGETTING, GRADER, Criteria
from tanren.evaluation.answers import Decoding
from tanren.evaluation.arms import Arm, ArmKind
from tanren.evaluation.contamination import Row
from tanren.evaluation.costs import Rates
from tanren.evaluation.metrics.registry import METRICS, check_applies
from tanren.evaluation.questions import Question, digest_of
from tanren.evaluation.whole_text import whole

_OPTIONS: Final[dict[str, str]] = {ArmKind.BASE_SYSTEM: "--system-prompt", ArmKind.BASE_FEW_SHOT: "--few-shot"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A job's losses, for the picture: nats per token by step."""

    name: str
    steps: tuple[int, ...]
    losses: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    name: str
    questions: tuple[Question, ...]
    arms: tuple[Arm, ...]
    """The base first. A plan without a tuned arm is a baseline: it compares nothing."""
    metrics: tuple[str, ...]
    decoding: Decoding = Decoding()
    criteria: Criteria | None = None
    refuses_undecidable: bool = True
    """Criteria that could never be decided are refused, as long as nothing has been asked. Otherwise they are "not
    measured": those of a job were stated before its data were read."""
    training: tuple[TrainingRecord, ...] = field(default=(), repr=False)
    validation: tuple[TrainingRecord, ...] = field(default=(), repr=False)
    asks_general_set: bool = True
    """For what was forgotten: 82 questions more, of the base and each tuned arm."""
    rates: Rates | None = None
    grader: str | None = field(default=None, repr=False)
    """Source of the user's own metric, called "grader"."""
    data_shares: Mapping[str, float] = field(default_factory=dict[str, float])
    """Of a learning curve: arm → the share of the data that it was trained on."""
    curves: tuple[Curve, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the report prints so that it can be repeated: job, seed, digests of data files, version."""

    def __post_init__(self) -> None:
        """Raises   ValidationFailed where the plan cannot be carried out as it stands."""
        if not self.arms or self.arms[0].kind is not ArmKind.BASE:
            raise ValidationFailed("The first arm must be the base: everything is compared with it.")
        names = [arm.name for arm in self.arms]
        if len(set(names)) < len(names):
            raise ValidationFailed(f"Two arms have one name; the names are {', '.join(names)}.")
        for name in self.metrics:
            check_applies(name, self.questions)
        for name, share in self.data_shares.items():
            if name not in names or not 0 < share <= 1:
                raise ValidationFailed(
                    f"The learning curve names '{name}' with the share {share}; there is no such arm, "
                    "or the share is not above 0 and at most 1."
                )
        if self.data_shares and not self.metrics and self.grader is None:
            raise ValidationFailed(
                "A learning curve needs a metric, and none applies to these questions; give reference answers or a "
                "grader (--grader)."
            )
        if self.criteria is not None and self.refuses_undecidable:
            self._check_criteria(self.criteria)

    def _check_criteria(self, criteria: Criteria) -> None:
        """Raises   ValidationFailed where one could never be decided: that is not to be learnt when all is paid."""
        if not self.tuned_arms:
            raise ValidationFailed("The criteria ask something of a tuned model, and none is given (--tuned).")
        names = {arm.name for arm in self.arms}
        for criterion in criteria.criteria:
            subject = criterion.subject
            if subject == FORGETTING and not self.asks_general_set:
                missing = "the general set, which --no-general leaves out"
            elif subject == CONTAMINATION and not self.training:
                missing = "the training data (--train)"
            elif subject == GRADER and self.grader is None:
                missing = "a grader (--grader)"
            elif subject == CORRECTNESS and not any(question.reference for question in self.questions):
                missing = "questions with reference answers"
            elif subject in METRICS and subject not in self.metrics:
                missing = f"{subject} among the metrics (--metrics), which are {', '.join(self.metrics) or 'none'}"
            elif criterion.arm is not None and criterion.arm not in names:
                missing = f"the arm {criterion.arm} ({_OPTIONS.get(criterion.arm, '--base')})"
            else:
                continue
            raise ValidationFailed(f"'{criterion.text}' could never be decided: it needs {missing}.")

    @property
    def tuned_arms(self) -> tuple[Arm, ...]:
        return tuple(arm for arm in self.arms if arm.kind is ArmKind.TUNED)

    @property
    def digest(self) -> str:
        """SHA-256 of what decides the answers: questions, arms and decoding."""
        content: Any = msgspec.to_builtins([digest_of(self.questions), self.arms, self.decoding, self.asks_general_set])
        return hashlib.sha256(msgspec.json.encode(content)).hexdigest()


def rows_of_records(records: Sequence[TrainingRecord]) -> list[Row]:
    return [
        Row(asked=whole(record.asked), answered=whole(record.answered), source=str(record.source)) for record in records
    ]


def rows_of_questions(questions: Sequence[Question]) -> list[Row]:
    return [Row(asked=question.prompt, answered=question.reference, source=question.source) for question in questions]
