"""An engine without a model: the test says what it makes and when."""

import threading
from dataclasses import dataclass, field

from tanren.domain.conversation import Conversation
from tanren.domain.errors import TanrenError
from tanren.domain.generation import FinishReason, GenerationEnd, GenerationRequest, GenerationStart, TextDelta
from tanren.serving.protocol import AdapterRef, EngineDescription, EventSink


@dataclass
class ScriptedGeneration:
    request: GenerationRequest
    adapter: AdapterRef | None
    sink: EventSink
    cancelled: threading.Event = field(default_factory=threading.Event)
    token_count: int = 0

    def cancel(self) -> None:
        self.cancelled.set()

    def make(self, text: str) -> None:
        self.token_count += 1
        self.sink(TextDelta(text=text, output_token_count=self.token_count))

    def fail(self, error: TanrenError) -> None:
        self.sink(error)

    def finish(self) -> None:
        self.sink(
            GenerationEnd(
                finish_reason=FinishReason.END_TURN,
                stop_sequence=None,
                input_token_count=3,
                output_token_count=self.token_count,
                first_token_ms=5,
                total_ms=20,
            )
        )


class ScriptedEngine:
    """Implements `Engine`. `generations` fills as requests arrive; `arrived` tells of each."""

    def __init__(self, *, answer: tuple[str, ...] | None = None) -> None:
        """With an `answer` every request gets it at once; without, the test makes it."""
        self.answer = answer
        self.refusal: TanrenError | None = None
        self.generations: list[ScriptedGeneration] = []
        self.arrived = threading.Semaphore(0)
        self.loaded: list[AdapterRef] = []

    def describe(self) -> EngineDescription:
        return EngineDescription(
            engine="scripted",
            base_folder="/nowhere",
            base_sha256="",
            parameter_count=0,
            context_length=100,
            weight_bytes=0,
            adapter_bytes=0,
            resident_adapters=tuple(adapter.sha256 for adapter in self.loaded),
            active_count=len(self.generations),
            queued_count=0,
        )

    def load_adapter(self, adapter: AdapterRef) -> None:
        self._refuse()
        self.loaded.append(adapter)

    def unload_adapter(self, adapter: AdapterRef) -> None:
        self.loaded.remove(adapter)

    def count_input_tokens(self, conversation: Conversation) -> int:
        return sum(len(message.text.split()) for message in conversation.messages)

    def generate(self, request: GenerationRequest, adapter: AdapterRef | None, sink: EventSink) -> ScriptedGeneration:
        self._refuse()
        generation = ScriptedGeneration(request, adapter, sink)
        self.generations.append(generation)
        sink(GenerationStart(input_token_count=3))
        if self.answer is not None:
            for text in self.answer:
                generation.make(text)
            generation.finish()
        self.arrived.release()
        return generation

    def close(self) -> None:
        pass

    def _refuse(self) -> None:
        if self.refusal is not None:
            raise self.refusal
