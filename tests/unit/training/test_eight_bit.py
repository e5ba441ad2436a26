"""8-bit moments, with the real library where it is installed: `pip install 'tanren[eight-bit]'`."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tanren.domain.errors import JobFailed
from tanren.training import eight_bit
from tanren.training.eight_bit import BYTES_A_PARAMETER, check_optimizer
from tanren.training.optimizer import Optimizer
from tanren.training.spec import TrainingSpec
from tests.numerics.runs import Killed, Remembering, small_run
from tests.numerics.tiny_models import pairs, save_base_model

SPEC = TrainingSpec(optimizer="adamw-8bit", weight_decay=0.1)
needs_library = pytest.mark.skipif(find_spec("bitsandbytes") is None, reason="bitsandbytes is not installed")


def test_without_its_library_the_job_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_: str) -> None: ...

    monkeypatch.setattr(eight_bit, "find_spec", nothing)
    with pytest.raises(JobFailed, match=r"pip install 'tanren\[eight-bit\]'.*or use adafactor"):
        small_run(save_base_model(tmp_path / "base"), tmp_path / "work", pairs(4), optimizer="adamw-8bit")
    assert not (tmp_path / "work").exists()
    check_optimizer(TrainingSpec())


def _parameters() -> dict[str, nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return {
        name: nn.Parameter(torch.randn(shape, generator=generator) * 0.1)
        for name, shape in {"large": (64, 128), "small": (8, 8), "vector": (128,)}.items()
    }


def _take_steps(optimizer: Optimizer, of: dict[str, nn.Parameter], steps: range) -> None:
    for step in steps:
        generator = torch.Generator().manual_seed(step)
        for parameter in of.values():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimizer.step(0.01)


@needs_library
def test_moments_of_large_matrices_have_eight_bits() -> None:
    of = _parameters()
    optimizer = Optimizer(of, SPEC)
    _take_steps(optimizer, of, range(1))
    sizes = {
        name: sum(value.nbytes for key, value in optimizer.state().items() if key.startswith(f"{name}/") and value.ndim)
        for name in of
    }
    assert sizes["large"] == BYTES_A_PARAMETER * 64 * 128
    assert sizes["small"] == 8 * 8 * 8


@needs_library
def test_its_updates_are_near_those_of_adamw() -> None:
    plain, narrow = _parameters(), _parameters()
    before = _parameters()["large"]
    _take_steps(Optimizer(plain, TrainingSpec(weight_decay=0.1)), plain, range(20))
    _take_steps(Optimizer(narrow, SPEC), narrow, range(20))
    torch.testing.assert_close(narrow["small"], plain["small"])
    apart = (narrow["large"] - plain["large"]).norm() / (plain["large"] - before).norm()
    assert 0 < apart < 0.1


@needs_library
def test_a_state_written_by_name_goes_on_as_if_nothing_had_been() -> None:
    whole, halves = _parameters(), _parameters()
    _take_steps(Optimizer(whole, SPEC), whole, range(6))
    first = Optimizer(halves, SPEC)
    _take_steps(first, halves, range(3))
    state = {key: value.clone() for key, value in first.state().items()}
    second = Optimizer(halves, SPEC)
    second.load_state(state)
    _take_steps(second, halves, range(3, 6))
    assert all(torch.equal(whole[key], halves[key]) for key in whole)


@needs_library
@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_killed_run_ends_in_the_bytes_of_one_that_was_not(tmp_path: Path, method: str) -> None:
    base = save_base_model(tmp_path / "base")
    knobs: dict[str, Any] = {"optimizer": "adamw-8bit", "method": method, "learning_rate": 2e-3}
    knobs["checkpoint_interval_seconds"] = 0.0
    plain = small_run(base, tmp_path / "plain", pairs(10), **knobs)
    with pytest.raises(Killed):
        small_run(base, tmp_path / "w", pairs(10), reporter=Remembering(lambda record: record.step == 3), **knobs)
    resumed = small_run(base, tmp_path / "w", pairs(10), **knobs)
    assert resumed.sha256 == plain.sha256
    assert resumed.step_records == plain.step_records
