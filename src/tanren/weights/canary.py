"""A fixed text's log-probabilities with an adapter and without: what an engine must come to that computes the adapter.

Training writes them beside the adapter, as the model gave them there. An engine that serves a base too large to be
computed a second time reads them (`serving/engines/vllm_canary.py`).

Legend   T positions of the text, V vocabulary.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, cast

import torch
from torch import Tensor, nn

from tanren.domain.errors import ModelFailed

CANARY_TEXT: Final = (
    "In 1867, a small bakery at 42 Harbour Street sold bread, cakes & tea; its owner wrote every order in a blue book. "
    "What would you have asked for?"
)
CANARY_TOKENS: Final = 64
EXPECTATION_FILE: Final = "canary.json"
"""In an adapter's folder, beside its weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a text's log-probabilities must be, in nats, one for each token but the first."""

    prompt_ids: tuple[int, ...]
    base_logprobs: tuple[float, ...]
    logprobs: tuple[float, ...]
    """With the adapter."""

    @property
    def change(self) -> list[float]:
        return [a - b for a, b in zip(self.logprobs, self.base_logprobs, strict=True)]


@torch.inference_mode()
def text_logprobs(model: nn.Module, ids: Sequence[int]) -> tuple[float, ...]:
    """Of each token but the first, given those before it."""
    ids_1T = torch.tensor([list(ids)], device=next(model.parameters()).device)
    logits_TV: Tensor = model(input_ids=ids_1T).logits[0].float()
    chosen_T = logits_TV.log_softmax(-1)[:-1].gather(-1, ids_1T[0, 1:, None])[:, 0]
    return tuple(chosen_T.tolist())


def write_expectation(folder: Path, expectation: Expectation) -> None:
    """Beside an adapter that has just been trained."""
    (folder / EXPECTATION_FILE).write_text(json.dumps(asdict(expectation)) + "\n", "utf-8")


def read_expectation(folder: Path, vocabulary_size: int) -> Expectation | None:
    """What training left in an adapter's folder; None where it left nothing.

    Raises   ModelFailed where the file is there and is none: a check that was meant is never skipped.
    """
    file = folder / EXPECTATION_FILE
    if not file.is_file():
        return None
    try:
        found = cast("dict[str, Any]", json.loads(file.read_text("utf-8")))
        expectation = Expectation(
            prompt_ids=tuple(int(token) for token in found["prompt_ids"]),
            base_logprobs=tuple(float(value) for value in found["base_logprobs"]),
            logprobs=tuple(float(value) for value in found["logprobs"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFailed(f"{file} is no expectation of a canary: {error!r}; remove it or write it again") from error
    count = len(expectation.prompt_ids)
    sizes = {len(expectation.base_logprobs), len(expectation.logprobs)}
    if count < 2 or sizes != {count - 1} or not all(0 <= token < vocabulary_size for token in expectation.prompt_ids):
        raise ModelFailed(f"{file} is no expectation of a canary for this base; remove it or write it again")
    return expectation
