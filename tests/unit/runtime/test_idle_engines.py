"""What nobody asks for leaves the memory; what is bought or busy stays."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tanren.control.provisioned_throughputs import NewProvisionedThroughput
from tanren.domain.errors import ServiceUnavailable
from tanren.domain.provisioned_throughputs import ProvisionedStatus
from tanren.model_files.store import NANO_FOLDER
from tanren.runtime import idle_engines
from tanren.runtime.idle_engines import IdleEngines
from tanren.runtime.placement import StoredPlacement
from tanren.serving.protocol import EngineDescription
from tanren.storage.engine_hosts import EngineHosts, EngineHostStatus

BASE = "/models/base"
IDLE = EngineDescription(
    engine="none",
    base_folder="",
    base_sha256="",
    parameter_count=0,
    context_length=1,
    weight_bytes=0,
    adapter_bytes=0,
    resident_adapters=(),
    active_count=0,
    queued_count=0,
)


@pytest.fixture
def hosts(database, clock) -> EngineHosts:
    hosts = EngineHosts(database)
    for folder in (BASE, str(NANO_FOLDER)):
        hosts.want(folder, at=clock())
        hosts.set(folder, EngineHostStatus.READY, at=clock(), socket_path=folder)
    return hosts


@pytest.fixture
def described(monkeypatch) -> dict:
    """What the engine at BASE says of itself, an error among it."""
    says = {BASE: IDLE, str(NANO_FOLDER): IDLE}

    class Client:
        def __init__(self, socket_path: str, *, silence_seconds: float) -> None:
            self.socket_path = socket_path

        async def describe(self) -> EngineDescription:
            if isinstance(says[self.socket_path], Exception):
                raise says[self.socket_path]
            return says[self.socket_path]

    monkeypatch.setattr(idle_engines, "EngineClient", Client)
    return says


@pytest.fixture
def look(plane, hosts, described, clock):
    """One round, with an idle time of fifteen minutes; what was let go."""
    placement = StoredPlacement(
        plane.model_rows,
        plane.throughput_rows,
        plane.deployment_rows,
        hosts,
        plane.artifacts,
        plane.weights,
        clock=clock,
    )

    def run(idle: timedelta | None = timedelta(minutes=15)) -> list[str]:
        engines = IdleEngines(hosts, plane.throughput_rows, placement, idle=idle, clock=clock)
        return asyncio.run(engines.look())

    return run


def test_a_base_is_let_go_after_the_idle_time_and_not_before(hosts, look, clock):
    clock.advance(minutes=14)
    assert look() == []
    hosts.want(str(NANO_FOLDER), at=clock())
    clock.advance(minutes=2)
    assert look() == [BASE]
    assert hosts.find(BASE) is None
    assert hosts.find(str(NANO_FOLDER)) is not None


def test_without_an_idle_time_all_stay(look, clock):
    clock.advance(days=9)
    assert look(None) == []


@pytest.mark.parametrize(
    "says", [replace(IDLE, active_count=1), replace(IDLE, queued_count=1), ServiceUnavailable("silent")]
)
def test_an_engine_that_is_busy_or_does_not_say_stays(hosts, described, look, clock, says):
    described[BASE] = described[str(NANO_FOLDER)] = says
    clock.advance(minutes=20)
    assert look() == []
    described[BASE] = IDLE
    # A long answer was use until now.
    assert look() == ([BASE] if isinstance(says, Exception) else [])


def test_the_base_of_a_throughput_is_asked_for_and_stays_until_the_throughput_goes(
    plane, scope, hosts, look, clock, tmp_path
):
    hosts.forget(str(NANO_FOLDER))
    new = NewProvisionedThroughput(
        name="pt",
        model_identifier="tanren.nano-v1:0",
        model_units=1,
        commitment_duration=None,
        client_request_token=None,
    )
    arn = plane.throughputs.create(scope, new)
    look()
    assert hosts.find(str(NANO_FOLDER)).status is EngineHostStatus.WANTED
    hosts.set(str(NANO_FOLDER), EngineHostStatus.READY, at=clock(), socket_path=str(NANO_FOLDER))
    clock.advance(hours=5)
    assert look() == [BASE]
    with plane.throughput_rows.database.writing() as connection:
        plane.throughput_rows.change(connection, arn, status=ProvisionedStatus.FAILED)
    clock.advance(minutes=20)
    assert look() == [str(NANO_FOLDER)]
