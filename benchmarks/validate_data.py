"""How fast data are validated, and in how much memory, beside a loop of json.loads and Hugging Face's load_dataset.

    python -m benchmarks.validate_data [--megabytes 1000] [--rounds 3] [--only ours,json,datasets]

One file of conversations (Claude's format, half of them Japanese), written once. Each contestant reads it in a process
of its own, all of them in every round, on one core where the system lets it be said; the figures are medians. `ours`
finds everything that is wrong with the file, and hashes it; `ours-wrong` does so with a file whose every line is wrong.
`json` is `json.loads` of every line and nothing else, the least that any check in Python does. `datasets` is
`load_dataset("json", …)` into an empty cache, in build/peers: it parses the file and sees that rows have one schema.
"""

import argparse
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from benchmarks.origin import origin  # noqa: E402

BUILD = REPOSITORY / "build" / "benchmarks"
TARGET = BUILD / "validate_data.json"
PEERS = REPOSITORY / "build" / "peers"
CONTESTANTS = {
    "ours": "Tanren: every rule, and SHA-256",
    "ours-wrong": "Tanren, every line wrong",
    "json": "json.loads of every line",
    "datasets": "datasets.load_dataset",
}
WANTED_MB_PER_SECOND = 150
"""Of structure, on one core."""
ENGLISH = ["the", "forge", "stands", "near", "a", "river", "and", "every", "blade", "is", "hardened", "in", "water"]
JAPANESE = [
    "鍛冶場は川の近くにあります。",
    "刃は水で焼き入れをします。",
    "毎朝六時に火を入れます。",
    "砥石は三種類です。",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(CONTESTANTS), help="names, separated by commas")
    parser.add_argument("--contestant", choices=CONTESTANTS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contestant:
        print(json.dumps(contest(arguments.contestant, arguments.file)))
        return
    names = arguments.only.split(",")
    unknown = sorted(set(names) - set(CONTESTANTS))
    if unknown:
        parser.error(f"--only: {unknown[0]!r} is none of {', '.join(CONTESTANTS)}")
    if "datasets" in names:
        from benchmarks.train_vs_peers import make_peers

        make_peers()
    files = {name: material(arguments.megabytes, is_right=name != "ours-wrong") for name in names}
    runs = [run(name, files[name], round_) for round_ in range(arguments.rounds) for name in names]
    result = {"megabytes": arguments.megabytes, "runs": runs, **origin()}
    TARGET.write_text(json.dumps(result, indent=1) + "\n")
    print("\n".join(told(result)))


def material(megabytes: int, *, is_right: bool) -> Path:
    """Written whole or not at all, and kept for the next time."""
    path = BUILD / f"conversations-{megabytes}{'' if is_right else '-wrong'}.jsonl"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    words = random.Random(20_240_731)
    staging = path.with_suffix(".writing")
    size = 0
    with staging.open("wb") as file:
        number = 0
        while size < megabytes * 1_000_000:
            number += 1
            texts = [sentence(words, number) for _ in range(2)]
            last = "assistant" if is_right else "user"
            row = {
                "system": "Answer in one paragraph.",
                "messages": [{"role": "user", "content": texts[0]}, {"role": last, "content": texts[1]}],
            }
            size += file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
    staging.rename(path)
    return path


def sentence(words: random.Random, number: int) -> str:
    if number % 2:
        return "".join(words.choices(JAPANESE, k=words.randint(3, 14)))
    return " ".join(words.choices(ENGLISH, k=words.randint(12, 90))) + "."


def run(name: str, path: Path, round_: int) -> dict[str, Any]:
    python = PEERS / "bin" / "python" if name == "datasets" else Path(sys.executable)
    command = [str(python), "-m", "benchmarks.validate_data", "--contestant", name, "--file", str(path)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} ended with {done.returncode}; its last words:\n{done.stderr[-2_000:]}")
    measured = {"name": name, "round": round_, "bytes": path.stat().st_size, **json.loads(done.stdout.splitlines()[-1])}
    print(json.dumps(measured), file=sys.stderr, flush=True)
    return measured


def contest(name: str, path: Path) -> dict[str, Any]:
    """Seconds on the clock and of processor, and the most memory that the process had."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with path.open("rb") as file:  # into the system's own memory: what is measured is the work, not the disk
        while file.read(1 << 24):
            pass
    function = {"ours": ours, "ours-wrong": ours, "json": plain_json, "datasets": hugging_face}[name]
    prepare = function(path)
    began, processor = time.perf_counter(), time.process_time()
    rows = prepare()
    return {
        "rows": rows,
        "seconds": time.perf_counter() - began,
        "processor_seconds": time.process_time() - processor,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def ours(path: Path) -> Any:
    from tanren.data.containers import pieces_of
    from tanren.data.reading import validate_file
    from tanren.domain.customization_jobs import CustomizationType

    def read() -> int:
        summary = validate_file(pieces_of(path), file=str(path), customization_type=CustomizationType.FINE_TUNING)
        return summary.line_count

    return read


def plain_json(path: Path) -> Any:
    def read() -> int:
        rows = 0
        with path.open("rb") as lines:
            for line in lines:
                json.loads(line)
                rows += 1
        return rows

    return read


def hugging_face(path: Path) -> Any:
    import datasets

    def read() -> int:
        cache = tempfile.mkdtemp(dir=BUILD)
        try:
            return len(datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=cache))
        finally:
            shutil.rmtree(cache)

    return read


def told(result: dict[str, Any]) -> list[str]:
    """The table, and a line for what was to be reached."""
    lines = ["| | MB/s | MB a processor-second | peak memory, MB |", "|---|---|---|---|"]
    runs, rates = result["runs"], dict[str, float]()
    for name in dict.fromkeys(run["name"] for run in runs):
        own = [run for run in runs if run["name"] == name]
        megabytes = own[0]["bytes"] / 1e6
        rates[name] = megabytes / statistics.median(run["seconds"] for run in own)
        processor = megabytes / statistics.median(run["processor_seconds"] for run in own)
        peak = statistics.median(run["peak_bytes"] for run in own) / 1e6
        lines.append(f"| {CONTESTANTS[name]} | {rates[name]:.0f} | {processor:.0f} | {peak:.0f} |")
    if "ours" in rates:
        is_met = "met" if rates["ours"] >= WANTED_MB_PER_SECOND else "NOT met"
        lines.append(f"{rates['ours']:.0f} MB/s on one core, {WANTED_MB_PER_SECOND} wanted: {is_met}")
    return lines


if __name__ == "__main__":
    main()
