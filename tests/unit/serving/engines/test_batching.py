"""The batching engine over a stepper without a model: who is answered with what, when, and what is left afterwards."""

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from tanren.domain.errors import ModelFailed, ServiceUnavailable, Throttled, ValidationFailed
from tanren.domain.generation import FinishReason, GenerationEnd, GenerationRequest, TextDelta
from tanren.serving.engines.batching import BatchingEngine
from tanren.serving.engines.stepper import NextTokens, TokenRows, nothing
from tanren.serving.protocol import AdapterRef, EngineLimits
from tests.unit.serving.engines.hashing_stepper import (
    ALPHABET,
    END_ID,
    HashingStepper,
    answer_ids,
    hashing_base,
    ids_of,
    named,
    text_of,
)
from tests.unit.serving.listening import PATIENCE_SECONDS, Listener, asked, listen, started


def right_text(request: GenerationRequest, adapter: AdapterRef | None = None) -> str:
    prompt = ids_of(request.conversation.messages[0].text)
    name = "" if adapter is None else adapter.sha256
    return text_of(answer_ids(name, prompt, request.max_new_tokens))


@contextmanager
def engine_over(stepper: HashingStepper, *, base: Any = None, **limits: int) -> Iterator[BatchingEngine]:
    engine = BatchingEngine(base or hashing_base(), stepper, EngineLimits(**limits))
    try:
        yield engine
    finally:
        engine.close()


class Gate:
    """Lets the engine's thread through one step at a time."""

    def __init__(self) -> None:
        self.arrived, self.opened = threading.Semaphore(0), threading.Semaphore(0)
        self.rows: list[TokenRows] = []
        self.is_open = False

    def __call__(self, rows: TokenRows) -> None:
        if not self.is_open:
            self.rows.append(rows)
            self.arrived.release()
            assert self.opened.acquire(timeout=PATIENCE_SECONDS)

    def wait(self) -> TokenRows:
        """The rows of the step that now stands at the gate."""
        assert self.arrived.acquire(timeout=PATIENCE_SECONDS)
        return self.rows[-1]

    def open(self, *, for_good: bool = False) -> None:
        self.is_open = for_good
        self.opened.release()


def test_answers_of_one_batch_are_made_side_by_side_and_are_each_ones_own():
    gate = Gate()
    stepper = HashingStepper(block_count=200, before_step=gate)
    with engine_over(stepper) as engine:
        requests = [asked("prompt " + letter * 20, max_new_tokens=30) for letter in "abcdefgh"]
        listeners = [listen(engine, request) for request in requests]
        gate.open(for_good=True)
        assert [each.text for each in listeners] == [right_text(request) for request in requests]
    assert max(len(rows.adapters_Q) for rows in stepper.steps) == 8


def test_a_request_joins_at_the_next_tick_and_an_ended_one_is_gone_from_it():
    gate = Gate()
    with engine_over(HashingStepper(before_step=gate)) as engine:
        first = listen(engine, asked("first", max_new_tokens=2))
        assert gate.wait().tokens_M.tolist() == ids_of("first")
        second = listen(engine, asked("second", max_new_tokens=2))
        gate.open()
        rows = gate.wait()
        assert rows.tokens_M.tolist() == [*answer_ids("", ids_of("first"), 1), *ids_of("second")]
        gate.open()
        assert len(gate.wait().tokens_M) == 1
        assert first.end().output_token_count == 2
        gate.open(for_good=True)
        assert second.text == text_of(answer_ids("", ids_of("second"), 2))


def test_a_delta_is_heard_before_the_next_tick_is_over():
    gate = Gate()
    with engine_over(HashingStepper(before_step=gate)) as engine:
        listener = listen(engine, asked("now", max_new_tokens=5))
        for count in range(1, 4):
            gate.wait()
            gate.open()
            gate.arrived.acquire(timeout=PATIENCE_SECONDS)
            gate.arrived.release()
            while not listener.deltas or listener.deltas[-1].output_token_count < count:
                listener.next()
        gate.open(for_good=True)
        listener.end()


