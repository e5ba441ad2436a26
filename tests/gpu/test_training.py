"""Training on a CUDA device: `make gpu`. Elsewhere all of it is skipped, with the reason."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tanren.training.document_attention import WHOLE, rectangles_backwards, rectangles_forwards
from tanren.training.memory_forecast import ACCURACY
from tanren.training.metrics import StepRecord
from tanren.training.run import TrainingOutcome, train
from tanren.training.run_record import read_run_record
from tanren.training.spec import TrainingSpec
from tanren.training.varlen_attention import varlen_attention, varlen_backwards, why_not_varlen
from tanren.weights.adapters import read_adapter
from tests.numerics.runs import SPEC, Killed, Remembering
from tests.numerics.tiny_models import pairs, save_architecture

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine shows torch no CUDA device"),
    # torch says of kernels that they may give other bits another time; on a GPU nothing else is promised.
    pytest.mark.filterwarnings("ignore:.*determinis.*:UserWarning"),
]
DEVICE = "cuda:0"
WIDE_HEADS = "mistral"
"""Its heads are 16 wide, which the kernel takes; those of the other tiny models are 8."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_architecture(tmp_path_factory.mktemp("base"), WIDE_HEADS)


def run_on(device: str, base: Path, work: Path, reporter: Remembering | None = None, **changes: Any) -> TrainingOutcome:
    return train(
        TrainingSpec.from_json({**SPEC.to_json(), **changes}),
        base_folder=base,
        training_records=pairs(12),
        validation_sets=[pairs(4, file="validation.jsonl", start=100)],
        work_folder=work,
        reporter=reporter or Remembering(),
        should_stop=lambda: None,
        device=device,
    )


def losses(outcome: TrainingOutcome) -> list[float]:
    return [record.training_loss for record in outcome.step_records]


@pytest.mark.parametrize("method", ["lora", "full"])
def test_in_float32_a_job_has_the_losses_of_the_processor(base: Path, tmp_path: Path, method: str) -> None:
    knobs: dict[str, Any] = {"method": method, "learning_rate": 1e-3}
    there = run_on(DEVICE, base, tmp_path / "gpu", **knobs)
    here = run_on("cpu", base, tmp_path / "cpu", **knobs)
    assert losses(there) == pytest.approx(losses(here), abs=1e-4)
    assert there.validation_losses == pytest.approx(here.validation_losses, abs=1e-4)
    record = read_run_record(tmp_path / "gpu")
    assert record["machine"]["gpu"] == torch.cuda.get_device_name(DEVICE)


def test_in_bfloat16_the_gpus_kernel_computes_attention_and_the_losses_are_near(base: Path, tmp_path: Path) -> None:
    there = run_on(DEVICE, base, tmp_path / "gpu", dtype="bfloat16")
    here = run_on("cpu", base, tmp_path / "cpu", dtype="bfloat16")
    assert read_run_record(tmp_path / "gpu")["arithmetic"]["not_varlen_because"] is None
    assert losses(there) == pytest.approx(losses(here), rel=0.03)
    assert read_adapter(there.folder).sha256 == there.sha256


def test_a_killed_run_goes_on_at_its_checkpoint(base: Path, tmp_path: Path) -> None:
    knobs: dict[str, Any] = {"checkpoint_interval_seconds": 0.0, "lora_dropout": 0.1}
    plain = run_on(DEVICE, base, tmp_path / "plain", **knobs)
    with pytest.raises(Killed):
        run_on(DEVICE, base, tmp_path / "w", Remembering(lambda record: at_step(record, 4)), **knobs)
    again = Remembering()
    resumed = run_on(DEVICE, base, tmp_path / "w", again, **knobs)
    assert again.steps[0].step == 4
    assert losses(resumed) == pytest.approx(losses(plain), abs=1e-5)


def at_step(record: object, step: int) -> bool:
    return isinstance(record, StepRecord) and record.step == step


@pytest.mark.parametrize("optimizer", ["adamw", "adamw-8bit", "adafactor", "sgd"])
def test_every_optimizer_lowers_the_loss(base: Path, tmp_path: Path, optimizer: str) -> None:
    if optimizer == "adamw-8bit":
        pytest.importorskip("bitsandbytes")
    rate = 0.1 if optimizer == "sgd" else 1e-3
    outcome = run_on(
        DEVICE, base, tmp_path, optimizer=optimizer, method="full", epochs=6, batch_size=12, learning_rate=rate
    )
    assert losses(outcome)[-1] < losses(outcome)[0]


def test_blocks_that_are_computed_again_give_the_same_losses_in_less_memory(base: Path, tmp_path: Path) -> None:
    outcomes = {
        choice: run_on(DEVICE, base, tmp_path / choice, dtype="bfloat16", gradient_checkpointing=choice)
        for choice in ("off", "on")
    }
    assert losses(outcomes["on"]) == pytest.approx(losses(outcomes["off"]), rel=1e-3)


LENGTHS = [1, 7, 30, 130, 300]
STARTS = torch.tensor([0, *LENGTHS]).cumsum(0)


@pytest.mark.parametrize("window", [WHOLE, 1, 64])
@pytest.mark.parametrize(("heads", "width"), [((8, 2), 64), ((4, 4), 128), ((6, 1), 96)])
def test_the_kernel_computes_what_rectangles_do(window: int, heads: tuple[int, int], width: int) -> None:
    device = torch.device(DEVICE)
    assert why_not_varlen(torch.bfloat16, width, device) is None
    generator = torch.Generator(device).manual_seed(0)
    query, key, value, downstream = (
        torch.randn(sum(LENGTHS), count, width, device=device, generator=generator).to(torch.bfloat16)
        for count in (heads[0], heads[1], heads[1], heads[0])
    )
    scaling = width**-0.5
    exact = [each.to(torch.float32) for each in (query, key, value)]
    expected = rectangles_forwards(exact[0], exact[1], exact[2], STARTS, scaling, window)
    result = varlen_attention(query, key, value, STARTS, scaling, window)
    torch.testing.assert_close(result.to(torch.float32), expected, atol=2e-2, rtol=2e-2)
    wanted = rectangles_backwards(downstream.to(torch.float32), *exact, STARTS, scaling, window)
    for one, other in zip(
        varlen_backwards(downstream, query, key, value, STARTS, scaling, window), wanted, strict=True
    ):
        apart = (one.to(torch.float32) - other).norm() / other.norm()
        assert apart < 2e-2


def test_the_forecast_is_of_the_devices_memory(base: Path, tmp_path: Path) -> None:
    """Of a tiny model it is an assumption on workspaces more than anything else: it must not be too low."""
    run_on(DEVICE, base, tmp_path, dtype="bfloat16")
    memory = read_run_record(tmp_path)["memory"]
    assert memory["peak_bytes"] <= memory["forecast"]["total_bytes"] * ACCURACY
