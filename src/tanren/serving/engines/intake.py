"""What is the same in every engine: how a request comes in, waits, is given up, and goes out again.

    callers' threads        bounds ─▶ room ─▶ template ─▶ fits ─▶ loan of the adapter ─▶ start ─▶ queue
    the engine's thread     wait ─▶ admit ─▶ … the engine computes … ─▶ leave

An engine says what it needs beside: whether a sequence fits, what it keeps for one (*work*), and when there is a place.
Queued and active sequences are known here and nowhere else, under one lock, so that the limits hold whoever asks when.

Cost     tokenizing, which one caller does at a time; the rest is a few microseconds a request.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from tanren.domain.conversation import Conversation
from tanren.domain.errors import ServiceUnavailable, TanrenError, Throttled, ValidationFailed
from tanren.domain.generation import GenerationEnd, GenerationRequest
from tanren.serving.adapter_cache import AdapterCache, AdapterT
from tanren.serving.answer_text import AnswerText
from tanren.serving.engines.sequences import Sequence
from tanren.serving.engines.served_base import ServedBase
from tanren.serving.protocol import AdapterRef, EngineDescription, EngineLimits, EventSink
from tanren.serving.sampling import Sampler

STOPPING: Final = "the engine host is stopping; the request may be sent again"

WorkT = TypeVar("WorkT")


@dataclass(slots=True, kw_only=True, eq=False)
class Running(Generic[AdapterT, WorkT]):
    """A sequence in hand, queued or active."""

    sequence: Sequence[AdapterT]
    work: WorkT
    """What the engine keeps for it."""


@dataclass(frozen=True, slots=True)
class Ticket(Generic[AdapterT, WorkT]):
    """The caller's hold on a sequence. Implements `Generation`."""

    intake: "Intake[AdapterT, WorkT]"
    running: Running[AdapterT, WorkT]

    def cancel(self) -> None:
        self.intake.forget(self.running)


def _fits_always(_sequence: Sequence[AdapterT]) -> None:
    """Every sequence that fits into the model's window."""


