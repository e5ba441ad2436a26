"""The vLLM engine over the fake server of `fake_vllm.py`: real processes, real sockets, and faults on demand."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

from tanren.serving.engines.vllm_engine import VllmEngine, open_vllm_engine
from tanren.serving.engines.vllm_options import VllmOptions
from tanren.serving.protocol import EngineLimits

PROGRAM = Path(__file__).with_name("fake_vllm.py")


def fake_command(folder: Path, faults: Path | None = None) -> Path:
    """An executable in the folder, to be named as vLLM's."""
    command = folder / "vllm"
    given = f"FAKE_VLLM_FAULTS={shlex.quote(str(faults))}" if faults else ""
    program = f"exec {shlex.quote(sys.executable)} {shlex.quote(str(PROGRAM))}"
    # One thread: numpy's own would wait for each other over matrices that are smaller than their handshake.
    command.write_text(f'#!/bin/sh\nexport OPENBLAS_NUM_THREADS=1 {given}\n{program} "$@"\n')
    command.chmod(0o755)
    return command


def open_fake_vllm(folder: Path, limits: EngineLimits = EngineLimits(), **options: Any) -> VllmEngine:
    """Over a base in a temporary folder of the test's. In float32, so that its answers are those of the others."""
    command = fake_command(folder.parent)
    return open_vllm_engine(folder, command, VllmOptions(dtype="float32", start_seconds=60, **options), limits)


def bid(faults: Path, **wanted: Any) -> None:
    """The fake behaves so from now on; with nothing wanted, well."""
    staged = faults.with_suffix(".new")
    staged.write_text(json.dumps(wanted))
    staged.replace(faults)
