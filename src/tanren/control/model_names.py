"""The rule that the names of custom models follow: one that is taken, or promised to a job under way, is refused."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection

from tanren.domain.errors import Conflict
from tanren.domain.scope import Scope
from tanren.storage.model_names import holder_of_model_name

_TAKEN: Final[Mapping[str, str]] = {
    "custom_models": "A custom model named '{name}' already exists",
    "customization_jobs": "A running job will make a custom model named '{name}'",
    "model_copy_jobs": "A running copy job will make a model named '{name}'",
}
"""By the table that has the name."""


def check_model_name(connection: Connection, scope: Scope, name: str, *, member: str) -> None:
    """Raises   Conflict, if the name is not free. `member` is the request's, for the advice."""
    holder = holder_of_model_name(connection, scope, name)
    if holder is not None:
        raise Conflict(f"{_TAKEN[holder].format(name=name)}; choose another {member}.")
