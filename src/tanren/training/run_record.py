"""run.json: what a run was made of and what came of it, so that it can be repeated and checked.

    spec · token_budget · digests · versions · python · machine · arithmetic · memory · energy ·
    outcome (with every step's record)

A long run's steps are a file of their own beside it, named with its digest; `read_run_record` gives them back either
way.
"""

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import torch

from tanren.domain.errors import JobFailed
from tanren.model_files.atomic_folders import file_digest, replace_file
from tanren.training.spec import TrainingSpec

RECORD_FILE = "run.json"
STEPS_FILE = "steps.jsonl"
FORMAT: Final = 2
STEPS_INSIDE: Final = 2000
"""More steps than these are in a file of their own."""
VERSIONED: Final = ("tanren", "torch", "transformers", "safetensors", "tokenizers")


def write_run_record(
    work_folder: Path,
    spec: TrainingSpec,
    *,
    digests: Mapping[str, str],
    outcome: Mapping[str, Any],
    token_budget: int,
    device: str = "cpu",
    arithmetic: Mapping[str, Any] | None = None,
    memory: Mapping[str, Any] | None = None,
    energy: Mapping[str, Any] | None = None,
) -> None:
    """The files in the work folder, each whole or not at all; run.json, which names the other, is the last."""
    steps: Sequence[Mapping[str, Any]] = outcome["step_records"]
    told = dict(outcome)
    if len(steps) > STEPS_INSIDE:
        text = "".join(json.dumps(step, sort_keys=True) + "\n" for step in steps)
        replace_file(work_folder / STEPS_FILE, text)
        told["step_records"] = {
            "file": STEPS_FILE,
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "count": len(steps),
        }
    record = {
        "format": FORMAT,
        "spec": spec.to_json(),
        "token_budget": token_budget,
        "digests": dict(digests),
        "versions": {name: version(name) for name in VERSIONED},
        "python": platform.python_version(),
        "machine": machine(device),
        "arithmetic": dict(arithmetic or {}),
        "memory": dict(memory or {}),
        "energy": dict(energy or {}),
        "outcome": told,
    }
    replace_file(work_folder / RECORD_FILE, json.dumps(record, indent=1, sort_keys=True) + "\n")


def read_run_record(folder: Path) -> dict[str, Any]:
    """run.json with all its steps. Raises JobFailed where it, or the steps' file, is not there or was altered."""
    try:
        record: dict[str, Any] = json.loads((folder / RECORD_FILE).read_text("utf-8"))
        steps = record["outcome"]["step_records"]
        if isinstance(steps, dict):
            file = folder / str(steps["file"])
            if file_digest(file) != steps["sha256"]:
                raise JobFailed(f"{file} was altered since the run: its digest is another than run.json says.")
            lines = file.read_text("utf-8").splitlines()
            record["outcome"]["step_records"] = [json.loads(line) for line in lines]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JobFailed(f"The record of the run in {folder} cannot be read: {error}") from error
    return record


def machine(device: str = "cpu") -> dict[str, Any]:
    """What decides a run's speed and, by the order in which sums are made, its last bits."""
    return {
        "platform": platform.platform(),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "memory_bytes": _memory_bytes(),
        "device": device,
        "gpu": None if device.startswith("cpu") else torch.cuda.get_device_name(device),
    }


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None
