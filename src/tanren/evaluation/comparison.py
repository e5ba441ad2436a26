"""Two arms compared over several metrics: by how much, how sure, and what these questions could have shown at all."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tanren.evaluation.metrics.base import ItemScores
from tanren.evaluation.statistics import (
    ALPHA,
    POWER,
    Floats,
    PairedStatistics,
    bootstrap_interval,
    holm,
    mcnemar_test,
    minimum_detectable_effect,
    needed_clusters,
    sign_flip_test,
    summed_by_cluster,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One metric of a tuned arm beside the base's."""

    metric: str
    is_higher_better: bool
    base: float
    """Over the questions that both arms have a score of, as all figures here: an arm's own value may be of more."""
    tuned: float
    low: float | None
    """The interval of the difference, at 95 %; None where there are too few clusters for one."""
    high: float | None
    test: str
    p_value: float
    adjusted_p: float
    """Holm's over the metrics of this comparison, times the tuned arms of which the best may be taken."""
    least_p: float
    """The smallest p that so many clusters can give, were all of them for one arm."""
    minimum_detectable: float | None
    """The difference that is found four times in five, by the strictest of Holm's steps; None where none could be, or
    where no scores differ, so that nothing is known of their spread."""
    needed_clusters: int | None
    """How many would show the difference that was seen, four times in five; None where none was seen."""
    question_count: int
    """To which the metric applies in both arms."""
    cluster_count: int
    metric_count: int
    """Metrics times tuned arms: by so many the least p is multiplied."""

    @property
    def difference(self) -> float:
        return self.tuned - self.base

    @property
    def gain(self) -> float:
        """The difference, positive where tuned is better."""
        return self.difference if self.is_higher_better else -self.difference

    @property
    def is_shown(self) -> bool:
        """A difference is shown, for the better or for the worse."""
        return self.adjusted_p < ALPHA

    @property
    def can_show(self) -> bool:
        """Whether so few clusters could have shown any difference, beside so many other metrics."""
        return self.least_p * self.metric_count < ALPHA

    @property
    def outcome(self) -> str:
        """ "better", "worse", "not shown", or "cannot show"."""
        if self.is_shown:
            return "better" if self.gain > 0 else "worse"
        return "not shown" if self.can_show else "cannot show"


def compare(
    metric: str,
    base: ItemScores,
    tuned: ItemScores,
    clusters: Sequence[str],
    *,
    is_higher_better: bool = True,
    metric_count: int = 1,
) -> Comparison:
    """The metric by itself; `compare_all` adjusts p for the others. `metric_count` sets what is detectable."""
    applies = np.isfinite(base.values) & np.isfinite(tuned.values)
    kept = [cluster for cluster, is_kept in zip(clusters, applies, strict=True) if is_kept]
    paired = PairedStatistics(
        base_UK=summed_by_cluster(base.statistics_NK[applies], kept),
        tuned_UK=summed_by_cluster(tuned.statistics_NK[applies], kept),
        total=base.total,
    )
    count = paired.cluster_count
    is_mcnemar = base.is_binary and tuned.is_binary and count == len(kept)
    test = mcnemar_test(base.values[applies], tuned.values[applies]) if is_mcnemar else sign_flip_test(paired)
    interval = bootstrap_interval(paired)
    alpha = ALPHA / metric_count
    error = interval.standard_error if interval is not None else math.nan
    usual_change = _usual_change(base.values[applies], tuned.values[applies], kept)
    detectable = minimum_detectable_effect(error, count, alpha=alpha, power=POWER, usual_change=usual_change)
    return Comparison(
        metric=metric,
        is_higher_better=is_higher_better,
        base=paired.base,
        tuned=paired.tuned,
        low=None if interval is None else interval.low,
        high=None if interval is None else interval.high,
        test=test.name,
        p_value=test.p_value,
        adjusted_p=test.p_value,
        least_p=test.least_p,
        minimum_detectable=detectable,
        needed_clusters=None if interval is None else needed_clusters(paired.difference, error, count, alpha=alpha),
        question_count=len(kept),
        cluster_count=count,
        metric_count=metric_count,
    )


def _usual_change(base_N: Floats, tuned_N: Floats, clusters: Sequence[str]) -> float:
    """By how much a cluster's mean score changes where it changes at all; 0 where none does."""
    sums_UK = summed_by_cluster(np.stack([tuned_N - base_N, np.ones(len(base_N))], axis=1), clusters)
    changes_U = np.abs(sums_UK[:, 0] / sums_UK[:, 1])
    changed = changes_U[changes_U > 0]
    return float(changed.mean()) if changed.size else 0.0


def compare_all(
    base: Mapping[str, ItemScores],
    tuned: Mapping[str, ItemScores],
    clusters: Sequence[str],
    *,
    lower_is_better: Sequence[str] = (),
    arm_count: int = 1,
) -> tuple[Comparison, ...]:
    """Every metric of which both have a score for the same question, with Holm's adjustment over them.

    `arm_count`: so many tuned arms are held against the base, and the best may be taken: chance has as many throws.
    """
    names = [name for name in base if name in tuned and _have_common(base[name], tuned[name])]
    found = [
        compare(
            name,
            base[name],
            tuned[name],
            clusters,
            is_higher_better=name not in lower_is_better,
            metric_count=len(names) * arm_count,
        )
        for name in names
    ]
    adjusted = holm([comparison.p_value for comparison in found])
    return tuple(
        replace(comparison, adjusted_p=min(1.0, value * arm_count))
        for comparison, value in zip(found, adjusted, strict=True)
    )


def _have_common(base: ItemScores, tuned: ItemScores) -> bool:
    return bool(np.any(np.isfinite(base.values) & np.isfinite(tuned.values)))
