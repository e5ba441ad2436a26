"""The reference engine: plain PyTorch over a `transformers` model, one sequence a forward pass. Slow, and the oracle.

A worker thread goes round the active sequences and gives each one step: the first step reads the whole prompt into the
sequence's own keys and values, every later one adds a token. Because no two sequences share a forward pass, an answer
does not depend on what else is running, to the last bit.

Cost     a forward pass a token. A long prompt delays the others by its prefill. Keys and values live as long as the
         sequence: 2 · layers · kv heads · head size · tokens · dtype bytes.
"""

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from transformers.cache_utils import DynamicCache

from tanren.domain.conversation import Conversation
from tanren.domain.errors import ModelFailed, ServiceUnavailable, TanrenError, Throttled
from tanren.domain.generation import GenerationEnd, GenerationRequest
from tanren.serving.adapter_cache import AdapterCache
from tanren.serving.engines.adapter_switch import AdapterSwitch, ResidentAdapter
from tanren.serving.engines.reference_base import ReferenceBase
from tanren.serving.engines.sequences import BROKEN, STOPPING, Intake, Sequence, check_bounds, too_many
from tanren.serving.protocol import AdapterRef, EngineDescription, EngineLimits, EventSink

logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True, eq=False)
class _Running:
    """A sequence with its keys and values."""

    sequence: Sequence[ResidentAdapter]
    unread_ids: list[int]
    """Not yet in the keys and values: the prompt at first, then the last token."""
    cache: DynamicCache = field(default_factory=DynamicCache)


@dataclass(frozen=True, slots=True)
class _Ticket:
    """The caller's hold on a sequence."""

    engine: "ReferenceEngine"
    running: _Running

    def cancel(self) -> None:
        self.engine.forget(self.running)


class ReferenceEngine:
    """Implements `Engine`."""

    def __init__(self, base: ReferenceBase, limits: EngineLimits = EngineLimits(), *, note: str = "") -> None:
        """`note`: why it is this engine, for `describe`."""
        self._base = base
        self._limits = limits
        self._note = note
        self._intake = Intake[ResidentAdapter](base)
        self._adapters = AdapterCache(base.load_adapter, capacity=limits.max_resident_adapters)
        self._forward = _Forward(base.model)
        self._changed = threading.Condition()
        self._queued: deque[_Running] = deque()
        self._active: list[_Running] = []
        self._is_closed = False
        self._worker = threading.Thread(target=self._run, name="reference-engine", daemon=True)
        self._worker.start()

    def describe(self) -> EngineDescription:
        with self._changed:
            active_count, queued_count = len(self._active), len(self._queued)
        return EngineDescription(
            engine="reference",
            engine_note=self._note,
            base_folder=self._base.folder,
            base_sha256=self._base.digest(),
            parameter_count=self._base.parameter_count,
            context_length=self._base.context_length,
            weight_bytes=sum(parameter.nbytes for parameter in self._base.model.parameters()),
            adapter_bytes=self._adapters.size_bytes(),
            resident_adapters=self._adapters.resident(),
            active_count=active_count,
            queued_count=queued_count,
        )

    def load_adapter(self, adapter: AdapterRef) -> None:
        self._adapters.borrow(adapter).give_back()

    def unload_adapter(self, adapter: AdapterRef) -> None:
        self._adapters.drop(adapter)

    def count_input_tokens(self, conversation: Conversation) -> int:
        return len(self._intake.prompt_ids(conversation))

    def generate(self, request: GenerationRequest, adapter: AdapterRef | None, sink: EventSink) -> _Ticket:
        accepted_at = time.monotonic()
        check_bounds(request)
        with self._changed:
            self._check_room()  # before the work below, and once more after it
        sequence = self._intake.sequence(request, sink, accepted_at)
        sequence.loan = None if adapter is None else self._adapters.borrow(adapter)
        running = _Running(sequence=sequence, unread_ids=sequence.prompt_ids)
        try:
            with self._changed:
                self._check_room()
                # Within the lock, so that the worker cannot send the first token before the start.
                sequence.start()
                self._queued.append(running)
                self._changed.notify_all()
        except BaseException:
            sequence.give_back_adapter()
            raise
        return _Ticket(self, running)

    def forget(self, running: _Running) -> None:
        """Cancels: a queued sequence is gone at once, an active one after the step that is being computed."""
        with self._changed:
            running.sequence.is_cancelled = True
            is_queued = running in self._queued
            if is_queued:
                self._queued.remove(running)
            self._changed.notify_all()
        if is_queued:
            running.sequence.give_back_adapter()

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._worker.join()
        for running in (*self._active, *self._queued):
            running.sequence.give_back_adapter()
            running.sequence.deliver(ServiceUnavailable(STOPPING))
        self._active.clear()
        self._queued.clear()

    def _check_room(self) -> None:
        if self._is_closed:
            raise ServiceUnavailable(STOPPING)
        in_hand = sum(not running.sequence.is_cancelled for running in self._active) + len(self._queued)
        if in_hand >= self._limits.max_active + self._limits.max_queued:
            raise Throttled(too_many(self._limits))

    def _run(self) -> None:
        """The worker: one step for each active sequence, round and round, until the engine is closed."""
        while turn := self._next_turn():
            for running in turn:
                sequence = running.sequence
                last = None if sequence.is_cancelled else self._last_event(running)
                if last is None and not sequence.is_cancelled:
                    continue
                with self._changed:
                    self._active.remove(running)
                sequence.give_back_adapter()
                # Its place is free before the end is heard: whoever hears it may send the next request.
                if last is not None:
                    sequence.deliver(last)

    def _next_turn(self) -> list[_Running]:
        """The sequences whose turn it is, waiting for one if need be; none once the engine is closed."""
        with self._changed:
            while not self._is_closed:
                while self._queued and len(self._active) < self._limits.max_active:
                    self._active.append(self._queued.popleft())
                if self._active:
                    return list(self._active)
                self._changed.wait()
        return []

    def _last_event(self, running: _Running) -> GenerationEnd | TanrenError | None:
        """Takes one step; what ends the sequence, if it has ended."""
        try:
            return self._step(running)
        except TanrenError as error:
            return error
        except Exception:
            logger.exception("a step of the model failed")
            return ModelFailed(BROKEN)

    def _step(self, running: _Running) -> GenerationEnd | None:
        """Makes one token and sends its text; the end, if that was the last."""
        sequence = running.sequence
        logits_V = self._forward(running.unread_ids, running.cache, sequence.adapter)
        token = sequence.sampler.next_token(logits_V.float().cpu().numpy())
        running.unread_ids = [token]
        return sequence.take(token)


class _Forward:
    """The model's forward pass for one sequence, under its adapter."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._switch = AdapterSwitch(model)
        self._device = next(model.parameters()).device

    @torch.inference_mode()
    def __call__(self, ids: list[int], cache: DynamicCache, adapter: ResidentAdapter | None) -> Tensor:
        """Logits [V] after the last of `ids`; keys and values of `ids` are in `cache` afterwards."""
        ids_1T = torch.tensor([ids], device=self._device)
        with self._switch.on(adapter):
            answer: Any = self._model(input_ids=ids_1T, past_key_values=cache, use_cache=True, logits_to_keep=1)
        return answer.logits[0, -1]
