from hypothesis import given
from hypothesis import strategies as st

from tanren.training.early_stopping import EarlyStopping

GOLDEN = [2.5327150328587718, 1.7015820491972942, 1.5365295365078397, 1.5085376232060477]
GOLDEN += [1.476488144328269, 1.4763538640668574, 1.4959460759401788]


def run(losses: list[float], *, threshold: float | None, patience: int | None) -> list[EarlyStopping]:
    states = [EarlyStopping(threshold=threshold, patience=patience)]
    for epoch, loss in enumerate(losses, start=1):
        states.append(states[-1].after(loss, step=3 * epoch, epoch=epoch))
    return states[1:]


def test_the_golden_run_stops_after_epoch_7_and_epoch_6_is_the_best() -> None:
    states = run(GOLDEN, threshold=0.001, patience=2)
    assert [state.is_over for state in states] == [False] * 6 + [True]
    assert (states[-1].best_epoch, states[-1].best_step, states[-1].best_loss) == (6, 18, GOLDEN[5])


def test_without_patience_nothing_stops_and_the_best_is_remembered() -> None:
    states = run([1.0, 2.0, 3.0, 4.0], threshold=None, patience=None)
    assert not any(state.is_over for state in states)
    assert states[-1].best_epoch == 1


def test_many_small_gains_add_up_to_a_better_loss() -> None:
    states = run([1.0, 0.9994, 0.9988, 0.9982, 0.9976], threshold=0.001, patience=2)
    assert not any(state.is_over for state in states)


@given(losses=st.lists(st.floats(0, 10), min_size=1), patience=st.integers(1, 4), threshold=st.floats(0, 1))
def test_the_best_is_the_first_lowest_loss_whatever_the_threshold(
    losses: list[float], patience: int, threshold: float
) -> None:
    last = run(losses, threshold=threshold, patience=patience)[-1]
    assert last.best_loss == min(losses)
    assert last.best_epoch == losses.index(min(losses)) + 1
