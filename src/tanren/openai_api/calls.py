"""One request and its answer, as this package sees them; the wire that carries them is the gateway's.

A handler is an async function of a `Call` that gives an `Answer`, or raises one of the domain's errors. It asks for
permission before it looks at anything that the request names, and it names the operation of Bedrock's that the request
amounts to: by that operation the policies judge it, and the audit tells of it.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar, cast
from urllib.parse import parse_qs

from tanren.domain.errors import ValidationFailed
from tanren.domain.scope import Scope
from tanren.openai_api.errors import InvalidParameter

Json = dict[str, Any]

Result = TypeVar("Result")

LARGEST_BODY_BYTES: Final = 25 * 1024 * 1024
"""Of a JSON request."""

MANTLE: Final = "bedrock-mantle"
"""The service whose actions say who may do with files what; Bedrock itself has none."""


class Call(Protocol):
    """A request of a caller who is known.

    Why these: what a request says, and the three things that only the wire can do: give the body as it arrives, ask the
    policies, and give up work that nobody waits for any more.
    """

    @property
    def method(self) -> str: ...

    @property
    def raw_path(self) -> str:
        """As it came over the wire, percent-encoded."""
        ...

    @property
    def raw_query(self) -> str: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """By lower-case name."""
        ...

    @property
    def request_id(self) -> str: ...

    @property
    def received_at(self) -> datetime: ...

    @property
    def scope(self) -> Scope: ...

    def pieces(self) -> AsyncIterator[bytes]:
        """The body as it arrives; once."""
        ...

    async def permit(self, service: str, operation: str, params: Json) -> None:
        """Returns if the caller may do this operation of the service with these parameters.

        The first that is asked for names the request in audit and logs. Raises   AccessDenied.
        """
        ...

    async def while_connected(self, work: Awaitable[Result]) -> Result:
        """The result of `work`, which is cancelled when the client goes away. Only after the body has been read."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | AsyncGenerator[bytes]
    noted: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What the permitted operation of Bedrock's would have answered, for the audit."""


Handler = Callable[[Call, str], Awaitable[Answer]]
"""Of the request and of what its path names: the id of a model, a file or a job; empty where it names none."""


def json_answer(value: Mapping[str, Any], *, noted: Mapping[str, Any] | None = None) -> Answer:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(headers={"Content-Type": "application/json"}, body=body, noted=noted or {})


async def read_json(call: Call) -> Json:
    """The JSON object that the body is; an explicit null is as good as absence, as OpenAI's clients mean it.

    Raises   ValidationFailed.
    """
    body = bytearray()
    async for piece in call.pieces():
        body += piece
        if len(body) > LARGEST_BODY_BYTES:
            raise ValidationFailed(f"The request body is larger than {LARGEST_BODY_BYTES} bytes.")
    try:
        value = json.loads(body or b"{}", parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ValidationFailed(f"The request body is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValidationFailed("The request body must be a JSON object.")
    return {name: each for name, each in cast("Json", value).items() if each is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRequest:
    """The part of a list that is asked for."""

    limit: int
    after: str | None
    """The last item of the part before."""
    others: Mapping[str, str]


def read_list_request(call: Call, *, default: int, most: int, known: tuple[str, ...] = ()) -> ListRequest:
    """Raises   InvalidParameter for a limit out of range, and for a parameter that the list does not have."""
    given = {name: values[-1] for name, values in parse_qs(call.raw_query, keep_blank_values=True).items()}
    text = given.pop("limit", str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise InvalidParameter(f"limit is '{text}'; it must be a whole number from 1 to {most}.", "limit")
    after = given.pop("after", None)
    for name in given.keys() - set(known):
        there = ", ".join(("limit", "after", *known))
        raise InvalidParameter(f"The list has no parameter '{name}'; it has {there}.", name)
    return ListRequest(limit=int(text), after=after or None, others=given)


def list_answer(items: list[Json], *, has_more: bool) -> Answer:
    ends = {"first_id": items[0]["id"], "last_id": items[-1]["id"]} if items else {"first_id": None, "last_id": None}
    return json_answer({"object": "list", "data": items, **ends, "has_more": has_more})


def epoch(moment: datetime) -> int:
    """Seconds since 1970, as all of OpenAI's times are."""
    return int(moment.timestamp())


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")
