"""A demonstration from start to figures, and the file in which the figures of all of them stand."""

import hashlib
import json
import os
import platform
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from proofs.demonstrations import tuning
from proofs.demonstrations.claims import judge
from proofs.demonstrations.lessons import EXTRA, LESSONS, Lesson
from proofs.demonstrations.lines import Line
from proofs.demonstrations.teaching import write_control
from tanren.weights.base_models import read_facts
from tanren.weights.model_folders import WEIGHTS_FILE

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "build" / "proofs"
FIGURES = FOLDER / "demonstrations.json"
BASE = REPOSITORY / "src" / "tanren" / "catalog" / "nano"


def demonstrate(letter: str, base: Path = BASE, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Teaches and measures one, adds its figures to `FIGURES` unless the spec was changed, and returns them."""
    torch.set_num_threads(tuning.THREADS)
    started_at, load = time.monotonic(), os.getloadavg()[0]
    name, teach = (LESSONS | EXTRA)[letter]
    weights = hashlib.sha256((base / WEIGHTS_FILE).read_bytes()).hexdigest()
    control = write_control(base, FOLDER / "demonstrations" / f"control-{weights[:12]}")
    learned = teach(Lesson(base=base, control=control, work=FOLDER / "demonstrations" / name, changes=changes or {}))
    figures = {
        "title": learned.title,
        "data": learned.data,
        "training": learned.spec.to_json(),
        "rows": learned.rows,
        "tokens": learned.tokens,
        "lines": [asdict(line) for line in learned.lines],
        "verdicts": [asdict(verdict) for verdict in judge(learned.lines)],
        "curves": learned.curves,
        "samples": learned.samples,
        "served_alike": learned.served_alike,
        "seconds_in_all": round(time.monotonic() - started_at, 1),
        "made": {
            "command": f"python -m proofs.demonstrations --only {letter}",
            "commit": _commit(),
            "date": datetime.now(UTC).date().isoformat(),
            "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()}",
            "threads": tuning.THREADS,
            "load": [round(load, 1), round(os.getloadavg()[0], 1)],
            "weights": weights,
            "parameters": read_facts(base).parameter_count,
        },
    }
    if not changes:
        _add(letter, figures)
    return figures


def read_figures() -> dict[str, Any]:
    """By letter; empty before the first demonstration."""
    return json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}


def table(figures: dict[str, Any]) -> str:
    """One demonstration for a terminal."""
    made, judged = figures["made"], verdicts_by_line(figures)
    head = f"{figures['title']}: {figures['rows']} rows, {figures['tokens']:,} tokens; {spec_in_words(figures)}"
    rows = [("", "base", "tuned", "control", "asked")]
    for line in figures["lines"]:
        label = line["label"] + (f", of {line['of']}" if line["of"] else "")
        rows.append((label, *Line(**line).shown(), "; ".join(judged.get(line["key"], []))))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    written = [
        "  ".join([row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in (1, 2, 3)), row[4]]).rstrip()
        for row in rows
    ]
    load = " to ".join(map(str, made["load"]))
    alike = f"; the engine gives {figures['served_alike']} answers alike" if figures["served_alike"] else ""
    tail = (
        f"{figures['seconds_in_all']:.0f} s with the control and all answers, load {load}; weights "
        f"{made['weights'][:12]}…{alike}\n$ {made['command']}"
    )
    return "\n".join([head, *written, tail])


def spec_in_words(figures: dict[str, Any]) -> str:
    spec = figures["training"]
    method = "full fine-tuning" if spec["method"] == "full" else f"LoRA of rank {spec['lora_rank']}"
    return f"{method}, {spec['epochs']} epochs, batch {spec['batch_size']}, learning rate {spec['learning_rate']:g}"


def verdicts_by_line(figures: dict[str, Any]) -> dict[str, list[str]]:
    """What is asked of each line, with the answer."""
    judged: dict[str, list[str]] = {}
    for verdict in figures["verdicts"]:
        whose = "base " if verdict["column"] == "base" else ""
        reason = f" ({verdict['reason']})" if verdict["reason"] else ""
        judged.setdefault(verdict["line"], []).append(f"{whose}{verdict['sentence']}: {verdict['status']}{reason}")
    return judged


def failures(figures: dict[str, Any]) -> list[str]:
    """Claims that neither hold nor are a known shortfall, and shortfalls that are none."""
    return [
        f"{verdict['name']} ({verdict['sentence']}): {verdict['status']}"
        for verdict in figures["verdicts"]
        if verdict["status"] not in ("met", "known shortfall")
    ]


def _add(letter: str, figures: dict[str, Any]) -> None:
    """Figures of other weights are dropped: a table has one base."""
    every = {
        other: each for other, each in read_figures().items() if each["made"]["weights"] == figures["made"]["weights"]
    }
    every[letter] = figures
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    FIGURES.write_text(json.dumps(dict(sorted(every.items())), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _commit() -> str:
    """Short, with a plus where the tree has changes of its own."""
    described = subprocess.run(
        ["git", "describe", "--always", "--exclude=*", "--dirty=+"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "no commit"


def _processor() -> str:
    cpus = Path("/proc/cpuinfo")
    lines = cpus.read_text(encoding="utf-8").splitlines() if cpus.exists() else []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return name or platform.processor() or platform.machine()
