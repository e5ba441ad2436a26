"""The forecast against what a process of its own really takes; and what is done where it does not fit."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tanren.domain.errors import JobFailed
from tanren.model_files.store import NANO_FOLDER
from tanren.training.loop import TOKEN_BUDGET
from tanren.training.memory_forecast import (
    ACCURACY,
    TOKEN_BUDGETS,
    PeakMemory,
    RowLengths,
    available_memory,
    fitting_forecast,
    forecast,
    in_words,
    read_widths,
)
from tanren.training.memory_plan import PLAN_FILE, plan_memory
from tanren.training.reporting import TrainingYielded
from tanren.training.spec import TrainingSpec
from tanren.weights.base_models import read_facts
from tests.numerics.tiny_models import save_base_model

ROOT = Path(__file__).resolve().parents[3]
ROWS = RowLengths(tokens=100_000, targets=60_000, longest=500)
CHILD = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from tests.numerics.runs import small_run
from tests.numerics.tiny_models import pair

base, work, method, dtype, words, longest, checkpointing = sys.argv[1:]
records = [pair(n, f"what is {n}?", "the sword is made of steel " * int(words) + str(n)) for n in range(8)]
small_run(
    Path(base), Path(work), records, method=method, dtype=dtype, batch_size=8, epochs=1, lora_rank=16,
    max_sequence_length=int(longest), learning_rate=1e-3, gradient_checkpointing=checkpointing,
)
"""


def _measured(base: Path, work: Path, *, checkpointing: str = "off", **given: object) -> dict[str, Any]:
    command = [sys.executable, "-c", CHILD, str(base), str(work), *map(str, given.values()), checkpointing]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return json.loads((work / "run.json").read_text())["memory"]


@pytest.mark.parametrize(("method", "dtype"), [("lora", "float32"), ("lora", "bfloat16"), ("full", "float32")])
def test_what_nano_takes_is_forecast_within_the_stated_factor(tmp_path: Path, method: str, dtype: str) -> None:
    memory = _measured(NANO_FOLDER, tmp_path, method=method, dtype=dtype, words=60, longest=1024)
    added, measured = _added(memory)
    assert memory["peak_is_of_run"]
    assert 1 / ACCURACY <= added / measured <= ACCURACY, f"forecast {in_words(added)}, measured {in_words(measured)}"


def _added(memory: dict[str, Any]) -> tuple[int, int]:
    """Beyond what the process had: forecast and measured."""
    process = memory["forecast"]["process_bytes"]
    return memory["forecast"]["total_bytes"] - process, memory["peak_bytes"] - process


def test_blocks_that_are_computed_again_take_less_as_is_forecast(tmp_path: Path) -> None:
    given: dict[str, Any] = {"method": "lora", "dtype": "float32", "words": 60, "longest": 1024}
    _, kept = _added(_measured(NANO_FOLDER, tmp_path / "kept", **given))
    forecast, recomputed = _added(_measured(NANO_FOLDER, tmp_path / "again", checkpointing="on", **given))
    assert recomputed < 0.85 * kept
    assert 1 / ACCURACY <= forecast / recomputed <= ACCURACY, f"{in_words(forecast)}, measured {in_words(recomputed)}"


def test_what_a_tiny_model_takes_is_forecast_within_the_noise_of_a_process(tmp_path: Path) -> None:
    base = save_base_model(tmp_path / "base")
    memory = _measured(base, tmp_path / "work", method="lora", dtype="float32", words=2, longest=256)
    assert abs(memory["forecast"]["total_bytes"] - memory["peak_bytes"]) < 40_000_000


def test_each_part_follows_what_it_is_made_of() -> None:
    facts, widths = read_facts(NANO_FOLDER), read_widths(NANO_FOLDER)

    def made(**changes: Any):
        budget = changes.pop("token_budget", TOKEN_BUDGET)
        return forecast(TrainingSpec(**changes), facts, widths, ROWS, process_bytes=0, token_budget=budget)

    lora, full = made(), made(method="full")
    assert full.gradients_bytes == 4 * facts.parameter_count
    assert full.moments_bytes == 8 * facts.parameter_count
    assert full.weights_bytes == 4 * facts.parameter_count
    assert lora.gradients_bytes < full.gradients_bytes / 5
    assert made(lora_rank=32).moments_bytes == 2 * lora.moments_bytes
    assert made(optimizer="adamw-8bit").moments_bytes == pytest.approx(lora.moments_bytes / 4, rel=0.02)
    assert made(dtype="bfloat16").weights_bytes < lora.weights_bytes * 0.7
    assert made(token_budget=1024).activations_bytes < lora.activations_bytes * 0.7
    assert made(batch_size=1).largest_micro_batch == ROWS.longest
    assert made(token_budget=128).largest_micro_batch == ROWS.longest


