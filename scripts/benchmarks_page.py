"""`python scripts/benchmarks_page.py`: docs/benchmarks.md, from what the benchmarks wrote to build/benchmarks."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from benchmarks import control_plane, gateway_latency, serve_vs_peers, train_vs_peers, validate_data  # noqa: E402
from benchmarks.origin import RESULTS  # noqa: E402
from benchmarks.peers.material import ROWS  # noqa: E402

PAGE = REPOSITORY / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Each runs beside the peer it is measured against, in one run; `make bench` runs them all. Written by
`python scripts/benchmarks_page.py` from the last results in `build/benchmarks`; sections of machines whose results are
gone, and what is said of causes, are kept by hand. The machine is shared, so each says when and where.
"""
TRAINING = f"""
## Training beside TRL and transformers' Trainer

`python -m benchmarks.train_vs_peers`. The same random model, the same {ROWS:,} log-normal rows (mean 187 tokens, median
136, longest 1,012; 47 % completion), the same LoRA (rank 16, alpha 32, all linear layers), 8 rows a step in the same
order. Each contestant has a process of its own; figures are medians over the rounds, in steady state. tokens/s counts
real tokens that went through the model, never filling. *GEMM then* is what a bfloat16 matrix product got right before
and after, *cores got* the CPU time of the process a second. All run with `OMP_WAIT_POLICY=PASSIVE`. Tanren's first step
includes tokenising; the others are given ids.

"""
SERVING = """
## Serving beside OpenVINO GenAI and transformers

`python -m benchmarks.serve_vs_peers`. The same random model, new prompts in every repetition; Tanren over HTTP by
boto3, the others called bare in their own process.
"""
CONTROL_PLANE = """
## Control plane beside moto's server

`python -m benchmarks.control_plane`. The gateway alone, durable and with signatures, policies and audit, beside moto in
memory without any of them; both on the same two cores as the clients that ask.
"""
DATA = """
## Data validation beside json.loads and load_dataset

`python -m benchmarks.validate_data`. A file of {megabytes:,} MB, on one core: every rule and SHA-256.
"""
LATENCY = """
## The gateway beside the engine's own time

`python -m benchmarks.gateway_latency`. InvokeModel of one token on nano, milliseconds.
"""


def parts() -> Iterator[str]:
    yield HEAD
    if results := result_of("train_vs_peers"):
        yield TRAINING
        yield "".join(f"- **{each.title}**: {each.note}\n" for each in train_vs_peers.CONTESTANTS.values())
        for size, result in results.items():
            yield f"\n### {size}: {result['parameters']:,} parameters\n\n"
            yield f"{origin_of(result)}; {len(result['runs'])} runs of at least {result['seconds']:.0f} s.\n\n"
            yield table_and_sentences(train_vs_peers.told(result))
    if results := result_of("serve_vs_peers"):
        yield SERVING
        for name, result in results.items():
            yield f"\n### {name}\n\n{origin_of(result)}.\n\n"
            yield table_and_sentences(serve_vs_peers.told(result))
    if result := result_of("control_plane"):
        yield f"{CONTROL_PLANE}\n{origin_of(result)}.\n\n{table_and_sentences(control_plane.told(result))}"
    if result := result_of("validate_data"):
        yield DATA.format(megabytes=result["megabytes"])
        yield f"\n{origin_of(result)}.\n\n{table_and_sentences(validate_data.told(result))}"
    if result := result_of("gateway_latency"):
        told = "\n".join(gateway_latency.told(result))
        yield f"{LATENCY}\n{origin_of(result)}.\n\n```text\n{told}\n```\n"


def result_of(name: str) -> dict[str, Any] | None:
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def origin_of(result: dict[str, Any]) -> str:
    return f"Commit {result['commit']}; {result['machine']}; {result['date']}"


def table_and_sentences(lines: list[str]) -> str:
    """Rows of a table as they are, every other line as a point of a list; a caption stays above its table."""
    text, is_before_table = "", True
    for line in lines:
        is_row = line.startswith("|")
        if is_row:
            is_before_table = False
        text += f"{line}\n" if is_row else f"{line}\n\n" if is_before_table else f"- {line}\n" if line else ""
    return text.replace(" |\n- ", " |\n\n- ")


if __name__ == "__main__":
    PAGE.write_text("".join(parts()), encoding="utf-8")
