"""How fast Tanren trains on a GPU, beside TRL: the same random models, rows, order, adapters and device.

    python -m benchmarks.train_gpu [--sizes 1b,8b] [--rounds 2] [--seconds 60] [--only ours,trl] [--batch-size 32]
    python -m benchmarks.train_gpu --tiny --device cpu --only ours --seconds 2     a rehearsal: the same code

LoRA of rank 16 on all linear layers of a base in bfloat16. Each contestant runs in a process of its own, between two
measurements of the device's bfloat16 matrix product (8192 cubed): the share of it is 4 N tokens a second, since a
frozen base is multiplied once forwards and once backwards, two operations a parameter each. Peers live in build/peers,
as for `benchmarks.train_vs_peers`. Where the device is not there, nothing is measured and the exit status is 1.
"""

import argparse
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from benchmarks.origin import RESULTS, origin  # noqa: E402
from benchmarks.train_vs_peers import (  # noqa: E402
    CONTESTANTS,
    check_same_batches,
    contest,
    environment,
    gemm_peak,
    keep,
    make_peers,
    parameters,
)

TARGET = RESULTS / "train_gpu.json"
NAMES = ("ours", "trl", "trl-packed")
AIM = 0.55
"""Of the matrix product."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1b,8b", help="names, separated by commas")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=60.0, help="of steady state a contestant and round")
    parser.add_argument("--batch-size", type=int, default=32, help="rows a step")
    parser.add_argument("--only", default=",".join(NAMES), help="names, separated by commas")
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--tiny", action="store_true", help="a tiny model instead of the sizes: a rehearsal")
    parser.add_argument("--folder", type=Path, default=RESULTS / "gpu", help="for models, rows and logs")
    parser.add_argument("--out", type=Path, default=TARGET)
    arguments = parser.parse_args()
    names = arguments.only.split(",")
    if unknown := sorted(set(names) - set(NAMES)):
        parser.error(f"--only: {unknown[0]!r} is none of {', '.join(NAMES)}")
    device = named(arguments.device)
    if any(CONTESTANTS[name].is_peer for name in names):
        make_peers()
    for size in ["tiny"] if arguments.tiny else arguments.sizes.split(","):
        make_material(size, arguments)
        runs: list[dict[str, Any]] = []
        for round_ in range(arguments.rounds):
            for name in names:
                runs.append(run(name, size, round_, arguments))
                print(row_of(runs[-1]), file=sys.stderr, flush=True)
        check_same_batches(runs)
        result = {
            "size": size,
            **origin(),
            "device": device,
            "is_rehearsal": arguments.tiny or arguments.device == "cpu",
            "batch_size": arguments.batch_size,
            "parameters": parameters(size)["all"],
            "runs": runs,
            "contestants": summary(runs),
        }
        keep(result, arguments.out)
        print("\n".join(told(result)))


def named(device: str) -> str:
    """The device's own name. Ends the program where it is not there."""
    if device == "cpu":
        return "the processor"
    import torch

    from tanren.domain.errors import JobFailed
    from tanren.training.device import chosen_device

    try:
        return torch.cuda.get_device_name(chosen_device(device))
    except JobFailed:
        raise SystemExit(
            f"No GPU, nothing measured: torch {torch.__version__} sees no {device} here. On a machine with an NVIDIA "
            "GPU and a CUDA build of torch this measures; `--tiny --device cpu` rehearses it."
        ) from None


def make_material(size: str, arguments: argparse.Namespace) -> None:
    command = [sys.executable, "-m", "benchmarks.peers.material", size, str(arguments.folder)]
    command += ["--seeds", str(arguments.rounds)]
    subprocess.run(command, check=True, cwd=REPOSITORY, env=environment(), capture_output=True)


def run(name: str, size: str, round_: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """One contestant, once, between two measurements of the device."""
    folder = arguments.folder / size
    kind = "cpu" if arguments.device == "cpu" else arguments.device
    before = gemm_peak(kind)
    measured = contest(
        CONTESTANTS[name],
        [
            *("--model", str(folder / "model"), "--rows", str(folder / f"rows-{round_}.jsonl")),
            *("--seconds", str(arguments.seconds), "--seed", str(round_)),
            *("--device", kind, "--batch-size", str(arguments.batch_size)),
        ],
        {},
        folder=arguments.folder,
    )
    gemm = (before["mean"] + gemm_peak(kind)["mean"]) / 2
    share = 4 * parameters(size)["all"] * measured["tokens_per_second"] / 1e9 / gemm
    return {"name": name, "round": round_, **measured, "gemm": gemm, "share": share}


def summary(runs: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Medians over the rounds."""
    keys = ("tokens_per_second", "targets_per_second", "peak_bytes", "first_step_seconds", "filling", "gemm", "share")
    names = dict.fromkeys(run["name"] for run in runs)
    return {
        name: {key: statistics.median(run[key] for run in runs if run["name"] == name) for key in keys}
        for name in names
    }


def told(result: dict[str, Any]) -> list[str]:
    """A table, and what it comes to."""
    lines = [
        f"{result['size']}, {result['parameters']:,} parameters, {result['batch_size']} rows a step, on "
        f"{result['device']}; commit {result['commit']}; {result['date']}",
        "",
        "| | tokens/s | peak memory, GB | first step after, s | filling | share of GEMM | GEMM, TFLOP/s |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    found = result["contestants"]
    for name, of in found.items():
        lines.append(
            f"| {CONTESTANTS[name].title} | {of['tokens_per_second']:,.0f} | {of['peak_bytes'] / 1e9:.2f} | "
            f"{of['first_step_seconds']:.1f} | {of['filling']:.0%} | {of['share']:.0%} | {of['gemm'] / 1e3:,.1f} |"
        )
    lines.append("")
    if result["is_rehearsal"]:
        return [*lines, "A rehearsal: the code has run from end to end, and these figures say nothing."]
    ours = found.get("ours")
    for name, of in found.items() if ours else ():
        if name != "ours":
            faster, smaller = ours["tokens_per_second"] / of["tokens_per_second"], ours["peak_bytes"] / of["peak_bytes"]
            title = CONTESTANTS[name].title
            lines.append(
                f"Tanren trains {faster:.1f} times as many tokens a second as {title}, in {smaller:.2f} of its memory."
            )
    if ours:
        met = "met" if ours["share"] >= AIM else "NOT MET"
        lines.append(f"Tanren's 4 N tokens/s are {ours['share']:.0%} of the matrix product (aim {AIM:.0%}): {met}.")
    return lines


def row_of(run: dict[str, Any]) -> str:
    return (
        f"round {run['round']} {run['name']:<11} {run['tokens_per_second']:,.0f} tokens/s; {run['steps']} steps in "
        f"{run['seconds']:.0f} s; {run['peak_bytes'] / 1e9:.2f} GB; {run['share']:.0%} of "
        f"{run['gemm'] / 1e3:,.1f} TFLOP/s"
    )


if __name__ == "__main__":
    main()
