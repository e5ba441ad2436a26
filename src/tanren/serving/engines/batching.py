"""The batching engine: everything that goes on at once is one call of a `Stepper`, tick after tick.

    generate ─▶ queue ─▶ Schedule: place and blocks ─▶ tick: rows ─▶ Stepper ─▶ sampler ─▶ text ─▶ sink
                              ▲                                                  │
                              └──────────────── the token made ◀─────────────────┘

Requests join at the next tick and leave after the one that made their last token; nobody waits for a batch to be full
or empty. One thread owns the stepper, the schedule and the samplers. Other threads queue sequences, and *errands* for
the stepper (an adapter to add or drop), which are run between two ticks.

What a seed decides   an answer is decided by its prompt, its adapter, its options and its seed as far as the stepper's
logits are; `native_stepper.py` computes each row by itself, so there it holds whatever else is running. A stepper whose
last bits depend on how a prompt was cut into ticks (`torch_stepper.py` says so) may decide a near tie otherwise.

Cost     Python's part of a tick is a few microseconds a sequence; the stepper releases the interpreter meanwhile.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from tanren.domain.conversation import Conversation
from tanren.domain.errors import ModelFailed, ServiceUnavailable, TanrenError, Throttled, ValidationFailed
from tanren.domain.generation import GenerationEnd, GenerationRequest
from tanren.serving.adapter_cache import AdapterCache
from tanren.serving.engines.key_value_blocks import KeyValueBlocks, root_key
from tanren.serving.engines.scheduling import PagedTokens, Schedule, Tick, blocks_for
from tanren.serving.engines.sequences import BROKEN, STOPPING, Intake, Sequence, check_bounds, too_many
from tanren.serving.engines.served_base import ServedBase
from tanren.serving.engines.stepper import BLOCK_TOKENS, NO_ADAPTER, NextTokens, Stepper
from tanren.serving.protocol import AdapterRef, EngineDescription, EngineLimits, EventSink

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _SteppedAdapter:
    """An adapter that the stepper holds."""

    handle: int
    size_bytes: int
    sha256: str


@dataclass(slots=True, kw_only=True, eq=False)
class _Running:
    sequence: Sequence[_SteppedAdapter]
    tokens: PagedTokens


@dataclass(frozen=True, slots=True)
class _Ticket:
    """The caller's hold on a sequence."""

    engine: "BatchingEngine"
    running: _Running

    def cancel(self) -> None:
        self.engine.forget(self.running)


