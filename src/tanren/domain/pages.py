"""Pages of a list: the order, the filters and the place where the last page ended.

Lists are ordered by creation time and then by ARN, so that a page boundary is exact even when two resources were
created in the same microsecond, and so that a resource created meanwhile neither hides nor doubles another.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from tanren.domain.errors import ValidationFailed

DEFAULT_PAGE_SIZE = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The last row of the page before."""

    created_at: datetime
    arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    size: int = DEFAULT_PAGE_SIZE
    after: Cursor | None = None
    descending: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    items: Sequence[T]
    next_token: str | None


def page_of(rows: Sequence[T], request: PageRequest, cursor_of: Callable[[T], Cursor]) -> Page[T]:
    """A page from `size + 1` rows: the extra one only tells that there is more."""
    items = rows[: request.size]
    token = encode_token(cursor_of(items[-1])) if len(rows) > request.size else None
    return Page(items=items, next_token=token)


def encode_token(cursor: Cursor) -> str:
    text = json.dumps([cursor.created_at.isoformat(), cursor.arn])
    return base64.urlsafe_b64encode(text.encode()).decode()


def decode_token(token: str) -> Cursor:
    """Raises ValidationFailed for a token that no list of ours gave out."""
    try:
        created_at, arn = json.loads(base64.urlsafe_b64decode(token.encode()))
        return Cursor(created_at=datetime.fromisoformat(created_at), arn=str(arn))
    except (ValueError, TypeError, binascii.Error) as error:
        raise ValidationFailed("nextToken is not one that this list returned; start again without it.") from error
