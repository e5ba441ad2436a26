"""What is here before tanren does anything: interpreter, packages, processor, memory, compiler, GPU, clock.

Every function takes what it judges as values whose defaults are looked up on this machine. None imports a tensor
library: versions are read from the packages' metadata.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Final

from tanren.doctor.findings import Finding, fine, gigabytes, note, problem
from tanren.model_files.memory import PROCESS_BYTES, available_bytes

LEAST_PYTHON: Final = (3, 11)
COMPILERS: Final = ("c++", "g++", "clang++")
REINSTALL: Final = "in a checkout `make setup`; elsewhere `pip install --force-reinstall tanren`"
GET_COMPILER: Final = "install one (Debian, Ubuntu: apt install g++; macOS: xcode-select --install)"
CLOCK_TOLERANCE: Final = timedelta(minutes=15)
"""A signature that is further away is refused, here as by AWS."""
SHOWN_PACKAGES: Final = ("torch", "transformers", "boto3", "ministack")
_PINNED: Final = re.compile(r"\s*(?P<name>[A-Za-z0-9._-]+)\s*==\s*(?P<version>[^\s;]+)\s*(?P<marker>;.*)?")
_PROCESSOR_FEATURES: Final = {"amx_bf16": "AMX-BF16", "avx512_bf16": "AVX512-BF16", "avx2": "AVX2"}
"""As Linux names them → for people; the best first."""


def python(version: tuple[int, ...] = sys.version_info[:3], executable: str = sys.executable) -> Finding:
    shown = ".".join(str(part) for part in version)
    facts = {"version": shown, "executable": executable}
    if version < LEAST_PYTHON:
        least = ".".join(str(part) for part in LEAST_PYTHON)
        fix = f"make the environment with Python {least} or later, for example PYTHON=python{least} make setup"
        return problem("Python", f"{shown} at {executable}, which is too old", fix=fix, facts=facts)
    return fine("Python", f"{shown} at {executable}", facts=facts)


def requirements() -> list[str]:
    """Of tanren itself, extras included; none where it is not installed."""
    with suppress(metadata.PackageNotFoundError):
        return metadata.requires("tanren") or []
    return []


def installed_version(package: str) -> str | None:
    with suppress(metadata.PackageNotFoundError):
        return metadata.version(package)
    return None


def packages(
    required: Iterable[str] | None = None, version_of: Callable[[str], str | None] = installed_version
) -> Finding:
    """Whether what is installed is what was pinned; a local part (`2.13.0+cpu`) does not matter."""
    found = (_PINNED.fullmatch(each) for each in (requirements() if required is None else required))
    pinned = {each["name"]: each["version"] for each in found if each and "extra" not in (each["marker"] or "")}
    here = {name: version_of(name) for name in pinned}
    facts = {"versions": here}
    if not pinned:
        return problem("packages", "tanren is not installed in this environment", fix=REINSTALL, facts=facts)
    missing = [f"{name} {pinned[name]}" for name, version in here.items() if version is None]
    if missing:
        return problem("packages", f"missing: {', '.join(missing)}", fix=REINSTALL, facts=facts)
    others = [
        f"{name} {version} (pinned: {pinned[name]})"
        for name, version in here.items()
        if version is not None and version.partition("+")[0] != pinned[name]
    ]
    if others:
        return note("packages", f"not the tested versions: {', '.join(others)}", fix=REINSTALL, facts=facts)
    shown = ", ".join(f"{name} {here[name]}" for name in SHOWN_PACKAGES if name in here)
    return fine("packages", f"{len(here)} as pinned, among them {shown}", facts=facts)


def processor_description() -> str:
    """As Linux gives it; empty elsewhere."""
    with suppress(OSError):
        return Path("/proc/cpuinfo").read_text(errors="replace")
    return ""


def processor_features(cpuinfo: str) -> list[str]:
    """Those that the native engine has a library for, the best first."""
    found = re.search(r"^flags\s*:(.*)$", cpuinfo, re.MULTILINE)
    flags = set() if found is None else set(found[1].split())
    return [shown for flag, shown in _PROCESSOR_FEATURES.items() if flag in flags]


def processor(cpuinfo: str | None = None, cores: int | None = None) -> Finding:
    text = processor_description() if cpuinfo is None else cpuinfo
    count = usable_cores() if cores is None else cores
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    name = found[1] if found else platform.processor() or platform.machine()
    features = processor_features(text)
    facts = {"name": name, "cores": count, "features": features}
    shown = f"{name}, {count} core{'' if count == 1 else 's'}"
    if features:
        return fine("processor", f"{shown}, {', '.join(features)}", facts=facts)
    return note("processor", f"{shown}, not even AVX2: the native engine takes its portable form", facts=facts)


def usable_cores() -> int:
    """What this process may use, which a container or `taskset` may narrow."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory(available: int | None = None, total: int | None = None) -> Finding:
    available = available_bytes() if available is None else available
    total = _total_memory() if total is None else total
    facts = {"availableBytes": available, "totalBytes": total}
    if available is None or total is None:
        return note("memory", "this system does not say how much there is", facts=facts)
    shown = f"{gigabytes(available)} available of {gigabytes(total)}"
    if available < PROCESS_BYTES:
        least = gigabytes(PROCESS_BYTES)
        return problem(
            "memory",
            f"{shown}; a process with torch takes about {least} before any weights",
            fix="end other programs, or give this machine or container more memory",
            facts=facts,
        )
    return fine("memory", shown, facts=facts)


def compiler(which: Callable[[str], str | None] = shutil.which) -> Finding:
    found = next((path for path in map(which, COMPILERS) if path is not None), None)
    if found is None:
        return note(
            "C++ compiler",
            "none: the native engine cannot be built here, nor can torch.compile be used",
            fix=GET_COMPILER,
            facts={"path": None},
        )
    return fine("C++ compiler", found, facts={"path": found})


def gpus(run: Callable[[list[str]], str] | None = None) -> list[str]:
    """Names of the NVIDIA GPUs that the driver knows, without torch."""
    listed = (_output if run is None else run)(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"])
    return [line.strip() for line in listed.splitlines() if line.strip()]


def clock(now: datetime | None = None, written: Iterable[Path] | None = None) -> Finding:
    """Whether the clock stands before files that are here already; then signatures and certificates are refused.

    Why      no server is asked for the time: an examination goes nowhere.
    """
    now = datetime.now(UTC) if now is None else now
    files = [Path(__file__), Path(sys.executable)] if written is None else list(written)
    newest = max((file.stat().st_mtime for file in files if file.exists()), default=0.0)
    ahead = datetime.fromtimestamp(newest, UTC) - now
    facts = {"now": now.isoformat(timespec="seconds")}
    if ahead > CLOCK_TOLERANCE:
        return problem(
            "clock",
            f"it says {now:%Y-%m-%d %H:%M} UTC, and files here were written at {now + ahead:%Y-%m-%d %H:%M}; requests "
            f"signed more than {CLOCK_TOLERANCE.seconds // 60} minutes away are refused",
            fix="set the clock, for example with `timedatectl set-ntp true`",
            facts=facts,
        )
    return fine("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC, after every file of the installation", facts=facts)


def _total_memory() -> int | None:
    with suppress(OSError, ValueError, AttributeError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _output(command: list[str]) -> str:
    """Empty where there is no such program, or it fails."""
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)
        return done.stdout if done.returncode == 0 else ""
    return ""