class BatchingEngine:
    """Implements `Engine` over any `Stepper`, which it closes at the end."""

    def __init__(
        self, base: ServedBase, stepper: Stepper, limits: EngineLimits = EngineLimits(), *, note: str = ""
    ) -> None:
        """`note`: why it is this engine, for `describe`."""
        self._base = base
        self._stepper = stepper
        self._limits = limits
        self._note = note
        self._intake = Intake[_SteppedAdapter](base)
        self._adapters = AdapterCache(self._add_adapter, capacity=limits.max_resident_adapters, let_go=self._drop)
        self._changed = threading.Condition()
        self._queued: deque[_Running] = deque()
        self._errands: deque[Callable[[], None]] = deque()
        self._active: dict[PagedTokens, _Running] = {}
        self._is_closed = False
        self._schedule = self._empty_schedule()
        self._prompt_tokens = self._reused_tokens = 0
        self._weight_bytes = stepper.weight_bytes  # asked here: later only the engine's thread may ask
        self._worker = threading.Thread(target=self._run, name="batching-engine", daemon=True)
        self._worker.start()

    def describe(self) -> EngineDescription:
        with self._changed:
            active_count, queued_count = len(self._active), len(self._queued)
        blocks = self._schedule.blocks
        return EngineDescription(
            engine=self._stepper.name,
            engine_note=self._note,
            base_folder=self._base.folder,
            base_sha256=self._base.digest(),
            parameter_count=self._base.parameter_count,
            context_length=self._base.context_length,
            weight_bytes=self._weight_bytes,
            adapter_bytes=self._adapters.size_bytes(),
            resident_adapters=self._adapters.resident(),
            active_count=active_count,
            queued_count=queued_count,
            block_count=blocks.count,
            used_block_count=blocks.used_count,
            kept_block_count=blocks.kept_count,
            prompt_token_count=self._prompt_tokens,
            reused_prompt_token_count=self._reused_tokens,
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
        self._check_fits(sequence)
        sequence.loan = None if adapter is None else self._adapters.borrow(adapter)
        running = _Running(sequence=sequence, tokens=_paged(sequence))
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
        """Cancels: a queued sequence is gone at once, an active one after the tick that is being computed."""
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
            was_closed, self._is_closed = self._is_closed, True
            self._changed.notify_all()
        if was_closed:
            return
        self._worker.join()
        self._run_errands()  # whoever waits for one hears that the engine stops
        for running in (*self._active.values(), *self._queued):
            running.sequence.give_back_adapter()
            running.sequence.deliver(ServiceUnavailable(STOPPING))
        self._active.clear()
        self._queued.clear()
        self._stepper.close()

    # Callers' threads.

    def _check_room(self) -> None:
        if self._is_closed:
            raise ServiceUnavailable(STOPPING)
        in_hand = sum(not each.sequence.is_cancelled for each in self._active.values()) + len(self._queued)
        if in_hand >= self._limits.max_active + self._limits.max_queued:
            raise Throttled(too_many(self._limits))

    def _check_fits(self, sequence: Sequence[_SteppedAdapter]) -> None:
        needed = blocks_for(len(sequence.prompt_ids), sequence.longest)
        if needed > self._stepper.block_count:
            raise ValidationFailed(
                f"Prompt and answer may have {sequence.longest} tokens together, whose keys and values need {needed} "
                f"blocks of {BLOCK_TOKENS}; the engine host has memory for {self._stepper.block_count}. Ask for a "
                "shorter answer, or start the host with more key_value_megabytes."
            )

    def _add_adapter(self, adapter: AdapterRef) -> _SteppedAdapter:
        """Reads and checks the adapter on this thread, and hands it to the stepper between two ticks."""
        factors = self._base.load_adapter(adapter).factors
        added: Future[_SteppedAdapter] = Future()

        def add() -> None:
            try:
                handle = self._stepper.add_adapter(factors)
                added.set_result(_SteppedAdapter(handle, self._stepper.adapter_bytes(handle), adapter.sha256))
            except Exception as error:
                added.set_exception(error)

        with self._changed:
            if self._is_closed:
                raise ServiceUnavailable(STOPPING)
            self._errands.append(add)
            self._changed.notify_all()
        return added.result()

    def _drop(self, adapter: _SteppedAdapter) -> None:
        """No sequence names the adapter any more."""
        with self._changed:
            self._errands.append(lambda: self._stepper.drop_adapter(adapter.handle))
            self._changed.notify_all()

    # The engine's own thread.

    def _run(self) -> None:
        while self._wait_for_work():
            try:
                self._turn()
            except Exception:
                logger.exception("a turn of the engine failed; all answers under way end")
                self._abandon_all()

    def _wait_for_work(self) -> bool:
        """True when there is some; False once the engine is closed."""
        with self._changed:
            while not (self._is_closed or self._active or self._queued or self._errands):
                self._changed.wait()
            return not self._is_closed

    def _turn(self) -> None:
        self._run_errands()
        for running in [each for each in self._active.values() if each.sequence.is_cancelled]:
            self._leave(running)
        self._admit()
        tick = self._schedule.next_tick()
        if tick is None:
            return
        try:
            made = self._stepper.step(tick.rows)
        except Exception as error:
            logger.warning("a tick failed, its sequences are computed one by one: %s", error)
            for stretch in tick.stretches:
                self._step_alone(self._schedule.tick_of([stretch]))
        else:
            self._take(tick, made)

    def _run_errands(self) -> None:
        while self._errands:
            self._errands.popleft()()

    def _admit(self) -> None:
        with self._changed:
            while self._queued and self._schedule.admit(self._queued[0].tokens):
                running = self._queued.popleft()
                self._active[running.tokens] = running

    def _step_alone(self, tick: Tick) -> None:
        """One sequence's part of a tick that has failed: only those that break the model end."""
        try:
            made = self._stepper.step(tick.rows)
        except Exception as error:
            logger.exception("the model failed on a sequence")
            reason = error if isinstance(error, TanrenError) else ModelFailed(BROKEN)
            self._leave(self._active[tick.stretches[0].tokens], reason, is_damaged=True)
        else:
            self._take(tick, made)

    def _take(self, tick: Tick, made: NextTokens) -> None:
        """What has been computed, and the tokens that follow."""
        self._schedule.computed(tick)
        with_logits = {index: at for at, index in enumerate(tick.rows.with_logits_L.tolist())}
        best, best_logits = made.best_S.tolist(), made.best_logits_S.tolist()
        for index, tokens in enumerate(tick.asked):
            running = self._active[tokens]
            sequence = running.sequence
            if sequence.is_cancelled:
                continue
            if sequence.output_count == 0:
                self._prompt_tokens += tokens.prompt_length
                self._reused_tokens += tokens.reused
            try:
                if index in with_logits:
                    token = sequence.sampler.next_token(made.logits_LV[with_logits[index]])
                else:
                    token = sequence.sampler.take_best(best[index], best_logits[index])
                tokens.ids.append(token)
                end = sequence.take(token)
            except TanrenError as error:
                self._leave(running, error, is_damaged=True)
            except Exception:
                logger.exception("a token could not be taken")
                self._leave(running, ModelFailed(BROKEN), is_damaged=True)
            else:
                if end is not None:
                    self._leave(running, end)

    def _leave(
        self, running: _Running, last: GenerationEnd | TanrenError | None = None, *, is_damaged: bool = False
    ) -> None:
        """The sequence has ended. All that it held is free before the end is heard: whoever hears it may send the
        next request."""
        self._schedule.leave(running.tokens, is_damaged=is_damaged)
        with self._changed:
            del self._active[running.tokens]
        running.sequence.give_back_adapter()
        if last is not None:
            running.sequence.deliver(last)

    def _abandon_all(self) -> None:
        """After a fault of our own: what it has left behind is not trusted."""
        with self._changed:
            abandoned = list(self._active.values())
            self._active.clear()
        self._schedule = self._empty_schedule()
        for running in abandoned:
            running.sequence.give_back_adapter()
            running.sequence.deliver(ModelFailed(BROKEN))

    def _empty_schedule(self) -> Schedule:
        return Schedule(
            KeyValueBlocks(self._stepper.block_count),
            places=self._limits.max_active,
            context_length=self._base.context_length,
            prompt_rows=self._limits.prompt_rows_per_tick,
        )


def _paged(sequence: Sequence[_SteppedAdapter]) -> PagedTokens:
    adapter = sequence.adapter
    return PagedTokens(
        ids=list(sequence.prompt_ids),
        prompt_length=len(sequence.prompt_ids),
        longest=sequence.longest,
        root=root_key(adapter_sha256="" if adapter is None else adapter.sha256, scope=sequence.request.cache_scope),
        adapter=NO_ADAPTER if adapter is None else adapter.handle,
        needs_logits=sequence.sampler.needs_logits,
    )
