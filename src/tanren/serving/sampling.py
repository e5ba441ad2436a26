"""From one row of logits to the next token: greedy, or drawn under temperature, top-k and top-p, in that order.

Each sequence draws from a generator of its own, so that a seed decides an answer whatever else is running. Filters are
those of `transformers`: top-p keeps the fewest most probable tokens whose probabilities reach it, at least one.

Shapes   V vocabulary
"""

from typing import Final

import torch
from torch import Tensor

from tanren.domain.errors import ModelFailed
from tanren.domain.generation import GenerationRequest

COLDEST: Final = 1e-6
"""Below this a temperature is this: the division stays finite, and the most probable token is certain."""


class Sampler:
    """The draws of one sequence."""

    def __init__(self, request: GenerationRequest) -> None:
        self._request = request
        self._random = torch.Generator(device="cpu")
        if request.seed is None:
            self._random.seed()
        else:
            # Generators take 64 bits; a larger seed is folded rather than refused.
            self._random.manual_seed(request.seed % 2**63)

    def next_token(self, logits_V: Tensor) -> int:
        """Raises   ModelFailed where the logits are not numbers, as after an overflow in the model."""
        logits_V = logits_V.float().cpu()
        highest, token = logits_V.max(dim=-1)
        if not torch.isfinite(highest):
            raise ModelFailed("the model's logits are not finite; its weights or its adapter are damaged")
        if self._request.temperature == 0:
            return int(token)
        kept, ids = self._kept((logits_V - highest) / max(self._request.temperature, COLDEST))
        drawn = int(torch.multinomial(kept, 1, generator=self._random))
        return drawn if ids is None else int(ids[drawn])

    def _kept(self, logits_V: Tensor) -> tuple[Tensor, Tensor | None]:
        """Probabilities (not normalised after top-p) of the tokens that may be drawn, and their ids; None for all."""
        top_k, top_p = self._request.top_k, self._request.top_p
        ids: Tensor | None = None
        if top_k is not None and top_k < logits_V.shape[-1]:
            logits_V, ids = logits_V.topk(top_k)
        elif top_p < 1:
            logits_V, ids = logits_V.sort(descending=True)
        probabilities = logits_V.softmax(dim=-1)
        if top_p < 1 and ids is not None:
            before = probabilities.cumsum(dim=-1) - probabilities
            count = max(1, int((before < top_p).sum()))
            probabilities, ids = probabilities[:count], ids[:count]
        return probabilities, ids
