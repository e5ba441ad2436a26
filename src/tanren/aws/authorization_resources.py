"""What authorization asks about resources, over the database: the ARN behind a name, tags, permissions boundaries."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, or_, select

from tanren.aws.authorization_requests import ROLE, USER
from tanren.domain.arns import parse_arn
from tanren.domain.scope import Scope
from tanren.storage.database import Database
from tanren.storage.identities import Identity, roles, users
from tanren.storage.identities import tags_of as tags_of_identity
from tanren.storage.resources import ResourceRows
from tanren.storage.tags import tags_of

_IDENTITIES: Mapping[str, Callable[[Connection, str, str], Identity | None]] = {
    USER: users().find,
    ROLE: roles().find,
}


class StoredResources:
    """See `ResourceFacts`."""

    def __init__(self, database: Database, rows: Mapping[str, ResourceRows[Any]]) -> None:
        """`rows` by kind of resource: `custom-model`, `provisioned-model`, …"""
        self._database = database
        self._rows = rows

    def arns_of(self, scope: Scope, kind: str, name: str) -> Sequence[str]:
        if kind in _IDENTITIES:
            with self._database.reading() as connection:
                identity = _IDENTITIES[kind](connection, scope.account_id, name)
            return () if identity is None else (identity.arn,)
        rows = self._rows.get(kind)
        if rows is None:
            return ()
        columns = rows.table.c
        # Some operations take a job's id too, and a job may be named like the id of another.
        is_meant = columns.name == name
        if "job_id" in columns:
            is_meant = or_(is_meant, columns.job_id == name)
        wanted = (columns.account_id == scope.account_id, columns.region == scope.region, is_meant)
        with self._database.reading() as connection:
            return connection.execute(select(columns.arn).where(*wanted)).scalars().all()

    def tags_of(self, arn: str) -> Mapping[str, str]:
        with self._database.reading() as connection:
            identity = _identity_with(connection, arn)
            return tags_of(connection, arn) if identity is None else tags_of_identity(connection, identity.identity_id)

    def boundary_of(self, arn: str) -> str | None:
        with self._database.reading() as connection:
            identity = _identity_with(connection, arn)
        return None if identity is None else identity.boundary_arn


def _identity_with(connection: Connection, arn: str) -> Identity | None:
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "iam" or parsed.kind not in _IDENTITIES:
        return None
    return _IDENTITIES[parsed.kind](connection, parsed.account_id, parsed.resource_id)
