"""What the evaluation of a job's model has found, in a terminal: verdict and reasons, metrics, what else was seen."""

from collections.abc import Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tanren.cli.language import say

_STYLES: Final = {"better": "green", "met": "green", "worse": "red", "not met": "red"}


def evaluation_picture(told: Mapping[str, Any]) -> RenderableType:
    """Of GetJobEvaluation."""
    title = say("Evaluation on {file}", file=told["testDataS3Uri"])
    found = told.get("findings")
    content = _under_way(told) if found is None else _findings(found)
    return Padding(Group(Text(title, style="bold"), Padding(content, (0, 0, 0, 2))), (1, 0, 0, 0))


def _under_way(told: Mapping[str, Any]) -> RenderableType:
    run = told.get("comparison")
    if run is None:
        return Text(say("It was deleted."), style="dim")
    text = Text(f"{run['status']}  {run['evaluationJobArn']}", style="dim")
    for message in run["failureMessages"]:
        text.append(f"\n{message}", style="red not dim")
    return text


def _findings(found: Mapping[str, Any]) -> RenderableType:
    parts: list[RenderableType] = []
    if "verdict" in found:
        is_ship = found["verdict"] == "SHIP"
        parts.append(Text("SHIP" if is_ship else "DON'T SHIP", style="bold green" if is_ship else "bold red"))
        parts += [_reason(reason) for reason in found["reasons"]]
    parts.append(_metrics(found["metrics"]))
    if (rival := found.get("rival")) is not None:
        parts += [Text(say("Beside {arm}:", arm=rival["arm"])), _metrics(rival["metrics"])]
    parts.append(_arms(found["arms"]))
    if (forgetting := found.get("forgetting")) is not None:
        words = say(
            "Forgetting: {level}; {base} → {tuned} of {count} general questions right.",
            level=forgetting["level"],
            base=forgetting["baseRightCount"],
            tuned=forgetting["tunedRightCount"],
            count=forgetting["questionCount"],
        )
        parts.append(Text(words))
    if not found["contamination"]:
        words = say("What of the test set stands in the training data was not looked for; the events say why.")
        parts.append(Text(words, style="yellow"))
    for overlap in found["contamination"]:
        if overlap["foundCount"]:
            words = say(
                "{found} of {count} rows of {tested} stand in {known}.",
                found=overlap["foundCount"],
                count=overlap["rowCount"],
                tested=overlap["testedSet"],
                known=overlap["knownSet"],
            )
            parts.append(Text(words, style="red"))
    if "reportS3Uri" in found:
        parts.append(Text(found["reportS3Uri"], style="dim"))
    return Group(*parts)


def _reason(reason: Mapping[str, Any]) -> Text:
    style = _STYLES.get(reason["state"], "yellow")
    return Text(f"{reason['criterion']}: ").append(reason["state"], style=style).append(f" ({reason['figures']})")


def _metrics(metrics: list[Mapping[str, Any]]) -> Table:
    table = Table.grid(padding=(0, 2))
    for metric in metrics:
        interval = f"{metric['low']:+.3f} … {metric['high']:+.3f}" if "low" in metric and "high" in metric else ""
        values = f"{metric['base']:.3f} → {metric['tuned']:.3f}" if "base" in metric and "tuned" in metric else "-"
        outcome = Text(metric["outcome"], style=_STYLES.get(metric["outcome"], "dim"))
        table.add_row(Text(metric["metricName"]), Text(values), Text(interval, style="dim"), outcome)
    return table


def _arms(arms: list[Mapping[str, Any]]) -> Table:
    """What an answer costs in each."""
    table = Table.grid(padding=(0, 2))
    for arm in arms:
        if "meanInputTokens" in arm:
            tokens = say(
                "{asked} tokens in, {made} out",
                asked=f"{arm['meanInputTokens']:,.0f}",
                made=f"{arm['meanOutputTokens']:,.0f}",
            )
            seconds = say("{median} s in the median", median=f"{arm['medianSeconds']:.2f}")
            table.add_row(Text(arm["name"]), Text(tokens), Text(seconds, style="dim"))
    return table
