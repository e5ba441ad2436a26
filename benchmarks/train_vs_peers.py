"""How fast Tanren trains, beside TRL and transformers' Trainer: the same model, rows, order, adapters and machine.

    python -m benchmarks.train_vs_peers [--size 135m|0.5b] [--rounds 2] [--seconds 60] [--only ours,trl]

Each contestant runs in a process of its own, one after the other, all of them in every round (A B C D, A B C D); the
figures are medians over the rounds. Peers live in build/peers, made from benchmarks/peers/requirements.txt. Before and
after each, a bfloat16 matrix product tells what the machine gives: on a shared machine, only rows with like figures
there, and like numbers of cores got, can be compared. Then the losses of the first steps are compared, in float32.
"""

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from benchmarks.origin import origin  # noqa: E402
from benchmarks.peers.material import SHAPES  # noqa: E402
from tanren.worker import CHILD_ENVIRONMENT  # noqa: E402

BUILD = REPOSITORY / "build" / "benchmarks"
TARGET = BUILD / "train_vs_peers.json"
PEERS = REPOSITORY / "build" / "peers"
REQUIREMENTS = REPOSITORY / "benchmarks" / "peers" / "requirements.txt"
PARITY_STEPS = 20
PARITY_NATS = 1e-3
NICENESS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    title: str
    module: str
    options: dict[str, Any]
    """Beyond the library's defaults."""
    is_peer: bool = True
    takes_rows_in_order: bool = True
    note: str


CONTESTANTS = {
    "ours": Contestant(
        title="Tanren",
        module="ours",
        options={},
        is_peer=False,
        note="`tanren.training.run.train` from records to steps, stopped by its own stop request; bfloat16 base",
    ),
    "trl": Contestant(
        title="TRL default",
        module="trl_sft",
        options={},
        note="`SFTTrainer` with SFTConfig's defaults: float32 weights, bfloat16 autocast, gradient checkpointing",
    ),
    "trl-packed": Contestant(
        title="TRL packed, bf16",
        module="trl_sft",
        options={
            "packing": True,
            "gradient_checkpointing": False,
            "model_init_kwargs": {"dtype": "bfloat16"},
            "per_device_train_batch_size": 1,
        },
        takes_rows_in_order=False,
        note="packing (bfd, 1,024 tokens), bfloat16 weights, no checkpointing; a packed row a step, "
        "since its attention grows with the square of what is in a batch",
    ),
    "hf": Contestant(
        title="HF Trainer",
        module="hf_trainer",
        options={},
        note="`transformers.Trainer` with peft and TrainingArguments' defaults; bfloat16 weights, as they lie",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=["135m", "0.5b"], default="135m")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=60.0, help="of steady state a contestant and round")
    parser.add_argument("--only", default=",".join(CONTESTANTS), help="names, separated by commas")
    parser.add_argument("--options", type=json.loads, default={}, help="JSON laid over the options of every peer")
    parser.add_argument("--wait-policy", choices=["passive", "default"], default="passive", help="OpenMP's, for peers")
    parser.add_argument("--no-losses", action="store_true", help="leave the comparison of losses out")
    parser.add_argument("--out", type=Path, default=TARGET)
    arguments = parser.parse_args()
    names = arguments.only.split(",")
    unknown = sorted(set(names) - set(CONTESTANTS))
    if unknown:
        parser.error(f"--only: {unknown[0]!r} is none of {', '.join(CONTESTANTS)}")

    make_peers()
    make_material(arguments.size, arguments.rounds)
    runs: list[dict[str, Any]] = []
    for round_ in range(arguments.rounds):
        for name in names:
            runs.append(run(name, round_, arguments))
            print(row_of(runs[-1]), file=sys.stderr, flush=True)
            # After every one: a run that is broken off has measured what it has measured.
            keep(result_of(runs, arguments, losses=None), arguments.out)
    check_same_batches(runs)
    result = result_of(runs, arguments, losses=None if arguments.no_losses else compare_losses())
    keep(result, arguments.out)
    print("\n".join(told(result)))