def test_a_token_is_told_while_the_next_one_is_computed():
    told: list[int] = []
    heard: list[object] = []
    ended = threading.Event()

    def sink(event: object) -> None:
        heard.append(event)
        if isinstance(event, GenerationEnd):
            ended.set()

    class Watched(HashingStepper):
        def step(self, rows: TokenRows, meanwhile: Callable[[], object] = nothing) -> NextTokens:
            made = super().step(rows)
            meanwhile()
            told.append(len(heard))
            return made

    with engine_over(Watched()) as engine:
        engine.generate(asked("now", max_new_tokens=3), None, sink)
        assert ended.wait(PATIENCE_SECONDS)
    # The start; with the second step the first token's text; with the third the second's.
    assert told == [1, 2, 3]


@pytest.mark.parametrize("place", range(1, 20))
def test_what_is_computed_beyond_a_stop_sequence_is_thrown_away_and_its_blocks_are_the_next_ones(place: int):
    whole = right_text(asked("story", max_new_tokens=60))
    stop = whole[place : place + 2]
    with engine_over(HashingStepper(block_count=10), max_active=2) as engine:
        others = [listen(engine, asked("other" + letter, max_new_tokens=20)) for letter in "ab"]
        stopped = listen(engine, asked("story", max_new_tokens=60, stop_sequences=(stop,)))
        after = [listen(engine, asked("after" + letter, max_new_tokens=60)) for letter in "abc"]
        cut = whole.index(stop)
        assert stopped.text == whole[:cut]
        assert stopped.end().finish_reason is FinishReason.STOP_SEQUENCE
        assert stopped.end().output_token_count == cut + 2
        assert [each.text for each in others] == [
            right_text(asked("other" + letter, max_new_tokens=20)) for letter in "ab"
        ]
        assert [each.text for each in after] == [
            right_text(asked("after" + letter, max_new_tokens=60)) for letter in "abc"
        ]
        assert engine.describe().used_block_count == 0


def test_adapters_never_mix_in_hundreds_of_requests_over_sixteen_adapters_at_once():
    gate = Gate()
    stepper = HashingStepper(block_count=400, before_step=gate)
    adapters = [None, *(named(f"adapter-{index}") for index in range(16))]
    choice = random.Random(5)
    # Few beginnings, so that every adapter is asked what another has been asked.
    beginnings = ["the same beginning of a prompt that fills some blocks " * count for count in (0, 1, 2)]
    jobs = [
        (
            asked(choice.choice(beginnings) + choice.choice("xyz"), max_new_tokens=choice.randint(1, 40)),
            choice.choice(adapters),
        )
        for _ in range(400)
    ]
    with engine_over(stepper, max_active=32, max_queued=400) as engine:
        for adapter in filter(None, adapters):
            engine.load_adapter(adapter)
        listeners = [listen(engine, *job) for job in jobs]
        gate.open(for_good=True)
        assert [each.text for each in listeners] == [right_text(*job) for job in jobs]
        description = engine.describe()
    assert max(len(set(rows.adapters_Q.tolist())) for rows in stepper.steps) > 8
    assert description.reused_prompt_token_count > 0
    assert (description.active_count, description.queued_count, description.used_block_count) == (0, 0, 0)


@pytest.mark.parametrize("seed", range(6))
def test_whoever_comes_and_leaves_the_others_get_their_answers_and_nothing_is_left_behind(seed: int):
    choice = random.Random(seed)
    stepper = HashingStepper(block_count=choice.choice([20, 60]))
    adapters = [None, *(named(name) for name in ("a", "b", "c", "d", "e"))]
    limits = {"max_active": choice.choice([2, 5, 12]), "max_queued": 200, "max_resident_adapters": 6}
    with engine_over(stepper, **limits) as engine:
        going: list[tuple[Listener, GenerationRequest, AdapterRef | None, bool]] = []
        for _ in range(120):
            adapter = choice.choice(adapters)
            request = asked(
                "x" * choice.randint(1, 60) + choice.choice("pq"),
                max_new_tokens=choice.randint(1, 60),
                cache_scope=choice.choice(["one", "two"]),
            )
            is_cancelled = choice.random() < 0.3
            listener = listen(engine, request, adapter)
            going.append((listener, request, adapter, is_cancelled))
            if is_cancelled:
                if choice.random() < 0.5:
                    listener.next()
                assert listener.generation is not None
                listener.generation.cancel()
            if choice.random() < 0.1 and adapter is not None:
                engine.unload_adapter(adapter)
        for listener, request, adapter, is_cancelled in going:
            if not is_cancelled:
                assert listener.text == right_text(request, adapter)
        last = asked("the last one", max_new_tokens=5)
        assert listen(engine, last).text == right_text(last)
        description = engine.describe()
        assert (description.active_count, description.queued_count, description.used_block_count) == (0, 0, 0)
        for adapter in adapters[1:]:
            engine.unload_adapter(adapter)
        assert engine.describe().adapter_bytes == 0
    assert stepper.is_closed


