"""The OpenAI-shaped API as a whole: which paths it has, which handler answers, in which shape it refuses.

    GET   /v1/models                 POST /v1/chat/completions      POST GET  /v1/files
    GET   /v1/models/{id}            POST /v1/completions           GET  DELETE /v1/files/{id}, GET …/content
    POST GET /v1/fine_tuning/jobs    GET …/{id}, POST …/{id}/cancel, GET …/{id}/events, GET …/{id}/checkpoints

The same under /openai/v1, which AWS has too. It reads no credentials: the gateway proves who asks, as for every other
request, and hands over a `Call`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from tanren.domain.errors import TanrenError
from tanren.openai_api.calls import Answer, Call, Handler
from tanren.openai_api.errors import (
    Refusal,
    UnknownPath,
    internal_refusal,
    protocol_refusal,
    refusal_of,
    unproved_refusal,
)

PREFIXES: Final = ("/v1/", "/openai/v1/")
REQUEST_ID: Final = "x-request-id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The first that fits answers: paths below an identifier stand before it."""

    method: str
    path: str
    """Below the prefix; `{id}` stands for one identifier, in which a slash may stand as it is."""
    handler: Handler


class OpenAIDoor:
    """See `Door` in the gateway's chain."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = tuple(routes)

    def takes(self, raw_path: str) -> bool:
        return raw_path.startswith(PREFIXES)

    async def answer(self, call: Call) -> Answer:
        """Raises   the domain's errors; UnknownPath."""
        raw_path = call.raw_path
        path = next(raw_path.removeprefix(prefix) for prefix in PREFIXES if raw_path.startswith(prefix))
        found = [
            (route, identifier) for route in self._routes if (identifier := _matched(route.path, path)) is not None
        ]
        for route, identifier in found:
            if route.method == call.method:
                answer = await route.handler(call, identifier)
                return Answer(
                    status=answer.status,
                    headers={**answer.headers, REQUEST_ID: call.request_id},
                    body=answer.body,
                    noted=answer.noted,
                )
        methods = ", ".join(dict.fromkeys(route.method for route, _ in found))
        there = f"It takes {methods}." if found else f"There are {', '.join(_paths(self._routes))}."
        raise UnknownPath(f"Unknown request: {call.method} {raw_path}. {there}")

    def refusal(self, error: Exception, *, status: int, message: str, request_id: str, is_proved: bool) -> Answer:
        """The answer to a request that ended in an error. `status` and `message`: as AWS would have them."""
        refused = _refused(error, status, message, is_proved=is_proved)
        headers = {"Content-Type": "application/json", REQUEST_ID: request_id}
        return Answer(status=refused.status, headers=headers, body=refused.body())


def _refused(error: Exception, status: int, message: str, *, is_proved: bool) -> Refusal:
    if isinstance(error, TanrenError):
        return refusal_of(error)
    if status >= 500:
        return internal_refusal(message)
    return protocol_refusal(status, message) if is_proved else unproved_refusal(message)


def _matched(pattern: str, path: str) -> str | None:
    """The identifier in the path, percent-decoded; "" where the pattern has none; None where the path is another."""
    if "{id}" not in pattern:
        return "" if path.removesuffix("/") == pattern else None
    before, _, after = pattern.partition("{id}")
    if not (path.startswith(before) and path.endswith(after)):
        return None
    identifier = path[len(before) : len(path) - len(after)]
    return unquote(identifier) or None


def _paths(routes: Sequence[Route]) -> list[str]:
    paths: Mapping[str, None] = dict.fromkeys(f"/v1/{route.path}" for route in routes)
    return list(paths)
