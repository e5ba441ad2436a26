"""Policies on resources: who of another account may do what with a custom model. One document a resource."""

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from tanren.domain.policies.documents import NamedPolicy, PolicyKind
from tanren.domain.policies.parsing import parse_policy
from tanren.storage.database import Database
from tanren.storage.tables import resource_policies


class ResourcePolicies:
    def __init__(self, database: Database) -> None:
        self.database = database

    def put(self, connection: Connection, resource_arn: str, document: str, *, at: datetime) -> None:
        """In place of the one before."""
        self.remove(connection, resource_arn)
        values = {"resource_arn": resource_arn, "document": document, "updated_at": at}
        connection.execute(insert(resource_policies).values(**values))

    def find(self, resource_arn: str) -> str | None:
        """The document as it was put."""
        query = select(resource_policies.c.document).where(resource_policies.c.resource_arn == resource_arn)
        with self.database.reading() as connection:
            return connection.execute(query).scalar_one_or_none()

    def remove(self, connection: Connection, resource_arn: str) -> bool:
        """Whether there was one."""
        done = connection.execute(delete(resource_policies).where(resource_policies.c.resource_arn == resource_arn))
        return done.rowcount == 1

    def policy_on(self, resource_arn: str) -> NamedPolicy | None:
        """As `find`, read: a `ResourcePolicySource` of `domain/policies/sources.py`."""
        document = self.find(resource_arn)
        if document is None:
            return None
        return NamedPolicy(name=resource_arn, document=parse_policy(document, PolicyKind.RESOURCE))
