import pytest
from sqlalchemy.exc import IntegrityError

from tanren.domain.evaluation_jobs import CLAIMABLE, LEGAL_MOVES, EvaluationJobStatus

TERMINAL = [status for status, targets in LEGAL_MOVES.items() if not targets]


@pytest.fixture
def arn(plane, scope, new_evaluation) -> str:
    return plane.evaluations.create(scope, new_evaluation())


def _set(plane, arn: str, **values) -> None:
    with plane.evaluation_rows.database.writing() as connection:
        plane.evaluation_rows.change(connection, arn, **values)


def test_what_can_be_claimed_is_what_has_not_ended():
    assert set(CLAIMABLE) | set(TERMINAL) == set(LEGAL_MOVES)
    assert set(EvaluationJobStatus) - set(LEGAL_MOVES) == {EvaluationJobStatus.DELETING}
    assert not set(CLAIMABLE) & set(TERMINAL)


@pytest.mark.parametrize("terminal", TERMINAL)
@pytest.mark.parametrize("later", list(LEGAL_MOVES))
def test_the_store_itself_refuses_to_leave_a_terminal_status(plane, arn, terminal, later):
    _set(plane, arn, status=terminal)
    if later == terminal:
        return
    with pytest.raises(IntegrityError, match="a terminal status is final"):
        _set(plane, arn, status=later)
    assert plane.evaluation_rows.by_arn(arn).status is terminal


def test_a_late_attempt_moves_nothing(plane, arn, clock):
    _set(plane, arn, attempt=2)
    with plane.evaluation_rows.database.writing() as connection:
        assert not plane.evaluation_rows.move(connection, arn, EvaluationJobStatus.COMPLETED, at=clock(), attempt=1)
        assert plane.evaluation_rows.move(connection, arn, EvaluationJobStatus.COMPLETED, at=clock(), attempt=2)
