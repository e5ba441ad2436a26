"""Where a measurement comes from: every result has it, so that a figure can be found again."""

import os
import platform
import subprocess
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "build" / "benchmarks"


def origin() -> dict[str, str]:
    """Commit (with a + where src has changes), machine and day."""
    return {"commit": commit(), "machine": machine(), "date": time.strftime("%Y-%m-%d")}


def commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout

    return git("rev-parse", "--short", "HEAD").strip() + ("+" if git("status", "--porcelain", "src").strip() else "")


def machine() -> str:
    """The processor, with its matrix registers if it has such: they double what arithmetic gives, here and to peers."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    model = next(names, platform.machine())
    has_amx = any(line.startswith("flags") and "amx_bf16" in line.split() for line in lines)
    return f"{model}{' with AMX' if has_amx else ''}, {os.cpu_count()} cores, {platform.system()}"