def test_an_adapter_is_dropped_from_the_stepper_when_its_last_sequence_has_ended():
    gate = Gate()
    stepper = HashingStepper(before_step=gate)
    with engine_over(stepper) as engine:
        running = listen(engine, asked("on", max_new_tokens=3), named("a"))
        gate.wait()
        engine.unload_adapter(named("a"))
        gate.open()
        gate.wait()
        assert list(stepper.adapters.values()) == ["a"]
        gate.open(for_good=True)
        assert running.text == right_text(asked("on", max_new_tokens=3), named("a"))
        listen(engine, asked("another turn of the engine")).end()
        assert stepper.adapters == {}


def test_adapters_in_use_are_not_evicted_and_one_more_is_throttled():
    gate = Gate()
    stepper = HashingStepper(before_step=gate)
    with engine_over(stepper, max_resident_adapters=1) as engine:
        running = listen(engine, asked("on", max_new_tokens=3), named("a"))
        gate.wait()
        with pytest.raises(Throttled, match="1 adapters are in use"):
            listen(engine, asked("off"), named("b"))
        gate.open(for_good=True)
        running.end()
        assert listen(engine, asked("off"), named("b")).text == right_text(asked("off"), named("b"))
        assert engine.describe().resident_adapters == ("b",)


def test_a_prompt_that_begins_as_an_earlier_one_of_its_account_is_computed_from_there_on():
    stepper = HashingStepper()
    with engine_over(stepper) as engine:
        prompt = "a long beginning that is the same each time. " * 2

        def computed(scope: str, adapter: AdapterRef | None = None) -> int:
            before = len(stepper.steps)
            request = asked(prompt, max_new_tokens=1, cache_scope=scope)
            assert listen(engine, request, adapter).text == right_text(request, adapter)
            return sum(len(rows.tokens_M) for rows in stepper.steps[before:])

        whole, rest = len(prompt), (len(prompt) - 1) % 16 + 1
        assert computed("mine") == whole
        assert computed("mine") == rest
        assert computed("yours") == whole
        assert computed("mine", named("a")) == whole
        assert computed("mine", named("a")) == rest
        description = engine.describe()
        assert description.prompt_token_count == 5 * whole
        assert description.reused_prompt_token_count == 2 * (whole - rest)
        assert description.block_count == 64
        assert description.kept_block_count > 0


def test_what_can_never_fit_is_refused_and_says_what_to_do():
    with engine_over(HashingStepper(block_count=4)) as engine:
        with pytest.raises(ValidationFailed, match=r"70 tokens together.*5 blocks of 16.*memory for 4.*key_value_meg"):
            listen(engine, asked("x" * 10, max_new_tokens=60))
        assert len(listen(engine, asked("x" * 10, max_new_tokens=55)).text) == 55


def test_a_request_waits_until_blocks_are_free_for_its_longest_answer():
    gate = Gate()
    with engine_over(HashingStepper(block_count=4, before_step=gate)) as engine:
        first, second = (listen(engine, asked(letter, max_new_tokens=40)) for letter in "ab")
        gate.wait()
        assert (engine.describe().active_count, engine.describe().queued_count) == (1, 1)
        assert first.generation is not None
        first.generation.cancel()
        gate.open(for_good=True)
        assert second.text == right_text(asked("b", max_new_tokens=40))


def test_a_cancelled_sequence_gives_its_place_and_its_blocks_back_after_the_tick():
    gate = Gate()
    with engine_over(HashingStepper(before_step=gate), max_active=1) as engine:
        first, second = (listen(engine, asked(letter)) for letter in "ab")
        gate.wait()
        assert first.generation is not None
        first.generation.cancel()
        gate.open()
        assert gate.wait().tokens_M.tolist() == ids_of("b")
        assert engine.describe().used_block_count == 1
        gate.open(for_good=True)
        assert second.text == right_text(asked("b"))
    assert not any(isinstance(event, TextDelta | GenerationEnd) for event in first.heard)


