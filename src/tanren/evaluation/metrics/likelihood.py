"""How probable a model finds the reference answers: loss, perplexity, bits per byte.

Why bits per byte   loss and perplexity are per token, and models of different tokenizers count different tokens.
"""

import math
from collections.abc import Sequence

import numpy as np

from tanren.evaluation.answers import Likelihood
from tanren.evaluation.metrics.base import ItemScores
from tanren.evaluation.statistics import Floats


def likelihood_scores(likelihoods: Sequence[Likelihood | None]) -> dict[str, ItemScores]:
    """`loss` in nats per token, `perplexity`, `bits_per_byte`; of all of them, less is better. nan where there is no
    likelihood."""
    statistics_NK = np.asarray(
        [(found.nats, found.token_count, found.byte_count) if found else (0, 0, 0) for found in likelihoods],
        dtype=np.float64,
    ).reshape(-1, 3)

    def loss(sums_RK: Floats) -> Floats:
        with np.errstate(invalid="ignore"):
            return sums_RK[:, 0] / sums_RK[:, 1]

    def perplexity(sums_RK: Floats) -> Floats:
        return np.exp(loss(sums_RK))

    def bits_per_byte(sums_RK: Floats) -> Floats:
        with np.errstate(invalid="ignore"):
            return sums_RK[:, 0] / sums_RK[:, 2] / math.log(2)

    return {
        name: ItemScores(
            values=total(statistics_NK), statistics_NK=statistics_NK, total=total, signature=f"{unit} of the reference"
        )
        for name, total, unit in (
            ("loss", loss, "nats per token"),
            ("perplexity", perplexity, "per token"),
            ("bits_per_byte", bits_per_byte, "bits per byte of UTF-8"),
        )
    }
