"""Rows of logging configurations, one an account and region, kept for a second since every invocation asks for one."""

import time
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, insert, select, update

from tanren.domain.scope import Scope
from tanren.storage.database import Database
from tanren.storage.tables import invocation_logging_configurations

KEPT_SECONDS: Final = 1.0
"""After this long, another process's change is seen; one made here is seen at once."""


class InvocationLoggingConfigurations:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[Scope, tuple[float, dict[str, Any] | None]] = {}

    def kept(self, scope: Scope) -> tuple[bool, dict[str, Any] | None]:
        """Whether it is known without a look into the database, and what it is then."""
        read_at, config = self._kept.get(scope, (float("-inf"), None))
        return time.monotonic() - read_at < KEPT_SECONDS, config

    def get(self, scope: Scope) -> dict[str, Any] | None:
        """As it was put; None where there is none."""
        columns = invocation_logging_configurations.c
        began = time.monotonic()
        with self._database.reading() as connection:
            row = connection.execute(select(columns.logging_config).where(*_of(scope))).one_or_none()
        config = None if row is None else row.logging_config
        self._kept[scope] = (began, config)
        return config

    def put(self, scope: Scope, config: dict[str, Any], *, at: datetime) -> None:
        table = invocation_logging_configurations
        with self._database.writing() as connection:
            done = connection.execute(update(table).where(*_of(scope)).values(logging_config=config, updated_at=at))
            if not done.rowcount:
                values = {"account_id": scope.account_id, "region": scope.region, "logging_config": config}
                connection.execute(insert(table).values(**values, updated_at=at))
        self._kept.pop(scope, None)

    def delete(self, scope: Scope) -> None:
        with self._database.writing() as connection:
            connection.execute(delete(invocation_logging_configurations).where(*_of(scope)))
        self._kept.pop(scope, None)


def _of(scope: Scope) -> tuple[Any, Any]:
    columns = invocation_logging_configurations.c
    return columns.account_id == scope.account_id, columns.region == scope.region
