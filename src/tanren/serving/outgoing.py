"""How an engine's events reach the sockets: from the engine's threads to the loop's, and out.

    engine's thread   sink ─▶ Gathering, where nobody reads along ─▶ Outbox ┐
    loop              Outgoing: a frame on the socket ◀─────────────────────┘

Each token of each answer takes this way, on processors that the model wants for itself. So the loop is woken once for
all that has come meanwhile, writes without a task for each answer, and hears about once a second of an answer that is
wanted as a whole.

Cost     for each token that is read along: a wake-up shared by all answers, a frame and a system call.
"""

import asyncio
import time
from collections import deque
from typing import Final

from tanren.domain.errors import TanrenError
from tanren.domain.generation import GenerationEnd, GenerationEvent, TextDelta
from tanren.serving.protocol import EventSink
from tanren.serving.wire import encode_frame, event_to_frame

GATHERED_SECONDS: Final = 1.0
"""For so long text is kept back from whoever waits for a whole answer: not for ever, so that a caller who has patience
with so much silence and no more sees that the answer grows, and that usage is counted also of one that is left."""


class Outgoing:
    """One answer on its way to its socket. Of the loop's thread, but for `hear`."""

    def __init__(self, outbox: "Outbox", writer: asyncio.StreamWriter) -> None:
        self._outbox = outbox
        self._writer = writer
        self.is_over = asyncio.Event()
        """Its last event has been written, or nobody reads it any more: what still comes is dropped."""
        self.is_whole = False
        """Its last event has been written."""

    def hear(self, event: GenerationEvent | TanrenError) -> None:
        """An `EventSink`."""
        self._outbox.put(self, event)

    def write(self, event: GenerationEvent | TanrenError) -> None:
        if self.is_over.is_set():
            return
        # Nothing waits for a slow reader; what it leaves in memory is one answer, which its tokens bound.
        self._writer.write(encode_frame(event_to_frame(event)))
        if isinstance(event, GenerationEnd | TanrenError):
            self.is_whole = True
            self.is_over.set()

    def abandon(self, _left: object = None) -> None:
        """Nobody reads it any more."""
        self.is_over.set()


class Outbox:
    """Of all answers of one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._put: deque[tuple[Outgoing, GenerationEvent | TanrenError]] = deque()
        self._is_woken = False

    def put(self, answer: Outgoing, event: GenerationEvent | TanrenError) -> None:
        """From any thread. Raises   RuntimeError once the loop is closed."""
        self._put.append((answer, event))
        if not self._is_woken:
            self._is_woken = True
            self._loop.call_soon_threadsafe(self._empty)

    def _empty(self) -> None:
        # First: whoever puts something behind the last look wakes the loop again.
        self._is_woken = False
        while self._put:
            answer, event = self._put.popleft()
            try:
                answer.write(event)
            except (OSError, RuntimeError):
                # Its connection is gone, and the other answers' are not.
                answer.is_over.set()


class Gathering:
    """Joins the text of an answer that nobody reads along. For the threads of one generation, which take turns."""

    def __init__(self, sink: EventSink) -> None:
        self._sink = sink
        self._texts: list[str] = []
        self._output_token_count = 0
        self._passed_on_at = time.monotonic()

    def hear(self, event: GenerationEvent | TanrenError) -> None:
        """An `EventSink`."""
        if isinstance(event, TextDelta):
            self._texts.append(event.text)
            self._output_token_count = event.output_token_count
            if time.monotonic() - self._passed_on_at >= GATHERED_SECONDS:
                self._pass_on()
        else:
            if self._texts:
                self._pass_on()
            self._sink(event)

    def _pass_on(self) -> None:
        text, self._texts = "".join(self._texts), []
        self._passed_on_at = time.monotonic()
        self._sink(TextDelta(text=text, output_token_count=self._output_token_count))
