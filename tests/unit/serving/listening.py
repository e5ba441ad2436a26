"""Hears an engine's answers in a test: a sink that keeps every event, and waits for the end without sleeping."""

import queue
from dataclasses import dataclass, field
from typing import Any

from tanren.domain.conversation import user_turn
from tanren.domain.errors import TanrenError
from tanren.domain.generation import GenerationEnd, GenerationEvent, GenerationRequest, GenerationStart, TextDelta
from tanren.serving.protocol import AdapterRef, Engine, Generation

PATIENCE_SECONDS = 60.0


@dataclass(slots=True)
class Listener:
    """One generation, as its sink hears it."""

    events: "queue.Queue[GenerationEvent | TanrenError]" = field(default_factory=queue.Queue)
    heard: list[GenerationEvent] = field(default_factory=list)
    generation: Generation | None = None

    def next(self) -> GenerationEvent:
        """The next event. Raises   the error that came in its place."""
        event = self.events.get(timeout=PATIENCE_SECONDS)
        if isinstance(event, TanrenError):
            raise event
        self.heard.append(event)
        return event

    def end(self) -> GenerationEnd:
        """The end, when it has come."""
        while not self.heard or not isinstance(self.heard[-1], GenerationEnd):
            self.next()
        return self.heard[-1]

    @property
    def deltas(self) -> list[TextDelta]:
        return [event for event in self.heard if isinstance(event, TextDelta)]

    @property
    def text(self) -> str:
        """The whole answer, when it has ended."""
        self.end()
        return "".join(delta.text for delta in self.deltas)


def asked(
    prompt: str = "hello", *, temperature: float = 0.0, max_new_tokens: int = 24, **more: Any
) -> GenerationRequest:
    return GenerationRequest(
        conversation=user_turn(prompt), temperature=temperature, max_new_tokens=max_new_tokens, **more
    )


def listen(engine: Engine, request: GenerationRequest, adapter: AdapterRef | None = None) -> Listener:
    listener = Listener()
    listener.generation = engine.generate(request, adapter, listener.events.put)
    return listener


def started(listener: Listener) -> Listener:
    """The same, once its first token is made: it holds a place."""
    while not isinstance(listener.next(), TextDelta):
        pass
    assert isinstance(listener.heard[0], GenerationStart)
    return listener
