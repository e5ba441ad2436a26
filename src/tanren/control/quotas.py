"""Whether an account may have one more: asked in the transaction that adds it, once the request is known to be new.

In SQLite writers take turns, and a quota is never exceeded; in PostgreSQL two requests of the same moment may exceed it
by one. A quota that is lowered takes nothing away from anybody.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection

from tanren.domain.errors import QuotaExceeded
from tanren.domain.quotas import QuotaName, Quotas
from tanren.domain.scope import Scope
from tanren.storage.quotas import in_use

_WAIT: Final = "Wait until one has ended, or stop one"
_WORDS: Final[Mapping[QuotaName, tuple[str, str]]] = {
    "customization_jobs": ("customization jobs under way", _WAIT),
    "custom_models": (
        "custom models, those among them that jobs under way will make",
        "Delete one with DeleteCustomModel",
    ),
    "imported_models": (
        "imported models, those among them that jobs under way will make",
        "Delete one with DeleteImportedModel",
    ),
    "model_units": ("model units of provisioned throughput", "Ask for fewer, or delete a provisioned throughput"),
    "custom_model_deployments": ("custom model deployments", "Delete one with DeleteCustomModelDeployment"),
    "batch_jobs": ("batch inference jobs waiting or under way", _WAIT),
    "evaluation_jobs": ("evaluation jobs under way", _WAIT),
}
"""What is counted, and how the caller makes room."""


def check_quotas(connection: Connection, scope: Scope, quotas: Quotas, *names: QuotaName, more: int = 1) -> None:
    """Raises   QuotaExceeded, if one of these has no room for so many more."""
    for name in names:
        most = quotas.of(name)
        # Without a quota nothing is counted.
        used = in_use(connection, scope, name) if most else 0
        if most and used + more > most:
            what, remedy = _WORDS[name]
            raise QuotaExceeded(
                f"Account {scope.account_id} has {used} {what}, in region {scope.region}, and may have {most}. "
                f"{remedy}; the operator of this server sets the quota with TANREN_QUOTA_{name.upper()}."
            )
