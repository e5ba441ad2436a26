"""The process that looks at what needs torch: its build, its GPUs, which engine each base gets, how slow a slow one is.

    python -m tanren.doctor.engine_facts --engine auto --vllm-command "" --data-dir D

Tensors live here, so that `tanren doctor` itself loads none. It ends with a line of JSON on standard output. Speeds are
measured only where some base gets the reference engine: otherwise nobody has to wait for them.
"""

import argparse
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from tanren.catalog.weights import WeightsCatalogue
from tanren.domain.errors import TanrenError
from tanren.model_files.store import NANO_FOLDER
from tanren.serving.engines.choice import EngineChoice, compare_speeds, reason_against_native
from tanren.serving.engines.vllm_options import VllmOptions, VllmUnfit, has_vllm, require_vllm


def engine_facts(engine: str, vllm: VllmOptions, data_dir: Path) -> dict[str, Any]:
    reasons = {name: _reason(folder) for name, folder in bases_in_use(WeightsCatalogue(data_dir)).items()}
    takes_vllm, reason_against_vllm = _vllm(engine, vllm)
    is_on_processor = not takes_vllm and reason_against_vllm is None
    is_slow = engine == EngineChoice.REFERENCE or (engine == EngineChoice.AUTO and any(reasons.values()))
    return {
        "torch": {"version": torch.__version__, "cuda": torch.version.cuda, "gpus": _gpus()},
        "takesVllm": takes_vllm,
        "reasonAgainstVllm": reason_against_vllm,
        "reasonsAgainstNative": reasons,
        "speeds": _speeds() if is_slow and is_on_processor else None,
    }


def bases_in_use(weights: WeightsCatalogue) -> dict[str, Path]:
    """nano, and what the catalogue's lines name; where one is wrong, the check of the catalogue tells."""
    found = {weights.store.nano().name: NANO_FOLDER}
    with suppress(TanrenError):
        for line in weights.lines().values():
            with suppress(TanrenError):
                each = weights.resolve(line)
                found[each.name] = each.folder
    return found


def _reason(folder: Path) -> str | None:
    try:
        return reason_against_native(folder)
    except TanrenError as error:
        return str(error)


def _vllm(engine: str, options: VllmOptions) -> tuple[bool, str | None]:
    """Whether vLLM serves every base, and why it cannot where it was meant to."""
    try:
        if engine == EngineChoice.VLLM:
            require_vllm(options)
            return True, None
        return engine == EngineChoice.AUTO and has_vllm(options), None
    except VllmUnfit as error:
        return False, str(error)


def _gpus() -> list[str]:
    if not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]


def _speeds() -> dict[str, Any]:
    found = compare_speeds()
    return {
        "base": found.base,
        "referenceTokensPerSecond": found.reference,
        "nativeTokensPerSecond": found.native,
        "timesSlower": found.times_slower,
        "words": found.words(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="tanren.doctor.engine_facts")
    parser.add_argument("--engine", required=True, help="the setting")
    parser.add_argument("--vllm-command", required=True, help="the setting")
    parser.add_argument("--data-dir", required=True, type=Path, help="whose catalogue says which bases are in use")
    given = parser.parse_args()
    told = engine_facts(given.engine, VllmOptions(command=given.vllm_command), given.data_dir)
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
