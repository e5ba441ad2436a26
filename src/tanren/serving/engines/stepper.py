"""One forward pass over rows of tokens, each of its own sequence, position and adapter: what batching needs of a model.

A *row* is one token of one sequence. A tick of the scheduler hands over the rows of everything that goes on at once:
whole stretches of prompts, one new token of each answer, under as many adapters as there are; one call computes them
all. Keys and values lie in *blocks* of `BLOCK_TOKENS` positions which the scheduler gives out; a sequence names its
blocks in order, and two sequences may name the same full block where their beginnings and their adapters are the same.

Implementations: `native_stepper.py` (C++ on the processor), `torch_stepper.py` (plain PyTorch, the oracle in tests).
Contract: `tests/conformance/test_steppers.py`.

Shapes   M rows, Q sequences of this call, P blocks a sequence at most, S selected rows, L of them with logits,
         V vocabulary
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

BLOCK_TOKENS: Final = 16
"""Positions in one block of keys and values."""

NO_ADAPTER: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRows:
    """What one call computes. All arrays are C-contiguous int32.

    Why      a row attends to all positions of its sequence up to its own: those written by earlier calls and those of
             this call. Rows of one sequence stand in ascending position, without gaps.
    """

    tokens_M: NDArray[np.int32]
    positions_M: NDArray[np.int32]
    sequences_M: NDArray[np.int32]
    """Index into the Q sequences of this call."""
    blocks_QP: NDArray[np.int32]
    """The blocks that hold each sequence's positions, in order, filled up with -1."""
    adapters_Q: NDArray[np.int32]
    """A handle from `add_adapter`, or NO_ADAPTER."""
    selected_S: NDArray[np.int32]
    """Rows whose next token is asked for."""
    with_logits_L: NDArray[np.int32]
    """Indices into `selected_S` of those whose whole logits are wanted; the others get only the most probable token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextTokens:
    best_S: NDArray[np.int32]
    """The most probable token; of equals, the one with the lowest id."""
    best_logits_S: NDArray[np.float32]
    """Its logit; not finite where the model or its adapter is damaged."""
    logits_LV: NDArray[np.float32]
    """Valid until the next call."""


def nothing() -> None:
    """What is done meanwhile where there is nothing to do."""


class Stepper(Protocol):
    """A base model in memory with its adapters and its keys and values. Called from one thread at a time.

    Why no more than this: who is served when, sampling, stopping and sharing of prefixes are the scheduler's.
    """

    @property
    def name(self) -> str:
        """Of the engine, as the log and the resource name it: `native (AVX512-BF16)`, `torch`."""
        ...

    @property
    def block_count(self) -> int:
        """Blocks there are, numbered from 0."""
        ...

    @property
    def block_bytes(self) -> int:
        """Memory of a block: keys and values of all layers."""
        ...

    @property
    def weight_bytes(self) -> int: ...

    def add_adapter(self, factors: Mapping[str, object]) -> int:
        """A handle for an adapter whose tensors have been checked (`adapter_switch.check_fits`).

        `factors`  as `weights/adapters.py` reads them: module name → low-rank factors and scale.
        Raises     ModelFailed where this stepper cannot compute it.
        """
        ...

    def adapter_bytes(self, handle: int) -> int: ...

    def drop_adapter(self, handle: int) -> None:
        """Its memory is free; no row names it any more."""
        ...

    def touch(self, blocks: range) -> Iterator[None]:
        """Has the system give the memory of these blocks now, where it would give it only when they are first written:
        a part of it before each item. What is in them stays; other calls may come between two items."""
        ...

    def step(self, rows: TokenRows, meanwhile: Callable[[], object] = nothing) -> NextTokens:
        """Writes keys and values of all rows, and computes what follows the selected ones. Releases the GIL.

        `meanwhile`  is called once, by the calling thread, while others compute as far as there are others; what it
                     raises is raised when the step is over. Not where the rows are refused.
        """
        ...

    def close(self) -> None: ...
