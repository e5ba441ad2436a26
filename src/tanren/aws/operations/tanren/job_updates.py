"""WatchJob: a job's updates as an event stream that ends with the job."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from typing import Final

from tanren.aws.context import AsyncHandler, Members, RequestContext
from tanren.aws.operations.tanren.job_records import job_event, progress, sample, step_metrics, validation_metrics
from tanren.control.account_places import AccountPlaces
from tanren.control.job_updates import JobUpdate, JobUpdateControl, UpdateReader, phase_name
from tanren.domain.clock import Clock
from tanren.domain.customization_jobs import CustomizationJob
from tanren.storage.training_records import JobEvent
from tanren.threads import ANSWERS

LOOK_SECONDS: Final = 0.5
HEARTBEAT_AFTER: Final = timedelta(seconds=15)
"""Without news. boto3 gives a silent connection up after 60 seconds, proxies often after 30."""

MOST_WATCHERS: Final = 64
"""Streams of one account in one gateway process. Each looks into the store twice a second."""


def job_update_handlers(
    control: JobUpdateControl, *, clock: Clock, look_seconds: float = LOOK_SECONDS
) -> dict[str, AsyncHandler]:
    places = AccountPlaces(MOST_WATCHERS, of="WatchJob streams")

    async def watch(context: RequestContext, params: Members) -> Members:
        reader = await ANSWERS.run(control.reader, context.scope, params["jobIdentifier"], after=params.get("after"))
        return {"updates": _in_place(context.scope.account_id, _stream(reader, clock, look_seconds))}

    async def _in_place(account_id: str, updates: AsyncGenerator[Members]) -> AsyncGenerator[Members]:
        """Taken when the first update is asked for, which is before the answer begins."""
        with places.place(account_id):
            async with aclosing(updates):
                async for update in updates:
                    yield update

    return {"WatchJob": watch}


async def _stream(reader: UpdateReader, clock: Clock, look_seconds: float) -> AsyncGenerator[Members]:
    last_sign = clock()
    while True:
        # In a thread, since it waits for the database.
        updates = await ANSWERS.run(reader.read)
        for update in updates:
            yield _event(update)
        if reader.is_over:
            return
        now = clock()
        if updates:
            last_sign = now
        elif now - last_sign >= HEARTBEAT_AFTER:
            last_sign = now
            yield {"heartbeat": {"at": now, "sequenceToken": str(reader.token)}}
        await asyncio.sleep(look_seconds)


def _event(update: JobUpdate) -> Members:
    token = str(update.token)
    match update.content:
        case CustomizationJob() as job:
            return {"status": {**_status(job), "sequenceToken": token}}
        case JobEvent() as event:
            return {"jobEvent": {"event": job_event(event), "sequenceToken": token}}
        case record if update.kind == "step":
            done = progress(record, has_ended=False)
            return {"step": {"metrics": step_metrics(record), "progress": done, "sequenceToken": token}}
        case record if update.kind == "validation":
            return {"validation": {"metrics": validation_metrics(record), "sequenceToken": token}}
        case record:
            return {"sample": {"sample": sample(record), "sequenceToken": token}}


def _status(job: CustomizationJob) -> Members:
    return {
        "jobArn": job.job_arn,
        "status": job.status,
        "phase": phase_name(job),
        "failureMessage": job.failure_message,
        "outputModelArn": job.output_model_arn,
    }
