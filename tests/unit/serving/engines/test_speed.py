"""A speed is what was measured, or it is none."""

from dataclasses import dataclass

import pytest

from tanren.domain.errors import ModelFailed, ValidationFailed
from tanren.domain.generation import GenerationRequest, GenerationStart
from tanren.serving.engines import speed
from tanren.serving.engines.speed import ENOUGH_TOKENS, NOT_KNOWN, SpeedComparison, shown, tokens_per_second
from tanren.serving.protocol import AdapterRef, EventSink
from tests.unit.serving.scripted_engine import ScriptedEngine, ScriptedGeneration


@dataclass
class Clock:
    now: float = 0.0

    def monotonic(self) -> float:
        return self.now


class PacedEngine(ScriptedEngine):
    """A long prompt, then answers of so many tokens, one every so many seconds of the clock."""

    def __init__(self, clock: Clock, *, tokens: int, seconds: float, breaks: bool = False) -> None:
        super().__init__()
        self.clock, self.tokens, self.seconds, self.breaks = clock, tokens, seconds, breaks

    def generate(self, request: GenerationRequest, adapter: AdapterRef | None, sink: EventSink) -> ScriptedGeneration:
        self._refuse()
        generation = ScriptedGeneration(request, adapter, sink)
        self.generations.append(generation)
        sink(GenerationStart(input_token_count=3))
        self.clock.now += 0.05
        for _ in range(min(self.tokens, request.max_new_tokens)):
            self.clock.now += self.seconds
            generation.make("x")
        if self.breaks:
            generation.fail(ModelFailed("broken"))
        else:
            generation.finish()
        return generation


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(speed, "time", made)
    return made


def test_the_speed_is_that_of_the_tokens_after_the_first(clock: Clock):
    engine = PacedEngine(clock, tokens=1000, seconds=0.01)
    assert tokens_per_second(engine, seconds=2) == pytest.approx(100)
    assert sum(each.token_count for each in engine.generations) <= 2 * ENOUGH_TOKENS
    assert all(each.cancelled.is_set() for each in engine.generations)


def test_short_answers_are_put_together_until_there_are_enough(clock: Clock):
    engine = PacedEngine(clock, tokens=5, seconds=0.01)
    assert tokens_per_second(engine, seconds=10) == pytest.approx(100)
    assert len(engine.generations) == -(-ENOUGH_TOKENS // 4)


def test_too_few_tokens_are_no_measurement(clock: Clock):
    assert tokens_per_second(PacedEngine(clock, tokens=2, seconds=0.5), seconds=2) is None


def test_an_engine_that_breaks_or_refuses_has_no_speed_and_is_not_asked_again(clock: Clock):
    broken = PacedEngine(clock, tokens=100, seconds=0.001, breaks=True)
    assert tokens_per_second(broken) is None
    assert len(broken.generations) == 1
    refusing = ScriptedEngine()
    refusing.refusal = ValidationFailed("too long")
    assert tokens_per_second(refusing) is None


def test_an_engine_that_says_nothing_is_given_up_in_time():
    engine = ScriptedEngine()
    assert tokens_per_second(engine, seconds=0.05) is None
    assert engine.generations[0].cancelled.is_set()


def test_figures_are_shown_as_exactly_as_they_are_known():
    assert [shown(rate) for rate in (0.123, 7.77, 184.5, 3917.4)] == [
        "0.12 tokens/s",
        "7.8 tokens/s",
        "180 tokens/s",
        "3,900 tokens/s",
    ]
    assert "too few tokens" in shown(None)


def test_a_comparison_has_a_figure_only_where_both_were_measured():
    both = SpeedComparison(base="nano", reference=10.0, native=250.0, native_name="native (AVX2)")
    assert both.times_slower == 25
    assert both.words() == (
        "it is 25 × slower than native (AVX2), measured here with nano, one answer at a time: 10 tokens/s against "
        "250 tokens/s"
    )
    assert SpeedComparison(base="nano", reference=10.0, reason="no compiler").words() == NOT_KNOWN
    unmeasured = SpeedComparison(base="nano", reference=None, native=250.0, native_name="native (AVX2)")
    assert unmeasured.times_slower is None
    assert "could not be measured" in unmeasured.words()
