"""What every server is asked: prompts of 128 tokens, answers of 128, so many at once, under so many adapters.

The prompts are words of the vocabulary drawn from a seed, new ones every time: what a server has kept of an earlier
prompt saves it nothing here. All are greedy. A random model hardly ever ends an answer by itself; tokens are counted as
they came, so one that does counts for what it is.
"""

import argparse
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROMPT_TOKENS = 128
ANSWER_TOKENS = 128
TEMPLATE_TOKENS = 2
"""Of a prompt, the two role tokens that the model's chat template writes."""
CASES = ((1, 0), (8, 0), (32, 0), (1, 1), (8, 1), (8, 8), (32, 1), (32, 8), (32, 32))
"""(concurrent requests, distinct adapters), in the order in which they are run."""
MOST_CONCURRENT = 32
REST_SECONDS = 1.0
"""Between two repetitions, of every contestant: requests come in bursts, and what a server makes ready for the next one
while it has nothing to do counts as it would then."""


@dataclass(frozen=True, slots=True)
class Ask:
    """So many requests at once under so many adapters; those of different turns share no prompt."""

    concurrent: int
    adapters: int
    turn: int

    def prompts(self, vocabulary: int, specials: int) -> list[list[int]]:
        """Of each request: the words' ids, without the template's own tokens."""
        draw = random.Random(f"{self.concurrent}x{self.adapters}:{self.turn}")
        words = PROMPT_TOKENS - TEMPLATE_TOKENS
        return [[draw.randrange(specials, vocabulary) for _ in range(words)] for _ in range(self.concurrent)]

    def by_adapter(self) -> dict[int | None, list[int]]:
        """The requests' numbers by their adapter's; None: under none."""
        groups: dict[int | None, list[int]] = {}
        for index in range(self.concurrent):
            groups.setdefault(index % self.adapters if self.adapters else None, []).append(index)
        return groups


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True, help="of the size: model/, adapters/, openvino/")
    parser.add_argument("--cases", type=json.loads, default=list(CASES))
    parser.add_argument("--repetitions", type=int, default=2, help="of each case; the best counts")
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def measure(given: argparse.Namespace, ask: Callable[[Ask], int], **more: Any) -> None:
    """Runs the cases and writes what came of them.

    `ask`      answers all requests; how many tokens it made.
    """
    found: dict[str, Any] = {}
    for concurrent, adapters in given.cases:
        name = f"{concurrent}x{adapters}"
        try:
            ask(Ask(concurrent, adapters, turn=0))  # compiles, loads, warms up
            rates = []
            for turn in range(1, given.repetitions + 1):
                time.sleep(REST_SECONDS)
                began = time.perf_counter()
                tokens = ask(Ask(concurrent, adapters, turn))
                rates.append(tokens / (time.perf_counter() - began))
            found[name] = {"tokens_per_second": max(rates), "all": rates}
        except NotImplementedError as error:
            found[name] = {"refused": str(error)}
        print(name, found[name], flush=True)
        given.out.write_text(json.dumps({"cases": found, **more}, indent=1) + "\n")
