"""The evaluation of a job's model, as it is read in a terminal."""

from typing import Any

from rich.console import Console

from tanren.cli.job_evaluation import evaluation_picture

FINDINGS: dict[str, Any] = {
    "questionCount": 32,
    "verdict": "DONT_SHIP",
    "reasons": [
        {"criterion": "rougeL >= base + 0.1", "state": "met", "figures": "0.100 → 0.400 (+0.300)"},
        {"criterion": "forgetting <= minor", "state": "not shown", "figures": "[bold]minor"},
    ],
    "metrics": [
        {
            "metricName": "rougeL",
            "isHigherBetter": True,
            "base": 0.1,
            "tuned": 0.4,
            "low": 0.2,
            "high": 0.38,
            "outcome": "better",
            "questionCount": 32,
        },
        {"metricName": "f1", "isHigherBetter": True, "outcome": "cannot show", "questionCount": 0},
    ],
    "rival": {
        "arm": "base+few-shot",
        "metrics": [
            {
                "metricName": "rougeL",
                "isHigherBetter": True,
                "base": 0.3,
                "tuned": 0.4,
                "outcome": "not shown",
                "questionCount": 32,
            }
        ],
    },
    "arms": [
        {
            "name": "base+few-shot",
            "unansweredCount": 0,
            "cutOffCount": 1,
            "meanInputTokens": 1234.0,
            "meanOutputTokens": 20.0,
            "medianSeconds": 0.25,
        },
        {"name": "tuned", "unansweredCount": 32, "cutOffCount": 0},
    ],
    "contamination": [
        {"knownSet": "training", "testedSet": "test", "foundCount": 3, "rowCount": 32},
        {"knownSet": "validation", "testedSet": "test", "foundCount": 0, "rowCount": 32},
    ],
    "forgetting": {"level": "minor", "baseRightCount": 40, "tunedRightCount": 31, "questionCount": 82},
    "reportS3Uri": "s3://b/report.en.html",
}


def _shown(**told: Any) -> str:
    console = Console(width=120, color_system=None, record=True, file=None, force_terminal=False)
    with console.capture() as captured:
        console.print(evaluation_picture({"testDataS3Uri": "s3://b/test.jsonl", **told}))
    return captured.get()


def test_the_verdict_stands_first_with_its_reasons_and_what_else_was_found():
    shown = _shown(findings=FINDINGS)
    assert "Evaluation on s3://b/test.jsonl" in shown
    assert shown.index("DON'T SHIP") < shown.index("rougeL >= base + 0.1: met") < shown.index("0.100 → 0.400  +0.200")
    assert "forgetting <= minor: not shown ([bold]minor)" in shown, "figures are text and no markup"
    assert "40 → 31 of 82" in shown
    assert "3 of 32 rows of test stand in training." in shown
    assert "stand in validation" not in shown
    assert "s3://b/report.en.html" in shown
    assert shown.index("Beside base+few-shot:") < shown.index("0.300 → 0.400") < shown.index("1,234 tokens in, 20 out")
    assert "0.25 s in the median" in shown


def test_that_nobody_looked_for_leaked_questions_is_said():
    assert "was not looked for" in _shown(findings={**FINDINGS, "contamination": []})


def test_an_evaluation_that_is_under_way_or_has_failed_says_which_job_it_is():
    run = {"evaluationJobArn": "arn:e", "status": "Failed", "failureMessages": ["no memory"]}
    shown = _shown(comparison=run)
    assert "Failed  arn:e" in shown
    assert "no memory" in shown
    assert "It was deleted." in _shown()
