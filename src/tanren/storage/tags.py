"""Tags by resource ARN, and when a resource with the tag `tanren:ttl` is to delete itself."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from tanren.domain.time_to_live import TTL_TAG
from tanren.storage.tables import resource_expiries, tags


def tags_of(connection: Connection, arn: str) -> dict[str, str]:
    rows = connection.execute(select(tags.c.key, tags.c.value).where(tags.c.resource_arn == arn).order_by(tags.c.key))
    return {row.key: row.value for row in rows}


def replace_tags(connection: Connection, arn: str, values: Mapping[str, str]) -> None:
    """The resource has these tags and no others; without `tanren:ttl` it does not delete itself."""
    connection.execute(delete(tags).where(tags.c.resource_arn == arn))
    if values:
        rows = [{"resource_arn": arn, "key": key, "value": value} for key, value in values.items()]
        connection.execute(insert(tags), rows)
    if TTL_TAG not in values:
        set_expiry(connection, arn, None)


def remove_tags(connection: Connection, arn: str, keys: Collection[str]) -> None:
    connection.execute(delete(tags).where(tags.c.resource_arn == arn, tags.c.key.in_(list(keys))))
    if TTL_TAG in keys:
        set_expiry(connection, arn, None)


def set_expiry(connection: Connection, arn: str, expires_at: datetime | None) -> None:
    """When the resource deletes itself; None for never."""
    connection.execute(delete(resource_expiries).where(resource_expiries.c.resource_arn == arn))
    if expires_at is not None:
        connection.execute(insert(resource_expiries).values(resource_arn=arn, expires_at=expires_at))


def expired_resources(connection: Connection, *, now: datetime) -> list[str]:
    """ARNs of those whose time is over, the longest overdue first."""
    columns = resource_expiries.c
    query = select(columns.resource_arn).where(columns.expires_at <= now).order_by(columns.expires_at)
    return list(connection.execute(query).scalars())
