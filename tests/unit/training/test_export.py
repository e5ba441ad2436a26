import pytest

from tanren.domain.errors import JobFailed
from tanren.training.export import check_effect


def test_weights_that_answer_as_before_are_no_result() -> None:
    with pytest.raises(JobFailed, match="no effect"):
        check_effect(loss_before=3.0, loss_after=3.0, target_count=2)


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_weights_that_the_last_update_broke_are_no_result(loss: float) -> None:
    with pytest.raises(JobFailed, match="broken"):
        check_effect(loss_before=3.0, loss_after=loss, target_count=2)


def test_a_changed_loss_is_an_effect_whichever_way() -> None:
    check_effect(loss_before=3.0, loss_after=2.999999, target_count=2)
    check_effect(loss_before=3.0, loss_after=3.1, target_count=2)
