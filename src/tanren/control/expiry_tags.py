"""What the tag `tanren:ttl` does when it is set: it becomes a moment, in the transaction that writes the tags."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from tanren.domain.errors import ValidationFailed
from tanren.domain.time_to_live import TTL_TAG, parse_ttl
from tanren.storage.tags import set_expiry


def note_ttl(
    connection: Connection,
    arn: str,
    added: Mapping[str, str],
    *,
    at: datetime,
    committed_until: datetime | None = None,
) -> None:
    """The time counts from `at`. Tags without it change nothing.

    Raises   ValidationFailed where the time would end inside a commitment term, in which nothing can be deleted.
    """
    if TTL_TAG not in added:
        return
    expires_at = at + parse_ttl(added[TTL_TAG])
    if committed_until is not None and expires_at < committed_until:
        raise ValidationFailed(
            f"The tag {TTL_TAG} ends on {expires_at:%Y-%m-%d %H:%M} UTC, and the commitment on "
            f"{committed_until:%Y-%m-%d %H:%M} UTC; a committed throughput cannot be deleted before. Leave the tag "
            "out, or make it longer."
        )
    set_expiry(connection, arn, expires_at)
