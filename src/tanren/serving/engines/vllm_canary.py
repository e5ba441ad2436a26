"""Whether an adapter takes part in the answers: the log-probabilities of a fixed text, with it and without.

vLLM loads an adapter, lists it, answers under its name, and may still compute the base: layers that it does not adapt
are left out without a word (modules by another name, modules that it cannot wrap). So what counts is not what the
server says but what the numbers do.

    came       logprobs(adapter) − logprobs(base), both read from the server, a number for each token of the text
    noise      what two readings of the base differ by: 0 on a quiet server that computes the same way each time
    expected   the same difference as the trainer computed it, where the adapter's folder holds it (EXPECTATION_FILE),
               or as it is computed here on the processor, where the base is small enough to be kept there too

Checked    came is more than noise; and where there is an expectation, came is near it: the root mean square of
           (came − expected) stays below ALLOWED_SHARE of expected's, plus ALLOWED_NATS for arithmetic in bfloat16.
           Half an adapter, an adapter of another scale, or another adapter is far outside.
Cost       three readings of at most CANARY_TOKENS tokens an adapter.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import torch
from torch import Tensor, nn

from tanren.domain.errors import ModelFailed
from tanren.serving.engines.adapter_switch import AdapterSwitch, ResidentAdapter

CANARY_TEXT: Final = (
    "In 1867, a small bakery at 42 Harbour Street sold bread, cakes & tea; its owner wrote every order in a blue book. "
    "What would you have asked for?"
)
CANARY_TOKENS: Final = 64
EXPECTATION_FILE: Final = "canary.json"
"""In an adapter's folder, beside its weights."""

ALLOWED_SHARE: Final = 0.2
ALLOWED_NATS: Final = 0.05
NOISE_FACTOR: Final = 3.0


class AdapterIgnored(ModelFailed):
    """vLLM answers under the adapter's name with something else than the adapter; the text has the figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a text's log-probabilities must be, in nats, one for each token but the first."""

    prompt_ids: tuple[int, ...]
    base_logprobs: tuple[float, ...]
    logprobs: tuple[float, ...]
    """With the adapter."""

    @property
    def change(self) -> list[float]:
        return _difference(self.logprobs, self.base_logprobs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What the server answered, in the order in which it was asked."""

    base_before: Sequence[float]
    adapter: Sequence[float]
    base_after: Sequence[float]


def check_readings(name: str, readings: Readings, expectation: Expectation | None) -> None:
    """Raises   AdapterIgnored where the adapter, by this name in the error, does not take part as it must."""
    came = _difference(readings.adapter, readings.base_before)
    noise = rms(_difference(readings.base_after, readings.base_before))
    if not all(map(math.isfinite, (*came, noise))):
        raise AdapterIgnored(f"vLLM computes no finite numbers with the adapter {name}: it or the base is damaged.")
    if rms(came) <= NOISE_FACTOR * noise:
        raise AdapterIgnored(
            f"vLLM lists the adapter {name} and answers as the base: over {len(came)} tokens of a fixed text their "
            f"log-probabilities differ by {rms(came):.3g} nats, where two readings of the base differ by {noise:.3g}. "
            "Its layers are probably ones that vLLM does not adapt in this model; the native engine does."
        )
    if expectation is None:
        return
    wanted = expectation.change
    off, allowed = rms(_difference(came, wanted)), ALLOWED_SHARE * rms(wanted) + ALLOWED_NATS
    if off > allowed:
        raise AdapterIgnored(
            f"vLLM does not compute the adapter {name} as it was trained: over {len(came)} tokens of a fixed text it "
            f"should change the log-probabilities by {rms(wanted):.3g} nats and changes them by {rms(came):.3g}, "
            f"{off:.3g} away from what was expected (allowed: {allowed:.3g}). A part of its layers may be left out."
        )


def read_expectation(folder: Path, vocabulary_size: int) -> Expectation | None:
    """What the trainer left in an adapter's folder; None where it left nothing.

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


def write_expectation(folder: Path, expectation: Expectation) -> None:
    """Beside an adapter that has just been trained."""
    members = {
        "prompt_ids": expectation.prompt_ids,
        "base_logprobs": expectation.base_logprobs,
        "logprobs": expectation.logprobs,
    }
    (folder / EXPECTATION_FILE).write_text(json.dumps(members) + "\n", "utf-8")


class CanaryOracle:
    """What a text's log-probabilities are, as a causal language model of `transformers` computes them.

    For use by one thread at a time. Hooks stay on the model, which must have no adapter of its own.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._switch = AdapterSwitch(model)
        self._device = next(model.parameters()).device

    def expected(self, adapter: ResidentAdapter, prompt_ids: Sequence[int]) -> Expectation:
        """Cost     two forward passes over the text."""
        return Expectation(
            prompt_ids=tuple(prompt_ids),
            base_logprobs=self._logprobs(None, prompt_ids),
            logprobs=self._logprobs(adapter, prompt_ids),
        )

    @torch.inference_mode()
    def _logprobs(self, adapter: ResidentAdapter | None, prompt_ids: Sequence[int]) -> tuple[float, ...]:
        ids_1T = torch.tensor([list(prompt_ids)], device=self._device)
        with self._switch.on(adapter):
            logits_TV: Tensor = self._model(input_ids=ids_1T).logits[0].float()
        chosen_T = logits_TV.log_softmax(-1)[:-1].gather(-1, ids_1T[0, 1:, None])[:, 0]
        return tuple(chosen_T.tolist())


def rms(values: Sequence[float]) -> float:
    """Root mean square."""
    return math.sqrt(sum(value * value for value in values) / len(values))


def _difference(of: Sequence[float], less: Sequence[float]) -> list[float]:
    return [a - b for a, b in zip(of, less, strict=True)]
