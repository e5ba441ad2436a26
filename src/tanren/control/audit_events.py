"""The audit log as its account may read it: its own calls, newest first, by name, time, principal, resource, outcome.

Calls whose caller proved nothing belong to no account; the operator of the server reads them (`tanren audit list`).
Whether the log is still what was written is `tanren audit verify`'s to say.
"""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tanren.domain.errors import ValidationFailed
from tanren.domain.pages import DEFAULT_PAGE_SIZE
from tanren.domain.scope import Scope
from tanren.storage.audit_search import AuditCall, AuditPlace, AuditStretch, search_calls


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    start: datetime | None = None
    end: datetime | None = None
    event_name: str | None = None
    principal: str | None = None
    """Part of the principal's ARN, or of the access key's id."""
    resource: str | None = None
    """Part of the ARN of a resource that the call names."""
    is_read_only: bool | None = None
    is_refused: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    events: list[AuditCall]
    next_token: str | None
    searched_back_to: datetime | None


class AuditEventControl:
    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir

    def search(self, scope: Scope, query: AuditQuery, *, size: int | None, token: str | None) -> AuditPage:
        """Raises   ValidationFailed for a token that none of its pages gave, or for an end before the start."""
        if query.start is not None and query.end is not None and query.end <= query.start:
            raise ValidationFailed(f"endTime {query.end.isoformat()} is not after startTime {query.start.isoformat()}.")
        found: AuditStretch = search_calls(
            self._data_dir,
            texts=_texts(scope, query),
            is_wanted=_wanted(scope, query),
            most=size or DEFAULT_PAGE_SIZE,
            before=None if token is None else _place(token),
            since=query.start,
            until=query.end,
        )
        return AuditPage(
            events=list(found.calls),
            next_token=None if found.next_place is None else _token(found.next_place),
            searched_back_to=found.searched_back_to,
        )


def resource_arns(event: AuditCall) -> list[str]:
    return [str(each["ARN"]) for each in event.get("resources") or () if "ARN" in each]


def _texts(scope: Scope, query: AuditQuery) -> list[str]:
    """As the log writes them: JSON in ASCII, without white space."""
    texts = [f'"recipientAccountId":"{scope.account_id}"']
    if query.event_name is not None:
        texts.append(f'"eventName":{json.dumps(query.event_name)}')
    texts += [json.dumps(part)[1:-1] for part in (query.principal, query.resource) if part is not None]
    if query.is_read_only is not None:
        texts.append(f'"readOnly":{json.dumps(query.is_read_only)}')
    if query.is_refused:
        texts.append('"errorCode":')
    return texts


def _wanted(scope: Scope, query: AuditQuery) -> Callable[[AuditCall], bool]:
    def is_wanted(event: AuditCall) -> bool:
        identity: dict[str, Any] = event["userIdentity"]
        at = datetime.strptime(event["eventTime"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        named = f"{identity.get('arn', '')}\n{identity.get('accessKeyId', '')}"
        return (
            event.get("recipientAccountId") == scope.account_id
            and (query.start is None or at >= query.start)
            and (query.end is None or at < query.end)
            and query.event_name in (None, event["eventName"])
            and query.is_read_only in (None, event["readOnly"])
            and query.is_refused in (None, "errorCode" in event)
            and (query.principal is None or query.principal in named)
            and (query.resource is None or any(query.resource in arn for arn in resource_arns(event)))
        )

    return is_wanted


def _token(place: AuditPlace) -> str:
    return base64.urlsafe_b64encode(json.dumps([place.file_name, place.offset]).encode()).decode()


def _place(token: str) -> AuditPlace:
    try:
        file_name, offset = json.loads(base64.urlsafe_b64decode(token.encode()))
        if isinstance(file_name, str) and isinstance(offset, int) and offset >= 0:
            return AuditPlace(file_name=file_name, offset=offset)
    except (ValueError, TypeError, RecursionError, binascii.Error):
        pass
    raise ValidationFailed("The nextToken is not one that ListAuditEvents has given; begin without it.")
