"""An on-demand deployment of a custom model.

Source   GetCustomModelDeployment in the service model; the fact sheet §4.2. Its times are `createdAt` and
         `lastUpdatedAt`, unlike every other resource, and the progress of an update is a member of its own.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tanren.domain.scope import Scope


class DeploymentStatus(StrEnum):
    CREATING = "Creating"
    ACTIVE = "Active"
    FAILED = "Failed"


class UpdateStatus(StrEnum):
    UPDATING = "Updating"
    COMPLETED = "UpdateCompleted"
    FAILED = "UpdateFailed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomModelDeployment:
    scope: Scope
    deployment_id: str
    deployment_arn: str
    name: str
    client_request_token: str | None
    description: str | None
    model_arn: str
    """The model that answers now."""
    update_model_arn: str | None
    """The model of the latest update; None where there was none."""
    update_status: UpdateStatus | None
    foundation_model_id: str
    status: DeploymentStatus
    failure_message: str | None
    created_at: datetime
    updated_at: datetime
