"""A foundation model as the catalogue describes it: a Bedrock id with the rules of its family. Which weights answer
under it is another matter, and the user's: `catalog/weights.py`."""

from dataclasses import dataclass
from typing import Literal

from tanren.domain.hyperparameters import HyperparameterRule


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordLimits:
    """What AWS takes as training data of the family; None or empty where it states no bound.

    Why      data outside them are warned about and trained on: they are AWS's quotas, and smaller or other sets train
             here as well.
    """

    minimum: int | None = None
    maximum: int | None = None
    maximum_validation: int | None = None
    maximum_bytes: int | None = None
    """Of the training file."""
    maximum_validation_bytes: int | None = None
    """Of each validation file."""
    formats: tuple[str, ...] = ()
    """Data formats, by their names in `data/formats.py`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundationModel:
    model_id: str
    """Bedrock's id, with its context suffix where it is the variant of a context length."""
    product_name: str
    """What AWS calls the model that the id names; it is not shown as the name of weights that are another model."""
    provider: str
    """At most 20 characters (service model)."""
    body_format: str
    """Key of the InvokeModel body format in `bodies/`."""
    customizations: tuple[str, ...]
    """CustomizationType values that a job may ask for; empty where AWS customizes no such model."""
    inference_types: tuple[str, ...]
    """ON_DEMAND, PROVISIONED."""
    hyperparameters: tuple[HyperparameterRule, ...]
    """Empty where there is no customization at all."""
    default_learning_rate: float
    """The family's own default on AWS. A stand-in trains at reference rate x (given rate / this)."""
    record_limits: RecordLimits = RecordLimits()
    lifecycle_status: Literal["ACTIVE", "LEGACY"] = "ACTIVE"
    """AWS's; a legacy id answers here all the same."""
    dialect_customizations: tuple[str, ...] = ()
    """Further CustomizationType values, which only the SDK overlay's own operations may ask for (docs/sdk.md)."""
    is_stand_in: bool = True
    """True where the id belongs to a closed or larger model, and other weights answer in its place."""
