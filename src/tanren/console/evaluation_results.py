"""What an evaluation job has written to S3, read for a page: figures by model and metric, and each prompt's answers.

    <output>/<job name>/<job id>/models/<model>/taskTypes/<task>/datasets/<data set>/<uuid>_output.jsonl   as on AWS
    <output>/<job name>/<job id>/summary.json                       tanren's: figures, and two models compared
    <output>/<job name>/<job id>/comments.json                      the console's: what people have said of the answers

The job's figures are in summary.json; without one, as on AWS, a metric's is the mean of its results. An interval is of
a mean over the prompts, so a figure that is no mean (BLEU of all answers) has none.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist, fmean, stdev
from typing import Any, Final, Literal

COMMENTS: Final = "comments.json"
SUMMARY: Final = "summary.json"
LARGEST_FILE_BYTES: Final = 8 * 1024 * 1024
"""Of one model's results that are read; the rest of a larger file is not, and the page says so."""
_LINES: Final = re.compile(r"models/([^/]+)/taskTypes/([^/]+)/datasets/([^/]+)/[^/]+_output\.jsonl")
_REPORT: Final = re.compile(r"report/([^/]+)/report\.(en|ja)\.html")
_Z: Final = NormalDist().inv_cdf(0.975)

View = Literal["all", "gains", "losses"]
VIEWS: Final[Mapping[View, str]] = {"all": "All", "gains": "Best gains", "losses": "Worst losses"}
VERDICTS: Final[Mapping[str, tuple[str, str]]] = {
    "better": ("good", "better"),
    "worse": ("bad", "worse"),
    "higher": ("quiet", "higher"),
    "lower": ("quiet", "lower"),
    "not shown": ("quiet", "no difference shown"),
    "cannot show": ("quiet", "too few prompts to show one"),
}
"""By the outcome of a comparison in summary.json: the tone, and what to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFile:
    """One model's results over one data set."""

    key: str
    model: str
    """The folder's name: the last part of the identifier."""
    task: str
    dataset: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One prompt, as one model answered it."""

    prompt: str
    reference: str
    answer: str | None
    """None: it was not answered; `error` says why."""
    error: str
    scores: Mapping[str, float | str | None]
    reasons: Mapping[str, str]
    """Of judges, by metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    value: float
    low: float | None
    """Of the 95 % interval, as `high`; None where there is none."""
    high: float | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricLine:
    """One metric over both models, with places in a picture from 0 to 100."""

    name: str
    is_higher_better: bool | None
    model: Figure | None
    baseline: Figure | None
    scale: float
    """The value at the picture's right end."""
    comparison: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Of summary.json; empty where nothing was compared."""

    def at(self, value: float | None) -> float:
        return round(100 * min(max(value or 0.0, 0.0), self.scale) / self.scale, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow:
    number: int
    """From 1 on, in the order of the data set."""
    model: Reply
    baseline: Reply | None
    gain: float | None
    """By the metric that was asked for; positive is better, whichever way the metric goes."""


def result_files(prefix: str, objects: Iterable[Mapping[str, Any]]) -> list[ResultFile]:
    """Of what ListObjectsV2 tells below the job's folder."""
    found: list[ResultFile] = []
    for each in objects:
        match = _LINES.fullmatch(each["Key"].removeprefix(prefix))
        if match is not None:
            model, task, dataset = match.groups()
            found.append(ResultFile(key=each["Key"], model=model, task=task, dataset=dataset, size_bytes=each["Size"]))
    return found


def report_keys(prefix: str, objects: Iterable[Mapping[str, Any]], language: str) -> dict[str, str]:
    """The service's own pages, by data set and task: `questions-QuestionAndAnswer`."""
    matches = ((_REPORT.fullmatch(each["Key"].removeprefix(prefix)), each["Key"]) for each in objects)
    return {match[1]: key for match, key in matches if match is not None and match[2] == language}


def read_replies(content: bytes, *, is_whole: bool) -> list[Reply]:
    """Raises   ValueError for lines that are no results."""
    lines = content.split(b"\n")
    if not is_whole:
        lines.pop()
    return [_reply(json.loads(line)) for line in lines if line.strip()]


