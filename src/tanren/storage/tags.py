"""Tags by resource ARN."""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, delete, insert, select

from tanren.storage.tables import tags


def tags_of(connection: Connection, arn: str) -> dict[str, str]:
    rows = connection.execute(select(tags.c.key, tags.c.value).where(tags.c.resource_arn == arn).order_by(tags.c.key))
    return {row.key: row.value for row in rows}


def replace_tags(connection: Connection, arn: str, values: Mapping[str, str]) -> None:
    """The resource has these tags and no others."""
    connection.execute(delete(tags).where(tags.c.resource_arn == arn))
    if values:
        rows = [{"resource_arn": arn, "key": key, "value": value} for key, value in values.items()]
        connection.execute(insert(tags), rows)


def remove_tags(connection: Connection, arn: str, keys: Collection[str]) -> None:
    connection.execute(delete(tags).where(tags.c.resource_arn == arn, tags.c.key.in_(list(keys))))
