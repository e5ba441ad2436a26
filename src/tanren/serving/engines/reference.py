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
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from transformers.cache_utils import DynamicCache

from tanren.domain.conversation import Conversation
from tanren.domain.errors import ModelFailed, ServiceUnavailable, TanrenError, Throttled, ValidationFailed
from tanren.domain.generation import (
    FinishReason,
    GenerationEnd,
    GenerationEvent,
    GenerationRequest,
    GenerationStart,
    TextDelta,
)
from tanren.serving.adapter_cache import AdapterCache
from tanren.serving.answer_text import AnswerText, Piece
from tanren.serving.engines.adapter_switch import AdapterSwitch, ResidentAdapter
from tanren.serving.protocol import AdapterRef, EngineDescription, EngineLimits, EventSink
from tanren.serving.sampling import Sampler

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceBase:
    """What the engine needs of a base model."""

    folder: str
    model: nn.Module
    """A causal language model of `transformers`, in evaluation mode."""
    context_length: int
    stop_ids: frozenset[int]
    """Tokens that end the assistant's turn."""
    prompt_ids: Callable[[Conversation], list[int]]
    """The chat template, the same that trained."""
    decode: Callable[[list[int]], str]
    """Text of ids, special tokens left out."""
    digest: Callable[[], str]
    """SHA-256 of the weights files; read once, when it is first asked for."""
    load_adapter: Callable[[AdapterRef], ResidentAdapter]
    """Reads and checks one; see `Engine.load_adapter` for what it raises."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Sequence:
    """One generation inside the engine; after it is queued, only the worker touches it, but for `is_cancelled`."""

    request: GenerationRequest
    adapter: ResidentAdapter | None
    prompt_ids: list[int]
    sink: EventSink
    sampler: Sampler
    text: AnswerText
    accepted_at: float
    """Seconds of the monotonic clock, as below."""
    unread_ids: list[int]
    """Not yet in the keys and values: the prompt at first, then the last token."""
    cache: DynamicCache = field(default_factory=DynamicCache)
    output_count: int = 0
    first_token_at: float = 0.0
    is_cancelled: bool = False


@dataclass(frozen=True, slots=True)
class _Ticket:
    """The caller's hold on a sequence."""

    engine: "ReferenceEngine"
    sequence: _Sequence

    def cancel(self) -> None:
        self.engine.forget(self.sequence)


