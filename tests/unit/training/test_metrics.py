import csv
import math
from pathlib import Path

from tanren.training.metrics import (
    StepRecord,
    ValidationRecord,
    mean_loss_of_last_epoch,
    perplexity,
    training_csv,
    validation_csv,
)


def step(number: int, epoch: int, loss: float) -> StepRecord:
    return StepRecord(
        step=number,
        epoch=epoch,
        training_loss=loss,
        learning_rate=0.1,
        gradient_norm=1.0,
        tokens=5,
        trained_tokens=3,
        seconds=0.5,
    )


# The numbers of a real Bedrock run: shared/data/bedrock-faq.
TRAINING = [(0, 1, "1.4531256934883257"), (1, 1, "1.3701882225826447"), (2, 1, "1.130999644334069")]
VALIDATION = (3, 1, "2.5327150328587718")


def test_the_training_csv_has_the_form_of_the_golden_file() -> None:
    lines = training_csv(step(n, e, float(loss)) for n, e, loss in TRAINING).splitlines()
    assert lines[0] == "step_number,epoch_number,training_loss,perplexity"
    assert [line.rpartition(",")[0] for line in lines[1:]] == [f"{n},{e},{loss}" for n, e, loss in TRAINING]
    assert [float(row["perplexity"]) for row in csv.DictReader(lines)] == [math.exp(float(x)) for *_, x in TRAINING]


def test_the_validation_csv_has_the_form_of_the_golden_file() -> None:
    number, epoch, loss = VALIDATION
    record = ValidationRecord(step=number, epoch=epoch, validation_loss=float(loss), losses_by_set=(1.0, 3.0))
    header, row = validation_csv([record]).splitlines()
    assert header == "step_number,epoch_number,validation_loss,perplexity"
    assert row.rpartition(",")[0] == f"{number},{epoch},{loss}"
    assert validation_csv([record], set_index=1).splitlines()[1].startswith("3,1,3.0,")
    assert ValidationRecord.from_json(record.to_json()) == record


def test_the_training_loss_is_the_mean_of_the_last_epoch() -> None:
    assert mean_loss_of_last_epoch([step(0, 1, 9.0), step(1, 2, 1.0), step(2, 2, 2.0)]) == 1.5


def test_a_hopeless_loss_has_an_infinite_perplexity() -> None:
    assert perplexity(1e6) == math.inf


def test_records_are_compared_without_their_time() -> None:
    assert step(0, 1, 1.0) == StepRecord(**{**step(0, 1, 1.0).to_json(), "seconds": 99.0})


def test_nothing_of_the_golden_files_was_mistyped() -> None:
    golden = Path("/work/shared/data/bedrock-faq/step_wise_training_metrics.csv")
    if golden.exists():
        rows = [tuple(row.split(",")) for row in golden.read_text().splitlines()[1:4]]
        assert rows == [(str(n), str(e), loss) for n, e, loss in TRAINING]
