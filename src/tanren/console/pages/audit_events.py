"""Audit: the account's calls, newest first, searched by what its URL says."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from starlette.responses import Response

from tanren.console.visits import Visit, next_page
from tanren.domain.clock import utc_now

PAGE_SIZE: Final = 50
PERIODS: Final[Mapping[str, timedelta]] = {
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
PERIOD_LABELS: Final = {
    "": "at any time",
    "1h": "in the last hour",
    "1d": "in the last day",
    "7d": "in the last 7 days",
    "30d": "in the last 30 days",
}
KIND_LABELS: Final = {"changes": "changes", "reads": "reads and questions to models", "all": "all calls"}
"""Changes first: whoever looks at this console reads, and that is in the log, too."""
OUTCOME_LABELS: Final = {"": "whatever came of it", "refused": "refused", "done": "done"}
_FLAGS: Final[Mapping[str, tuple[str, bool]]] = {
    "changes": ("isReadOnly", False),
    "reads": ("isReadOnly", True),
    "refused": ("isRefused", True),
    "done": ("isRefused", False),
}
_TEXTS: Final = {"event": "eventName", "who": "principal", "resource": "resource"}


async def list_events(visit: Visit) -> Response:
    query = visit.request.query_params
    given = {**query, "kind": query.get("kind") or "changes"}
    answer = await visit.api.ask("tanren", "ListAuditEvents", **_search(given))
    return visit.page(
        "audit_events.html",
        title=visit.words.text("Audit"),
        given=given,
        events=answer.get("events", []),
        searched_back_to=answer.get("searchedBackTo"),
        periods=PERIOD_LABELS,
        kinds=KIND_LABELS,
        outcomes=OUTCOME_LABELS,
        is_first_page="page" not in query,
        following=next_page(visit.request, answer.get("nextToken")),
    )


def _search(given: Mapping[str, str]) -> dict[str, Any]:
    params: dict[str, Any] = {"maxResults": PAGE_SIZE}
    for field, member in _TEXTS.items():
        if text := given.get(field, "").strip():
            params[member] = text
    for field in ("kind", "outcome"):
        if flag := _FLAGS.get(given.get(field, "")):
            params[flag[0]] = flag[1]
    if period := PERIODS.get(given.get("period", "")):
        # Of whole minutes, so that all pages of a search ask for the same.
        params["startTime"] = (utc_now() - period).replace(second=0, microsecond=0)
    if token := given.get("page"):
        params["nextToken"] = token
    return params