class ReferenceEngine:
    """Implements `Engine`."""

    def __init__(self, base: ReferenceBase, limits: EngineLimits = EngineLimits()) -> None:
        self._base = base
        self._limits = limits
        self._adapters = AdapterCache(base.load_adapter, capacity=limits.max_resident_adapters)
        self._forward = _Forward(base.model)
        self._tokenizing = threading.Lock()
        self._changed = threading.Condition()
        self._queued: deque[_Sequence] = deque()
        self._active: list[_Sequence] = []
        self._is_closed = False
        self._worker = threading.Thread(target=self._run, name="reference-engine", daemon=True)
        self._worker.start()

    def describe(self) -> EngineDescription:
        parameters = list(self._base.model.parameters())
        with self._changed:
            active_count, queued_count = len(self._active), len(self._queued)
        return EngineDescription(
            engine="reference",
            base_folder=self._base.folder,
            base_sha256=self._base.digest(),
            parameter_count=sum(parameter.numel() for parameter in parameters),
            context_length=self._base.context_length,
            weight_bytes=sum(parameter.nbytes for parameter in parameters),
            adapter_bytes=self._adapters.size_bytes(),
            resident_adapters=self._adapters.resident(),
            active_count=active_count,
            queued_count=queued_count,
        )

    def load_adapter(self, adapter: AdapterRef) -> None:
        self._adapters.get(adapter)

    def unload_adapter(self, adapter: AdapterRef) -> None:
        self._adapters.drop(adapter)

    def count_input_tokens(self, conversation: Conversation) -> int:
        return len(self._prompt_ids(conversation))

    def generate(self, request: GenerationRequest, adapter: AdapterRef | None, sink: EventSink) -> _Ticket:
        accepted_at = time.monotonic()
        _check_bounds(request)
        with self._changed:
            self._check_room()  # before the work below, and once more after it
        prompt_ids = self._prompt_ids(request.conversation)
        if len(prompt_ids) >= self._base.context_length:
            raise ValidationFailed(
                f"Input is too long for requested model. The prompt has {len(prompt_ids)} tokens; the model's "
                f"window of {self._base.context_length} must hold prompt and answer."
            )
        sequence = _Sequence(
            request=request,
            adapter=None if adapter is None else self._adapters.get(adapter),
            prompt_ids=prompt_ids,
            sink=sink,
            sampler=Sampler(request),
            text=AnswerText(self._base.decode, request.stop_sequences),
            accepted_at=accepted_at,
            unread_ids=prompt_ids,
        )
        with self._changed:
            self._check_room()
            # Within the lock, so that the worker cannot send the first token before the start.
            sink(GenerationStart(input_token_count=len(prompt_ids)))
            self._queued.append(sequence)
            self._changed.notify_all()
        return _Ticket(self, sequence)

    def forget(self, sequence: _Sequence) -> None:
        """Cancels: a queued sequence is gone at once, an active one after the step that is being computed."""
        with self._changed:
            sequence.is_cancelled = True
            if sequence in self._queued:
                self._queued.remove(sequence)
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._worker.join()
        for sequence in (*self._active, *self._queued):
            _deliver(sequence, ServiceUnavailable("the engine host is stopping; the request may be sent again"))
        self._active.clear()
        self._queued.clear()

    def _prompt_ids(self, conversation: Conversation) -> list[int]:
        # A fast tokenizer refuses two borrowers that set its options, which rendering a template may do.
        with self._tokenizing:
            return self._base.prompt_ids(conversation)

    def _check_room(self) -> None:
        if self._is_closed:
            raise ServiceUnavailable("the engine host is stopping; the request may be sent again")
        in_hand = sum(not sequence.is_cancelled for sequence in self._active) + len(self._queued)
        if in_hand >= self._limits.max_active + self._limits.max_queued:
            raise Throttled(
                f"Too many requests, please wait before trying again. {self._limits.max_active} are being answered and "
                f"{self._limits.max_queued} are waiting."
            )

    def _run(self) -> None:
        """The worker: one step for each active sequence, round and round, until the engine is closed."""
        while turn := self._next_turn():
            for sequence in turn:
                last = None if sequence.is_cancelled else self._last_event(sequence)
                if last is None and not sequence.is_cancelled:
                    continue
                with self._changed:
                    self._active.remove(sequence)
                # Its place is free before the end is heard: whoever hears it may send the next request.
                if last is not None:
                    _deliver(sequence, last)

    def _next_turn(self) -> list[_Sequence]:
        """The sequences whose turn it is, waiting for one if need be; none once the engine is closed."""
        with self._changed:
            while not self._is_closed:
                while self._queued and len(self._active) < self._limits.max_active:
                    self._active.append(self._queued.popleft())
                if self._active:
                    return list(self._active)
                self._changed.wait()
        return []

    def _last_event(self, sequence: _Sequence) -> GenerationEnd | TanrenError | None:
        """Takes one step; what ends the sequence, if it has ended."""
        try:
            return self._step(sequence)
        except TanrenError as error:
            return error
        except Exception:
            logger.exception("a step of the model failed")
            return ModelFailed("the model failed on this request; the engine host's log has the reason")

    def _step(self, sequence: _Sequence) -> GenerationEnd | None:
        """Makes one token and sends its text; the end, if that was the last."""
        logits_V = self._forward(sequence.unread_ids, sequence.cache, sequence.adapter)
        token = sequence.sampler.next_token(logits_V)
        sequence.unread_ids = [token]
        sequence.output_count += 1
        if sequence.output_count == 1:
            sequence.first_token_at = time.monotonic()
        reason = self._reason_to_end(sequence, token)
        piece = Piece(text="") if reason is FinishReason.END_TURN else sequence.text.add(token)
        if reason is not None and piece.stop_sequence is None:
            rest = sequence.text.flush()
            piece = Piece(text=piece.text + rest.text, stop_sequence=rest.stop_sequence)
        if piece.text or sequence.output_count == 1:
            _deliver(sequence, TextDelta(text=piece.text, output_token_count=sequence.output_count))
        if piece.stop_sequence is not None:
            reason = FinishReason.STOP_SEQUENCE
        return None if reason is None else _end(sequence, reason, piece.stop_sequence)

    def _reason_to_end(self, sequence: _Sequence, token: int) -> FinishReason | None:
        if token in self._base.stop_ids:
            return FinishReason.END_TURN
        if sequence.output_count >= sequence.request.max_new_tokens:
            return FinishReason.MAX_TOKENS
        if len(sequence.prompt_ids) + sequence.output_count >= self._base.context_length:
            return FinishReason.CONTEXT_FULL
        return None


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


def _check_bounds(request: GenerationRequest) -> None:
    """Body formats hold tighter bounds; these are what the engine can do at all."""
    if request.max_new_tokens < 1:
        raise ValidationFailed(f"max_new_tokens is {request.max_new_tokens}; at least 1 is needed.")
    if not request.temperature >= 0:
        raise ValidationFailed(f"temperature is {request.temperature}; 0 or more is needed.")
    if not 0 <= request.top_p <= 1:
        raise ValidationFailed(f"top_p is {request.top_p}; it lies between 0 and 1.")
    if request.top_k is not None and request.top_k < 1:
        raise ValidationFailed(f"top_k is {request.top_k}; at least 1 is needed.")


def _end(sequence: _Sequence, reason: FinishReason, stop_sequence: str | None) -> GenerationEnd:
    return GenerationEnd(
        finish_reason=reason,
        stop_sequence=stop_sequence,
        input_token_count=len(sequence.prompt_ids),
        output_token_count=sequence.output_count,
        first_token_ms=round((sequence.first_token_at - sequence.accepted_at) * 1000),
        total_ms=round((time.monotonic() - sequence.accepted_at) * 1000),
    )


def _deliver(sequence: _Sequence, event: GenerationEvent | TanrenError) -> None:
    if sequence.is_cancelled:
        return
    try:
        sequence.sink(event)
    except Exception:
        # One caller's fault must not end the worker, which answers for all of them.
        logger.exception("an event could not be delivered; its generation is cancelled")
        sequence.is_cancelled = True
