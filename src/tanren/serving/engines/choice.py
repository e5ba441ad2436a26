"""Which engine serves a base model here: the native one where it can, and if not, a slower one that says so.

auto        vllm where a CUDA GPU and vLLM are there; else native where its library is built for this processor and it
            knows the architecture; else reference
native      that or nothing: what stands in the way is an error
vllm        a vLLM server as a child process, on a GPU; that or nothing
torch       the batching engine over plain PyTorch
reference   one sequence after another, the oracle

Where `auto` falls to the reference engine, log and description say how slow that is, measured here and now: its speed
on this base, and, where the library runs and only this base is not for it, how many times slower it is on nano.
"""

import logging
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import torch

from tanren.domain.errors import ModelFailed, NotImplementedHere
from tanren.model_files.memory import available_bytes
from tanren.model_files.store import NANO_FOLDER, NANO_KEY
from tanren.serving.engines.batching import BatchingEngine
from tanren.serving.engines.native_architecture import read_native_architecture
from tanren.serving.engines.native_library import load_native_library
from tanren.serving.engines.native_stepper import NativeStepper
from tanren.serving.engines.reference import ReferenceEngine
from tanren.serving.engines.reference_base import load_reference_base
from tanren.serving.engines.served_base import load_served_base
from tanren.serving.engines.speed import NOT_KNOWN, SpeedComparison, shown, tokens_per_second
from tanren.serving.engines.torch_stepper import TorchStepper
from tanren.serving.engines.vllm_engine import open_vllm_engine
from tanren.serving.engines.vllm_options import VllmOptions, VllmUnfit, has_vllm, require_vllm
from tanren.serving.protocol import Engine, EngineLimits
from tanren.weights.base_models import read_facts

logger = logging.getLogger(__name__)

SHARED_FROM_PARAMETERS: Final = 50_000_000

MEGABYTE: Final = 1_000_000
MOST_KEY_VALUE_BYTES: Final = 4096 * MEGABYTE
"""Where nobody says how much: enough for tens of thousands of tokens of the models that fit such a machine."""
UNKNOWN_MEMORY_BYTES: Final = 512 * MEGABYTE
"""The same, on a system that does not say how much is free."""
_MEASURED_MEGABYTES: Final = 16
"""For keys and values of the one answer that is made when speeds are compared."""


class EngineChoice(StrEnum):
    AUTO = "auto"
    NATIVE = "native"
    VLLM = "vllm"
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
    vllm: VllmOptions = VllmOptions()


def open_engine(folder: Path, wanted: Wanted) -> Engine:
    """The engine, its base model loaded; one line in the log says which and why.

    Raises   JobFailed where the folder is no base model; NotImplementedHere where the engine that was asked for by name
             cannot serve it.
    """
    if wanted.choice is EngineChoice.AUTO:
        return _automatic(folder, wanted)
    note = f"{wanted.choice} engine: asked for by name"
    engine = _BY_NAME[wanted.choice](folder, wanted, note=note)
    logger.info("%s", note)
    return engine


def reason_against_native(folder: Path) -> str | None:
    """Why `auto` would take the reference engine for this base; None where it takes the native one. Loads no weights.

    Raises   JobFailed where the folder is no base model.
    """
    read_facts(folder)
    try:
        load_native_library()
        read_native_architecture(folder)
    except ModelFailed as error:
        return str(error)
    return None


def compare_speeds(folder: Path = NANO_FOLDER, *, base: str = NANO_KEY) -> SpeedComparison:
    """The reference engine beside the native one, on a base that both compute; about two seconds with nano."""
    wanted = Wanted(limits=EngineLimits(key_value_megabytes=_MEASURED_MEGABYTES))
    with _threads_as_before():
        with closing(_reference(folder, wanted)) as engine:
            reference = tokens_per_second(engine)
        try:
            opened = _native(folder, wanted, note="")
        except NativeUnfit as error:
            return SpeedComparison(base=base, reference=reference, reason=str(error))
        with closing(opened) as engine:
            return SpeedComparison(
                base=base,
                reference=reference,
                native=tokens_per_second(engine),
                native_name=engine.describe().engine,
            )


