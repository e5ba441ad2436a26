"""A live part is sent when it has changed, and ends when it is final."""

import asyncio

from tanren.console.api import ApiRefusal
from tanren.console.live_parts import Drawing, live_part


def test_only_what_has_changed_is_sent_and_the_last_drawing_ends_it():
    drawings = iter(["a", "a", "b\nc", "b\nc"])
    left = 4

    async def draw() -> Drawing:
        nonlocal left
        left -= 1
        return Drawing(html=next(drawings), is_final=left == 0)

    async def read() -> list[str]:
        return [str(piece) async for piece in live_part(draw, every_seconds=0).body_iterator]

    assert asyncio.run(read()) == [
        "event: draw\ndata: a\n\n",
        ": still here\n\n",
        "event: draw\ndata: b\ndata: c\n\n",
        ": still here\n\n",
        "event: end\ndata: \n\n",
    ]


def test_a_refusal_ends_the_stream_as_a_break_does_and_is_no_error_of_the_console():
    async def draw() -> Drawing:
        raise ApiRefusal("The job is gone.", code="ResourceNotFoundException", operation="GetEvaluationJob", status=404)

    async def read() -> list[str]:
        return [str(piece) async for piece in live_part(draw, every_seconds=0).body_iterator]

    assert asyncio.run(read()) == []
