"""The reference engine: plain PyTorch over a `transformers` model, one sequence a forward pass. Slow, and the oracle.

A worker thread goes round the active sequences and gives each one step: the first step reads the whole prompt into the
sequence's own keys and values, every later one adds a token. Because no two sequences share a forward pass, an answer
does not depend on what else is running, to the last bit.

Cost     a forward pass a token. A long prompt delays the others by its prefill. Keys and values live as long as the
         sequence: 2 · layers · kv heads · head size · tokens · dtype bytes.
"""

import logging
import threading
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from transformers.cache_utils import DynamicCache

from tanren.domain.conversation import Conversation
from tanren.domain.errors import ModelFailed, TanrenError
from tanren.domain.generation import GenerationEnd, GenerationRequest
from tanren.serving.adapter_cache import AdapterCache
from tanren.serving.engines.adapter_switch import AdapterSwitch, ResidentAdapter
from tanren.serving.engines.intake import Intake, Running
from tanren.serving.engines.reference_base import ReferenceBase
from tanren.serving.engines.sequences import BROKEN
from tanren.serving.protocol import AdapterRef, EngineDescription, EngineLimits, EventSink, Generation

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Reading:
    """How far the model has read a sequence."""

    unread_ids: list[int]
    """Not yet in the keys and values: the prompt at first, then the last token."""
    cache: DynamicCache = field(default_factory=DynamicCache)


_Running = Running[ResidentAdapter, _Reading]


class ReferenceEngine:
    """Implements `Engine`."""

    def __init__(self, base: ReferenceBase, limits: EngineLimits = EngineLimits(), *, note: str = "") -> None:
        self.note = note
        """Why it is this engine, for `describe`; may be said when it has been tried."""
        self._limits = limits
        self._weight_bytes = sum(parameter.nbytes for parameter in base.model.parameters())
        self._adapters = AdapterCache(base.load_adapter, capacity=limits.max_resident_adapters)
        self._intake = Intake(
            base, limits, self._adapters, work_for=lambda sequence: _Reading(unread_ids=sequence.prompt_ids)
        )
        self._forward = _Forward(base.model)
        self._worker = threading.Thread(target=self._run, name="reference-engine", daemon=True)
        self._worker.start()

    def describe(self) -> EngineDescription:
        return self._intake.describe(engine="reference", note=self.note, weight_bytes=self._weight_bytes)

    def load_adapter(self, adapter: AdapterRef) -> None:
        self._adapters.borrow(adapter).give_back()

    def unload_adapter(self, adapter: AdapterRef) -> None:
        self._adapters.drop(adapter)

    def count_input_tokens(self, conversation: Conversation) -> int:
        return self._intake.count_input_tokens(conversation)

    def generate(self, request: GenerationRequest, adapter: AdapterRef | None, sink: EventSink) -> Generation:
        return self._intake.generate(request, adapter, sink)

    def close(self) -> None:
        if self._intake.close():
            self._worker.join()
            self._intake.turn_all_away()

    def _run(self) -> None:
        """The worker: one step for each active sequence, round and round, until the engine is closed."""
        while self._intake.wait():
            self._intake.admit(lambda _: self._intake.active_count < self._limits.max_active)
            for running in self._intake.active():
                last = None if running.sequence.is_cancelled else self._last_event(running)
                if last is not None or running.sequence.is_cancelled:
                    self._intake.leave(running, last)

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
        reading = running.work
        logits_V = self._forward(reading.unread_ids, reading.cache, sequence.adapter)
        token = sequence.sampler.next_token(logits_V.float().cpu().numpy())
        reading.unread_ids = [token]
        return sequence.tell(token, sequence.take(token))


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
