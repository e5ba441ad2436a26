"""Whether an adapter takes part in the answers: the log-probabilities of a fixed text, with it and without.

vLLM loads an adapter, lists it, answers under its name, and may still compute the base: layers that it does not adapt
are left out without a word (modules by another name, modules that it cannot wrap). So what counts is not what the
server says but what the numbers do.

    came       logprobs(adapter) − logprobs(base), both read from the server, a number for each token of the text
    noise      what two readings of the base differ by: 0 on a quiet server that computes the same way each time
    expected   the same difference as training computed it, where the adapter's folder holds it (`weights/canary.py`),
               or as it is computed here on the processor, where the base is small enough to be kept there too

Checked    came is more than noise; and where there is an expectation, came is near it: the root mean square of
           (came − expected) stays below ALLOWED_SHARE of expected's, plus ALLOWED_NATS for arithmetic in bfloat16.
           Half an adapter, an adapter of another scale, or another adapter is far outside.
Cost       three readings of at most CANARY_TOKENS tokens an adapter.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from torch import nn

from tanren.domain.errors import ModelFailed
from tanren.serving.engines.adapter_switch import AdapterSwitch, ResidentAdapter
from tanren.weights.canary import Expectation, text_logprobs

ALLOWED_SHARE: Final = 0.2
ALLOWED_NATS: Final = 0.05
NOISE_FACTOR: Final = 3.0


class AdapterIgnored(ModelFailed):
    """vLLM answers under the adapter's name with something else than the adapter; the text has the figures."""


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


class CanaryOracle:
    """What a text's log-probabilities are, as a causal language model of `transformers` computes them.

    For use by one thread at a time. Hooks stay on the model, which must have no adapter of its own.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._switch = AdapterSwitch(model)

    def expected(self, adapter: ResidentAdapter, prompt_ids: Sequence[int]) -> Expectation:
        """Cost     two forward passes over the text."""
        with self._switch.on(None):
            base_logprobs = text_logprobs(self._model, prompt_ids)
        with self._switch.on(adapter):
            logprobs = text_logprobs(self._model, prompt_ids)
        return Expectation(prompt_ids=tuple(prompt_ids), base_logprobs=base_logprobs, logprobs=logprobs)


def rms(values: Sequence[float]) -> float:
    """Root mean square."""
    return math.sqrt(sum(value * value for value in values) / len(values))


def _difference(of: Sequence[float], less: Sequence[float]) -> list[float]:
    return [a - b for a, b in zip(of, less, strict=True)]
