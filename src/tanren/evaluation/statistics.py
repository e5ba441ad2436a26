"""How sure a difference between two models is, from their answers to the same questions.

    item statistics [N, K] ──▶ summed per cluster [U, K] ──┬─▶ resampled clusters      → interval of the difference
                                                           ├─▶ exchanged arms          → p: sign-flip, or McNemar
                                                           └─▶ spread of the first     → what could have been seen

A metric is a function of sums: a mean has (value, 1) for its statistics, BLEU its counts of n-grams. So one procedure
serves metrics of single answers and metrics of a whole corpus, and questions about one document are resampled and
exchanged together, since their answers are right or wrong together.

Cost     R resamples of U clusters are products of matrices: 10,000 × 200 takes 30 ms a metric of mean kind.
Source   Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13; Hesterberg, What Teachers Should Know
         about the Bootstrap, 2015 (the expanded percentile); Phipson and Smyth, Permutation p-values should never be
         zero, 2010; McNemar, 1947; Holm, 1979.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Total = Callable[[Floats], Floats]
"""Sums of item statistics [R, K] → the metric's value for each row [R]; nan where it has none."""

RESAMPLES: Final = 10_000
ALPHA: Final = 0.05
POWER: Final = 0.8
_EXACT_UP_TO: Final = 13
"""So many clusters that differ have 8,192 ways to be exchanged: fewer than would be drawn by chance."""
_BLOCK_CELLS: Final = 4_000_000
_SEED: Final = 20_260_401
_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedStatistics:
    """Two arms' statistics, cluster by cluster, in the same order."""

    base_UK: Floats
    tuned_UK: Floats
    total: Total

    @property
    def cluster_count(self) -> int:
        return int(self.base_UK.shape[0])

    @property
    def base(self) -> float:
        """The base's value over these clusters."""
        return float(self.total(self.base_UK.sum(axis=0)[None])[0])

    @property
    def tuned(self) -> float:
        return float(self.total(self.tuned_UK.sum(axis=0)[None])[0])

    @property
    def difference(self) -> float:
        """Tuned less base."""
        return self.tuned - self.base

    def differences(self, base_RK: Floats, tuned_RK: Floats) -> Floats:
        return self.total(tuned_RK) - self.total(base_RK)


def summed_by_cluster(statistics_NK: Floats, clusters: Sequence[str]) -> Floats:
    """[U, K], clusters in the order in which they are first met."""
    places = {name: place for place, name in enumerate(dict.fromkeys(clusters))}
    sums_UK = np.zeros((len(places), statistics_NK.shape[1]))
    np.add.at(sums_UK, [places[name] for name in clusters], statistics_NK)
    return sums_UK


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float
    standard_error: float
    """Of the difference; 0 where no resample differs from another."""


def bootstrap_interval(
    paired: PairedStatistics, *, confidence: float = 1 - ALPHA, resamples: int = RESAMPLES, seed: int = _SEED
) -> Interval | None:
    """The difference's interval from clusters drawn with replacement; None of fewer than two clusters.

    Why   percentiles of a bootstrap are too narrow where clusters are few: they are taken as far out as Student's t and
          the factor sqrt(n / (n - 1)) say (Hesterberg, 2015, the expanded percentile interval).
    """
    count = paired.cluster_count
    if count < 2:
        return None
    found = np.concatenate(
        [
            paired.differences(drawn_RU @ paired.base_UK, drawn_RU @ paired.tuned_UK)
            for drawn_RU in _drawn(count, resamples, seed)
        ]
    )
    found = found[np.isfinite(found)]
    if not found.size:
        return None
    widening = math.sqrt(count / (count - 1))
    tail = _NORMAL.cdf(-widening * student_t_quantile(1 - (1 - confidence) / 2, count - 1))
    low, high = np.quantile(found, [tail, 1 - tail])
    return Interval(float(low), float(high), float(found.std()) * widening)


