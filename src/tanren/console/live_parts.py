"""A part of a page that the server draws anew while it is looked at: an event stream of whole drawings.

A browser that was away, or a console that was started anew, has missed nothing: each drawing is the whole part. What
is refused in between ends the stream, and the browser comes back in its own time.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass

from starlette.responses import StreamingResponse

from tanren.console.api import ApiRefusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    html: str
    is_final: bool
    """Nothing about it will change any more."""


def live_part(draw: Callable[[], Awaitable[Drawing]], *, every_seconds: float) -> StreamingResponse:
    """An answer that `data-live` of a page reads. It ends with a drawing that is final, or with its reader."""
    return event_stream(_events(draw, every_seconds))


def event_stream(events: AsyncGenerator[str]) -> StreamingResponse:
    return StreamingResponse(_until_refused(events), media_type="text/event-stream")


async def _until_refused(events: AsyncGenerator[str]) -> AsyncGenerator[str]:
    async with aclosing(events):
        with suppress(ApiRefusal):
            async for each in events:
                yield each


async def _events(draw: Callable[[], Awaitable[Drawing]], every_seconds: float) -> AsyncGenerator[str]:
    shown = ""
    while True:
        drawing = await draw()
        if drawing.html != shown:
            shown = drawing.html
            yield event("draw", shown)
        else:
            # A sign that the page is still listened to: a browser that has left is noticed by it.
            yield ": still here\n\n"
        if drawing.is_final:
            yield event("end", "")
            return
        await asyncio.sleep(every_seconds)


def event(name: str, text: str) -> str:
    """As the stream carries it."""
    return f"event: {name}\n" + "".join(f"data: {line}\n" for line in text.split("\n")) + "\n"
