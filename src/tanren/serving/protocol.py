"""What every engine can do, whatever runs inside it: one base model, many adapters, answers as a stream of events.

An engine is plain threaded code: its methods are called from any thread and may block, its events come from its own
thread. Async code meets it in `serving/host.py`, in a process of its own; the gateway speaks to that process through
`serving/client.py`. This module imports no tensor library, so that the gateway can know an `AdapterRef`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from tanren.domain.conversation import Conversation
from tanren.domain.errors import TanrenError, ValidationFailed
from tanren.domain.generation import GenerationEvent, GenerationRequest

LEAST_PROMPT_ROWS: Final = 32
"""Two blocks: half of it must hold one, or a prompt would never be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterRef:
    """Which adapter, where it lies, and what its bytes must be; two refs are the same adapter if the digests agree."""

    folder: str
    """Absolute path of a folder in the PEFT layout, on the machine of the engine host."""
    sha256: str
    """The digest that `weights/adapters.py` gives such a folder, lower-case hex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineDescription:
    """What an engine is and holds at this moment."""

    engine: str
    """Its name, for example `reference` or `native (AVX512-BF16)`."""
    base_folder: str
    base_sha256: str
    """Digest of the base's weights files, as `weights/base_models.py` gives it."""
    parameter_count: int
    """Of the base, tied weights once."""
    context_length: int
    """Tokens that prompt and answer may have together."""
    weight_bytes: int
    """Of the base in memory."""
    adapter_bytes: int
    """Of all resident adapters together."""
    resident_adapters: tuple[str, ...]
    """Digests, least recently used first."""
    active_count: int
    """Sequences that are being generated."""
    queued_count: int
    """Sequences that wait for a place."""
    engine_note: str = ""
    """Why it is this engine, where the host chose it: "reference engine: the native library is not built"."""
    block_count: int = 0
    """Blocks of keys and values that there are; 0 in an engine that has none."""
    used_block_count: int = 0
    """Of those, how many the sequences hold."""
    kept_block_count: int = 0
    """Of the others, how many keep the beginning of a prompt or answer for the next that begins alike; they are given
    up when their place is needed."""
    prompt_token_count: int = 0
    """Of all prompts that have been read since the engine started."""
    reused_prompt_token_count: int = 0
    """Of those, how many were not computed, because their keys and values had been kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineLimits:
    """How much an engine takes on at once."""

    max_active: int = 32
    """Sequences generated side by side; each holds its keys and values in memory."""
    max_queued: int = 64
    """Sequences that may wait beyond those; one more is Throttled."""
    max_resident_adapters: int = 64
    """Beyond it the adapter unused for longest is dropped; where every one is in use, one more is Throttled."""
    key_value_megabytes: int | None = None
    """Memory for keys and values, where the engine keeps them in blocks. None: a quarter of what is free when the
    engine starts, 4096 at most."""
    prompt_rows_per_tick: int = 256
    """Prompt tokens that are read in one tick at most, where the engine batches; at least 32. Beside running answers
    there are as many as those may be kept waiting for: see `engines/prompt_pace.py`."""

    def __post_init__(self) -> None:
        for name, least in (("max_active", 1), ("max_queued", 0), ("max_resident_adapters", 1)):
            if getattr(self, name) < least:
                raise ValidationFailed(f"{name} is {getattr(self, name)}; at least {least} is needed.")
        if self.key_value_megabytes is not None and self.key_value_megabytes < 1:
            raise ValidationFailed(f"key_value_megabytes is {self.key_value_megabytes}; at least 1 is needed.")
        if self.prompt_rows_per_tick < LEAST_PROMPT_ROWS:
            raise ValidationFailed(
                f"prompt_rows_per_tick is {self.prompt_rows_per_tick}; at least {LEAST_PROMPT_ROWS} are needed."
            )


EventSink = Callable[[GenerationEvent | TanrenError], None]
"""Receives one generation in order: a GenerationStart, TextDeltas, then one GenerationEnd or one error, then nothing.
Called on the engine's threads, the first time possibly before `generate` has returned; it must not block."""


class Generation(Protocol):
    """A generation under way."""

    def cancel(self) -> None:
        """Gives its place to the next one. After the step that is being computed, the sink hears no more of it.

        Called from any thread, any number of times, also when the generation has ended.
        """
        ...


class Engine(Protocol):
    """One base model that answers, with or without one of many adapters.

    Why no more than this: what a body format or an API operation needs is composed from these outside the process that
    holds the tensors; what is inside (batching, caches, kernels) is the engine's own business. `tests/conformance/
    test_engines.py` is the contract: greedy answers equal `transformers`, adapters never mix, a seed decides an answer
    whatever else is running, and an adapter that cannot be used is an error, never the base's answer.
    """

    def describe(self) -> EngineDescription:
        """Called at any time, also while answers are made; cheap."""
        ...

    def load_adapter(self, adapter: AdapterRef) -> None:
        """Makes the adapter resident, checked: digest, base model, names and shapes of every tensor.

        Called before a deployment is shown as in service, so that its first request finds it warm. Not required:
        `generate` does the same for an adapter that is not resident. Loading it again changes nothing.
        Raises   ValidationFailed if the folder is not an adapter of this base or has another digest;
                 ModelFailed if it cannot be read or computed; Throttled if there is no room, all others being in use.
        """
        ...

    def unload_adapter(self, adapter: AdapterRef) -> None:
        """Lets its memory go; answers that are being made with it are finished first. Unknown ones are ignored."""
        ...

    def count_input_tokens(self, conversation: Conversation) -> int:
        """As many as `generate` would report for it: the chat template's own tokens included."""
        ...

    def generate(self, request: GenerationRequest, adapter: AdapterRef | None, sink: EventSink) -> Generation:
        """Queues a sequence and returns; `sink` hears the rest.

        Raises   ValidationFailed if the prompt leaves no room in the window, if prompt and longest answer need more
                 memory than the engine has for keys and values, or the request is out of bounds;
                 Throttled if the queue is full; whatever `load_adapter` raises. The sink then hears nothing, or
                 nothing more. ModelFailed goes to the sink if the model breaks on this sequence; others go on.
        """
        ...

    def close(self) -> None:
        """Ends all generations with ServiceUnavailable and lets everything go. Called once, last."""
        ...
