"""An account's agreement to the terms of a base model, and the form in which it says what it wants the model for.

Source   CreateFoundationModelAgreement and PutUseCaseForModelAccess in the service model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one agrees to: the weights that answer under an id of the catalogue, and their licence."""

    model_id: str
    weights_name: str
    weights_revision: str
    weights_sha256: str
    licence: str
    """As the model card states it, such as apache-2.0."""
    licence_url: str | None
    """Where its text is, as far as the model says."""

    @property
    def offer_id(self) -> str:
        """The same for the same weights under the same id."""
        return f"offer-{self.weights_sha256[:16]}"

    def to_json(self) -> dict[str, str | None]:
        return {
            "name": self.weights_name,
            "revision": self.weights_revision,
            "sha256": self.weights_sha256,
            "licence": self.licence,
            "licenceUrl": self.licence_url,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    account_id: str
    model_id: str
    offer_id: str
    weights: Mapping[str, str | None]
    """`Terms.to_json` at the time."""
    principal_arn: str
    accepted_at: datetime
