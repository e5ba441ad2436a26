"""An adapter that takes part is told from one that does not, or not as a whole, by what it does to the numbers."""

import random
from pathlib import Path

import pytest

from tanren.serving.engines.reference_base import load_reference_base
from tanren.serving.engines.vllm_canary import AdapterIgnored, CanaryOracle, Readings, check_readings, rms
from tanren.weights.canary import Expectation, read_expectation, write_expectation
from tests.unit.serving.tiny_base import write_tiny_adapter, write_tiny_base

COUNT = 40


def vector(seed: int, size: float) -> list[float]:
    draws = random.Random(seed)
    return [draws.gauss(0, size) for _ in range(COUNT)]


def plus(*vectors: list[float]) -> list[float]:
    return [sum(each) for each in zip(*vectors, strict=True)]


BASE = [each - 5 for each in vector(1, 1.0)]
CHANGE = vector(2, 0.5)
EXPECTED = Expectation(
    prompt_ids=tuple(range(COUNT + 1)), base_logprobs=tuple(BASE), logprobs=tuple(plus(BASE, CHANGE))
)


def readings(adapter: list[float], *, noise: float = 0.0, base: list[float] = BASE) -> Readings:
    return Readings(base_before=base, adapter=adapter, base_after=plus(base, vector(3, noise)))


def test_an_adapter_that_changes_nothing_is_ignored_by_the_server():
    with pytest.raises(AdapterIgnored, match="the adapter abc and answers as the base"):
        check_readings("abc", readings(BASE), None)


def test_a_change_within_the_noise_of_the_base_is_no_change():
    with pytest.raises(AdapterIgnored, match="two readings of the base differ by"):
        check_readings("abc", readings(plus(BASE, vector(4, 0.01)), noise=0.01), None)
    check_readings("abc", readings(plus(BASE, vector(4, 0.1)), noise=0.01), None)


def test_the_smallest_change_counts_where_there_is_no_noise():
    check_readings("abc", readings([*BASE[:-1], BASE[-1] + 1e-6]), None)


def test_numbers_that_are_none_are_refused():
    with pytest.raises(AdapterIgnored, match="no finite numbers"):
        check_readings("abc", readings([*BASE[:-1], float("nan")]), None)


def test_the_expected_change_is_accepted_with_the_errors_of_another_arithmetic():
    other_arithmetic = plus(BASE, vector(5, 0.03))
    check_readings("abc", readings(plus(other_arithmetic, CHANGE), base=other_arithmetic, noise=0.01), EXPECTED)


@pytest.mark.parametrize(
    "came",
    [
        pytest.param([each / 2 for each in CHANGE], id="half of it"),
        pytest.param([each * 2 for each in CHANGE], id="another scale"),
        pytest.param([-each for each in CHANGE], id="the other way"),
        pytest.param(vector(6, 0.5), id="another adapter"),
        pytest.param([*CHANGE[: COUNT // 2], *[0.0] * (COUNT // 2)], id="half of the text"),
    ],
)
def test_another_change_than_the_expected_is_refused_with_the_figures(came: list[float]):
    with pytest.raises(AdapterIgnored, match=r"abc as it was trained.*should change.*by 0\.\d+ nats.*allowed"):
        check_readings("abc", readings(plus(BASE, came)), EXPECTED)
    check_readings("abc", readings(plus(BASE, came)), None)  # nobody knows better


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("base") / "base")


def test_what_the_model_computes_is_found_again_beside_the_adapter(base: Path, tmp_path: Path):
    served = load_reference_base(base)
    adapter = write_tiny_adapter(tmp_path / "adapter", base, seed=1)
    oracle = CanaryOracle(served.model)
    expectation = oracle.expected(served.load_adapter(adapter), [5, 6, 7, 8, 9])
    assert oracle.expected(served.load_adapter(adapter), [5, 6, 7, 8, 9]) == expectation
    assert len(expectation.change) == 4
    assert rms(expectation.change) > 0.01
    write_expectation(Path(adapter.folder), expectation)
    assert read_expectation(Path(adapter.folder), 300) == expectation
    served.load_adapter(adapter)  # another file beside the weights is no reason against them
