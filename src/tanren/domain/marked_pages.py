"""Pages of IAM's lists: ordered by a key, continued by a marker, `MaxItems` long.

The marker is the key of the last item of the page before, so what is made or deleted meanwhile neither hides nor
doubles anything else.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from tanren.domain.errors import ValidationFailed

DEFAULT_SIZE: Final = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedPage(Generic[T]):
    items: Sequence[T]
    marker: str | None
    """None where this is the last page."""


def marked_page(items: Iterable[T], key: Callable[[T], str], *, marker: str | None, size: int | None) -> MarkedPage[T]:
    """Raises   ValidationFailed for a marker that no list of ours gave out.

    Cost     all items are read and sorted for each page; an account's quotas keep them to a few thousand.
    """
    after = None if marker is None else _decoded(marker)
    left = sorted((item for item in items if after is None or key(item) > after), key=key)
    page = left[: size or DEFAULT_SIZE]
    return MarkedPage(items=page, marker=_encoded(key(page[-1])) if len(page) < len(left) else None)


def _encoded(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _decoded(marker: str) -> str:
    try:
        return base64.b64decode(marker.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise ValidationFailed("Marker is not one that this list returned; start again without it.") from error