def result_of(runs: list[dict[str, Any]], arguments: argparse.Namespace, *, losses: Any) -> dict[str, Any]:
    return {
        "size": arguments.size,
        **origin(),
        "seconds": arguments.seconds,
        "wait_policy": arguments.wait_policy,
        "parameters": parameters(arguments.size)["all"],
        "runs": runs,
        "contestants": summary(runs, arguments.size),
        "losses": losses,
    }


def keep(result: dict[str, Any], target: Path) -> None:
    """Beside the results of other sizes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    others = json.loads(target.read_text()) if target.exists() else {}
    target.write_text(json.dumps({**others, result["size"]: result}, indent=1) + "\n")


def make_peers() -> None:
    stamp = PEERS / "made"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"making {PEERS.relative_to(REPOSITORY)} from {REQUIREMENTS.relative_to(REPOSITORY)}", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", PEERS], check=True)
    subprocess.run([PEERS / "bin" / "python", "-m", "pip", "install", "-q", "-r", REQUIREMENTS], check=True)
    stamp.write_text(wanted)


def make_material(size: str, rounds: int) -> None:
    for each, seeds in (("tiny", 1), (size, rounds)):
        command = ["-m", "benchmarks.peers.material", each, str(BUILD / "models"), "--seeds", str(seeds)]
        subprocess.run([sys.executable, *command], check=True, cwd=REPOSITORY, env=environment(), capture_output=True)


def run(name: str, round_: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """One contestant, once, between two measurements of the machine."""
    contestant = CONTESTANTS[name]
    folder = BUILD / "models" / arguments.size
    load_before, gemm_before = os.getloadavg()[0], gemm_peak()
    measured = contest(
        contestant,
        [
            *("--model", str(folder / "model"), "--rows", str(folder / f"rows-{round_}.jsonl")),
            *("--seconds", str(arguments.seconds), "--seed", str(round_)),
        ],
        arguments.options,
        wait_policy=arguments.wait_policy if contestant.is_peer else "passive",
    )
    return {
        "name": name,
        "round": round_,
        **measured,
        "gemm_before": gemm_before,
        "gemm_after": gemm_peak(),
        "load_before": load_before,
        "load_after": os.getloadavg()[0],
    }


def contest(
    contestant: Contestant,
    given: list[str],
    options: dict[str, Any],
    *,
    wait_policy: str = "passive",
    folder: Path = BUILD,
) -> dict[str, Any]:
    """Takes   folder: for what it says about itself and for its log."""
    out, log = folder / "contestant.json", folder / f"{contestant.module}.log"
    out.unlink(missing_ok=True)
    python = PEERS / "bin" / "python" if contestant.is_peer else Path(sys.executable)
    merged = {**contestant.options, **options}
    more = ["--options", json.dumps(merged)] if contestant.is_peer else []
    command = [str(python), "-m", f"benchmarks.peers.{contestant.module}", *given, *more]
    with log.open("w") as stream:
        done = subprocess.run(
            [*command, "--out", str(out), "--began", repr(time.time())],
            cwd=REPOSITORY,
            env=environment(wait_policy) | ({} if contestant.is_peer else CHILD_ENVIRONMENT),
            stdout=stream,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode or not out.exists():
        raise SystemExit(f"{contestant.title} ended with {done.returncode}; its last words:\n{log.read_text()[-2000:]}")
    return json.loads(out.read_text())


def gemm_peak(device: str = "cpu") -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.peers.gemm_peak", "--device", device]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment(), check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def environment(wait_policy: str = "passive") -> dict[str, str]:
    """Passive: threads that wait sleep, so that one that is not given a core does not hold up those that are."""
    kept = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    offline = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "TRL_EXPERIMENTAL_SILENCE": "1"}
    return kept | offline | ({"OMP_WAIT_POLICY": "PASSIVE"} if wait_policy == "passive" else {})


def check_same_batches(runs: list[dict[str, Any]]) -> None:
    """Whoever takes rows in order took the same tokens and targets, step by step."""
    for round_ in {run["round"] for run in runs}:
        of_round = [run for run in runs if run["round"] == round_ and CONTESTANTS[run["name"]].takes_rows_in_order]
        for other in of_round[1:]:
            for step, (one, two) in enumerate(zip(of_round[0]["batches"], other["batches"], strict=False)):
                if one != two:
                    raise SystemExit(f"round {round_}, step {step}: {of_round[0]['name']} {one}, {other['name']} {two}")


def compare_losses() -> dict[str, Any]:
    """Of the first steps of TRL, unpacked, and ours: float32, from the same adapter, on the same rows in order."""
    folder = BUILD / "models" / "tiny"
    given = ["--model", str(folder / "model"), "--rows", str(folder / "rows-0.jsonl"), "--seconds", "0"]
    given += ["--steps", str(PARITY_STEPS), "--start", str(folder / "start")]
    ours = contest(CONTESTANTS["ours"], [*given, "--dtype", "float32", "--learning-rate", "0.01"], {})
    exact = {"bf16": False, "gradient_checkpointing": False, "learning_rate": 0.01}
    theirs = contest(CONTESTANTS["trl"], given, exact)
    pairs = list(zip(ours["losses"], theirs["losses"], strict=False))[:PARITY_STEPS]
    same_rows = ours["batches"][:PARITY_STEPS] == theirs["batches"][:PARITY_STEPS]
    largest = max(abs(one - other) for one, other in pairs)
    return {
        "steps": len(pairs),
        "largest_difference": largest,
        "first": pairs[0],
        "last": pairs[-1],
        "is_met": same_rows and len(pairs) == PARITY_STEPS and largest <= PARITY_NATS,
    }


def summary(runs: list[dict[str, Any]], size: str) -> dict[str, dict[str, float]]:
    """Medians over the rounds."""
    count = parameters(size)
    found: dict[str, dict[str, float]] = {}
    for name in dict.fromkeys(run["name"] for run in runs):
        rows = [run | derived(run, count) for run in runs if run["name"] == name]
        keys = (
            *("tokens_per_second", "targets_per_second", "peak_bytes", "first_step_seconds", "warm_up_seconds"),
            *("steps", "filling", "cores", "gemm", "gemm_best", "share", "share_done", "share_best"),
            *("tokens_per_gflop", "tokens_per_core", "load"),
        )
        found[name] = {key: statistics.median(row[key] for row in rows) for key in keys}
    return found


def derived(run: dict[str, Any], count: dict[str, int]) -> dict[str, float]:
    before, after = run["gemm_before"], run["gemm_after"]
    gemm = (before["mean"] + after["mean"]) / 2
    flops = 4 * count["all"] * run["tokens_per_second"] / 1e9
    done = 4 * (count["blocks"] * run["tokens_per_second"] + count["head"] * run["targets_per_second"]) / 1e9
    best = max(before["best"], after["best"])
    return {
        "gemm": gemm,
        "gemm_best": best,
        "share": flops / gemm,
        "share_done": done / gemm,
        "share_best": flops / best,
        "tokens_per_gflop": run["tokens_per_second"] / gemm,
        "tokens_per_core": run["tokens_per_second"] / run["cores"],
        "load": (run["load_before"] + run["load_after"]) / 2,
    }


def parameters(size: str) -> dict[str, int]:
    """Of the matrices; the tied embedding once, as the head."""
    shape = SHAPES[size]
    width, layers = shape["hidden_size"], shape["num_hidden_layers"]
    keys = width // shape["num_attention_heads"] * shape["num_key_value_heads"]
    blocks = layers * (2 * width * width + 2 * width * keys + 3 * width * shape["intermediate_size"])
    head = shape["vocab_size"] * width
    return {"blocks": blocks, "head": head, "all": blocks + head}


COLUMNS = (
    ("tokens/s", lambda c: f"{c['tokens_per_second']:,.0f}"),
    ("completion tokens/s", lambda c: f"{c['targets_per_second']:,.0f}"),
    ("peak memory, GB", lambda c: f"{c['peak_bytes'] / 1e9:.2f}"),
    ("first step after, s", lambda c: f"{c['first_step_seconds']:.1f}"),
    ("warm-up, s", lambda c: f"{c['warm_up_seconds']:.1f}"),
    ("steps", lambda c: f"{c['steps']:.0f}"),
    ("filling", lambda c: f"{c['filling']:.0%}"),
    ("4N·tokens/s of GEMM", lambda c: f"{c['share']:.0%}"),
    ("GEMM then, GFLOP/s", lambda c: f"{c['gemm']:.0f}"),
    ("tokens a core-second", lambda c: f"{c['tokens_per_core']:,.0f}"),
    ("cores got", lambda c: f"{c['cores']:.2f}"),
    ("load", lambda c: f"{c['load']:.1f}"),
)


def told(result: dict[str, Any]) -> list[str]:
    """The table and a line that can be read without it."""
    found = result["contestants"]
    head = ["", *(title for title, _ in COLUMNS)]
    lines = [[CONTESTANTS[name].title, *(show(of) for _, show in COLUMNS)] for name, of in found.items()]
    widths = [max(len(line[index]) for line in [head, *lines]) for index in range(len(head))]
    table = [
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |"
        for line in [head, ["-" * width for width in widths], *lines]
    ]
    return [*table, "", *sentences(result)]


def sentences(result: dict[str, Any]) -> list[str]:
    found = result["contestants"]
    ours = found.get("ours")
    lines: list[str] = []
    if ours:
        for name, of in found.items():
            if name == "ours":
                continue
            raw, normalised, by_core = (
                ours[key] / of[key] for key in ("tokens_per_second", "tokens_per_gflop", "tokens_per_core")
            )
            lines.append(
                f"Tanren trains {raw:.1f} times as many tokens a second as {CONTESTANTS[name].title} "
                f"({normalised:.1f} times for what the machine gave a matrix product, {by_core:.1f} times a "
                f"core-second got), in {ours['peak_bytes'] / of['peak_bytes']:.2f} of its memory."
            )
        lines.append(
            f"Tanren's 4·N·tokens/s are {ours['share']:.0%} of the matrix product measured around it "
            f"({ours['share_best']:.0%} of the best single one; {ours['share_done']:.0%} counting the output head only "
            "where it is computed)."
        )
    if disturbed := disturbances(result["runs"]):
        lines.append(
            f"**Not a comparison yet**: {disturbed}. Tokens a core-second are the steadiest figure here; measure again "
            "on a quiet machine."
        )
    if note := result.get("note"):
        lines.append(note)
    losses = result["losses"]
    if losses:
        lines.append(
            f"Losses of the first {losses['steps']} steps in float32 differ from TRL's by at most "
            f"{losses['largest_difference']:.1e} nats (at most {PARITY_NATS:g} wanted): "
            f"{'met' if losses['is_met'] else 'NOT MET'}."
        )
    return lines


def disturbances(runs: list[dict[str, Any]]) -> str:
    """Why these runs cannot be compared, or nothing."""
    reasons: list[str] = []
    rates = [run[key]["mean"] for run in runs for key in ("gemm_before", "gemm_after")]
    if max(rates) > 1.15 * min(rates):
        reasons.append(f"the matrix product got between {min(rates):.0f} and {max(rates):.0f} GFLOP/s")
    cores = [run["cores"] for run in runs]
    if max(cores) > 1.15 * min(cores):
        reasons.append(f"contestants got between {min(cores):.2f} and {max(cores):.2f} cores")
    rounds = {name: sum(run["name"] == name for run in runs) for name in (run["name"] for run in runs)}
    if min(rounds.values()) < 2:
        reasons.append("not every contestant ran twice")
    return "; ".join(reasons)


def row_of(run: dict[str, Any]) -> str:
    return (
        f"round {run['round']} {run['name']:<11} {run['tokens_per_second']:7.1f} tokens/s, "
        f"{run['targets_per_second']:6.1f} completion; {run['steps']} steps in {run['seconds']:.0f} s; "
        f"{run['peak_bytes'] / 1e9:.2f} GB; first step {run['first_step_seconds']:.1f} s; cores {run['cores']:.2f}; "
        f"GEMM {run['gemm_before']['mean']:.0f} → {run['gemm_after']['mean']:.0f}; load {run['load_before']:.1f} → "
        f"{run['load_after']:.1f}"
    )


if __name__ == "__main__":
    os.nice(max(0, NICENESS - os.nice(0)))
    main()
