"""A foundation model as the catalogue describes it: a Bedrock id, its rules, and the weights that stand in for it."""

from dataclasses import dataclass

from tanren.domain.hyperparameters import HyperparameterRule


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordLimits:
    """How many training records the family takes on AWS; None where AWS states no bound."""

    minimum: int | None = None
    maximum: int | None = None
    maximum_validation: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundationModel:
    model_id: str
    """Bedrock's id, with its context suffix where the fine-tunable variant has one."""
    name: str
    """At most 20 characters (service model); for a stand-in it begins with `stand-in:`."""
    provider: str
    body_format: str
    """Key of the InvokeModel body format in `bodies/`."""
    customizations: tuple[str, ...]
    """CustomizationType values that a job may ask for."""
    inference_types: tuple[str, ...]
    """ON_DEMAND, PROVISIONED."""
    hyperparameters: tuple[HyperparameterRule, ...]
    default_learning_rate: float
    """The family's own default on AWS. A stand-in trains at reference rate x (given rate / this)."""
    record_limits: RecordLimits = RecordLimits()
    is_stand_in: bool = True
    """True where the id belongs to a closed or larger model, and other weights answer in its place."""