def test_short_memory_makes_micro_batches_smaller_and_the_run_says_so(tmp_path: Path) -> None:
    spec = TrainingSpec(batch_size=64)
    whole, _ = fitting_forecast(spec, NANO_FOLDER, ROWS, device="cpu", available=10**12)
    assert whole.token_budget == TOKEN_BUDGET
    free = whole.added_bytes * 3 // 5
    plan = plan_memory(spec, NANO_FOLDER, ROWS, tmp_path, device="cpu", token_budget=None, available=free)
    assert plan.token_budget < TOKEN_BUDGET
    assert plan.forecast.added_bytes <= free
    assert f"micro-batches have {plan.token_budget} tokens instead of {TOKEN_BUDGET}" in plan.sentence()


def test_where_the_smallest_micro_batches_do_not_fit_blocks_are_computed_again(tmp_path: Path) -> None:
    spec = TrainingSpec(batch_size=64)
    smallest = min(TOKEN_BUDGETS["cpu"])
    least, _ = fitting_forecast(spec, NANO_FOLDER, ROWS, device="cpu", token_budget=smallest, available=10**12)
    free = least.added_bytes - 1
    plan = plan_memory(spec, NANO_FOLDER, ROWS, tmp_path, device="cpu", token_budget=None, available=free)
    assert plan.forecast.recomputes_blocks
    assert plan.forecast.added_bytes <= free
    assert "blocks are computed again in the backward pass instead of being kept" in plan.sentence()
    # And again in a later attempt, whatever has become free meanwhile.
    later = plan_memory(spec, NANO_FOLDER, ROWS, tmp_path, device="cpu", token_budget=None, available=10**12)
    assert later.forecast == replace(plan.forecast, process_bytes=later.forecast.process_bytes)
    off = replace(spec, gradient_checkpointing="off")
    with pytest.raises(JobFailed, match=r'gradientCheckpointing "auto" needs .* which fits'):
        fitting_forecast(off, NANO_FOLDER, ROWS, device="cpu", available=free)


def test_what_is_asked_for_is_done_however_much_is_free_and_is_no_concession(tmp_path: Path) -> None:
    spec = TrainingSpec(gradient_checkpointing="on")
    plan = plan_memory(spec, NANO_FOLDER, ROWS, tmp_path, device="cpu", token_budget=None, available=10**12)
    assert plan.forecast.recomputes_blocks
    assert "Memory is short" not in plan.sentence()


def test_a_gpu_takes_more_at_a_time_and_neither_loads_nor_saves_there() -> None:
    facts, widths = read_facts(NANO_FOLDER), read_widths(NANO_FOLDER)
    cpu, gpu = (forecast(TrainingSpec(), facts, widths, ROWS, process_bytes=0, kind=kind) for kind in ("cpu", "cuda"))
    assert max(TOKEN_BUDGETS["cuda"]) > max(TOKEN_BUDGETS["cpu"])
    assert (gpu.loading_bytes, gpu.saving_bytes) == (0, 0)
    assert cpu.loading_bytes > 0
    assert gpu.weights_bytes == cpu.weights_bytes


def test_a_run_that_goes_on_keeps_its_micro_batches(tmp_path: Path) -> None:
    """Whatever has become free meanwhile: another size would add up in another order."""
    (tmp_path / PLAN_FILE).write_text('{"token_budget": 512}')
    plan = plan_memory(TrainingSpec(), NANO_FOLDER, ROWS, tmp_path, device="cpu", token_budget=None, available=10**12)
    assert plan.token_budget == 512


def test_what_cannot_fit_is_refused_with_what_is_missing_and_what_helps(tmp_path: Path) -> None:
    spec, available = TrainingSpec(method="full", batch_size=1), 30_000_000
    with pytest.raises(JobFailed, match=r"does not fit into memory.*weights.*optimiser.*30 MB are free.*missing.*lora"):
        plan_memory(spec, NANO_FOLDER, ROWS, tmp_path, device="cpu", token_budget=None, available=available)
    with pytest.raises(JobFailed, match="longest record has 900 tokens"):
        fitting_forecast(
            TrainingSpec(),
            NANO_FOLDER,
            RowLengths(tokens=9000, targets=9000, longest=900),
            device="cpu",
            available=60_000_000,
        )
    assert not (tmp_path / PLAN_FILE).exists()


def test_a_run_that_had_begun_waits_for_its_memory(tmp_path: Path) -> None:
    (tmp_path / PLAN_FILE).write_text('{"token_budget": 2048}')
    with pytest.raises(TrainingYielded, match="Other programs have taken the memory"):
        plan_memory(TrainingSpec(), NANO_FOLDER, ROWS, tmp_path, device="cpu", token_budget=None, available=1)


def test_the_machine_says_what_is_free_and_what_was_taken() -> None:
    free = available_memory("cpu")
    assert free is not None
    assert free > 0
    peak = PeakMemory.begin("cpu")
    before = peak.bytes()
    assert before is not None
    block = bytearray(b"x" * 64_000_000)
    after = peak.bytes()
    assert after is not None
    assert after - before > 50_000_000
    del block