def test_when_an_end_is_heard_all_that_it_held_is_free_for_the_next_request():
    with engine_over(HashingStepper(), max_active=1, max_queued=0, max_resident_adapters=1) as engine:
        found: list[tuple[int, int]] = []
        followers: list[Listener] = []
        ended = threading.Event()

        def follow_up(event: object) -> None:
            if isinstance(event, GenerationEnd):
                description = engine.describe()
                found.append((description.active_count, description.used_block_count))
                followers.append(Listener())
                engine.generate(asked("next"), None, followers[-1].events.put)
                ended.set()

        engine.generate(asked("first"), named("z"), follow_up)
        assert ended.wait(PATIENCE_SECONDS)
        assert found == [(0, 0)]
        assert followers[0].text == right_text(asked("next"))
        assert listen(engine, asked("next"), named("y")).text == right_text(asked("next"), named("y"))


def test_a_sequence_that_breaks_the_model_ends_alone():
    poison = ids_of("Q")[0]

    def break_on_poison(rows: TokenRows) -> None:
        if poison in rows.tokens_M.tolist():
            raise MemoryError("no room for Q")

    with engine_over(HashingStepper(before_step=break_on_poison), base=hashing_base(stop_ids=frozenset())) as engine:
        # Prompts whose answers have no Q of their own.
        good = [asked(word, max_new_tokens=4) for word in ("one", "two", "three")]
        assert not any("Q" in right_text(request) for request in good)
        running = [started(listen(engine, request)) for request in good]
        with pytest.raises(ModelFailed, match="failed on this request"):
            listen(engine, asked("Q")).end()
        assert [each.text for each in running] == [right_text(request) for request in good]
        assert engine.describe().used_block_count == 0


class Damaged(HashingStepper):
    """Its logits under the adapter `torn` are no numbers."""

    def step(self, rows: TokenRows, meanwhile: Callable[[], object] = nothing) -> NextTokens:
        made = super().step(rows, meanwhile)
        sequences = rows.sequences_M[rows.selected_S]
        torn = [self.adapters.get(handle) == "torn" for handle in rows.adapters_Q[sequences].tolist()]
        made.best_logits_S[np.array(torn, dtype=bool)] = np.nan
        return made


def test_logits_that_are_no_numbers_end_their_sequence_and_nothing_of_it_is_kept():
    with engine_over(Damaged()) as engine:
        good = asked("x" * 40, max_new_tokens=10)
        listener = listen(engine, good)
        for _ in range(2):
            with pytest.raises(ModelFailed, match="not finite"):
                listen(engine, asked("x" * 40), named("torn")).end()
        assert listener.text == right_text(good)
        assert engine.describe().reused_prompt_token_count == 0


def test_a_fault_of_the_engine_itself_ends_what_goes_on_and_the_next_request_is_answered(
    monkeypatch: pytest.MonkeyPatch,
):
    gate = Gate()
    with engine_over(HashingStepper(before_step=gate)) as engine:
        running = listen(engine, asked("x", max_new_tokens=50))
        gate.wait()
        monkeypatch.setattr(engine._schedule, "computed", lambda tick: 1 / 0)
        gate.open(for_good=True)
        with pytest.raises(ModelFailed, match="failed on this request"):
            running.end()
        assert listen(engine, asked("y")).text == right_text(asked("y"))


def test_a_sink_that_fails_ends_its_own_generation_only():
    heard: list[object] = []

    def failing(event: object) -> None:
        heard.append(event)
        if len(heard) == 3:
            raise ConnectionError("nobody listens")

    with engine_over(HashingStepper()) as engine:
        engine.generate(asked("a", max_new_tokens=50), None, failing)
        assert listen(engine, asked("b", max_new_tokens=50)).text == right_text(asked("b", max_new_tokens=50))
    assert len(heard) == 3


