"""How a job is asked to stop: it is Stopping when that returns, and whoever works on it ends it."""

from datetime import datetime
from typing import Any

from tanren.domain.errors import Conflict
from tanren.storage.jobs import JobRows, Status


def stop_job(
    jobs: JobRows[Any, Status], arn: str, identifier: str, *, stopping: Status, stopped: Status, at: datetime
) -> None:
    """One that no worker has ever had is ended at once: there is nobody to end it but us, and nothing to write.
    Stopping a stopping job changes nothing.

    Raises   Conflict where the job has ended. `identifier` is what the caller called it.
    """
    if jobs.by_arn(arn).status == stopping:
        return
    with jobs.database.writing() as connection:
        is_stopping = jobs.move(connection, arn, stopping, at=at)
        if is_stopping:
            jobs.move(connection, arn, stopped, at=at, attempt=0)
    if not is_stopping:
        raise cannot_stop(jobs, arn, identifier)


def cannot_stop(jobs: JobRows[Any, Any], arn: str, identifier: str) -> Conflict:
    status = jobs.by_arn(arn).status
    state = "already ended" if jobs.is_end(status) else "cannot be stopped"
    return Conflict(f"Job '{identifier}' {state}: its status is {status}. Only a job in progress can be stopped.")
