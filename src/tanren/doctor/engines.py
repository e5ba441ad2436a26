"""What answers here: torch and its GPUs, the native engine's library, and which engine each base in use gets.

What needs torch is asked of a process of its own (`engine_facts.py`), which is started before the other checks and
heard after them. The library itself needs no torch, and is looked at here.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tanren.doctor.findings import Finding, fine, note, problem
from tanren.doctor.machine import GET_COMPILER, REINSTALL, processor_description, processor_features
from tanren.domain.errors import EngineFailed
from tanren.serving.engines.native_library import BUILT, INSTRUCTION_SETS, load_native_library
from tanren.settings import Settings

PATIENCE_SECONDS: Final = 60.0
AUTO: Final = "auto"
NATIVE: Final = "native"
REFERENCE: Final = "reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFacts:
    """What the process has found."""

    torch_version: str
    cuda: str | None
    """Of the build; None for a CPU build."""
    gpus: list[str]
    takes_vllm: bool
    """Every base is served by vLLM."""
    reason_against_vllm: str | None
    """Why it cannot be, where it was meant to."""
    reasons_against_native: Mapping[str, str | None]
    """By the name of each base in use; None where the native engine can."""
    speeds: Mapping[str, Any] | None
    """Of the reference engine beside the native one; None where nobody has to wait for a slow engine."""

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "EngineFacts":
        return cls(
            torch_version=told["torch"]["version"],
            cuda=told["torch"]["cuda"],
            gpus=told["torch"]["gpus"],
            takes_vllm=told["takesVllm"],
            reason_against_vllm=told["reasonAgainstVllm"],
            reasons_against_native=told["reasonsAgainstNative"],
            speeds=told["speeds"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """The process has found nothing."""

    reason: str
    is_slow: bool = False
    """It was not heard to its end: the machine is busy, and nothing is known to be broken."""


class EngineFactsProcess:
    """Started when it is made; ends with its answer, or is killed when it is closed."""

    def __init__(self, settings: Settings) -> None:
        asked = ["--engine", settings.engine, "--vllm-command", settings.vllm_command]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tanren.doctor.engine_facts", *asked, "--data-dir", str(settings.data_dir)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def answer(self) -> "EngineFacts | Unknown":
        try:
            told, complaint = self._process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            return Unknown(reason=f"a process with torch has not answered within {PATIENCE_SECONDS:g} s", is_slow=True)
        if self._process.returncode != 0:
            lines = complaint.strip().splitlines()
            return Unknown(reason=lines[-1] if lines else f"it ended with exit code {self._process.returncode}")
        return EngineFacts.from_json(json.loads(told.splitlines()[-1]))

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


def torch_build(facts: EngineFacts | Unknown) -> Finding:
    if isinstance(facts, Unknown):
        if facts.is_slow:
            return note("torch", facts.reason, fix="ask again when the machine has less to do")
        return problem("torch", f"it cannot be used: {facts.reason}", fix=REINSTALL)
    build = "CPU build" if facts.cuda is None else f"build for CUDA {facts.cuda}"
    return fine("torch", f"{facts.torch_version}, {build}", facts={"version": facts.torch_version, "cuda": facts.cuda})


def gpu(seen_by_driver: list[str], facts: EngineFacts | Unknown) -> Finding:
    if isinstance(facts, Unknown):
        shown = ", ".join(seen_by_driver) or "the driver names none"
        return note("GPU", f"{shown}; torch could not be asked", facts={"driver": seen_by_driver, "torch": None})
    known = {"driver": seen_by_driver, "torch": facts.gpus}
    if facts.gpus:
        return fine("GPU", ", ".join(facts.gpus), facts=known)
    if not seen_by_driver:
        return fine("GPU", "none seen; the processor computes everything", facts=known)
    names = ", ".join(seen_by_driver)
    if facts.cuda is None:
        fix = (
            "install a CUDA build of the same torch version: pip install --force-reinstall torch=="
            + (facts.torch_version.partition("+")[0])
        )
        return note("GPU", f"{names} is here, and torch is a CPU build, which does not use it", fix=fix, facts=known)
    return note(
        "GPU",
        f"{names} is here, and torch for CUDA {facts.cuda} cannot use it",
        fix=f"install a driver that is good for CUDA {facts.cuda}; `nvidia-smi` says which it is now good for",
        facts=known,
    )


def native_library(*, engine: str, has_compiler: bool, cpuinfo: str | None = None, folder: Path = BUILT) -> Finding:
    """Whether it was built, from the sources that are here, in the form that fits this processor best."""
    subject = "native library"
    rebuild = "`python build_native.py` in a checkout; elsewhere `pip install --force-reinstall tanren`"
    try:
        chosen = load_native_library(folder=folder).instruction_set
    except EngineFailed as error:
        fix = rebuild if has_compiler else f"{GET_COMPILER}; then {rebuild}"
        make = problem if engine == NATIVE else note
        return make(subject, str(error).rstrip("."), fix=fix, facts={"instructionSet": None})
    shown = INSTRUCTION_SETS[chosen]
    features = processor_features(processor_description() if cpuinfo is None else cpuinfo)
    for faster in list(INSTRUCTION_SETS)[: list(INSTRUCTION_SETS).index(chosen)]:
        if INSTRUCTION_SETS[faster] in features:
            return note(
                subject,
                f"{shown} is taken, though the processor has {INSTRUCTION_SETS[faster]}: {_reason(faster, folder)}",
                fix=rebuild,
                facts={"instructionSet": chosen},
            )
    return fine(subject, f"built from the sources that are here; {shown} is taken", facts={"instructionSet": chosen})


def engine_of_bases(engine: str, facts: EngineFacts | Unknown) -> Finding:
    """Which engine the setting `engine` gives to each base in use; how slow it is, where it is not the native one."""
    subject = "engine"
    if isinstance(facts, Unknown):
        make = note if facts.is_slow else problem
        return make(subject, "it cannot be known before torch has been loaded", fix="see torch")
    reasons = facts.reasons_against_native
    told = {
        "setting": engine,
        "takesVllm": facts.takes_vllm,
        "reasonsAgainstNative": reasons,
        "speeds": facts.speeds,
    }
    if facts.reason_against_vllm is not None:
        return problem(
            subject,
            f"vLLM was asked for, and cannot serve: {facts.reason_against_vllm.rstrip('.')}",
            fix="as it says; or unset TANREN_ENGINE and TANREN_VLLM_COMMAND, and the processor computes",
            facts=told,
        )
    if facts.takes_vllm:
        return fine(subject, f"vLLM for {', '.join(reasons)}", facts=told)
    refused = [f"{name}: {reason.rstrip('.')}" for name, reason in reasons.items() if reason is not None]
    if engine == REFERENCE:
        return note(
            subject,
            f"reference for every base, asked for by TANREN_ENGINE; {_slowness(facts)}",
            fix="unset TANREN_ENGINE, and the fastest that fits is taken",
            facts=told,
        )
    if engine not in (AUTO, NATIVE):
        return fine(subject, f"{engine} for every base, asked for by TANREN_ENGINE", facts=told)
    if not refused:
        asked = "" if engine == AUTO else ", asked for by TANREN_ENGINE"
        return fine(subject, f"the native one for {', '.join(reasons)}{asked}", facts=told)
    if engine == NATIVE:
        return problem(
            subject,
            f"native, asked for by TANREN_ENGINE, cannot serve {'; '.join(refused)}",
            fix="unset TANREN_ENGINE: the reference engine then serves what the native one does not",
            facts=told,
        )
    return note(
        subject,
        f"auto takes the reference engine for {'; '.join(refused)}; {_slowness(facts)}",
        fix="see native library; a base that it does not compute stays with the reference engine",
        facts=told,
    )


def _slowness(facts: EngineFacts) -> str:
    """Of the reference engine: a figure that was measured, or that there is none."""
    if facts.speeds is None:
        return "its speed was not measured"
    alone = facts.speeds["referenceTokensPerSecond"]
    if facts.speeds["timesSlower"] is not None or alone is None:
        return facts.speeds["words"]
    return f"it makes {alone:,.0f} tokens/s here with {facts.speeds['base']}; {facts.speeds['words']}"


def _reason(instruction_set: str, folder: Path) -> str:
    try:
        load_native_library(instruction_set, folder=folder)
    except EngineFailed as error:
        return str(error).rstrip(".")
    return "no reason is known"
