"""The benchmark for GPUs, rehearsed: its very code, on the processor, from the models to the table."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]


def _benchmark(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.train_gpu", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_rehearsal_trains_measures_and_says_that_its_figures_are_none(tmp_path: Path):
    out = tmp_path / "result.json"
    done = _benchmark(
        *("--tiny", "--device", "cpu", "--only", "ours", "--rounds", "1", "--seconds", "1"),
        *("--folder", str(tmp_path / "material"), "--out", str(out)),
    )
    assert done.returncode == 0, done.stderr
    assert "A rehearsal" in done.stdout
    (result,) = json.loads(out.read_text()).values()
    (run,) = result["runs"]
    assert run["tokens_per_second"] > 0
    assert run["batches"][0][0] > run["batches"][0][1] > 0
    assert result["contestants"]["ours"]["share"] > 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_without_a_gpu_nothing_is_measured_and_nobody_is_misled(tmp_path: Path):
    done = _benchmark("--out", str(tmp_path / "result.json"), "--folder", str(tmp_path))
    assert done.returncode != 0
    assert "No GPU, nothing measured" in done.stderr
    assert not (tmp_path / "result.json").exists()
