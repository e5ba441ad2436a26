"""How fast Tanren answers, beside OpenVINO GenAI and transformers: the same model, prompts, adapters and machine.

    python -m benchmarks.serve_vs_peers [--size 135m|0.5b] [--rounds 2] [--only ours,openvino,transformers]

Each contestant runs in a process of its own, one after the other, all of them in every round; the figures are the best
of the rounds. Tanren is asked over HTTP by boto3, gateway and all; the others are called bare, in their own process.
Peers live in build/serve-peers, made from benchmarks/peers/serving_requirements.txt; OpenVINO's model is written by
optimum-intel, its weights in float16. At one request the share of the machine's measured read bandwidth is told: each
token goes through every weight once. Where Tanren holds weights compressed, there are two: of the bytes that the
checkpoint has, which is how fast an engine that reads those would have to read, and of those that are read.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from benchmarks.origin import origin  # noqa: E402
from benchmarks.peers.serving_cases import ANSWER_TOKENS, CASES, PROMPT_TOKENS  # noqa: E402

BUILD = REPOSITORY / "build" / "benchmarks"
TARGET = BUILD / "serve_vs_peers.json"
PEERS = REPOSITORY / "build" / "serve-peers"
REQUIREMENTS = REPOSITORY / "benchmarks" / "peers" / "serving_requirements.txt"
CONTESTANTS = {
    "ours": ("Tanren over HTTP", "serve_ours"),
    "openvino": ("OpenVINO GenAI, bare", "serve_openvino"),
    "transformers": ("transformers generate", "serve_transformers"),
}
SLOW_CASES = {
    "openvino": tuple(case for case in CASES if case != (32, 32)),
    "transformers": ((1, 0), (8, 0), (32, 0), (1, 1), (8, 1)),
}
"""Where one call for each adapter would take minutes and show nothing new."""
WANTED = (
    ("transformers", "1x0", 3.0),
    ("transformers", "8x0", 4.0),
    ("transformers", "32x0", 4.0),
    ("openvino", "1x0", 1.3),
    ("openvino", "8x0", 1.3),
    ("openvino", "32x0", 1.3),
    ("openvino", "1x1", 2.0),
    ("openvino", "8x1", 2.0),
    ("openvino", "32x1", 2.0),
    ("openvino", "8x8", 5.0),
    ("openvino", "32x8", 5.0),
)
"""(peer, case, how many times as fast Tanren is meant to be)."""
SAME_SPEED = ("32x32", "32x1", 0.8)
BANDWIDTH_SHARE = 0.85


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("135m", "0.5b"), default="135m")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", default=",".join(CONTESTANTS))
    given = parser.parse_args()
    names = given.only.split(",")
    if unknown := sorted(set(names) - set(CONTESTANTS)):
        parser.error(f"--only: {unknown[0]!r} is none of {', '.join(CONTESTANTS)}")
    folder = make_material(given.size, names)
    bandwidth = read_bandwidth()
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(given.rounds):
        for name in names:
            runs[name].append(contest(name, folder))
            result = result_of(given.size, folder, runs, bandwidth)
            keep(result)
    print("\n".join(told(result)))


def make_material(size: str, names: list[str]) -> Path:
    folder = BUILD / "models" / size
    _ours("-m", "benchmarks.peers.material", size, str(BUILD / "models"))
    _ours("-m", "benchmarks.peers.serving_adapters", str(folder))
    if set(names) != {"ours"} and not (PEERS / "made").exists():
        print(f"making {PEERS.relative_to(REPOSITORY)}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", PEERS], check=True)
        pip = [PEERS / "bin" / "python", "-m", "pip"]
        subprocess.run([*pip, "install", "-q", "-r", REQUIREMENTS], check=True)
        # optimum-intel asks for it and does well without; beside a torch for CPUs only it fails where it is imported.
        subprocess.run([*pip, "uninstall", "-q", "-y", "torchvision"], check=True)
        (PEERS / "made").touch()
    if "openvino" in names and not (folder / "openvino" / "openvino_model.xml").exists():
        export = [str(PEERS / "bin" / "optimum-cli"), "export", "openvino", "-m", str(folder / "model")]
        settings = ["--weight-format", "fp16", "--task", "text-generation-with-past", str(folder / "openvino")]
        _run([*export, *settings])
    return folder


def _ours(*command: str) -> None:
    _run([sys.executable, *command])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=REPOSITORY, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}; its last words:\n{done.stderr[-2000:]}")


def environment() -> dict[str, str]:
    return {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": str(REPOSITORY)}


def contest(name: str, folder: Path) -> dict[str, Any]:
    title, module = CONTESTANTS[name]
    out, log = BUILD / f"{module}.json", BUILD / f"{module}.log"
    out.unlink(missing_ok=True)
    python = sys.executable if name == "ours" else str(PEERS / "bin" / "python")
    cases = json.dumps(SLOW_CASES.get(name, CASES))
    command = [python, "-m", f"benchmarks.peers.{module}", "--folder", str(folder), "--cases", cases]
    print(f"{title} …", file=sys.stderr, flush=True)
    with log.open("w") as stream:
        done = subprocess.run(
            [*command, "--out", str(out)],
            cwd=REPOSITORY,
            env=environment(),
            stdout=stream,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode or not out.exists():
        raise SystemExit(f"{title} ended with {done.returncode}; its last words:\n{log.read_text()[-2000:]}")
    return {**json.loads(out.read_text()), "load": os.getloadavg()[0]}


def read_bandwidth() -> float:
    """Bytes a second that two threads read from memory, the best of several products of a gigabyte with a vector.

    Torch's sum, the measure until 2026-11-22, got 26 GB/s where this gets 33 and a bare loop 34.
    """
    program = (
        "import time, torch; torch.set_num_threads(2)\n"
        "x, v, best = torch.ones(2**14, 2**14), torch.ones(2**14), 0.0\n"
        "for _ in range(9):\n"
        "    began = time.perf_counter(); x @ v; best = max(best, x.nbytes / (time.perf_counter() - began))\n"
        "print(best)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return float(done.stdout)


def result_of(size: str, folder: Path, runs: dict[str, list[dict[str, Any]]], bandwidth: float) -> dict[str, Any]:
    best: dict[str, dict[str, float]] = {}
    for name, of in runs.items():
        for run in of:
            for case, found in run["cases"].items():
                rate = found.get("tokens_per_second", 0.0)
                best.setdefault(name, {})[case] = max(rate, best.get(name, {}).get(case, 0.0))
    weights = (folder / "model" / "model.safetensors").stat().st_size
    return {
        "size": size,
        "prompt_tokens": PROMPT_TOKENS,
        "answer_tokens": ANSWER_TOKENS,
        "tokens_per_second": best,
        "read_bandwidth": bandwidth,
        "weight_bytes": weights,
        "read_bytes": runs["ours"][-1]["weight_bytes"] if runs.get("ours") else None,
        "runs": runs,
        **origin(),
    }


def keep(result: dict[str, Any]) -> None:
    """Beside the results of other sizes and machines."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    others = json.loads(TARGET.read_text()) if TARGET.exists() else {}
    name = f"{result['size']}, {result['machine']}"
    TARGET.write_text(json.dumps({**others, name: result}, indent=1) + "\n")


