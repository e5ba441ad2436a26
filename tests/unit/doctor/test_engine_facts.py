"""What the process with torch finds, without the process."""

import sys

import pytest

from tanren.catalog.stand_ins import StandIn, write_stand_in
from tanren.catalog.weights import WeightsCatalogue
from tanren.doctor import engine_facts
from tanren.serving.engines import vllm_options
from tanren.serving.engines.speed import SpeedComparison
from tanren.serving.engines.vllm_options import VllmOptions


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    calls: list[str] = []

    def compare() -> SpeedComparison:
        calls.append("compared")
        return SpeedComparison(base="nano", reference=10.0, native=40.0, native_name="native (AVX2)")

    monkeypatch.setattr(engine_facts, "compare_speeds", compare)
    return calls


@pytest.fixture(autouse=True)
def without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm_options, "has_cuda_device", lambda: False)


def reason_is(monkeypatch: pytest.MonkeyPatch, reason: str | None) -> None:
    monkeypatch.setattr(engine_facts, "reason_against_native", lambda folder: reason)


@pytest.mark.parametrize(
    ("engine", "reason", "is_measured"),
    [("auto", None, False), ("auto", "no library", True), ("reference", None, True), ("native", "no library", False)],
)
def test_speeds_are_measured_where_some_base_gets_the_reference_engine(
    tmp_path, monkeypatch, compared, engine, reason, is_measured
):
    reason_is(monkeypatch, reason)
    found = engine_facts.engine_facts(engine, VllmOptions(), tmp_path)
    assert found["reasonsAgainstNative"] == {"nano-v1": reason}
    assert len(compared) == (1 if is_measured else 0)
    if is_measured:
        assert found["speeds"]["timesSlower"] == 4
        assert "4 × slower" in found["speeds"]["words"]
    else:
        assert found["speeds"] is None


def test_a_line_that_names_what_is_not_there_hides_no_other_base(tmp_path):
    catalogue = WeightsCatalogue(tmp_path)
    write_stand_in(catalogue.file, "amazon.titan-text-lite-v1", StandIn(model="nobody/nothing"))
    assert list(engine_facts.bases_in_use(catalogue)) == ["nano-v1"]


def test_vllm_takes_every_base_where_auto_would_and_nobody_waits_for_a_comparison(tmp_path, monkeypatch, compared):
    reason_is(monkeypatch, "no library")
    monkeypatch.setattr(vllm_options, "has_cuda_device", lambda: True)
    found = engine_facts.engine_facts("auto", VllmOptions(command=sys.executable), tmp_path)
    assert (found["takesVllm"], found["reasonAgainstVllm"], found["speeds"]) == (True, None, None)
    assert compared == []


def test_a_vllm_that_was_asked_for_and_cannot_be_leaves_its_reason(tmp_path, monkeypatch, compared):
    reason_is(monkeypatch, None)
    found = engine_facts.engine_facts("vllm", VllmOptions(command=sys.executable), tmp_path)
    assert found["takesVllm"] is False
    assert "CUDA GPU" in found["reasonAgainstVllm"]