def test_drawn_answers_are_decided_by_their_seed_whatever_else_is_running():
    drawn = asked("draw", temperature=1.0, seed=11, max_new_tokens=30)
    with engine_over(HashingStepper(block_count=300)) as engine:
        quiet = listen(engine, drawn).text
        noise = [listen(engine, asked("noise" + letter, temperature=1.0, max_new_tokens=40)) for letter in "abcdef"]
        busy = [listen(engine, drawn) for _ in range(3)]
        assert [each.text for each in busy] == [quiet] * 3
        for each in noise:
            each.end()
        assert listen(engine, asked("draw", temperature=1.0, seed=12, max_new_tokens=30)).text != quiet
        assert quiet != right_text(drawn)


class Spelling:
    """A constraint: the answer is this word and nothing else."""

    def __init__(self, word: str) -> None:
        self.left = ids_of(word)

    def mask(self, logits_V: Any) -> Any:
        masked = np.full_like(logits_V, -np.inf)
        masked[self.left[0]] = logits_V[self.left[0]]
        return masked

    def accept(self, token: int) -> None:
        assert token == self.left.pop(0)

    @property
    def is_complete(self) -> bool:
        return not self.left


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_constrained_answer_is_what_its_grammar_allows_and_ends_when_it_is_complete(temperature: float):
    def constrain(request: GenerationRequest, budget: int) -> Spelling | None:
        text = request.conversation.messages[0].text
        assert budget == request.max_new_tokens
        return Spelling(text.removeprefix("spell ")) if text.startswith("spell ") else None

    with engine_over(HashingStepper(), base=hashing_base(constrain=constrain)) as engine:
        spelled = [listen(engine, asked("spell " + word, temperature=temperature)) for word in ("yes", "perhaps")]
        free = listen(engine, asked("free"))
        assert [each.text for each in spelled] == ["yes", "perhaps"]
        assert [each.end().finish_reason for each in spelled] == [FinishReason.END_TURN] * 2
        assert free.text == right_text(asked("free"))


def test_the_end_of_a_turn_is_in_no_answer():
    end = answer_ids("", ids_of("turn"), 3)[2]
    with engine_over(HashingStepper(), base=hashing_base(stop_ids=frozenset({end, END_ID}))) as engine:
        listener = listen(engine, asked("turn"))
        assert listener.text == text_of(answer_ids("", ids_of("turn"), 2))
        assert listener.end().finish_reason is FinishReason.END_TURN
        assert listener.end().output_token_count == 3
        assert ALPHABET[end] not in listener.text


def test_an_idle_engine_touches_the_next_blocks_and_whoever_comes_waits_for_one_bit_at_most():
    arrived, opened = threading.Semaphore(0), threading.Semaphore(0)

    class Touched(HashingStepper):
        def touch(self, blocks: range) -> Iterator[None]:
            for bit in super().touch(blocks):
                arrived.release()
                assert opened.acquire(timeout=PATIENCE_SECONDS)
                yield bit

    stepper = Touched(block_count=300, block_bytes=1 << 21)
    with engine_over(stepper) as engine:
        assert arrived.acquire(timeout=PATIENCE_SECONDS)
        listener = listen(engine, asked("now", max_new_tokens=40))
        assert not stepper.steps
        opened.release()
        listener.end()
        assert len(stepper.touched) <= 2
        for count in range(2, 132):  # 256 MB, and the three blocks that the answer has had
            assert arrived.acquire(timeout=PATIENCE_SECONDS), count
            opened.release()
    assert stepper.touched == list(range(131))


def test_an_adapter_that_waits_for_the_engines_thread_while_it_closes_does_not_wait_for_ever():
    gate = Gate()
    stepper = HashingStepper(before_step=gate)
    engine = BatchingEngine(hashing_base(), stepper)
    running = listen(engine, asked("x", max_new_tokens=50))
    gate.wait()
    with ThreadPoolExecutor(2) as pool:
        loading = pool.submit(engine.load_adapter, named("a"))
        closing = pool.submit(engine.close)
        gate.open(for_good=True)
        closing.result(PATIENCE_SECONDS)
        error = loading.exception(PATIENCE_SECONDS)
        assert error is None or isinstance(error, ServiceUnavailable)
    with pytest.raises(ServiceUnavailable):
        running.end()
    engine.close()
    with pytest.raises(ServiceUnavailable, match="stopping"):
        engine.load_adapter(named("b"))
