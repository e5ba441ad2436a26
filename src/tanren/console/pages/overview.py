"""The first page: what runs, what is in service with what it has used and costs so far, and what needs somebody."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from tanren.console.api import Api, ApiRefusal
from tanren.console.attention import InService, Running, what_needs_attention
from tanren.console.live_parts import Drawing, live_part
from tanren.console.pages.evaluation_jobs import job_id
from tanren.console.visits import Visit
from tanren.domain.clock import utc_now

REDRAW_SECONDS: Final = 10.0
"""Each drawing is about ten calls, which are all in the audit log."""
RECENT: Final = timedelta(days=3)
"""For so long a job that failed is told of."""
_SHOWN: Final = 10
_LISTED: Final = 50
_NEWEST: Final = {"sortBy": "CreationTime", "sortOrder": "Descending"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one operation answered; nothing where it was refused."""

    answer: Mapping[str, Any]
    is_refused: bool


async def show_overview(visit: Visit) -> Response:
    return visit.page("overview.html", title=visit.words.text("Overview"), **await _read(visit))


async def live_overview(visit: Visit) -> Response:
    async def draw() -> Drawing:
        return Drawing(html=visit.render("overview_live.html", **await _read(visit)), is_final=False)

    return live_part(draw, every_seconds=REDRAW_SECONDS)


async def _read(visit: Visit) -> dict[str, Any]:
    api, now = visit.api, utc_now()
    running_only = {"statusEquals": "InProgress", "maxResults": _SHOWN, **_NEWEST}
    failed_lately = {"statusEquals": "Failed", "creationTimeAfter": now - RECENT, "maxResults": _SHOWN, **_NEWEST}
    trainings, failed, evaluations, batches, throughputs, deployments, models, usage, status = await asyncio.gather(
        _tell(api, "bedrock", "ListModelCustomizationJobs", **running_only),
        _tell(api, "bedrock", "ListModelCustomizationJobs", **failed_lately),
        _tell(api, "bedrock", "ListEvaluationJobs", **running_only),
        _tell(api, "bedrock", "ListModelInvocationJobs", **running_only),
        _tell(api, "bedrock", "ListProvisionedModelThroughputs", maxResults=_LISTED, **_NEWEST),
        _tell(api, "bedrock", "ListCustomModelDeployments", maxResults=_LISTED, **_NEWEST),
        _tell(api, "bedrock", "ListCustomModels", maxResults=1),
        _tell(api, "tanren", "GetUsage"),
        _tell(api, "tanren", "GetServiceStatus"),
    )
    running = [
        *await asyncio.gather(
            *(_training(api, each) for each in trainings.answer.get("modelCustomizationJobSummaries", []))
        ),
        *(_evaluation(each) for each in evaluations.answer.get("jobSummaries", [])),
        *(_batch(each) for each in batches.answer.get("invocationJobSummaries", [])),
    ]
    used = {each["resourceArn"]: each for each in usage.answer.get("usage", [])}
    in_service = [
        *(_throughput(each, used) for each in throughputs.answer.get("provisionedModelSummaries", [])),
        *(_deployment(each, used) for each in deployments.answer.get("modelDeploymentSummaries", [])),
    ]
    failures = failed.answer.get("modelCustomizationJobSummaries", [])
    return {
        "running": running,
        "in_service": in_service,
        "attention": what_needs_attention(
            visit.words, running, failures, in_service, status.answer, knows_usage=not usage.is_refused, now=now
        ),
        "usage": usage.answer,
        "total": _total(usage.answer.get("usage", [])),
        "is_new": not running and not in_service and not failures and not models.answer.get("modelSummaries"),
        "duration": visit.words.duration,
    }


async def _tell(api: Api, service: str, operation: str, **params: Any) -> Told:
    try:
        return Told(answer=await api.ask(service, operation, **params), is_refused=False)
    except ApiRefusal:
        return Told(answer={}, is_refused=True)


async def _training(api: Api, job: Mapping[str, Any]) -> Running:
    told = await _tell(api, "tanren", "GetJobMetrics", jobIdentifier=job["jobName"], maxResults=1)
    progress = told.answer.get("progress", {})
    return Running(
        name=job["jobName"],
        path=f"/console/jobs/{quote(job['jobName'])}",
        kind=job.get("customizationType", "FINE_TUNING"),
        status=job["status"],
        created_at=job["creationTime"],
        share=progress.get("share"),
        remaining_seconds=progress.get("remainingSeconds"),
        diagnosis=told.answer.get("diagnosis") or "",
        diagnosis_parts=told.answer.get("diagnosisParts") or (),
    )


def _evaluation(job: Mapping[str, Any]) -> Running:
    return Running(
        name=job["jobName"],
        path=f"/console/evaluations/{job_id(job['jobArn'])}",
        kind="Evaluation",
        status="Evaluating",
        created_at=job["creationTime"],
    )


def _batch(job: Mapping[str, Any]) -> Running:
    """It has no page yet: the way leads to where its output will be."""
    bucket, _, folder = job["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"].removeprefix("s3://").partition("/")
    total, done = job.get("totalRecordCount"), job.get("processedRecordCount", 0)
    return Running(
        name=job["jobName"],
        path=f"/console/data/{quote(bucket)}?prefix={quote(folder)}",
        kind="Batch inference",
        status="Running",
        created_at=job["submitTime"],
        share=done / total if total else None,
    )


def _throughput(row: Mapping[str, Any], used: Mapping[str, Mapping[str, Any]]) -> InService:
    return InService(
        name=row["provisionedModelName"],
        path=f"/console/provisioned-throughput/{quote(row['provisionedModelName'])}",
        arn=row["provisionedModelArn"],
        model_arn=row["modelArn"],
        status=row["status"],
        created_at=row["creationTime"],
        units=row["modelUnits"],
        used=used.get(row["provisionedModelArn"], {}),
    )


def _deployment(row: Mapping[str, Any], used: Mapping[str, Mapping[str, Any]]) -> InService:
    return InService(
        name=row["customModelDeploymentName"],
        path=f"/console/models?arn={quote(row['modelArn'])}",
        arn=row["customModelDeploymentArn"],
        model_arn=row["modelArn"],
        status=row["status"],
        created_at=row["createdAt"],
        units=None,
        used=used.get(row["customModelDeploymentArn"], {}),
    )


def _total(usage: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """None for the cost where no price is known of anything; what has no price is not in it."""
    costs = [each["cost"] for each in usage if each.get("cost") is not None]
    return {
        "requests": sum(each["requestCount"] for each in usage),
        "input": sum(each["inputTokenCount"] for each in usage),
        "output": sum(each["outputTokenCount"] for each in usage),
        "unit_hours": sum(each["unitSeconds"] for each in usage) / 3600,
        "cost": sum(costs) if costs else None,
    }