class Intake(Generic[AdapterT, WorkT]):
    """Of one engine; see the head of the file for who calls what."""

    def __init__(
        self,
        base: ServedBase,
        limits: EngineLimits,
        adapters: AdapterCache[AdapterT],
        *,
        work_for: Callable[[Sequence[AdapterT]], WorkT],
        check_fits: Callable[[Sequence[AdapterT]], None] = _fits_always,
    ) -> None:
        """`check_fits` raises where a sequence can never have a place, before its adapter is asked for; `work_for` is
        asked when it has been lent."""
        self._base = base
        self._limits = limits
        self._adapters = adapters
        self._work_for = work_for
        self._check_fits = check_fits
        self._tokenizing = threading.Lock()
        self._queued: deque[Running[AdapterT, WorkT]] = deque()
        self._active: list[Running[AdapterT, WorkT]] = []
        self._is_closed = False
        self.changed = threading.Condition()
        """Guards the three above. An engine whose thread waits for something else too guards that with it, and
        notifies."""

    # Callers' threads.

    def generate(
        self, request: GenerationRequest, adapter: AdapterRef | None, sink: EventSink
    ) -> Ticket[AdapterT, WorkT]:
        """Queues a sequence. Raises   what `Engine.generate` says."""
        accepted_at = time.monotonic()
        _check_bounds(request)
        with self.changed:
            self._check_room()  # before the work below, and once more after it
        sequence = self._sequence(request, sink, accepted_at)
        self._check_fits(sequence)
        sequence.loan = None if adapter is None else self._adapters.borrow(adapter)
        try:
            running = Running(sequence=sequence, work=self._work_for(sequence))
            with self.changed:
                self._check_room()
                # Within the lock, so that the engine's thread cannot send the first token before the start.
                sequence.start()
                self._queued.append(running)
                self.changed.notify_all()
        except BaseException:
            sequence.give_back_adapter()
            raise
        return Ticket(self, running)

    def forget(self, running: Running[AdapterT, WorkT]) -> None:
        """Cancels: a queued sequence is gone at once, an active one when the engine has seen `is_cancelled`."""
        with self.changed:
            running.sequence.is_cancelled = True
            is_queued = running in self._queued
            if is_queued:
                self._queued.remove(running)
            self.changed.notify_all()
        if is_queued:
            running.sequence.give_back_adapter()

    def count_input_tokens(self, conversation: Conversation) -> int:
        return len(self._prompt_ids(conversation))

    def describe(self, *, engine: str, note: str, weight_bytes: int) -> EngineDescription:
        """With all that does not depend on how the engine computes."""
        with self.changed:
            active_count, queued_count = self.active_count, len(self._queued)
        return EngineDescription(
            engine=engine,
            engine_note=note,
            base_folder=self._base.folder,
            base_sha256=self._base.digest(),
            parameter_count=self._base.parameter_count,
            context_length=self._base.context_length,
            weight_bytes=weight_bytes,
            adapter_bytes=self._adapters.size_bytes(),
            resident_adapters=self._adapters.resident(),
            active_count=active_count,
            queued_count=queued_count,
        )

    def check_open(self) -> None:
        """Raises   ServiceUnavailable once the engine is closed. Called with `changed` held."""
        if self._is_closed:
            raise ServiceUnavailable(STOPPING)

    def close(self) -> bool:
        """Nothing comes in any more, and `wait` ends; False where that was so already."""
        with self.changed:
            was_closed, self._is_closed = self._is_closed, True
            self.changed.notify_all()
        return not was_closed

    # The engine's own thread; after its end, whoever closes the engine.

    def wait(self, *, until: Callable[[], bool] = lambda: False) -> bool:
        """True when a sequence is in hand, or what the engine itself waits for is so; False once it is closed."""
        with self.changed:
            while not (self._is_closed or self._active or self._queued or until()):
                self.changed.wait()
            return not self._is_closed

    def admit(self, has_place: Callable[[Running[AdapterT, WorkT]], bool]) -> list[Running[AdapterT, WorkT]]:
        """Those that are active from now on, in the order of arrival: nobody overtakes the first for whom there is no
        place."""
        admitted: list[Running[AdapterT, WorkT]] = []
        with self.changed:
            while self._queued and has_place(self._queued[0]):
                admitted.append(self._queued.popleft())
                self._active.append(admitted[-1])
        return admitted

    @property
    def active_count(self) -> int:
        return len(self._active)

    def active(self) -> list[Running[AdapterT, WorkT]]:
        """As they are now, in the order of arrival."""
        with self.changed:
            return list(self._active)

    def leave(self, running: Running[AdapterT, WorkT], last: GenerationEnd | TanrenError | None = None) -> None:
        """An active sequence has ended. Its place and its adapter are free before `last` is heard: whoever hears it
        may send the next request."""
        with self.changed:
            self._active.remove(running)
        _end(running.sequence, last)

    def abandon_active(self, reason: TanrenError) -> None:
        """All active ones have ended."""
        with self.changed:
            abandoned, self._active = self._active, []
        for running in abandoned:
            _end(running.sequence, reason)

    def turn_all_away(self) -> None:
        """After the close: queued ones too are told that the engine stops."""
        with self.changed:
            self._active += self._queued
            self._queued.clear()
        self.abandon_active(ServiceUnavailable(STOPPING))

    def _check_room(self) -> None:
        self.check_open()
        in_hand = sum(not each.sequence.is_cancelled for each in self._active) + len(self._queued)
        if in_hand >= self._limits.max_active + self._limits.max_queued:
            raise Throttled(
                f"Too many requests, please wait before trying again. {self._limits.max_active} are being answered and "
                f"{self._limits.max_queued} are waiting."
            )

    def _prompt_ids(self, conversation: Conversation) -> list[int]:
        # A fast tokenizer refuses two borrowers that set its options, which rendering a template may do.
        with self._tokenizing:
            return self._base.prompt_ids(conversation)

    def _sequence(self, request: GenerationRequest, sink: EventSink, accepted_at: float) -> Sequence[AdapterT]:
        """Still without its adapter."""
        prompt_ids = self._prompt_ids(request.conversation)
        if len(prompt_ids) >= self._base.context_length:
            raise ValidationFailed(
                f"Input is too long for requested model. The prompt has {len(prompt_ids)} tokens; the model's "
                f"window of {self._base.context_length} must hold prompt and answer."
            )
        budget = min(request.max_new_tokens, self._base.context_length - len(prompt_ids))
        return Sequence(
            request=request,
            prompt_ids=prompt_ids,
            sink=sink,
            sampler=Sampler(request, self._base.constrain(request, budget)),
            text=AnswerText(self._base.decode, request.stop_sequences),
            stop_ids=self._base.stop_ids,
            context_length=self._base.context_length,
            accepted_at=accepted_at,
        )


def _check_bounds(request: GenerationRequest) -> None:
    """Body formats hold tighter bounds; these are what an engine can do at all."""
    if request.max_new_tokens < 1:
        raise ValidationFailed(f"max_new_tokens is {request.max_new_tokens}; at least 1 is needed.")
    if not request.temperature >= 0:
        raise ValidationFailed(f"temperature is {request.temperature}; 0 or more is needed.")
    if not 0 <= request.top_p <= 1:
        raise ValidationFailed(f"top_p is {request.top_p}; it lies between 0 and 1.")
    if request.top_k is not None and request.top_k < 1:
        raise ValidationFailed(f"top_k is {request.top_k}; at least 1 is needed.")


def _end(sequence: Sequence[AdapterT], last: GenerationEnd | TanrenError | None) -> None:
    sequence.give_back_adapter()
    if last is not None:
        sequence.deliver(last)
