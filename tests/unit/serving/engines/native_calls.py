"""Calls to a stepper in short, and what plain transformers says to the same tokens.

The tests run with sanitized libraries, which notice memory that is read or written beside a buffer, with:

    python build_native.py --sanitize --into build/native-sanitized
    export TANREN_NATIVE_LIBRARIES=build/native-sanitized ASAN_OPTIONS=detect_leaks=0
    LD_PRELOAD="$(g++ -print-file-name=libasan.so) $(g++ -print-file-name=libubsan.so)" \
        python -m pytest tests/unit/serving/engines/test_native_stepper.py
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForCausalLM

from tanren.serving.engines.adapter_switch import AdapterSwitch, ResidentAdapter
from tanren.serving.engines.native_library import BUILT, available_instruction_sets
from tanren.serving.engines.native_stepper import NativeStepper
from tanren.serving.engines.stepper import NO_ADAPTER, NextTokens, TokenRows
from tanren.weights.lora import LoraFactors, target_names

LIBRARIES = Path(os.environ.get("TANREN_NATIVE_LIBRARIES", BUILT))
"""Another folder for libraries built with sanitizers."""
INSTRUCTION_SETS = available_instruction_sets(LIBRARIES)
VOCABULARY = 260
"""Ids that every tiny model has."""


@dataclass(frozen=True)
class Stretch:
    """Tokens of one sequence that a call is to compute."""

    tokens: Sequence[int]
    blocks: Sequence[int]
    start: int = 0
    """The first one's position."""
    adapter: int = NO_ADAPTER


def open_stepper(
    folder: Path,
    *,
    instruction_set: str | None = None,
    thread_count: int = 2,
    block_count: int = 64,
    compresses_weights: bool = True,
) -> NativeStepper:
    probe = NativeStepper(
        folder, key_value_bytes=1 << 24, thread_count=1, instruction_set=instruction_set, libraries=LIBRARIES
    )
    block_bytes = (1 << 24) // probe.block_count
    probe.close()
    return NativeStepper(
        folder,
        key_value_bytes=block_count * block_bytes,
        thread_count=thread_count,
        instruction_set=instruction_set,
        compresses_weights=compresses_weights,
        libraries=LIBRARIES,
    )


def rows_of(*stretches: Stretch, selected: Sequence[int] | None = None) -> TokenRows:
    """All rows are selected, or the given ones; of all, the logits are wanted."""
    longest = max((len(each.blocks) for each in stretches), default=0)
    tokens = [token for each in stretches for token in each.tokens]
    chosen = list(range(len(tokens)) if selected is None else selected)
    return TokenRows(
        tokens_M=_int32(tokens),
        positions_M=_int32([each.start + index for each in stretches for index in range(len(each.tokens))]),
        sequences_M=_int32([index for index, each in enumerate(stretches) for _ in each.tokens]),
        blocks_QP=_int32([[*each.blocks, *[-1] * (longest - len(each.blocks))] for each in stretches]).reshape(
            len(stretches), longest
        ),
        adapters_Q=_int32([each.adapter for each in stretches]),
        selected_S=_int32(chosen),
        with_logits_L=_int32(range(len(chosen))),
    )


def logits_of(stepper: NativeStepper, *stretches: Stretch) -> NDArray[np.float32]:
    """A copy of the logits [M, V] of all rows, which agree with what is said of the best token."""
    answer: NextTokens = stepper.step(rows_of(*stretches))
    logits_MV = answer.logits_LV.copy()
    assert np.array_equal(answer.best_S, logits_MV.argmax(axis=1))
    assert np.array_equal(answer.best_logits_S, logits_MV.max(axis=1))
    return logits_MV


def some_tokens(count: int, seed: int = 0) -> list[int]:
    return np.random.default_rng(seed).integers(0, VOCABULARY, count).tolist()


def expected_logits(
    folder: Path,
    tokens: Sequence[int],
    factors: Mapping[str, LoraFactors] | None = None,
    *,
    dtype: torch.dtype = torch.float32,
) -> NDArray[np.float32]:
    """[T, V] of transformers, with the adapter switched on as the reference engine does."""
    model = load_model(folder, dtype)
    adapter = None if factors is None else ResidentAdapter(factors=factors)
    with torch.no_grad(), AdapterSwitch(model).on(adapter):
        return model(input_ids=torch.tensor([list(tokens)])).logits[0].float().numpy()


def some_factors(
    folder: Path, *, seed: int, rank: int = 4, only: str = "", size: float = 0.2
) -> dict[str, LoraFactors]:
    """A random adapter for every linear layer whose name contains `only`."""
    model = load_model(folder, torch.float32)
    random = torch.Generator().manual_seed(seed)
    return {
        name: LoraFactors(
            a_RI=torch.randn(rank, model.get_submodule(name).in_features, generator=random) * size,
            b_OR=torch.randn(model.get_submodule(name).out_features, rank, generator=random) * size,
            scale=0.5,
        )
        for name in target_names(model)
        if only in name
    }


def load_model(folder: Path, dtype: torch.dtype) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()


def _int32(values: Any) -> NDArray[np.int32]:
    return np.array(list(values), dtype=np.int32)