def _automatic(folder: Path, wanted: Wanted) -> Engine:
    if has_vllm(wanted.vllm):
        note = "vllm engine: a CUDA GPU and vLLM are here"
        logger.info("%s", note)
        return _vllm(folder, wanted, note=note)
    note = "native engine: its library is built for this processor and knows the architecture"
    try:
        engine = _native(folder, wanted, note=note)
    except NativeUnfit as error:
        return _instead_of_native(folder, wanted, reason=str(error))
    logger.info("%s", note)
    return engine


def _instead_of_native(folder: Path, wanted: Wanted, *, reason: str) -> Engine:
    # First: what is compared leaves the memory before this base is loaded.
    slowness = compare_speeds().words() if reason_against_native(NANO_FOLDER) is None else NOT_KNOWN
    engine = _reference(folder, wanted)
    alone = shown(tokens_per_second(engine))
    engine.note = f"reference engine: {reason.rstrip('.')}; {slowness}. On this base it makes {alone}."
    logger.warning("%s", engine.note)
    return engine


def _native(folder: Path, wanted: Wanted, *, note: str) -> Engine:
    facts = read_facts(folder)  # first, so that a folder that is no base model is called just that
    threads = wanted.threads or fitting_threads(facts.parameter_count)
    try:
        stepper = NativeStepper(folder, key_value_bytes=key_value_bytes(wanted.limits), thread_count=threads)
    except ModelFailed as error:
        raise NativeUnfit(str(error)) from error
    return BatchingEngine(load_served_base(folder), stepper, wanted.limits, note=note)


def _vllm(folder: Path, wanted: Wanted, *, note: str) -> Engine:
    read_facts(folder)  # first, so that a folder that is no base model is called just that
    if wanted.threads:
        raise VllmUnfit("The number of threads is for engines that compute on the processor; vLLM computes on a GPU.")
    return open_vllm_engine(folder, require_vllm(wanted.vllm), wanted.vllm, wanted.limits, note=note)


def _torch(folder: Path, wanted: Wanted, *, note: str) -> Engine:
    base = load_reference_base(folder)
    torch.set_num_threads(wanted.threads or fitting_threads(base.parameter_count))
    stepper = TorchStepper(base.model, key_value_bytes=key_value_bytes(wanted.limits))
    return BatchingEngine(base, stepper, wanted.limits, note=note)


def _reference(folder: Path, wanted: Wanted, *, note: str = "") -> ReferenceEngine:
    base = load_reference_base(folder)
    torch.set_num_threads(wanted.threads or fitting_threads(base.parameter_count))
    return ReferenceEngine(base, wanted.limits, note=note)


_BY_NAME: Final[dict[EngineChoice, Callable[..., Engine]]] = {
    EngineChoice.NATIVE: _native,
    EngineChoice.VLLM: _vllm,
    EngineChoice.TORCH: _torch,
    EngineChoice.REFERENCE: _reference,
}


def key_value_bytes(limits: EngineLimits) -> int:
    """What keys and values may take: as much as was said, else a quarter of what is free now, up to a bound."""
    if limits.key_value_megabytes is not None:
        return limits.key_value_megabytes * MEGABYTE
    free = available_bytes()
    return UNKNOWN_MEMORY_BYTES if free is None else min(free // 4, MOST_KEY_VALUE_BYTES)


@contextmanager
def _threads_as_before() -> Generator[None]:
    """What is measured sets the threads of all that torch computes in this process."""
    count = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(count)


def fitting_threads(parameter_count: int) -> int:
    """One for a small model, whose layers are too short to share; else one a core.

    Why   threads wait for each other at every layer, actively. Measured with nano (4 M) on two cores that other
          processes wanted too: 140 tokens/s with one thread, 2 with two.
    """
    return 1 if parameter_count < SHARED_FROM_PARAMETERS else torch.get_num_threads()