def told(result: dict[str, Any]) -> list[str]:
    """The table, and a line for each thing that was to be reached."""
    best = result["tokens_per_second"]
    cases = [f"{concurrent}x{adapters}" for concurrent, adapters in CASES]
    lines = [
        f"tokens/s, {result['size']}, prompt {PROMPT_TOKENS} + answer {ANSWER_TOKENS}; requests x distinct adapters",
        "| | " + " | ".join(cases) + " |",
        "|---|" + "---|" * len(cases),
    ]
    for name, of in best.items():
        cells = [f"{of[case]:,.0f}" if of.get(case) else "–" for case in cases]
        lines.append(f"| {CONTESTANTS[name][0]} | " + " | ".join(cells) + " |")
    ours = best.get("ours", {})
    for peer, case, wanted in WANTED:
        if ours.get(case) and best.get(peer, {}).get(case):
            ratio = ours[case] / best[peer][case]
            lines.append(f"{case}: {ratio:.2f} x {CONTESTANTS[peer][0]}, {wanted:g} wanted: {_met(ratio, wanted)}")
    many, one, share = SAME_SPEED
    if ours.get(many) and ours.get(one):
        ratio = ours[many] / ours[one]
        lines.append(f"{many} beside {one}: {ratio:.2f}, {share:g} wanted: {_met(ratio, share)}")
    if ours.get("1x0"):
        for bytes_of, what in (("weight_bytes", "the checkpoint's weights"), ("read_bytes", "what is read of them")):
            used = ours["1x0"] * result[bytes_of] / result["read_bandwidth"]
            lines.append(
                f"1x0 takes {what} at {used:.0%} of the read bandwidth, {BANDWIDTH_SHARE:.0%} wanted: "
                f"{_met(used, BANDWIDTH_SHARE)}"
            )
    if note := result.get("note"):
        lines.append(note)
    return lines


def _met(value: float, wanted: float) -> str:
    return "met" if value >= wanted else "NOT met"


if __name__ == "__main__":
    main()
