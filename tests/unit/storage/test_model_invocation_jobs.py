import pytest
from sqlalchemy.exc import IntegrityError

from tanren.domain.model_invocation_jobs import CLAIMABLE, LEGAL_MOVES, InvocationJobStatus, RecordCounts

TERMINAL = [status for status in InvocationJobStatus if not LEGAL_MOVES[status]]


@pytest.fixture
def arn(plane, scope, new_batch) -> str:
    return plane.batches.create(scope, new_batch())


def _set(plane, arn: str, **values) -> None:
    with plane.batch_rows.database.writing() as connection:
        plane.batch_rows.change(connection, arn, **values)


def test_what_can_be_claimed_is_what_has_not_ended():
    assert set(CLAIMABLE) | set(TERMINAL) == set(InvocationJobStatus)
    assert not set(CLAIMABLE) & set(TERMINAL)


@pytest.mark.parametrize("terminal", TERMINAL)
@pytest.mark.parametrize("later", list(InvocationJobStatus))
def test_the_store_itself_refuses_to_leave_a_terminal_status(plane, arn, terminal, later):
    _set(plane, arn, status=terminal)
    if later == terminal:
        return
    with pytest.raises(IntegrityError, match="a terminal status is final"):
        _set(plane, arn, status=later)
    assert plane.batch_rows.by_arn(arn).status is terminal


def test_a_late_attempt_neither_counts_nor_moves(plane, arn, clock):
    _set(plane, arn, attempt=2, status=InvocationJobStatus.IN_PROGRESS)
    before = plane.batch_rows.by_arn(arn)
    assert not plane.batch_rows.count(arn, 1, RecordCounts(total=9), at=clock())
    with plane.batch_rows.database.writing() as connection:
        assert not plane.batch_rows.move(connection, arn, InvocationJobStatus.COMPLETED, at=clock(), attempt=1)
    assert plane.batch_rows.by_arn(arn) == before
    assert plane.batch_rows.count(arn, 2, RecordCounts(total=9, succeeded=3, failed=1), at=clock())
    assert plane.batch_rows.by_arn(arn).counts.processed == 4


@pytest.mark.parametrize(
    ("status", "owner", "expires"),
    [
        (InvocationJobStatus.SUBMITTED, None, True),
        (InvocationJobStatus.SCHEDULED, None, True),
        (InvocationJobStatus.SCHEDULED, "a worker", False),
        (InvocationJobStatus.IN_PROGRESS, None, False),
    ],
)
def test_a_job_expires_when_its_time_is_over_and_nobody_has_begun_it(plane, arn, clock, status, owner, expires):
    lease = {"lease_owner": owner, "lease_expires_at": None}
    _set(plane, arn, status=status, **lease)
    assert plane.batch_rows.expire(now=clock()) == []
    clock.advance(hours=25)
    assert [job.job_arn for job in plane.batch_rows.expire(now=clock())] == [arn] * expires
    job = plane.batch_rows.by_arn(arn)
    assert job.status is (InvocationJobStatus.EXPIRED if expires else status)
    assert not expires or "did not begin" in job.message
