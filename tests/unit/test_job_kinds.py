"""What a worker does with work whose process keeps dying: it fails, by the attempt that has it and by no other."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tanren.job_kinds import (
    JobKind,
    copy_kind,
    custom_model_kind,
    customization_kind,
    evaluation_kind,
    import_kind,
    invocation_kind,
    kinds_of_slots,
)
from tanren.jobs.queue import Assignment
from tanren.settings import Settings

ME = "arn:aws:iam::123456789012:user/mika"


@pytest.fixture
def work(
    plane, scope, new_job, new_batch, new_evaluation, new_import, new_custom_model, new_copy, database, tmp_path: Path
) -> Callable:
    """Kind by name → the kind, the ARN of new work for it, and a look at the work."""
    settings = Settings(data_dir=tmp_path)
    elsewhere = replace(scope, region="eu-west-1")

    def begin(name: str) -> tuple[JobKind, str, Callable]:
        if name == "customization":
            arn = plane.jobs.create(scope, new_job())
            return customization_kind(settings, database), arn, lambda: plane.jobs.get(scope, arn)
        if name == "invocation":
            arn = plane.batches.create(scope, new_batch())
            return invocation_kind(settings, database), arn, lambda: plane.batches.get(scope, arn)
        if name == "evaluation":
            arn = plane.evaluations.create(scope, new_evaluation())
            return evaluation_kind(settings, database), arn, lambda: plane.evaluations.get(scope, arn)
        if name == "import":
            arn = plane.imports.create(scope, new_import())
            return import_kind(settings, database), arn, lambda: plane.imports.get(scope, arn)
        if name == "custom model":
            arn = plane.models.create(scope, new_custom_model())
            return custom_model_kind(settings, database), arn, lambda: plane.models.get(scope, arn)
        arn = plane.copies.create(elsewhere, new_copy(plane.has_model(scope)), principal_arn=ME)
        return copy_kind(settings, database), arn, lambda: plane.copies.get(elsewhere, arn)

    return begin


KINDS = ["customization", "invocation", "evaluation", "import", "custom model", "copy"]


@pytest.mark.parametrize("name", KINDS)
def test_work_is_claimed_taken_over_after_its_lease_and_failed_by_its_current_attempt_only(work, clock, name: str):
    kind, arn, look = work(name)
    first = kind.queue.claim("a", now=clock())
    assert first == Assignment(job_arn=arn, attempt=1)
    assert kind.queue.claim("b", now=clock()) is None
    clock.advance(hours=1)
    second = kind.queue.claim("b", now=clock())
    assert second.attempt == 2
    assert (kind.queue.is_current(first), kind.queue.is_current(second)) == (False, True)
    assert not kind.fail(first, "late", clock())
    assert look().status not in ("Failed", "Completed")
    assert kind.fail(second, "it crashed", clock())
    told = {"invocation": lambda: look().message, "evaluation": lambda: look().failure_messages[0]}
    message = told.get(name, lambda: look().failure_message)()
    assert (look().status, message) == ("Failed", "it crashed")
    assert kind.queue.claim("c", now=clock()) is None


def test_a_worker_has_a_slot_for_each_kind_and_only_training_stands_ready(tmp_path: Path, database):
    settings = Settings(data_dir=tmp_path, job_slots=2, batch_slots=1)
    kinds = kinds_of_slots(settings, database)
    assert [kind.trains for kind in kinds] == [True, True, False, False, False, False, False]
    assert len({kind.queue.table.name for kind in kinds}) == 6
