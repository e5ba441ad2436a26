"""Every answer is counted once, whole or broken off; a refused request is not."""

import asyncio
from contextlib import aclosing, suppress

import pytest

from tanren.domain.conversation import user_turn
from tanren.domain.errors import ModelFailed, Throttled
from tanren.domain.generation import GenerationRequest, TextDelta
from tanren.domain.usage import Usage
from tanren.runtime.metering import MeteredEngine, UsageKey, UsageMeter
from tanren.storage.usage import UsageRecords
from tests.unit.runtime.placed_engine import PlacedEngine

REQUEST = GenerationRequest(conversation=user_turn("hi"), max_new_tokens=9, temperature=0.0)


class Noted:
    def __init__(self) -> None:
        self.used: list[tuple[UsageKey, Usage]] = []

    def note(self, key: UsageKey, used: Usage) -> None:
        self.used.append((key, used))


@pytest.fixture
def key(scope) -> UsageKey:
    return UsageKey(scope=scope, resource_arn="arn:pt", model_arn="arn:model")


def _generate(engine: PlacedEngine, key: UsageKey, *, leave_after: int = 99) -> list[Usage]:
    noted = Noted()

    async def run() -> None:
        async with aclosing(MeteredEngine(engine, noted, key).generate(REQUEST)) as events:
            words = 0
            async for event in events:
                words += isinstance(event, TextDelta)
                if words == leave_after:
                    return

    with suppress(ModelFailed, Throttled):
        asyncio.run(run())
    assert all(used_by == key for used_by, _ in noted.used)
    return [used for _, used in noted.used]


def test_an_answer_counts_its_tokens_and_its_time(key):
    (used,) = _generate(PlacedEngine(), key)
    assert (used.request_count, used.input_tokens, used.output_tokens) == (1, 7, 2)
    assert used.generation_seconds > 0


def test_an_answer_that_the_client_left_or_that_broke_counts_what_was_made(key):
    engine = PlacedEngine()
    (left,) = _generate(engine, key, leave_after=1)
    assert (left.input_tokens, left.output_tokens) == (7, 1)
    assert engine.closed_early == 1
    (broke,) = _generate(PlacedEngine(breakage=ModelFailed("died")), key)
    assert (broke.input_tokens, broke.output_tokens) == (7, 2)


def test_a_request_that_was_refused_has_used_nothing(key):
    assert _generate(PlacedEngine(refusal=Throttled("full")), key) == []


def test_sums_reach_the_store_by_minute_and_survive_a_store_that_is_away(database, key, clock, monkeypatch):
    records = UsageRecords(database)
    meter = UsageMeter(records, clock=clock)
    begin = clock().replace(second=0, microsecond=0)
    monkeypatch.setattr(records, "add", lambda _: 1 / 0)
    meter._is_over.set()  # no thread: the test flushes by hand
    meter.note(key, Usage(request_count=1, output_tokens=3))
    with pytest.raises(ZeroDivisionError):
        meter.flush()
    monkeypatch.undo()
    meter.note(key, Usage(request_count=1, output_tokens=4))
    clock.advance(minutes=1)
    meter.note(key, Usage(request_count=1, output_tokens=5))
    meter.close()
    minutes = {place[3].minute: used.output_tokens for place, used in records.between(begin, clock()).items()}
    assert minutes == {0: 7, 1: 5}


def test_a_meter_writes_by_itself_and_its_end_writes_the_rest(database, key, clock):
    records = UsageRecords(database)
    meter = UsageMeter(records, clock=clock)
    begin = clock()
    meter.note(key, Usage(request_count=1))
    meter.close()
    (used,) = records.between(begin.replace(second=0, microsecond=0), clock()).values()
    assert used == Usage(request_count=1)
