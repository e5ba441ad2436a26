"""A part of a page that the server draws anew while it is looked at: an event stream of whole drawings.

A browser that was away, or a console that was started anew, has missed nothing: each drawing is the whole part.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import StreamingResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    html: str
    is_final: bool
    """Nothing about it will change any more."""


def live_part(draw: Callable[[], Awaitable[Drawing]], *, every_seconds: float) -> StreamingResponse:
    """An answer that `data-live` of a page reads. It ends with a drawing that is final, or with its reader."""
    return StreamingResponse(_events(draw, every_seconds), media_type="text/event-stream")


async def _events(draw: Callable[[], Awaitable[Drawing]], every_seconds: float) -> AsyncGenerator[str]:
    shown = ""
    while True:
        drawing = await draw()
        if drawing.html != shown:
            shown = drawing.html
            yield _event("draw", shown)
        else:
            # A sign that the page is still listened to: a browser that has left is noticed by it.
            yield ": still here\n\n"
        if drawing.is_final:
            yield _event("end", "")
            return
        await asyncio.sleep(every_seconds)


def _event(name: str, text: str) -> str:
    return f"event: {name}\n" + "".join(f"data: {line}\n" for line in text.split("\n")) + "\n"
