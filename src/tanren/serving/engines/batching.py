"""The batching engine: everything that goes on at once is one call of a `Stepper`, tick after tick.

    generate ─▶ queue ─▶ Schedule: place and blocks ─▶ tick: rows ─▶ Stepper ─▶ sampler ─▶ text ─▶ sink
                              ▲                                                  │
                              └──────────────── the token made ◀─────────────────┘

Requests join at the next tick and leave after the one that made their last token; nobody waits for a batch to be full
or empty. One thread owns the stepper, the schedule and the samplers. Other threads queue sequences, and *errands* for
the stepper (an adapter to add or drop), which are run between two ticks.

A token is told while the next tick is computed: only what that tick needs to know stands between the two. So a sequence
that its text ends, by a stop sequence, has a row too many in the tick under way. It leaves at once, its blocks are the
next one's, which writes over what that row has written, and the token that the row made is never taken.

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
from dataclasses import dataclass, replace

from tanren.domain.conversation import Conversation
from tanren.domain.errors import ModelFailed, TanrenError, ValidationFailed
from tanren.domain.generation import FinishReason, GenerationEnd, GenerationRequest
from tanren.serving.adapter_cache import AdapterCache
from tanren.serving.engines.intake import Intake, Running
from tanren.serving.engines.key_value_blocks import KeyValueBlocks, root_key
from tanren.serving.engines.memory_ahead import MemoryAhead
from tanren.serving.engines.prompt_pace import PromptPace
from tanren.serving.engines.scheduling import PagedTokens, Schedule, Tick, blocks_for
from tanren.serving.engines.sequences import BROKEN, Sequence
from tanren.serving.engines.served_base import ServedBase
from tanren.serving.engines.stepper import BLOCK_TOKENS, NO_ADAPTER, NextTokens, Stepper
from tanren.serving.protocol import AdapterRef, EngineDescription, EngineLimits, EventSink, Generation

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _SteppedAdapter:
    """An adapter that the stepper holds."""

    handle: int
    size_bytes: int
    sha256: str


_Running = Running[_SteppedAdapter, PagedTokens]


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
        self._adapters = AdapterCache(self._add_adapter, capacity=limits.max_resident_adapters, let_go=self._drop)
        self._intake = Intake(base, limits, self._adapters, work_for=_paged, check_fits=self._check_fits)
        self._errands: deque[Callable[[], None]] = deque()
        self._active: dict[PagedTokens, _Running] = {}
        """By what the schedule knows them by. The engine's own thread's."""
        self._taken: list[tuple[_Running, int, FinishReason | None]] = []
        """Tokens that are still to be told, and why they are the last."""
        self._pace = PromptPace(limits.prompt_rows_per_tick)
        self._schedule = self._empty_schedule()
        self._memory = MemoryAhead(stepper)
        self._prompt_tokens = self._reused_tokens = 0
        self._weight_bytes = stepper.weight_bytes  # asked here: later only the engine's thread may ask
        self._worker = threading.Thread(target=self._run, name="batching-engine", daemon=True)
        self._worker.start()

    def describe(self) -> EngineDescription:
        blocks = self._schedule.blocks
        return replace(
            self._intake.describe(engine=self._stepper.name, note=self._note, weight_bytes=self._weight_bytes),
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
        return self._intake.count_input_tokens(conversation)

    def generate(self, request: GenerationRequest, adapter: AdapterRef | None, sink: EventSink) -> Generation:
        return self._intake.generate(request, adapter, sink)

    def close(self) -> None:
        if self._intake.close():
            self._worker.join()
            self._run_errands()  # whoever waits for one hears that the engine stops
            self._tell()
            self._intake.turn_all_away()
            self._stepper.close()

    # Callers' threads.

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

        with self._intake.changed:
            self._intake.check_open()
            self._errands.append(add)
            self._intake.changed.notify_all()
        return added.result()

    def _drop(self, adapter: _SteppedAdapter) -> None:
        """No sequence names the adapter any more."""
        with self._intake.changed:
            self._errands.append(lambda: self._stepper.drop_adapter(adapter.handle))
            self._intake.changed.notify_all()

    # The engine's own thread.

    def _run(self) -> None:
        while self._intake.wait(until=lambda: bool(self._errands) or self._memory.is_behind(self._untaken_from)):
            try:
                self._turn()
            except Exception:
                logger.exception("a turn of the engine failed; all answers under way end")
                self._abandon_all()

    def _turn(self) -> None:
        self._run_errands()
        for running in [each for each in self._active.values() if each.sequence.is_cancelled]:
            self._leave(running)
        for running in self._intake.admit(lambda waiting: self._schedule.admit(waiting.work)):
            self._active[running.work] = running
        tick = self._schedule.next_tick()
        if tick is None:
            self._tell()
            if self._memory.is_behind(self._untaken_from):
                self._memory.go_on(self._untaken_from)
            return
        began = time.monotonic()
        try:
            made = self._stepper.step(tick.rows, meanwhile=self._tell)
        except Exception as error:
            logger.warning("a tick failed, its sequences are computed one by one: %s", error)
            self._tell()  # before one of them hears that it has failed
            for stretch in tick.stretches:
                if stretch.tokens in self._active:
                    self._step_alone(self._schedule.tick_of([stretch]))
        else:
            self._pace.took(tick.prompt_rows, time.monotonic() - began)
            self._take(tick, made)

    @property
    def _untaken_from(self) -> int:
        return self._schedule.blocks.untaken_from

    def _run_errands(self) -> None:
        while self._errands:
            self._errands.popleft()()

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
            running = self._active.get(tokens)
            if running is None or running.sequence.is_cancelled:
                continue
            sequence = running.sequence
            if sequence.output_count == 0:
                self._prompt_tokens += tokens.prompt_length
                self._reused_tokens += tokens.reused
            try:
                if index in with_logits:
                    token = sequence.sampler.next_token(made.logits_LV[with_logits[index]])
                else:
                    token = sequence.sampler.take_best(best[index], best_logits[index])
                reason = sequence.take(token)
            except TanrenError as error:
                self._leave(running, error, is_damaged=True)
            except Exception:
                logger.exception("a token could not be taken")
                self._leave(running, ModelFailed(BROKEN), is_damaged=True)
            else:
                tokens.ids.append(token)
                self._taken.append((running, token, reason))
                if reason is not None:
                    self._vacate(tokens)

    def _tell(self) -> None:
        """Sends the text of the tokens that were taken last; those that end with it leave."""
        taken, self._taken = self._taken, []
        for running, token, reason in taken:
            if reason is None and running.work not in self._active:
                continue  # it was cancelled, and has left
            try:
                end = running.sequence.tell(token, reason)
            except Exception:
                logger.exception("a token could not be told")
                self._leave(running, ModelFailed(BROKEN))
            else:
                if end is not None:
                    self._leave(running, end)

    def _leave(
        self, running: _Running, last: GenerationEnd | TanrenError | None = None, *, is_damaged: bool = False
    ) -> None:
        """The sequence has ended; its blocks too are another's before the end is heard."""
        self._vacate(running.work, is_damaged=is_damaged)
        self._intake.leave(running, last)

    def _vacate(self, tokens: PagedTokens, *, is_damaged: bool = False) -> None:
        """Nothing more is computed for the sequence."""
        if self._active.pop(tokens, None) is not None:
            self._schedule.leave(tokens, is_damaged=is_damaged)

    def _abandon_all(self) -> None:
        """After a fault of our own: what it has left behind is not trusted."""
        self._active.clear()
        self._taken.clear()
        self._schedule = self._empty_schedule()
        self._intake.abandon_active(ModelFailed(BROKEN))

    def _empty_schedule(self) -> Schedule:
        return Schedule(
            KeyValueBlocks(self._stepper.block_count),
            places=self._limits.max_active,
            context_length=self._base.context_length,
            pace=self._pace,
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
