"""The members that every List operation shares: page size, token, order, times, name."""

from collections.abc import Mapping
from typing import Any

from tanren.domain.pages import DEFAULT_PAGE_SIZE, PageRequest, decode_token
from tanren.storage.resources import ListFilter

Members = dict[str, Any]


def page_request(params: Members) -> PageRequest:
    token = params.get("nextToken")
    return PageRequest(
        size=params.get("maxResults", DEFAULT_PAGE_SIZE),
        after=None if token is None else decode_token(token),
        descending=params.get("sortOrder", "Descending") == "Descending",
    )


def list_filter(params: Members, equals: Mapping[str, str], *, times: str = "creationTime") -> ListFilter:
    """`equals` maps request members to columns; a member that is absent filters nothing."""
    return ListFilter(
        created_after=params.get(f"{times}After"),
        created_before=params.get(f"{times}Before"),
        name_contains=params.get("nameContains"),
        equals={column: params[member] for member, column in equals.items() if member in params},
    )


def tag_map(tags: list[dict[str, str]] | None) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in tags or []}
