import pytest
from sqlalchemy.exc import IntegrityError

from tanren.domain.customization_jobs import TERMINAL, JobStatus


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
