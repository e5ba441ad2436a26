"""What throughput would take and cost, before it is bought."""

from pathlib import Path

import pytest

from tanren.control.throughput_estimates import ThroughputEstimateControl
from tanren.domain.errors import ResourceNotFound
from tanren.model_files.store import NANO_FOLDER
from tanren.storage.engine_hosts import EngineHosts, EngineHostStatus

MODEL = "tanren.nano-v1:0"


@pytest.fixture
def hosts(plane) -> EngineHosts:
    return EngineHosts(plane.job_rows.database)


@pytest.fixture
def control(plane, hosts: EngineHosts, tmp_path: Path) -> ThroughputEstimateControl:
    return ThroughputEstimateControl(
        plane.model_rows, plane.weights, plane.artifacts, hosts, price_file=tmp_path / "prices.toml"
    )


def test_a_base_that_is_not_loaded_takes_its_weights_and_a_process(scope, control):
    estimate = control.estimate(scope, MODEL, 1)
    assert not estimate.is_loaded
    assert estimate.needed_bytes > (NANO_FOLDER / "model.safetensors").stat().st_size


def test_a_base_that_is_loaded_takes_nothing_more(scope, control, hosts, plane):
    at = plane.clock()
    hosts.want(str(NANO_FOLDER), at=at)
    assert not control.estimate(scope, MODEL, 1).is_loaded
    hosts.set(str(NANO_FOLDER), EngineHostStatus.READY, socket_path="/tmp/nano.sock", at=at)
    estimate = control.estimate(scope, MODEL, 1)
    assert (estimate.is_loaded, estimate.needed_bytes) == (True, 0)


def test_units_are_paid_each_and_share_the_weights(scope, control, tmp_path):
    assert control.estimate(scope, MODEL, 2).price_per_hour is None
    (tmp_path / "prices.toml").write_text(f'currency = "USD"\n[provisioned-per-unit-hour]\n"{MODEL}" = 20.5\n')
    one, two = (control.estimate(scope, MODEL, units) for units in (1, 2))
    assert (one.price_per_hour, two.price_per_hour) == (20.5, 41.0)
    assert one.needed_bytes == two.needed_bytes


def test_a_model_that_is_not_there_is_named(scope, control):
    with pytest.raises(ResourceNotFound, match="nobody"):
        control.estimate(scope, "nobody", 1)
