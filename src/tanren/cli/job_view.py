"""A customization job as a picture in a terminal: how far, how long yet, the curves, what it answers, what was found.

read (calls of the API)  →  JobView (values)  →  `picture` (what rich prints), in 80 columns

A tanren server tells all of it. Any other Bedrock tells status and phases, and the losses when the job is over.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tanren.cli.calls import Api, Call
from tanren.cli.job_evaluation import evaluation_picture
from tanren.cli.language import say
from tanren.cli.loss_curve import sparkline
from tanren.domain.errors import ResourceNotFound

EVENTS_SHOWN: Final = 6
OVER: Final = frozenset({"Completed", "Failed", "Stopped"})
_CURVE_WIDTH: Final = 30
_BAR_WIDTH: Final = 24
_CURVE_POINTS: Final = 200
"""Asked for; the curve has fewer columns, each the mean of some."""
_VERDICTS: Final = ("Learning:", "Under-trained:", "Over-fitting", "Diverged", "Nothing learned:")
_PHASES: Final = ("validationDetails", "dataProcessingDetails", "trainingDetails")
_COLOURS: Final = {
    "InProgress": "cyan",
    "Stopping": "yellow",
    "Completed": "green",
    "Failed": "red",
    "Stopped": "yellow",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job as it stands at one moment, in the API's members."""

    job: Mapping[str, Any]
    """GetModelCustomizationJob."""
    metrics: Mapping[str, Any] | None = None
    """GetJobMetrics; None where nobody tells them."""
    samples: Sequence[Mapping[str, Any]] = ()
    events: Sequence[Mapping[str, Any]] = ()
    evaluation: Mapping[str, Any] | None = None
    """GetJobEvaluation; None before the model is there, and of a job without a test set."""

    @property
    def is_over(self) -> bool:
        return self.job["status"] in OVER

    @property
    def diagnosis(self) -> str | None:
        """What the run found about itself, if it came that far."""
        found = [event["message"] for event in self.events if event["message"].startswith(_VERDICTS)]
        return found[-1] if found else None

    @property
    def phase(self) -> str:
        words = (say("checking the data"), say("preparing the data"), say("training"))
        details = self.job.get("statusDetails", {})
        running = [
            word for key, word in zip(_PHASES, words, strict=True) if details.get(key, {}).get("status") == "InProgress"
        ]
        return running[-1] if running else say("waiting for a worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long early stopping will yet wait."""

    stalled: int
    """Validations in a row that were no better."""
    patience: int
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReader:
    """Reads a job again and again."""

    api: Api
    arn: str

    def read(self) -> JobView:
        job = self.api.perform(Call(operation="GetModelCustomizationJob", parameters={"jobIdentifier": self.arn}))
        if not self.api.is_tanren:
            return JobView(job=job)
        return JobView(
            job=job,
            metrics=self.api.perform(self._call("GetJobMetrics", maxResults=_CURVE_POINTS)),
            samples=list(self.api.every(self._call("GetJobSamples"), "samples")),
            events=list(self.api.every(self._call("ListJobEvents"), "events")),
            evaluation=self._evaluation() if job["status"] == "Completed" else None,
        )

    def _evaluation(self) -> Mapping[str, Any] | None:
        try:
            return self.api.perform(self._call("GetJobEvaluation"))
        except ResourceNotFound:
            return None

    def _call(self, operation: str, **more: Any) -> Call:
        return Call(service="tanren", operation=operation, parameters={"jobIdentifier": self.arn, **more})


def picture(view: JobView) -> RenderableType:
    parts: list[RenderableType] = [_head(view)]
    if view.metrics is not None and view.metrics.get("lastStep"):
        parts += [_bar(view, view.metrics), _figures(view, view.metrics)]
    elif view.metrics is None:
        parts.append(_phases(view))
    if view.job.get("failureMessage"):
        parts.append(_block(say("Why it failed"), Text(view.job["failureMessage"], style="red")))
    if view.diagnosis:
        parts.append(_block(say("Diagnosis"), Text(view.diagnosis, style="bold")))
    if view.evaluation is not None:
        parts.append(evaluation_picture(view.evaluation))
    if view.samples:
        parts.append(_answers(view))
    if view.events:
        parts.append(_events(view))
    return Group(*parts)


def facts(view: JobView) -> dict[str, Any]:
    """For programs: the job's own members, and beside them what tanren tells of it."""
    told: dict[str, Any] = dict(view.job)
    if view.metrics is not None:
        names = ("progress", "steps", "validations", "trainedTokenCount", "trainedTokensPerSecond")
        told["metrics"] = {name: view.metrics[name] for name in names if name in view.metrics}
        told |= {"diagnosis": view.diagnosis, "samples": list(view.samples), "events": list(view.events)}
    if view.evaluation is not None:
        told["evaluation"] = dict(view.evaluation)
    return told


def remaining(metrics: Mapping[str, Any] | None) -> str:
    """`about 40 s left`; empty where nobody can say yet, or the job is over."""
    left = (metrics or {}).get("progress", {}).get("remainingSeconds")
    return "" if left is None else say("about {duration} left", duration=duration(left))


def duration(seconds: float) -> str:
    whole = max(0, round(seconds))
    if whole < 60:
        return say("{seconds} s", seconds=whole)
    if whole < 600:
        return say("{minutes} min {seconds} s", minutes=whole // 60, seconds=whole % 60)
    if whole < 3600:
        return say("{minutes} min", minutes=round(whole / 60))
    return say("{hours} h {minutes} min", hours=whole // 3600, minutes=whole % 3600 // 60)


def coloured(status: str) -> Text:
    return Text(status, style=_COLOURS.get(status, ""))


def patience_left(job: Mapping[str, Any], losses: Sequence[float]) -> Patience | None:
    """After these validation losses, by the rule that the run itself goes by (`training/early_stopping.py`).

    None where the job has no early stopping, or has not been validated.
    """
    given: Mapping[str, str] = job.get("hyperParameters", {})
    if "earlyStoppingPatience" not in given or not losses:
        return None
    threshold, reference, stalled = float(given.get("earlyStoppingThreshold", 0)), math.inf, 0
    for loss in losses:
        is_better = loss < reference - threshold
        reference, stalled = (loss, 0) if is_better else (reference, stalled + 1)
    return Patience(stalled=stalled, patience=int(given["earlyStoppingPatience"]), threshold=threshold)


def _head(view: JobView) -> RenderableType:
    job = view.job
    line = Text()
    line.append(job["jobName"], style="bold")
    line.append("  ").append_text(coloured(job["status"]))
    if not view.is_over:
        line.append(f" · {view.phase}")
    elif "endTime" in job:
        took = duration((job["endTime"] - job["creationTime"]).total_seconds())
        line.append(say(" after {duration}", duration=took))
    line.append(f"\n{job['baseModelArn'].rpartition('/')[2]} → {job['outputModelName']}", style="dim")
    return line


def _bar(view: JobView, metrics: Mapping[str, Any]) -> RenderableType:
    progress, last = metrics["progress"], metrics["lastStep"]
    total, share, done = progress.get("totalSteps"), progress.get("share"), progress["stepsDone"]
    step = say("step {done} of {total}", done=done, total=total) if total else say("step {done}", done=done)
    words = [step, say("epoch {epoch}", epoch=last["epoch"])]
    if left := remaining(metrics):
        words.append(left)
    if view.job["status"] == "Completed" and total and done < total:
        words.append(say("stopped early"))
    row = Table.grid(padding=(0, 2))
    row.add_row(
        ProgressBar(total=1.0, completed=share if share is not None else 0.0, width=_BAR_WIDTH),
        Text("" if share is None else f"{share:.0%}"),
        Text(" · ".join(words)),
    )
    return Padding(row, (1, 0, 1, 0))


def _figures(view: JobView, metrics: Mapping[str, Any]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    losses = [step["trainingLoss"] for step in metrics["steps"]]
    last = metrics["lastStep"]["trainingLoss"]
    table.add_row(say("training loss"), f"{losses[0]:.3f} → {last:.3f}", Text(_curve(losses), style="cyan"))
    if metrics.get("lastValidation"):
        found = [record["validationLoss"] for record in metrics["validations"]]
        best = say("  best in epoch {epoch}", epoch=metrics["bestValidation"]["epoch"])
        curve = Text(_curve(found), style="magenta").append(best, style="dim")
        latest = metrics["lastValidation"]["validationLoss"]
        table.add_row(say("validation loss"), f"{found[0]:.3f} → {latest:.3f}", curve)
        if (waiting := patience_left(view.job, found)) is not None:
            table.add_row(say("early stopping"), *_waiting(waiting))
    if (speed := metrics.get("trainedTokensPerSecond")) is not None:
        trained = say("trained tokens; {count} so far", count=f"{metrics['trainedTokenCount']:,}")
        table.add_row(say("speed"), f"{speed:,.0f}/s", Text(trained, style="dim"))
    return table


def _waiting(waiting: Patience) -> tuple[Text, Text]:
    """A mark for each epoch of patience, those that are used up filled; and in words."""
    used = min(waiting.stalled, waiting.patience)
    marks = Text("●" * used, style="yellow").append("○" * (waiting.patience - used), style="dim")
    words = say(
        "{stalled} of {patience} epochs without a gain of {threshold}",
        stalled=waiting.stalled,
        patience=waiting.patience,
        threshold=f"{waiting.threshold:g}",
    )
    return marks, Text(words, style="dim")


def _phases(view: JobView) -> RenderableType:
    """All that a Bedrock tells which is not tanren."""
    table = Table.grid(padding=(0, 2))
    words = (say("checking the data"), say("preparing the data"), say("training"))
    for key, word in zip(_PHASES, words, strict=True):
        details = view.job.get("statusDetails", {}).get(key)
        table.add_row(Text(word), coloured(details["status"]) if details else Text("-", style="dim"))
    if "trainingMetrics" in view.job:
        table.add_row(say("training loss"), f"{view.job['trainingMetrics']['trainingLoss']:.3f}")
    for validation in view.job.get("validationMetrics", []):
        table.add_row(say("validation loss"), f"{validation['validationLoss']:.3f}")
    return Padding(table, (1, 0, 0, 0))


def _curve(losses: Sequence[float]) -> str:
    return sparkline(losses, width=_CURVE_WIDTH)


def _answers(view: JobView) -> RenderableType:
    newest = view.samples[-1]
    is_held_out = any(answer["isHeldOut"] for answer in newest["answers"])
    where = say("held-out prompts") if is_held_out else say("prompts trained on")
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for number, answer in enumerate(newest["answers"]):
        if number:
            table.add_row("", "")
        cut = "" if answer["isWhole"] else " …"
        # Data and answers are text, whatever brackets they hold; never markup.
        table.add_row(say("asked"), Text(_one_line(answer["prompt"])))
        table.add_row(say("answers"), Text(_one_line(answer["answer"]) + cut, style="bold"))
        table.add_row(say("expected"), Text(_one_line(answer["expected"]), style="dim"))
    return _block(say("What it answers after step {step}, {where}", step=newest["step"], where=where), table)


def _events(view: JobView) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    shown = [event for event in view.events if event["message"] != view.diagnosis]
    for event in shown[-EVENTS_SHOWN:]:
        moment: datetime = event["at"]
        table.add_row(f"{moment.astimezone():%H:%M:%S}", Text(event["message"]))
    return _block(say("Events"), table)


def _block(title: str, content: RenderableType) -> RenderableType:
    return Padding(Group(Text(title, style="bold"), Padding(content, (0, 0, 0, 2))), (1, 0, 0, 0))


def _one_line(text: str, *, longest: int = 200) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"
