"""What needs somebody: failures, trainings that go badly, jobs that nobody works on, throughput that nobody asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from tanren.console.languages import Words

SHORT_WAIT: Final = timedelta(minutes=1)
"""A job that nobody works on for longer has no worker to wait for."""
SETTLED: Final = timedelta(hours=1)
"""A throughput that nobody has asked since it is in service so long may be forgotten."""
_BAD_SIGNS: Final = ("Diverged", "Over-fitting", "Nothing learned:")
"""With which the service's own diagnosis begins where a training goes badly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    name: str
    path: str
    kind: str
    status: str
    created_at: datetime
    share: float | None = None
    """From 0 to 1; None where it is not known."""
    remaining_seconds: float | None = None
    diagnosis: str = ""
    """In English, as the service says it; `diagnosis_parts` are what it is put together from."""
    diagnosis_parts: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InService:
    name: str
    path: str
    arn: str
    model_arn: str
    status: str
    created_at: datetime
    units: int | None
    """None of a deployment, which has none."""
    used: Mapping[str, Any]
    """An entry of GetUsage; empty where nothing was used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    tone: str
    text: str
    path: str
    detail: str = ""


def what_needs_attention(
    words: Words,
    running: Sequence[Running],
    failures: Sequence[Mapping[str, Any]],
    in_service: Sequence[InService],
    status: Mapping[str, Any],
    *,
    knows_usage: bool,
    now: datetime,
) -> list[Attention]:
    """The worst first. Each says what, where and what to do.

    Takes    failures: summaries of jobs. status: of GetServiceStatus. knows_usage: whether `InService.used` is told.
    """
    found: list[Attention] = []
    for engine in status.get("engines", []):
        if engine["status"] == "Failed":
            text = words.text(
                "The engine of {name} could not be started; models made from it do not answer.",
                name=engine["baseModel"],
            )
            found.append(
                Attention(tone="bad", text=text, path="/console/status", detail=engine.get("failureMessage", ""))
            )
    for each in in_service:
        if each.status == "Failed":
            text = words.text("{name} failed to come into service. Its page says why.", name=each.name)
            found.append(Attention(tone="bad", text=text, path=each.path))
    for job in failures:
        text = words.text(
            "The training job {name} failed. Its page says why and takes you back to its form.", name=job["jobName"]
        )
        found.append(Attention(tone="bad", text=text, path=f"/console/jobs/{quote(job['jobName'])}"))
    if _has_nobody_to_work(running, status, now):
        text = words.text(
            "Jobs wait and no worker has one. “tanren serve” keeps one running; its log says what became of it."
        )
        found.append(Attention(tone="bad", text=text, path="/console/status"))
    for job in running:
        if job.diagnosis.startswith(_BAD_SIGNS):
            text = words.text("The training job {name} does not go well.", name=job.name)
            detail = words.told(job.diagnosis, job.diagnosis_parts)
            found.append(Attention(tone="warn", text=text, path=job.path, detail=detail))
    for each in in_service if knows_usage else ():
        is_idle = each.units is not None and each.status == "InService" and not each.used.get("requestCount")
        if is_idle and now - each.created_at > SETTLED:
            text = words.text(
                "{name} is in service and nobody has asked it this month. Delete it, or give it a time to live.",
                name=each.name,
            )
            found.append(Attention(tone="warn", text=text, path=each.path))
    return found


def _has_nobody_to_work(running: Sequence[Running], status: Mapping[str, Any], now: datetime) -> bool:
    queues = status.get("queues", [])
    waits = any(queue["waiting"] for queue in queues) and not any(queue["running"] for queue in queues)
    return waits and any(now - job.created_at > SHORT_WAIT for job in running)
