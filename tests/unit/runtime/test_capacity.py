"""What is published was counted: tokens over seconds, on an engine that had nothing else to do."""

import asyncio
from dataclasses import dataclass, replace

import pytest

from tanren.catalog.foundation_models import FOUNDATION_MODELS
from tanren.control.provisioned_throughputs import NewProvisionedThroughput
from tanren.domain.errors import ModelNotReady
from tanren.domain.generation import GenerationStart, TextDelta
from tanren.domain.provisioned_throughputs import ProvisionedStatus
from tanren.runtime import capacity
from tanren.runtime.capacity import CapacityMeasurements, measured_tokens_per_minute
from tests.unit.runtime.test_idle_engines import IDLE


@dataclass
class Engine:
    """Makes `tokens` for each answer; below 0 it is still starting."""

    tokens: int = 48
    others: int = 0
    """Answers of somebody else that are under way."""
    is_endless: bool = False
    most: int = 0
    under_way: int = 0

    async def describe(self):
        return replace(IDLE, active_count=self.others + self.under_way)

    async def locate(self, scope, model_arn):
        if self.tokens < 0:
            raise ModelNotReady("starting")
        return FOUNDATION_MODELS["tanren.nano-v1:0"], self, None

    async def generate(self, request, adapter=None):
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            yield GenerationStart(input_token_count=3)
            for number in range(self.tokens):
                await asyncio.sleep(0)
                yield TextDelta(text="x", output_token_count=number + 1)
            if self.is_endless:
                await asyncio.Event().wait()
        finally:
            self.under_way -= 1


@pytest.mark.parametrize("answers", [1, 4])
def test_the_rate_is_tokens_over_time_for_so_many_answers_side_by_side(monkeypatch, answers):
    engine = Engine()
    ticks = iter([100.0, 102.0])
    monkeypatch.setattr("tanren.runtime.capacity.time", type("Clock", (), {"monotonic": lambda: next(ticks)}))
    rate = asyncio.run(measured_tokens_per_minute(engine, None, answers=answers))
    assert rate == 60 * 48 * answers / 2
    assert engine.most == answers


def test_a_slow_engine_is_measured_by_what_it_has_made_when_the_time_is_over(monkeypatch):
    monkeypatch.setattr(capacity, "MEASURED_SECONDS", 0.2)
    engine = Engine(tokens=12, is_endless=True)
    rate = asyncio.run(measured_tokens_per_minute(engine, None, answers=2))
    assert 0 < rate <= 60 * 24 / 0.2
    assert engine.under_way == 0


@pytest.mark.parametrize("engine", [Engine(others=1), Engine(tokens=1)])
def test_an_engine_that_is_busy_or_says_nothing_is_not_measured(engine):
    assert asyncio.run(measured_tokens_per_minute(engine, None, answers=1)) is None


def test_a_throughput_in_service_is_measured_once_and_its_tags_stay_its_owners(plane, scope):
    plane.has_model(scope)
    new = NewProvisionedThroughput(
        name="pt", model_identifier="tuned", model_units=2, commitment_duration=None, client_request_token=None
    )
    arn = plane.throughputs.create(scope, new)
    engine = Engine(tokens=-1)
    look = CapacityMeasurements(plane.throughput_rows, engine).look
    asyncio.run(look())
    with plane.throughput_rows.database.writing() as connection:
        plane.throughput_rows.change(connection, arn, status=ProvisionedStatus.IN_SERVICE)
    asyncio.run(look())
    assert plane.throughputs.get(scope, arn).tokens_per_minute is None
    engine.tokens = 48
    asyncio.run(look())
    assert engine.most == 2
    assert plane.throughputs.get(scope, arn).tokens_per_minute > 0
    assert plane.tags.list(scope, arn) == {}
    engine.most = 0
    asyncio.run(look())
    assert engine.most == 0
