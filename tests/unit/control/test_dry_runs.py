from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tanren.control.dry_runs import DryRunControl, NewDryRun
from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.errors import ValidationFailed
from tanren.model_files.store import NANO_FOLDER
from tanren.storage.training_records import TrainingRecords

NEW = NewDryRun(
    base_model_identifier="amazon.titan-text-express-v1",
    customization_type=CustomizationType.FINE_TUNING,
    training_s3_uri="s3://my-bucket/train.jsonl",
    validation_s3_uris=["s3://my-bucket/validation.jsonl"],
    hyperparameters={"epochCount": "4"},
)
FOUND = {
    "records": 10,
    "epoch_tokens": 3000,
    "trained_tokens": 2000,
    "validation_tokens": 300,
    "longest_record": 400,
    "epochs": 4,
    "batch_size": 4,
}


class Process:
    """What a dry run's process is told, and a fixed answer of it."""

    def __init__(self) -> None:
        self.orders: Mapping[str, Any] = {}

    def run(self, orders: Mapping[str, Any]) -> dict[str, Any]:
        self.orders = orders
        return FOUND if "estimate" in orders else {"files": [{"isValid": True}]}


@pytest.fixture
def process() -> Process:
    return Process()


@pytest.fixture
def control(plane, process: Process, tmp_path: Path) -> DryRunControl:
    records = TrainingRecords(plane.job_rows.database)
    return DryRunControl(
        plane.job_rows,
        plane.model_rows,
        records,
        plane.weights,
        plane.artifacts,
        price_file=tmp_path / "prices.toml",
        run=process.run,
    )


def test_the_process_is_told_what_a_job_would_be_made_of(scope, control, process):
    control.estimate(scope, NEW)
    assert process.orders["scope"] == {"account_id": scope.account_id, "region": scope.region}
    assert process.orders["estimate"]["baseFolder"] == str(NANO_FOLDER)
    assert process.orders["estimate"]["hyperParameters"] == {"epochCount": "4"}
    assert process.orders["validationS3Uris"] == ["s3://my-bucket/validation.jsonl"]


def test_an_examination_reads_with_the_tokenizer_that_a_job_would_train_with(scope, control, process):
    control.examine(scope, NEW, first_record=5, record_count=2)
    assert process.orders["examination"] == {"baseFolder": str(NANO_FOLDER), "firstRecord": 5, "recordCount": 2}
    assert "estimate" not in process.orders


def test_what_a_job_would_be_refused_for_is_refused_before_anything_is_read(scope, control, process):
    for wrong in (
        replace(NEW, hyperparameters={"epochs": "4"}),
        replace(NEW, hyperparameters={"publish": "last"}, validation_s3_uris=[]),
        replace(NEW, base_model_identifier="anthropic.claude-3-opus-20240229-v1:0"),
        replace(NEW, training_s3_uri="s3://my-bucket/folder/"),
        replace(NEW, validation_s3_uris=["s3://my-bucket"]),
    ):
        with pytest.raises(ValidationFailed):
            control.estimate(scope, wrong)
    assert process.orders == {}


def test_tokens_and_steps_are_those_of_all_epochs(scope, control):
    estimate = control.estimate(scope, NEW)
    assert (estimate.total_tokens, estimate.steps) == (12_000, 12)


def test_no_time_is_told_before_a_job_has_been_measured(scope, control):
    estimate = control.estimate(scope, NEW)
    assert (estimate.rate, estimate.seconds) == (None, None)


def test_the_time_is_that_of_the_callers_own_jobs_on_the_same_weights(scope, other_scope, plane, control, new_job):
    records = TrainingRecords(plane.job_rows.database)
    slow = plane.jobs.create(scope, new_job())
    other = plane.jobs.create(other_scope, new_job(role_arn="arn:aws:iam::210987654321:role/r"))
    full = plane.jobs.create(
        scope,
        new_job(job_name="full", custom_model_name="full", hyperparameters={"customizationMethod": "full"}),
    )
    for arn, seconds in ((slow, 2.0), (other, 0.001), (full, 0.001)):
        # The first step warms up, and is not counted.
        steps = [
            {"step": step, "epoch": 1, "tokens": 100, "seconds": 99.0 if step == 0 else seconds} for step in range(5)
        ]
        records.add_steps(arn, 0, steps)
    estimate = control.estimate(scope, NEW)
    assert estimate.rate is not None
    assert (estimate.rate.tokens_per_second, estimate.rate.jobs) == (50, 1)
    assert estimate.seconds == pytest.approx((12_000 + 4 * 300 / 3) / 50)


def test_the_price_is_the_price_books(scope, control, tmp_path):
    (tmp_path / "prices.toml").write_text(
        'currency = "USD"\n[training-per-1000-tokens]\n"amazon.titan-text-express-v1" = 0.5\n'
    )
    assert control.estimate(scope, NEW).price == 0.5


def test_a_custom_model_is_estimated_on_the_weights_it_stands_on(scope, plane, control, process):
    arn = plane.has_model(scope)
    folder = plane.artifacts.resolve("custom-models/tuned")
    folder.mkdir(parents=True)
    control.estimate(scope, replace(NEW, base_model_identifier=arn))
    assert process.orders["estimate"]["baseFolder"] == str(folder)
    (folder / "adapter_config.json").write_text("{}")
    control.estimate(scope, replace(NEW, base_model_identifier=arn))
    assert process.orders["estimate"]["baseFolder"] == str(NANO_FOLDER)
