"""run.json: what a run was made of and what came of it, so that it can be repeated and checked."""

import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from tanren.model_files.atomic_folders import replace_file
from tanren.training.spec import TrainingSpec

RECORD_FILE = "run.json"


def write_run_record(
    work_folder: Path, spec: TrainingSpec, *, digests: Mapping[str, str], outcome: Mapping[str, Any]
) -> None:
    """The file beside the model, whole or not at all."""
    record = {
        "format": 1,
        "spec": spec.to_json(),
        "digests": dict(digests),
        "versions": {name: version(name) for name in ("tanren", "torch", "transformers", "safetensors")},
        "python": platform.python_version(),
        "machine": {
            "platform": platform.platform(),
            "threads": torch.get_num_threads(),
            "capability": torch.backends.cpu.get_cpu_capability(),
        },
        "outcome": dict(outcome),
    }
    replace_file(work_folder / RECORD_FILE, json.dumps(record, indent=2, sort_keys=True) + "\n")