def _reply(line: Any) -> Reply:
    try:
        record: dict[str, Any] = line["inputRecord"]
        scores: list[dict[str, Any]] = line["automatedEvaluationResult"]["scores"]
        answer = next((str(each["response"]) for each in line["modelResponses"]), None)
        return Reply(
            prompt=str(record.get("prompt", "")),
            reference=str(record.get("referenceResponse", "")),
            answer=answer,
            error=str(line.get("error", {}).get("errorMessage", "")),
            scores={each["metricName"]: each.get("result") for each in scores},
            reasons={
                each["metricName"]: "\n".join(str(told.get("explanation", "")) for told in each["evaluatorDetails"])
                for each in scores
                if each.get("evaluatorDetails")
            },
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a line is no result of an evaluation: {error!r}") from error


def metric_lines(
    model: Sequence[Reply], baseline: Sequence[Reply], summary: Mapping[str, Any], *, names: Sequence[str]
) -> list[MetricLine]:
    """Takes   summary: an entry of `datasets` in summary.json, or empty. names: the models', a baseline first."""
    told = [_told(summary, name) for name in names]
    comparisons = {each["metricName"]: each for each in summary.get("comparisons", [])}
    metrics = dict.fromkeys([name for reply in [*model, *baseline] for name in reply.scores])
    lines: list[MetricLine] = []
    for name in metrics:
        subject = _figure(name, model, told[-1])
        against = _figure(name, baseline, told[0]) if baseline else None
        if subject is None and against is None:
            continue
        highest = max(edge for each in (subject, against) if each for edge in (each.value, each.high or 0.0))
        known = told[-1].get(name, {})
        lines.append(
            MetricLine(
                name=name,
                is_higher_better=known.get("isHigherBetter", True),
                model=subject,
                baseline=against,
                scale=_scale(name, highest),
                comparison=comparisons.get(name, {}),
            )
        )
    return lines


def _told(summary: Mapping[str, Any], identifier: str) -> dict[str, dict[str, Any]]:
    for each in summary.get("models", []):
        if each["modelIdentifier"] == identifier:
            return {metric["metricName"]: metric for metric in each["metrics"]}
    return {}


def _figure(metric: str, replies: Sequence[Reply], told: Mapping[str, Mapping[str, Any]]) -> Figure | None:
    values = [
        float(value)
        for reply in replies
        if isinstance(value := reply.scores.get(metric), int | float) and math.isfinite(value)
    ]
    given = told.get(metric, {}).get("value")
    if given is None and not values:
        return None
    value = fmean(values) if given is None else float(given)
    # An unanswered prompt counts in the job's figure and has no result here: the interval is then of something else.
    is_their_mean = bool(values) and math.isclose(value, fmean(values), rel_tol=1e-6, abs_tol=1e-9)
    low, high = mean_interval(values) if is_their_mean else (None, None)
    return Figure(value=value, low=low, high=high, count=told.get(metric, {}).get("count", len(values)))


def mean_interval(values: Sequence[float]) -> tuple[float | None, float | None]:
    """95 % of a mean: Wilson's of a share of ones, else Student's; none of fewer than two values.

    Source   Wilson 1927; quantiles of t by Hill's expansion, to 1 % from four values on
    """
    count, mean = len(values), fmean(values)
    if count < 2:
        return None, None
    if all(value in (0.0, 1.0) for value in values):
        centre = (mean + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
        half = _Z / (1 + _Z**2 / count) * math.sqrt(mean * (1 - mean) / count + _Z**2 / (4 * count**2))
        return max(0.0, centre - half), min(1.0, centre + half)
    freedom = count - 1
    t = _Z + (_Z**3 + _Z) / (4 * freedom) + (5 * _Z**5 + 16 * _Z**3 + 3 * _Z) / (96 * freedom**2)
    half = t * stdev(values) / math.sqrt(count)
    return mean - half, mean + half


def _scale(metric: str, highest: float) -> float:
    if highest <= 1:
        return 1.0
    return 100.0 if metric in ("Tanren.Bleu", "Tanren.ChrF") or 20 < highest <= 100 else math.ceil(highest)


def answer_rows(
    model: Sequence[Reply], baseline: Sequence[Reply], metric: MetricLine | None, *, view: View
) -> list[AnswerRow]:
    """In the order of the data set, or those that gained or lost by the metric, the most first."""
    rows = [
        AnswerRow(
            number=index + 1,
            model=reply,
            baseline=baseline[index] if index < len(baseline) else None,
            gain=_gain(reply, baseline[index], metric) if index < len(baseline) else None,
        )
        for index, reply in enumerate(model)
    ]
    if view == "all":
        return rows
    sign = 1 if view == "gains" else -1
    return sorted((row for row in rows if sign * (row.gain or 0) > 0), key=lambda row: -sign * (row.gain or 0))


def _gain(model: Reply, baseline: Reply, metric: MetricLine | None) -> float | None:
    if metric is None:
        return None
    after, before = model.scores.get(metric.name), baseline.scores.get(metric.name)
    if not isinstance(after, int | float) or not isinstance(before, int | float):
        return None
    return float(before - after) if metric.is_higher_better is False else float(after - before)


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """For an article: what models say is text in it, and no markup."""
    lines = [_markdown_line(head), "|" + "---|" * len(head), *(_markdown_line(row) for row in rows)]
    return "\n".join(lines) + "\n"


def _markdown_line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_markdown_text(cell) for cell in cells) + " |"


def _markdown_text(text: str) -> str:
    escaped = re.sub(r"([\\`*_{}\[\]#|~])", r"\\\1", text)
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        escaped = escaped.replace(sign, entity)
    return re.sub(r"\s*\n\s*", "<br>", escaped.strip())
