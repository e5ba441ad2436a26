"""What the evaluation of a customization job's model found, as GetJobEvaluation tells it: figures, no prose.

Source   EvaluationFindings in aws/models/tanren.
"""

import math
from collections.abc import Sequence
from typing import Any

from tanren.domain.sentences import Sentence, joined, sentence
from tanren.evaluation.comparison import Comparison
from tanren.evaluation.results import ArmResult, Evaluation

SHIP = "SHIP"
DONT_SHIP = "DONT_SHIP"


def findings_of(evaluation: Evaluation, *, report_uri: str | None) -> dict[str, Any]:
    """Takes an evaluation with one tuned arm."""
    (tuned,) = evaluation.tuned
    found: dict[str, Any] = {
        "questionCount": len(evaluation.questions),
        "metrics": _comparisons(tuned.comparisons),
        "arms": [_arm(arm) for arm in evaluation.arms],
        "contamination": [
            {
                "knownSet": overlap.known_set,
                "testedSet": overlap.tested_set,
                "foundCount": len(overlap.overlaps),
                "rowCount": overlap.tested_count,
            }
            for overlap in evaluation.overlaps or ()
        ],
        **({} if report_uri is None else {"reportS3Uri": report_uri}),
    }
    for rival, comparisons in tuned.against.items():
        found["rival"] = {"arm": rival, "metrics": _comparisons(comparisons)}
    if tuned.forgetting is not None:
        general = tuned.forgetting.comparison
        found["forgetting"] = {
            "level": tuned.forgetting.level,
            "baseRightCount": round(general.base * general.question_count),
            "tunedRightCount": round(general.tuned * general.question_count),
            "questionCount": general.question_count,
        }
    for verdict in evaluation.verdicts:
        found["verdict"] = SHIP if verdict.is_ship else DONT_SHIP
        found["reasons"] = [
            {"criterion": reason.criterion, "state": reason.state, "figures": reason.figures}
            for reason in verdict.reasons
        ]
    return found


def verdict_sentence(found: dict[str, Any]) -> Sentence:
    """For the events of the customization job."""
    report = joined(" ", sentence("The report: {uri}", uri=found["reportS3Uri"])) if "reportS3Uri" in found else ""
    if "verdict" not in found:
        return joined(sentence("The model is evaluated; no criteria were stated before."), report)
    reasons = "; ".join(f"{each['criterion']}: {each['state']} ({each['figures']})" for each in found["reasons"])
    verdict = "SHIP" if found["verdict"] == SHIP else "DON'T SHIP"
    told = sentence("The model is evaluated: {verdict}. {reasons}.", verdict=verdict, reasons=reasons)
    return joined(told, report)


def _comparisons(comparisons: Sequence[Comparison]) -> list[dict[str, Any]]:
    return [
        _known(
            {
                "metricName": each.metric,
                "isHigherBetter": each.is_higher_better,
                "base": each.base,
                "tuned": each.tuned,
                "difference": each.difference,
                "low": each.low,
                "high": each.high,
                "pValue": each.adjusted_p,
                "outcome": each.outcome,
                "questionCount": each.question_count,
                "minimumDetectableDifference": each.minimum_detectable,
                "neededQuestionCount": each.needed_clusters,
            }
        )
        for each in comparisons
    ]


def _arm(result: ArmResult) -> dict[str, Any]:
    cost, copying = result.cost, result.copying
    return _known(
        {
            "name": result.arm.name,
            "unansweredCount": result.unanswered_count,
            "cutOffCount": result.cut_off_count,
            "meanInputTokens": cost.mean_input_tokens,
            "meanOutputTokens": cost.mean_output_tokens,
            "medianSeconds": cost.median_seconds,
            "p95Seconds": cost.p95_seconds,
            "copyingCount": None if copying is None else copying.copying_count,
            "longestCopyCharacters": None
            if copying is None
            else (copying.longest.characters if copying.longest is not None else 0),
        }
    )


def _known(members: dict[str, Any]) -> dict[str, Any]:
    """Without what is not known: JSON has no infinity, and a member that is absent says so best."""
    return {
        name: value
        for name, value in members.items()
        if value is not None and not (isinstance(value, float) and not math.isfinite(value))
    }
