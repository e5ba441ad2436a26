"""A customization job as a picture in a terminal: how far, how long yet, the curves, what it answers, what was found.

read (rows of the store)  →  JobView (values)  →  `picture` (what rich prints), in 80 columns
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tanren.cli.loss_curve import sparkline
from tanren.domain.customization_jobs import TERMINAL, CustomizationJob, JobStatus, Phase, PhaseStatus
from tanren.storage.customization_jobs import CustomizationJobs
from tanren.storage.training_records import TrainingRecords

EVENTS_SHOWN: Final = 6
_CURVE_WIDTH: Final = 30
_BAR_WIDTH: Final = 24
_SPEED_STEPS: Final = 20
_VERDICTS: Final = ("Learning:", "Under-trained:", "Over-fitting", "Diverged:", "Nothing learned:")
_PHASES: Final = {
    Phase.VALIDATION: "checking the data",
    Phase.DATA_PROCESSING: "preparing the data",
    Phase.TRAINING: "training",
}
_COLOURS: Final = {
    JobStatus.IN_PROGRESS: "cyan",
    JobStatus.STOPPING: "yellow",
    JobStatus.COMPLETED: "green",
    JobStatus.FAILED: "red",
    JobStatus.STOPPED: "yellow",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job as it stands in the store at one moment."""

    job: CustomizationJob
    steps: Sequence[dict[str, Any]] = ()
    validations: Sequence[dict[str, Any]] = ()
    samples: Sequence[dict[str, Any]] = ()
    events: Sequence[tuple[datetime, str]] = ()

    @property
    def is_over(self) -> bool:
        return self.job.status in TERMINAL

    @property
    def diagnosis(self) -> str | None:
        """What the run found about itself, if it came that far."""
        found = [message for _, message in self.events if message.startswith(_VERDICTS)]
        return found[-1] if found else None

    @property
    def phase(self) -> str:
        running = [name for key, name in _PHASES.items() if _status(self.job, key) == PhaseStatus.IN_PROGRESS]
        return running[-1] if running else "waiting for a worker"


@dataclass(slots=True)
class JobReader:
    """Reads a job again and again; steps that are known are not read twice."""

    jobs: CustomizationJobs
    records: TrainingRecords
    arn: str
    _steps: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def read(self) -> JobView:
        job = self.jobs.by_arn(self.arn)
        self._steps += self.records.steps(self.arn, after=self._steps[-1]["step"] if self._steps else -1)
        return JobView(
            job=job,
            steps=self._steps,
            validations=self.records.validations(self.arn),
            samples=self.records.samples(self.arn),
            events=self.records.events(self.arn),
        )


def picture(view: JobView) -> RenderableType:
    parts: list[RenderableType] = [_head(view)]
    if view.steps:
        parts += [_bar(view), _figures(view)]
    if view.job.failure_message:
        parts.append(_block("Why it failed", Text(view.job.failure_message, style="red")))
    if view.diagnosis:
        parts.append(_block("Diagnosis", Text(view.diagnosis, style="bold")))
    if view.samples:
        parts.append(_answers(view))
    if view.events:
        parts.append(_events(view))
    return Group(*parts)


def remaining(view: JobView) -> str:
    """`about 40 s left`; empty where nobody can say yet, or the job is over."""
    left = view.steps[-1].get("remaining_seconds") if view.steps else None
    return "" if left is None or view.is_over else f"about {duration(left)} left"


def duration(seconds: float) -> str:
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole < 600 else f"{round(whole / 60)} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def coloured(status: JobStatus) -> Text:
    return Text(str(status), style=_COLOURS[status])


def _head(view: JobView) -> RenderableType:
    job = view.job
    line = Text()
    line.append(job.job_name, style="bold")
    line.append("  ").append_text(coloured(job.status))
    if not view.is_over:
        line.append(f" · {view.phase}")
    elif job.ended_at is not None:
        line.append(f" after {duration((job.ended_at - job.created_at).total_seconds())}")
    line.append(f"\n{job.foundation_model_id} → {job.output_model_name}", style="dim")
    return line


def _bar(view: JobView) -> RenderableType:
    last = view.steps[-1]
    total, share = last.get("total_steps"), last.get("share")
    done = last["step"] + 1
    words = [f"step {done}" + (f" of {total}" if total else ""), f"epoch {last['epoch']}"]
    if left := remaining(view):
        words.append(left)
    if view.job.status is JobStatus.COMPLETED and total and done < total:
        words.append("stopped early")
    row = Table.grid(padding=(0, 2))
    row.add_row(
        ProgressBar(total=1.0, completed=share if share is not None else 0.0, width=_BAR_WIDTH),
        Text("" if share is None else f"{share:.0%}"),
        Text(" · ".join(words)),
    )
    return Padding(row, (1, 0, 1, 0))


def _figures(view: JobView) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    losses = [step["training_loss"] for step in view.steps]
    table.add_row("training loss", f"{losses[0]:.3f} → {losses[-1]:.3f}", Text(_curve(losses), style="cyan"))
    if view.validations:
        found = [record["validation_loss"] for record in view.validations]
        best = min(view.validations, key=lambda record: record["validation_loss"])
        curve = Text(_curve(found), style="magenta").append(f"  best in epoch {best['epoch']}", style="dim")
        table.add_row("validation loss", f"{found[0]:.3f} → {found[-1]:.3f}", curve)
    recent = list(view.steps)[-_SPEED_STEPS:]
    seconds = sum(step["seconds"] for step in recent)
    if seconds > 0:
        speed = sum(step["trained_tokens"] for step in recent) / seconds
        trained = sum(step["trained_tokens"] for step in view.steps)
        table.add_row("speed", f"{speed:,.0f}/s", Text(f"trained tokens; {trained:,} so far", style="dim"))
    return table


def _curve(losses: Sequence[float]) -> str:
    return sparkline(losses, width=_CURVE_WIDTH)


def _answers(view: JobView) -> RenderableType:
    newest = view.samples[-1]
    where = "held-out prompts" if any(answer["is_held_out"] for answer in newest["answers"]) else "prompts trained on"
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for number, answer in enumerate(newest["answers"]):
        if number:
            table.add_row("", "")
        cut = "" if answer["is_whole"] else " …"
        # Data and answers are text, whatever brackets they hold; never markup.
        table.add_row("asked", Text(_one_line(answer["prompt"])))
        table.add_row("answers", Text(_one_line(answer["text"]) + cut, style="bold"))
        table.add_row("expected", Text(_one_line(answer["expected"]), style="dim"))
    return _block(f"What it answers after step {newest['step']}, {where}", table)


def _events(view: JobView) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    shown = [(at, message) for at, message in view.events if message != view.diagnosis]
    for at, message in shown[-EVENTS_SHOWN:]:
        table.add_row(f"{at.astimezone():%H:%M:%S}", Text(message))
    return _block("Events", table)


def _block(title: str, content: RenderableType) -> RenderableType:
    return Padding(Group(Text(title, style="bold"), Padding(content, (0, 0, 0, 2))), (1, 0, 0, 0))


def _one_line(text: str, *, longest: int = 200) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"


def _status(job: CustomizationJob, phase: Phase) -> str:
    return str(job.phases.get(phase, {}).get("status", ""))
