"""SHIP or DON'T SHIP: every criterion that was stated, held against what was measured.

Why "not shown" is not "met"   a figure above the bound from four questions is a coin's throw; who ships by it ships by
                               chance.
"""

from typing import Final

from tanren.domain.success_criteria import (
    CONTAMINATION,
    FORGETTING,
    LEVELS,
    PREFERENCE,
    UNANSWERED,
    Criteria,
    Criterion,
)
from tanren.evaluation.comparison import Comparison
from tanren.evaluation.results import ArmResult, Evaluation, Reason, Verdict
from tanren.evaluation.statistics import ALPHA

_MET: Final = "met"
_NOT_MET: Final = "not met"
_NOT_SHOWN: Final = "not shown"
_NOT_MEASURED: Final = "not measured"
_SLACK: Final = 1e-9
"""0.3 + 0.1 is 0.4, whatever binary fractions say."""


def verdict_on(criteria: Criteria, tuned: ArmResult, evaluation: Evaluation) -> Verdict:
    reasons = tuple(_reason(criterion, tuned, evaluation) for criterion in criteria.criteria)
    return Verdict(arm=tuned.arm.name, is_ship=all(reason.state == _MET for reason in reasons), reasons=reasons)


def _reason(criterion: Criterion, tuned: ArmResult, evaluation: Evaluation) -> Reason:
    if criterion.subject == FORGETTING:
        state, figures = _forgetting(criterion, tuned)
    elif criterion.subject == CONTAMINATION:
        state, figures = _contamination(criterion, evaluation)
    elif criterion.subject == UNANSWERED:
        share = tuned.unanswered_count / len(tuned.replies)
        state, figures = _bounded(criterion, share), f"{tuned.unanswered_count}/{len(tuned.replies)}"
    elif criterion.subject == PREFERENCE:
        state, figures = _preference(criterion, tuned, arm_count=len(evaluation.tuned))
    elif criterion.arm is None:
        state, figures = _absolute(criterion, tuned)
    else:
        state, figures = _relative(criterion, criterion.arm, tuned, evaluation)
    return Reason(criterion=criterion.text, state=state, figures=figures)


def _forgetting(criterion: Criterion, tuned: ArmResult) -> tuple[str, str]:
    found = tuned.forgetting
    if found is None or found.level not in LEVELS:
        return _NOT_MEASURED, "—" if found is None else found.level
    comparison = found.comparison
    figures = f"{found.level} ({comparison.base:.2f} → {comparison.tuned:.2f})"
    if comparison.low is not None and comparison.high is not None:
        figures += f", 95 % {comparison.low:+.3f} … {comparison.high:+.3f}"
    allowed = criterion.level or "none"
    if LEVELS.index(found.level) > LEVELS.index(allowed):
        return _NOT_MET, figures
    is_sure = found.is_major_excluded or allowed == "major"
    return (_MET if is_sure else _NOT_SHOWN), figures


def _contamination(criterion: Criterion, evaluation: Evaluation) -> tuple[str, str]:
    """Of the test set, in training and validation data together."""
    found = [overlap for overlap in evaluation.overlaps or () if overlap.tested_set == "test"]
    if not found:
        return _NOT_MEASURED, "—"
    leaked = {overlap.tested_source for pair in found for overlap in pair.overlaps}
    count = found[0].tested_count
    return _bounded(criterion, len(leaked) / count), f"{len(leaked)}/{count}"


def _preference(criterion: Criterion, tuned: ArmResult, *, arm_count: int) -> tuple[str, str]:
    """The share of won among decided questions; a judge that was exposed has no say.

    Why `arm_count`   who takes the best of several tuned models gives chance as many throws.
    """
    found = tuned.preference
    if found is None:
        return _NOT_MEASURED, "—"
    won, lost = found.count("tuned"), found.count("base")
    p_value = min(1.0, found.p_value * arm_count)
    figures = f"{won}:{lost}, p = {p_value:.3f}"
    if not found.is_believable or not won + lost:
        return _NOT_MEASURED, figures
    state = _bounded(criterion, won / (won + lost))
    return (_NOT_SHOWN if state == _MET and p_value >= ALPHA else state), figures


def _absolute(criterion: Criterion, tuned: ArmResult) -> tuple[str, str]:
    metric = tuned.metric(criterion.subject)
    if metric is None or metric.value is None:
        return _NOT_MEASURED, "—"
    return _bounded(criterion, metric.value), f"{metric.value:.3f}"


def _relative(criterion: Criterion, arm: str, tuned: ArmResult, evaluation: Evaluation) -> tuple[str, str]:
    other = evaluation.arm(arm)
    metric, beside = tuned.metric(criterion.subject), other and other.metric(criterion.subject)
    if metric is None or beside is None or metric.value is None or beside.value is None:
        return _NOT_MEASURED, "—"
    comparison = _comparison(criterion.subject, tuned, arm, evaluation)
    # Of the questions that both have a score of, where they were compared: an arm's own value may be of others.
    before, after = (comparison.base, comparison.tuned) if comparison else (beside.value, metric.value)
    difference = after - before
    figures = f"{before:.3f} → {after:.3f} ({difference:+.3f})"
    if comparison is not None and comparison.low is not None and comparison.high is not None:
        figures += f", 95 % {comparison.low:+.3f} … {comparison.high:+.3f}, p = {comparison.adjusted_p:.3f}"
    if _bounded(criterion, difference) == _NOT_MET:
        return _NOT_MET, figures
    return (_MET if _is_sure(criterion, comparison) else _NOT_SHOWN), figures


def _comparison(metric: str, tuned: ArmResult, arm: str, evaluation: Evaluation) -> Comparison | None:
    if arm == evaluation.base.arm.name:
        return tuned.comparison(metric)
    return next((c for c in tuned.against.get(arm, ()) if c.metric == metric), None)


def _is_sure(criterion: Criterion, comparison: Comparison | None) -> bool:
    """A gain that is asked for must be shown; a loss that is allowed must be excluded."""
    if comparison is None or comparison.low is None or comparison.high is None or not comparison.can_show:
        return False
    if criterion.is_at_least:
        return comparison.low >= criterion.number - _SLACK if criterion.number < 0 else comparison.is_shown
    return comparison.high <= criterion.number + _SLACK if criterion.number > 0 else comparison.is_shown


def _bounded(criterion: Criterion, value: float) -> str:
    beyond = value - criterion.number if criterion.is_at_least else criterion.number - value
    return _MET if (beyond > _SLACK if criterion.is_strict else beyond >= -_SLACK) else _NOT_MET
