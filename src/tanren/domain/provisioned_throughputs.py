"""Provisioned throughput: a name under which a model is kept loaded and answers.

Source   GetProvisionedModelThroughput in the service model; the fact sheet §4.1.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tanren.domain.scope import Scope


class ProvisionedStatus(StrEnum):
    CREATING = "Creating"
    IN_SERVICE = "InService"
    UPDATING = "Updating"
    FAILED = "Failed"


COMMITMENT_DAYS = {"OneMonth": 30, "SixMonths": 180}
"""During these days the throughput cannot be deleted, as on AWS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionedThroughput:
    scope: Scope
    provisioned_id: str
    provisioned_arn: str
    name: str
    client_request_token: str | None
    model_units: int
    model_arn: str
    """The model that answers now."""
    desired_model_arn: str
    """The model that will answer when an update is done; else the same."""
    foundation_model_id: str
    status: ProvisionedStatus
    failure_message: str | None
    commitment_duration: str | None
    commitment_expires_at: datetime | None
    tokens_per_minute: int | None
    """What its engine made when it was measured with the model that answers now; None until then."""
    created_at: datetime
    updated_at: datetime
