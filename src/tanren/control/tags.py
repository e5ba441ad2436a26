"""The rules of tags: only a resource that exists in the caller's scope can carry them."""

from collections.abc import Collection, Mapping
from typing import Any

from tanren.control.expiry_tags import note_ttl
from tanren.domain.clock import Clock
from tanren.domain.errors import ResourceNotFound, ValidationFailed
from tanren.domain.provisioned_throughputs import ProvisionedThroughput
from tanren.domain.scope import Scope
from tanren.domain.tags import merged_tags
from tanren.domain.test_sets import TAGS_READ_AT_CREATION
from tanren.storage.database import Database
from tanren.storage.resources import ResourceRows
from tanren.storage.tags import remove_tags, replace_tags, tags_of


class TagControl:
    def __init__(self, database: Database, taggable: Collection[ResourceRows[Any]], *, clock: Clock) -> None:
        self._database = database
        self._taggable = tuple(taggable)
        self._clock = clock

    def add(self, scope: Scope, arn: str, added: Mapping[str, str]) -> None:
        resource = self._existing(scope, arn)
        late = next((tag for tag in TAGS_READ_AT_CREATION if tag in added), None)
        if late is not None:
            raise ValidationFailed(
                f"The tag {late} is read when a customization job is created, and has no effect later: give "
                "it in jobTags."
            )
        committed_until = resource.commitment_expires_at if isinstance(resource, ProvisionedThroughput) else None
        with self._database.writing() as connection:
            replace_tags(connection, arn, merged_tags(arn, tags_of(connection, arn), added))
            note_ttl(connection, arn, added, at=self._clock(), committed_until=committed_until)

    def remove(self, scope: Scope, arn: str, keys: Collection[str]) -> None:
        self._existing(scope, arn)
        with self._database.writing() as connection:
            remove_tags(connection, arn, keys)

    def list(self, scope: Scope, arn: str) -> dict[str, str]:
        self._existing(scope, arn)
        with self._database.reading() as connection:
            return tags_of(connection, arn)

    def _existing(self, scope: Scope, arn: str) -> object:
        """The resource. Raises ResourceNotFound."""
        # Only an ARN names a resource here; `get` would take a name too.
        found = [rows.get(scope, arn) for rows in self._taggable] if arn.startswith("arn:") else []
        resource = next((each for each in found if each is not None), None)
        if resource is None:
            raise ResourceNotFound(
                f"There is no resource '{arn}' in account {scope.account_id}, region {scope.region}."
            )
        return resource
