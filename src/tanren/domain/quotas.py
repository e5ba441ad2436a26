"""How much an account may have in one region at a time. 0 is no limit, which is every quota's default."""

from dataclasses import dataclass
from typing import Final, Literal

QuotaName = Literal[
    "customization_jobs",
    "custom_models",
    "imported_models",
    "model_units",
    "custom_model_deployments",
    "batch_jobs",
    "evaluation_jobs",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    customization_jobs: int = 0
    """Under way."""
    custom_models: int = 0
    """Those that jobs under way will make are among them."""
    imported_models: int = 0
    """Those that jobs under way will make are among them."""
    model_units: int = 0
    """Of all provisioned throughputs together."""
    custom_model_deployments: int = 0
    batch_jobs: int = 0
    """Waiting or under way."""
    evaluation_jobs: int = 0
    """Under way."""

    def of(self, name: QuotaName) -> int:
        return getattr(self, name)


NO_QUOTAS: Final = Quotas()
