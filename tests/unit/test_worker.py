"""What a worker does with work whose process keeps dying: it fails, by the attempt that has it and by no other."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tanren.jobs.queue import Assignment
from tanren.settings import Settings
from tanren.worker import CopyKind, CustomModelKind, ImportKind, JobKind

ME = "arn:aws:iam::123456789012:user/mika"


@pytest.fixture
def work(plane, scope, new_import, new_custom_model, new_copy, database, tmp_path: Path) -> Callable:
    """Kind by name → the kind, the ARN of new work for it, and a look at the work."""
    settings = Settings(data_dir=tmp_path)

    def begin(name: str) -> tuple[JobKind, str, Callable]:
        if name == "import":
            arn = plane.imports.create(scope, new_import())
            return ImportKind(settings, database), arn, lambda: plane.imports.get(scope, arn)
        if name == "custom model":
            arn = plane.models.create(scope, new_custom_model())
            return CustomModelKind(settings, database), arn, lambda: plane.models.get(scope, arn)
        elsewhere = replace(scope, region="eu-west-1")
        arn = plane.copies.create(elsewhere, new_copy(plane.has_model(scope)), principal_arn=ME)
        return CopyKind(settings, database), arn, lambda: plane.copies.get(elsewhere, arn)

    return begin


@pytest.mark.parametrize("name", ["import", "custom model", "copy"])
def test_work_is_claimed_taken_over_after_its_lease_and_failed_by_its_current_attempt_only(work, clock, name: str):
    kind, arn, look = work(name)
    first = kind.queue.claim("a", now=clock())
    assert first == Assignment(job_arn=arn, attempt=1)
    assert kind.queue.claim("b", now=clock()) is None
    clock.advance(hours=1)
    second = kind.queue.claim("b", now=clock())
    assert (second.attempt, kind.current_attempt(arn)) == (2, 2)
    kind.fail(first, "late", at=clock())
    assert look().status in ("InProgress", "Creating")
    kind.fail(second, "it crashed", at=clock())
    assert (look().status, look().failure_message) == ("Failed", "it crashed")
    assert kind.queue.claim("c", now=clock()) is None
