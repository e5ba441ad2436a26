"""What an evaluation job that belongs to a customization job knows beyond the members of its request.

baseline      of the base alone, before the training
comparison    of base and model, when the model is there; it goes on with what the base has replied to the baseline
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from tanren.domain.customization_jobs import CustomizationType

CUSTOMIZATION_MEMBER: Final = "customization"
"""Of an evaluation job's stored request; no member of CreateEvaluationJob, and not told by GetEvaluationJob."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedFile:
    """A file of the customization job, as it was when it was read."""

    uri: str
    sha256: str
    size_bytes: int
    is_validation: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OfCustomization:
    job_arn: str
    """Of the customization job."""
    attempt: int
    """At the customization job, under which its events are told."""
    foundation_model_id: str
    customization_type: CustomizationType
    success_criteria: str | None
    baseline_job_id: str | None = None
    """Of a comparison: the job of the baseline. None: this is the baseline."""
    files: tuple[TrainedFile, ...] = ()
    """Of a comparison: what the model was trained and validated on."""

    @property
    def is_baseline(self) -> bool:
        return self.baseline_job_id is None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        fields: dict[str, Any] = {
            **found,
            "customization_type": CustomizationType(found["customization_type"]),
            "files": tuple(TrainedFile(**file) for file in found["files"]),
        }
        return cls(**fields)
