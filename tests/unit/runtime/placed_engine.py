"""An engine and a placement in this process: what is asked is kept, what is answered is said by the test."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from tanren.domain.conversation import Conversation
from tanren.domain.errors import ResourceNotFound, TanrenError
from tanren.domain.generation import (
    FinishReason,
    GenerationEnd,
    GenerationEvent,
    GenerationRequest,
    GenerationStart,
    TextDelta,
)
from tanren.domain.scope import Scope
from tanren.runtime.inference import Placed
from tanren.serving.protocol import AdapterRef

ADAPTER = AdapterRef(folder="/adapters/a", sha256="a1")


@dataclass
class PlacedEngine:
    """Both `Placement` and `ServingEngine`: a model `titan`, a model `claude`, and one with an adapter, `tuned`."""

    words: tuple[str, ...] = ("Hello", " world")
    reason: FinishReason = FinishReason.END_TURN
    refusal: TanrenError | None = None
    """Raised before the first event."""
    breakage: TanrenError | None = None
    """Raised after the words."""
    asked: list[tuple[GenerationRequest, AdapterRef | None]] = field(default_factory=list)
    closed_early: int = 0

    async def place(self, scope: Scope, model_id: str) -> Placed:
        formats = {"titan": "titan_text", "claude": "anthropic_messages", "tuned": "titan_text"}
        if model_id not in formats:
            raise ResourceNotFound(f"no model {model_id}")
        adapter = ADAPTER if model_id == "tuned" else None
        return Placed(engine=self, adapter=adapter, model_id=model_id, body_format=formats[model_id])

    async def count_input_tokens(self, conversation: Conversation) -> int:
        return sum(len(message.text.split()) for message in conversation.messages)

    async def generate(
        self, request: GenerationRequest, adapter: AdapterRef | None = None
    ) -> AsyncGenerator[GenerationEvent]:
        self.asked.append((request, adapter))
        if self.refusal is not None:
            raise self.refusal
        has_ended = False
        try:
            yield GenerationStart(input_token_count=7)
            for number, word in enumerate(self.words, 1):
                yield TextDelta(text=word, output_token_count=number)
            if self.breakage is not None:
                raise self.breakage
            has_ended = True
            yield GenerationEnd(
                finish_reason=self.reason,
                stop_sequence="!" if self.reason is FinishReason.STOP_SEQUENCE else None,
                input_token_count=7,
                output_token_count=len(self.words),
                first_token_ms=4,
                total_ms=9,
            )
        finally:
            self.closed_early += not has_ended
