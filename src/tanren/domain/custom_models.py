"""A custom model: an adapter or a full set of weights that a job has published.

Source   GetCustomModel in the service model.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from tanren.domain.scope import Scope


class CustomModelStatus(StrEnum):
    ACTIVE = "Active"
    CREATING = "Creating"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomModel:
    scope: Scope
    model_id: str
    model_arn: str
    model_name: str
    status: CustomModelStatus
    job_arn: str | None
    job_name: str | None
    base_model_arn: str
    foundation_model_id: str
    customization_type: str
    hyperparameters: dict[str, str]
    request: dict[str, Any]
    """What Get echoes of the job that made it: data configurations, KMS key, customizationConfig."""
    artifact_path: str
    """Where the weights lie in the artifact store, relative to its root."""
    artifact_sha256: str
    """Digest of the weights file; verified each time an engine loads it."""
    training_loss: float | None
    validation_losses: tuple[float, ...]
    created_at: datetime
