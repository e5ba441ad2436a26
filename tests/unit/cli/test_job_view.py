"""The live view's figures are those of the run: early stopping is counted as the run counts it."""

from hypothesis import given
from hypothesis import strategies as st

from tanren.cli.job_view import duration, patience_left
from tanren.training.early_stopping import EarlyStopping

GOLDEN = [2.5327, 1.7016, 1.5365, 1.5085, 1.4765, 1.4764, 1.4959]


@given(
    st.lists(st.floats(0, 10), min_size=1, max_size=30),
    st.floats(0, 1).map(lambda value: round(value, 4)),
    st.integers(1, 10),
)
def test_the_counter_is_the_runs_own_rule(losses: list[float], threshold: float, patience: int):
    state = EarlyStopping(threshold=threshold, patience=patience)
    for step, loss in enumerate(losses):
        state = state.after(loss, step=step, epoch=step)
    given_ = {"earlyStoppingPatience": str(patience), "earlyStoppingThreshold": str(threshold)}
    shown = patience_left({"hyperParameters": given_}, losses)
    assert shown is not None
    assert (shown.stalled, shown.patience, shown.threshold) == (state.stalled_epochs, patience, threshold)


def test_the_golden_run_has_used_its_patience_up_after_epoch_7():
    hyperparameters = {"earlyStoppingPatience": "2", "earlyStoppingThreshold": "0.001"}
    used = [patience_left({"hyperParameters": hyperparameters}, GOLDEN[:n]) for n in range(1, 8)]
    assert [each and each.stalled for each in used] == [0, 0, 0, 0, 0, 1, 2]


def test_there_is_no_counter_without_early_stopping_or_validation():
    assert patience_left({"hyperParameters": {"epochCount": "3"}}, GOLDEN) is None
    assert patience_left({}, GOLDEN) is None
    assert patience_left({"hyperParameters": {"earlyStoppingPatience": "2"}}, []) is None


def test_a_duration_is_told_as_people_tell_it():
    told = [duration(seconds) for seconds in (-1, 59, 61, 599, 3000, 3661, 90_000)]
    assert told == ["0 s", "59 s", "1 min 1 s", "9 min 59 s", "50 min", "1 h 1 min", "25 h 0 min"]