def _drawn(count: int, resamples: int, seed: int) -> Iterator[Floats]:
    """How often each cluster is drawn, in blocks of resamples: the same ones for the same seed and count, so that
    metrics are compared on the same draws."""
    random = np.random.default_rng(seed)
    block = max(1, _BLOCK_CELLS // count)
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        yield random.multinomial(count, np.full(count, 1 / count), size=rows).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Test:
    name: str
    p_value: float
    least_p: float
    """What p would be if every cluster spoke for the same arm: no smaller one can come out."""


def sign_flip_test(paired: PairedStatistics, *, resamples: int = RESAMPLES, seed: int = _SEED) -> Test:
    """Two-sided p of the difference, were it a coin's throw for each cluster which arm gave which answers.

    Exact where few clusters differ; else from random exchanges, the observed one counted among them.
    """
    least_p = least_p_value(paired.cluster_count)
    apart_U = np.any(paired.base_UK != paired.tuned_UK, axis=1)
    gap_DK = (paired.tuned_UK - paired.base_UK)[apart_U]
    base_K, tuned_K = paired.base_UK.sum(axis=0), paired.tuned_UK.sum(axis=0)
    observed = abs(paired.difference)
    if not len(gap_DK) or math.isnan(observed):
        return Test("sign-flip", 1.0, least_p)
    at_least = tried = 0
    for exchanged_RD in _exchanges(len(gap_DK), resamples, seed):
        moved_RK = exchanged_RD @ gap_DK
        found = np.abs(paired.differences(base_K + moved_RK, tuned_K - moved_RK))
        at_least += int(np.sum(found >= observed - 1e-9 * max(1.0, observed)))
        tried += len(found)
    if len(gap_DK) <= _EXACT_UP_TO:
        return Test("sign-flip", at_least / tried, least_p)
    return Test("sign-flip", (at_least + 1) / (tried + 1), max(least_p, 1 / (tried + 1)))


def _exchanges(count: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Rows of 0 and 1: which clusters' answers are exchanged; every way there is, where they are few."""
    if count <= _EXACT_UP_TO:
        yield ((np.arange(2**count)[:, None] >> np.arange(count)) & 1).astype(np.float64)
        return
    random = np.random.default_rng(seed)
    block = max(1, _BLOCK_CELLS // count)
    for start in range(0, resamples, block):
        yield random.integers(0, 2, size=(min(block, resamples - start), count)).astype(np.float64)


def mcnemar_test(base_N: Floats, tuned_N: Floats) -> Test:
    """Two-sided exact p for answers that are right (1) or wrong (0): only questions on which the arms differ count."""
    gained, lost = int(np.sum(tuned_N > base_N)), int(np.sum(tuned_N < base_N))
    apart = gained + lost
    tail = sum(math.comb(apart, k) for k in range(min(gained, lost) + 1))
    return Test("McNemar", min(1.0, 2 * tail / 2**apart), least_p_value(len(base_N)))


def least_p_value(cluster_count: int) -> float:
    """The two-sided p where all clusters speak for one arm. Of four it is 0.125: nothing can be shown by four."""
    return min(1.0, 2.0 ** (1 - cluster_count))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """p-values that may be held against alpha although there are several of them."""
    count = len(p_values)
    adjusted = [0.0] * count
    highest = 0.0
    for rank, index in enumerate(sorted(range(count), key=lambda index: p_values[index])):
        highest = max(highest, min(1.0, (count - rank) * p_values[index]))
        adjusted[index] = highest
    return tuple(adjusted)


def minimum_detectable_effect(
    standard_error: float, cluster_count: int, *, alpha: float, power: float = POWER, usual_change: float = 0.0
) -> float | None:
    """The difference that such a test finds with this power; None where none could be shown, or nothing is known.

    `usual_change` is by how much a cluster's score changes where it changes at all.

    Why   where two of forty clusters differ, their spread is small, and yet a test of signs shows nothing before so
          many have changed that p can be below alpha. Where none differs, nothing is known of the spread.
    """
    if least_p_value(cluster_count) > alpha or not math.isfinite(standard_error) or standard_error <= 0:
        return None
    least_changed = _least_changed(alpha)
    return max(_reach(cluster_count, alpha, power) * standard_error, usual_change * least_changed / cluster_count)


def _least_changed(alpha: float) -> int:
    """Clusters that must all speak for one arm before p is below alpha."""
    return 1 + math.ceil(math.log2(1 / alpha))


def needed_clusters(
    effect: float, standard_error: float, cluster_count: int, *, alpha: float, power: float = POWER
) -> int | None:
    """How many clusters show a difference of `effect`, were they like these; None where there is none to show."""
    if effect == 0 or not math.isfinite(effect):
        return None
    spread = standard_error * math.sqrt(cluster_count)
    count = max(2, _least_changed(alpha))
    while _reach(count, alpha, power) * spread / math.sqrt(count) > abs(effect):
        # A step of 2 %: exact to that, and soon there.
        count = max(count + 1, int(count * 1.02))
        if count > 10_000_000:
            return None
    return count


def _reach(count: int, alpha: float, power: float) -> float:
    """Standard errors between no difference and one that is found with this power."""
    return student_t_quantile(1 - alpha / 2, count - 1) + _NORMAL.inv_cdf(power)


def student_t_quantile(probability: float, freedom: int) -> float:
    """To 1 % from three degrees of freedom on; exact of one and two.

    Source   Abramowitz and Stegun, 26.7.5: the expansion around the normal quantile.
    """
    if freedom == 1:
        return math.tan(math.pi * (probability - 0.5))
    if freedom == 2:
        return (2 * probability - 1) * math.sqrt(2 / (4 * probability * (1 - probability)))
    z = _NORMAL.inv_cdf(probability)
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92_160 * freedom**4)
    )
