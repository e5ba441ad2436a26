from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tanren.domain.customization_jobs import TERMINAL, JobStatus, Phase, PhaseState, PhaseStatus
from tanren.storage.customization_jobs import with_phase


@pytest.mark.parametrize("terminal", sorted(TERMINAL))
@pytest.mark.parametrize("later", list(JobStatus))
def test_the_store_itself_refuses_to_leave_a_terminal_status(plane, scope, new_job, terminal, later):
    arn = plane.jobs.create(scope, new_job())
    rows = plane.job_rows
    with rows.database.writing() as connection:
        rows.change(connection, arn, status=terminal)
    if later == terminal:
        return
    with pytest.raises(IntegrityError, match="a terminal status is final"):
        with rows.database.writing() as connection:
            rows.change(connection, arn, status=later)
    assert rows.by_arn(arn).status is terminal


def test_phases_come_back_as_they_were_written(plane, scope, new_job):
    arn = plane.jobs.create(scope, new_job())
    begun, later = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    phases = with_phase({}, Phase.TRAINING, PhaseStatus.IN_PROGRESS, at=begun)
    phases = with_phase(phases, Phase.TRAINING, PhaseStatus.COMPLETED, at=later)
    assert phases == {
        "trainingDetails": PhaseState(status="Completed", creationTime=begun, lastModifiedTime=later),
    }
    with plane.job_rows.database.writing() as connection:
        assert plane.job_rows.change(connection, arn, phases=phases)
    assert plane.job_rows.by_arn(arn).phases == phases


def test_phases_that_an_earlier_version_wrote_are_read(plane, scope, new_job):
    arn = plane.jobs.create(scope, new_job())
    written = (
        '{"validationDetails": {"status": "NotStarted", "creationTime": "2026-01-02T03:04:05.678901+00:00", '
        '"lastModifiedTime": "2026-01-02T03:04:05+00:00"}}'
    )
    with plane.job_rows.database.writing() as connection:
        connection.execute(text("UPDATE customization_jobs SET phases = :written"), {"written": written})
    assert plane.job_rows.by_arn(arn).phases == {
        "validationDetails": PhaseState(
            status="NotStarted",
            creationTime=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
            lastModifiedTime=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        )
    }
