"""The rules of tags: only a resource that exists in the caller's scope can carry them."""

from collections.abc import Collection, Mapping
from typing import Any

from tanren.domain.errors import ResourceNotFound
from tanren.domain.scope import Scope
from tanren.domain.tags import merged_tags
from tanren.storage.database import Database
from tanren.storage.resources import ResourceRows
from tanren.storage.tags import remove_tags, replace_tags, tags_of


class TagControl:
    def __init__(self, database: Database, taggable: Collection[ResourceRows[Any]]) -> None:
        self._database = database
        self._taggable = tuple(taggable)

    def add(self, scope: Scope, arn: str, added: Mapping[str, str]) -> None:
        self._check_exists(scope, arn)
        with self._database.writing() as connection:
            replace_tags(connection, arn, merged_tags(arn, tags_of(connection, arn), added))

    def remove(self, scope: Scope, arn: str, keys: Collection[str]) -> None:
        self._check_exists(scope, arn)
        with self._database.writing() as connection:
            remove_tags(connection, arn, keys)

    def list(self, scope: Scope, arn: str) -> dict[str, str]:
        self._check_exists(scope, arn)
        with self._database.reading() as connection:
            return tags_of(connection, arn)

    def _check_exists(self, scope: Scope, arn: str) -> None:
        # Only an ARN names a resource here; `get` would take a name too.
        if not (arn.startswith("arn:") and any(rows.get(scope, arn) is not None for rows in self._taggable)):
            raise ResourceNotFound(
                f"There is no resource '{arn}' in account {scope.account_id}, region {scope.region}."
            )
