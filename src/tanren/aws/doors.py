"""Doors: other APIs over the same jobs and models, at paths of their own.

    chain: who asks? ──▶ door: what do they ask? ──▶ chain: may they? ──▶ door: does it, and answers in its own shape

The door knows no signatures, keys, policies and logs; the chain knows none of its paths and words. So whatever is
proved, judged and recorded of a request is so in one place, whichever API it came by.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from tanren.aws.context import Members
from tanren.domain.scope import Scope

Result = TypeVar("Result")


class Received(Protocol):
    """What a door sees of an exchange; `exchange.Exchange` is one."""

    @property
    def method(self) -> str: ...

    @property
    def raw_path(self) -> str: ...

    @property
    def raw_query(self) -> str: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def request_id(self) -> str: ...

    @property
    def received_at(self) -> datetime: ...

    def pieces(self) -> AsyncIterator[bytes]: ...

    async def while_connected(self, work: Awaitable[Result]) -> Result: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorCall:
    """One request at the door of another API, made by a caller who is known."""

    exchange: Received
    scope: Scope
    body: bytes | None
    """None: it is still to come, which it may where no signature covers it."""
    ask: Callable[[str, str, Members], Awaitable[None]]

    @property
    def method(self) -> str:
        return self.exchange.method

    @property
    def raw_path(self) -> str:
        return self.exchange.raw_path

    @property
    def raw_query(self) -> str:
        return self.exchange.raw_query

    @property
    def headers(self) -> Mapping[str, str]:
        return self.exchange.headers

    @property
    def request_id(self) -> str:
        return self.exchange.request_id

    @property
    def received_at(self) -> datetime:
        return self.exchange.received_at

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body; once. Raises   ClientGone."""
        if self.body is not None:
            yield self.body
            return
        async for piece in self.exchange.pieces():
            yield piece

    async def permit(self, service: str, operation: str, params: Members) -> None:
        """Returns if the caller may do this. The first operation that is asked for is the one that is audited.

        Raises   AccessDenied.
        """
        await self.ask(service, operation, params)

    async def while_connected(self, work: Awaitable[Result]) -> Result:
        return await self.exchange.while_connected(work)


class DoorAnswer(Protocol):
    """What goes out, as it is."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def body(self) -> bytes | AsyncGenerator[bytes]:
        """Pieces are written as they come."""
        ...

    @property
    def noted(self) -> Mapping[str, Any]:
        """What the operation that was permitted would have answered; for the audit."""
        ...


class Door(Protocol):
    """Another API over the same jobs and models, known by its paths. `openai_api/door.py` is one.

    Why these: who asks is proved here, whether they may is judged here, and what they did is recorded here, for all
    APIs alike; the door alone knows what its paths mean and how it words an answer or a refusal.
    """

    def takes(self, raw_path: str) -> bool: ...

    async def answer(self, call: DoorCall) -> DoorAnswer:
        """Asks `call.permit` before it does anything. Raises   domain errors, ClientGone."""
        ...

    def refusal(self, error: Exception, *, status: int, message: str, request_id: str, is_proved: bool) -> DoorAnswer:
        """How the request that ended in `error` is answered. `status`, `message`: as in our own protocols;
        `is_proved`: whether it is known who asks."""
        ...
