import json
from pathlib import Path
from typing import Any

import pytest

from tanren.domain.errors import JobFailed
from tanren.training.run_record import RECORD_FILE, STEPS_FILE, STEPS_INSIDE, read_run_record, write_run_record
from tanren.training.spec import TrainingSpec


def _write(folder: Path, count: int) -> list[dict[str, Any]]:
    steps = [{"step": n, "training_loss": 1 / (n + 1)} for n in range(count)]
    outcome = {"step_records": steps, "sha256": "a"}
    write_run_record(folder, TrainingSpec(), digests={"data": "d"}, outcome=outcome, token_budget=2048)
    return steps


@pytest.mark.parametrize("count", [3, STEPS_INSIDE + 1])
def test_every_step_is_read_back_wherever_it_is_written(tmp_path: Path, count: int) -> None:
    steps = _write(tmp_path, count)
    record = read_run_record(tmp_path)
    assert record["outcome"]["step_records"] == steps
    assert (tmp_path / STEPS_FILE).exists() is (count > STEPS_INSIDE)
    assert TrainingSpec.from_json(record["spec"]) == TrainingSpec()


def test_the_machine_is_named(tmp_path: Path) -> None:
    _write(tmp_path, 1)
    machine = read_run_record(tmp_path)["machine"]
    assert machine["threads"] >= 1
    assert machine["cores"] >= 1
    assert machine["cpu"]
    assert machine["memory_bytes"] > 0


def test_steps_that_were_altered_are_refused(tmp_path: Path) -> None:
    _write(tmp_path, STEPS_INSIDE + 1)
    with (tmp_path / STEPS_FILE).open("a") as file:
        file.write("\n")
    with pytest.raises(JobFailed, match="altered"):
        read_run_record(tmp_path)


def test_a_record_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(JobFailed, match="cannot be read"):
        read_run_record(tmp_path)
    (tmp_path / RECORD_FILE).write_text(json.dumps({}))
    with pytest.raises(JobFailed, match="cannot be read"):
        read_run_record(tmp_path)
