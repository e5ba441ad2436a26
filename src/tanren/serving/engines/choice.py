"""Which engine serves a base model here: the native one where it can, and if not, a slower one that says so.

auto        native where its library is built for this processor and it knows the architecture; else reference
native      that or nothing: what stands in the way is an error
torch       the batching engine over plain PyTorch
reference   one sequence after another, the oracle
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import torch

from tanren.domain.errors import ModelFailed, NotImplementedHere
from tanren.model_files.memory import available_bytes
from tanren.serving.engines.batching import BatchingEngine
from tanren.serving.engines.native_stepper import NativeStepper
from tanren.serving.engines.reference import ReferenceEngine
from tanren.serving.engines.reference_base import load_reference_base
from tanren.serving.engines.served_base import load_served_base
from tanren.serving.engines.torch_stepper import TorchStepper
from tanren.serving.protocol import Engine, EngineLimits
from tanren.weights.base_models import read_facts

logger = logging.getLogger(__name__)

SHARED_FROM_PARAMETERS: Final = 50_000_000

MEGABYTE: Final = 1_000_000
MOST_KEY_VALUE_BYTES: Final = 4096 * MEGABYTE
"""Where nobody says how much: enough for tens of thousands of tokens of the models that fit such a machine."""
UNKNOWN_MEMORY_BYTES: Final = 512 * MEGABYTE
"""The same, on a system that does not say how much is free."""


class EngineChoice(StrEnum):
    AUTO = "auto"
    NATIVE = "native"
    TORCH = "torch"
    REFERENCE = "reference"


class NativeUnfit(NotImplementedHere):
    """The native engine cannot serve this base here; the text is why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the host was asked for."""

    choice: EngineChoice = EngineChoice.AUTO
    limits: EngineLimits = EngineLimits()
    threads: int = 0
    """Of the model's arithmetic; 0 for what fits its size."""


def open_engine(folder: Path, wanted: Wanted) -> Engine:
    """The engine, its base model loaded; one line in the log says which and why.

    Raises   JobFailed where the folder is no base model; NotImplementedHere where the engine that was asked for by name
             cannot serve it.
    """
    engine, note = _automatic(folder, wanted) if wanted.choice is EngineChoice.AUTO else _by_name(folder, wanted)
    logger.info("%s", note)
    return engine


def _automatic(folder: Path, wanted: Wanted) -> tuple[Engine, str]:
    note = "native engine: its library is built for this processor and knows the architecture"
    try:
        return _native(folder, wanted, note=note), note
    except NativeUnfit as reason:
        note = f"reference engine: {reason}"
        return _reference(folder, wanted, note=note), note


def _by_name(folder: Path, wanted: Wanted) -> tuple[Engine, str]:
    note = f"{wanted.choice} engine: asked for by name"
    return _BY_NAME[wanted.choice](folder, wanted, note=note), note


def _native(folder: Path, wanted: Wanted, *, note: str) -> Engine:
    facts = read_facts(folder)  # first, so that a folder that is no base model is called just that
    threads = wanted.threads or fitting_threads(facts.parameter_count)
    try:
        stepper = NativeStepper(folder, key_value_bytes=key_value_bytes(wanted.limits), thread_count=threads)
    except ModelFailed as error:
        raise NativeUnfit(str(error)) from error
    return BatchingEngine(load_served_base(folder), stepper, wanted.limits, note=note)


def _torch(folder: Path, wanted: Wanted, *, note: str) -> Engine:
    base = load_reference_base(folder)
    torch.set_num_threads(wanted.threads or fitting_threads(base.parameter_count))
    stepper = TorchStepper(base.model, key_value_bytes=key_value_bytes(wanted.limits))
    return BatchingEngine(base, stepper, wanted.limits, note=note)


def _reference(folder: Path, wanted: Wanted, *, note: str) -> Engine:
    base = load_reference_base(folder)
    torch.set_num_threads(wanted.threads or fitting_threads(base.parameter_count))
    return ReferenceEngine(base, wanted.limits, note=note)


_BY_NAME: Final[dict[EngineChoice, Callable[..., Engine]]] = {
    EngineChoice.NATIVE: _native,
    EngineChoice.TORCH: _torch,
    EngineChoice.REFERENCE: _reference,
}


def key_value_bytes(limits: EngineLimits) -> int:
    """What keys and values may take: as much as was said, else a quarter of what is free now, up to a bound."""
    if limits.key_value_megabytes is not None:
        return limits.key_value_megabytes * MEGABYTE
    free = available_bytes()
    return UNKNOWN_MEMORY_BYTES if free is None else min(free // 4, MOST_KEY_VALUE_BYTES)


def fitting_threads(parameter_count: int) -> int:
    """One for a small model, whose layers are too short to share; else one a core.

    Why   threads wait for each other at every layer, actively. Measured with nano (4 M) on two cores that other
          processes wanted too: 140 tokens/s with one thread, 2 with two.
    """
    return 1 if parameter_count < SHARED_FROM_PARAMETERS else torch.get_num_threads()
