"""A custom model: an adapter or a full set of weights, published by a job or brought from elsewhere.

    CreateModelCustomizationJob   the model is there, Active, when its job is Completed
    CreateCustomModel             Creating → Active or Failed: a worker fetches it and looks it through
    CreateModelCopyJob            the model is there, Active, when its job is Completed

Source   GetCustomModel in the service model; the fact sheet §4.3.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from tanren.domain.scope import Scope

SOURCE_MEMBER = "modelSourceConfig"
"""Of the JSON that a model's row keeps: where CreateCustomModel takes it from."""


ROLE_MEMBER = "roleArn"
"""Of the same: the role by which it is fetched."""


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
    base_model_arn: str | None
    """None for whole weights from elsewhere, and for an adapter until its base is known."""
    foundation_model_id: str
    """At the root; `imported` where tanren's catalogue has no such model."""
    customization_type: str
    hyperparameters: dict[str, str]
    request: dict[str, Any]
    """What Get echoes of the job that made it: data configurations, KMS key, customizationConfig."""
    artifact_path: str
    """Where the weights lie in the artifact store, relative to its root; nothing is there before it is Active."""
    artifact_sha256: str
    """Digest of the weights file; verified each time an engine loads it. Empty before it is Active."""
    training_loss: float | None
    validation_losses: tuple[float, ...]
    created_at: datetime
    failure_message: str | None = None
    attempt: int = 0
    """While it is Creating: which assignment to a worker is current."""
