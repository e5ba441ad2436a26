"""From one row of logits to the next token: greedy, or drawn under temperature, top-k and top-p, in that order.

Each sequence draws from a generator of its own, so that a seed decides an answer whatever else is running. Filters are
those of `transformers`: top-p keeps the fewest most probable tokens whose probabilities reach it, at least one.

A constraint stands before everything else: what it forbids has no probability, also for a greedy choice.

Cost     one pass over the logits for greedy and for plain draws. Top-k and top-p sort the tokens that they keep: their
         number is guessed from below, and multiplied while the guess is too small.

Shapes   V vocabulary, K tokens that may be drawn
"""

import math
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from tanren.domain.errors import ModelFailed
from tanren.domain.generation import GenerationRequest

COLDEST: Final = 1e-6
"""Below this a temperature is this: the division stays finite, and the most probable token is certain."""

FIRST_GUESS: Final = 256
"""Most probable tokens in which top-p is looked for first; of a trained model's, they nearly always hold it."""

RUN: Final = 256
"""Weights that are added up at once."""

DAMAGED: Final = "the model's logits are not finite; its weights or its adapter are damaged"


class TokenConstraint(Protocol):
    """What the tokens of one answer may be, step by step: a grammar, a JSON schema.

    Why no more than this: how a grammar is compiled, and for which tokenizer, is its own business; a sampler asks which
    tokens are left, and tells which it took. One object serves one answer, from the engine's thread only.
    """

    def mask(self, logits_V: NDArray[np.float32]) -> NDArray[np.float32]:
        """The logits with every forbidden token at minus infinity; the argument is left as it is.

        A token that ends a turn is allowed where the answer may end here.
        """
        ...

    def accept(self, token: int) -> None:
        """The answer goes on with this token, which `mask` allowed."""
        ...

    @property
    def is_complete(self) -> bool:
        """Nothing may follow what has been accepted: the engine ends the turn."""
        ...


class Sampler:
    """The draws of one sequence."""

    def __init__(self, request: GenerationRequest, constraint: TokenConstraint | None = None) -> None:
        self._request = request
        self._constraint = constraint
        # A generator takes any number but a negative one: those are folded rather than refused.
        seed = None if request.seed is None else request.seed % 2**128
        self._random = np.random.default_rng(seed) if request.temperature > 0 else None

    @property
    def needs_logits(self) -> bool:
        """False: the most probable token is enough, `take_best` says whether it may be taken."""
        return self._random is not None or self._constraint is not None

    @property
    def is_complete(self) -> bool:
        """The constraint, if there is one, lets nothing follow."""
        return self._constraint is not None and self._constraint.is_complete

    def take_best(self, token: int, logit: float) -> int:
        """The most probable token, where no logits are needed. Raises   ModelFailed where its logit is no number."""
        assert not self.needs_logits
        if not math.isfinite(logit):
            raise ModelFailed(DAMAGED)
        return token

    def next_token(self, logits_V: NDArray[np.float32]) -> int:
        """Raises   ModelFailed where the logits are not numbers, as after an overflow in the model, or where the
        constraint forbids every token."""
        if not np.isfinite(logits_V.max()):
            raise ModelFailed(DAMAGED)
        if self._constraint is None:
            return self._chosen(logits_V)
        allowed_V = self._constraint.mask(logits_V)
        if allowed_V.max() == -np.inf:
            raise ModelFailed("the answer's grammar allows no token here; simplify the schema")
        token = self._chosen(allowed_V)
        self._constraint.accept(token)
        return token

    def _chosen(self, logits_V: NDArray[np.float32]) -> int:
        if self._random is None:
            return int(logits_V.argmax())
        ids_K, weights_K = self.kept(logits_V)
        drawn = _at_share(weights_K, self._random.random())
        return drawn if ids_K is None else int(ids_K[drawn])

    def kept(self, logits_V: NDArray[np.float32]) -> tuple[NDArray[np.int64] | None, NDArray[np.float32]]:
        """Ids of the tokens that may be drawn, the most probable first, and their odds; None for all, in order."""
        top_k, top_p = self._request.top_k, self._request.top_p
        if top_k is not None and top_k < len(logits_V):
            ids_K = _most_probable(logits_V, top_k)
            weights_K = self._odds(logits_V[ids_K])
            return (ids_K, weights_K) if top_p >= 1 else _reaching(top_p * weights_K.sum(), ids_K, weights_K)
        weights_V = self._odds(logits_V)
        if top_p >= 1:
            return None, weights_V
        enough, count = top_p * weights_V.sum(), FIRST_GUESS
        while True:
            ids_K = _most_probable(logits_V, count)
            if count >= len(logits_V) or weights_V[ids_K].sum() >= enough:
                return _reaching(enough, ids_K, weights_V[ids_K])
            count *= 8

    def _odds(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of each token against the most probable one."""
        odds = logits - logits.max()
        odds *= np.float32(1 / max(self._request.temperature, COLDEST))
        return np.exp(odds, out=odds)


def _most_probable(logits_V: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Ids, the most probable first; of equals, the one with the lower id. Tokens at minus infinity are left out.

    Why   the tokens are dealt into groups: as many tokens as groups are at least as probable as the least of the most
          probable ones of `count` groups, so only those need be sorted. Selecting among all takes ten times as long.
    """
    groups = count * 8
    width = len(logits_V) // groups
    least = np.float32(-np.inf)
    if width >= 2:
        highest = logits_V[: groups * width].reshape(width, groups).max(axis=0)
        least = np.partition(highest, -count)[-count]
    ids = np.flatnonzero(logits_V >= max(least, np.finfo(np.float32).min))
    return ids[np.argsort(-logits_V[ids], kind="stable")][:count]


def _reaching(
    enough: float, ids_K: NDArray[np.int64], weights_K: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The fewest of the first whose weights together reach `enough`, at least one."""
    before_K = weights_K.cumsum(dtype=np.float64) - weights_K
    count = max(1, int((before_K < enough).sum()))
    return ids_K[:count], weights_K[:count]


def _at_share(weights_K: NDArray[np.float32], share: float) -> int:
    """The index at which the weights, added up from the first, exceed this share of their sum; one with a weight.

    Why   in two steps, first which run of RUN weights and then which of them: adding up all one by one is most of the
          cost of a draw.
    """
    runs = np.add.reduceat(weights_K, np.arange(0, len(weights_K), RUN), dtype=np.float64)
    before, run = _exceeding(runs, share * runs.sum())
    _, index = _exceeding(weights_K[run * RUN : (run + 1) * RUN].astype(np.float64), share * runs.sum() - before)
    return run * RUN + index


def _exceeding(weights: NDArray[np.float64], sought: float) -> tuple[float, int]:
    """The sum before the weight with which the sum exceeds `sought`, and its index."""
    reached = weights.cumsum()
    # What is sought may be rounded up to the sum itself; then it is the last one that has any weight.
    index = min(int(reached.searchsorted(sought, side="right")), int(reached.searchsorted(reached[-1])))
    return (float(reached[index - 1]) if index else 0.0), index
