"""A copy job makes a model of its own with the same weights, which outlive their source."""

import os
from dataclasses import replace

import pytest

from tanren.domain import arns
from tanren.domain.model_copy_jobs import CopyJobStatus
from tanren.domain.scope import Scope
from tanren.domain.weights import BINDING_MEMBER
from tanren.jobs.queue import Assignment
from tanren.workflows.model_copy import COPIED_FROM, ModelCopyWorkflow
from tests.unit.workflows.lost_answers import lose_the_answer_of

ME = "arn:aws:iam::123456789012:user/mika"
ELSEWHERE = Scope(account_id="123456789012", region="eu-west-1")


@pytest.fixture
def source(plane, scope) -> str:
    arn = plane.has_model(scope)
    folder = plane.artifacts.resolve("custom-models/tuned")
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    return arn


@pytest.fixture
def arn(plane, source, new_copy) -> str:
    return plane.copies.create(ELSEWHERE, new_copy(source, tags={"team": "forge"}), principal_arn=ME)


@pytest.fixture
def attempt(plane, arn, clock):
    def run(number: int = 1, arn: str = arn) -> None:
        with plane.copy_rows.database.writing() as connection:
            plane.copy_rows.change(connection, arn, attempt=number)
        ModelCopyWorkflow(
            Assignment(job_arn=arn, attempt=number),
            jobs=plane.copy_rows,
            models=plane.model_rows,
            artifacts=plane.artifacts,
            clock=clock,
        ).run()

    return run


def test_the_copy_has_its_own_arn_and_keeps_its_lineage(plane, scope, source, arn, attempt):
    attempt()
    job = plane.copies.get(ELSEWHERE, arn)
    assert job.status is CopyJobStatus.COMPLETED
    copy, original = plane.models.get(ELSEWHERE, "copied"), plane.models.get(scope, source)
    assert copy.model_arn == job.target_model_arn
    assert copy.base_model_arn == "arn:aws:bedrock:eu-west-1::foundation-model/amazon.titan-text-express-v1"
    assert copy.request[COPIED_FROM] == source
    own = ("scope", "model_id", "model_arn", "model_name", "base_model_arn", "request", "artifact_path", "created_at")
    assert replace(copy, **{name: getattr(original, name) for name in own}) == original
    assert plane.tags.list(ELSEWHERE, copy.model_arn) == {"team": "forge"}


def test_the_weights_are_shared_and_stay_until_the_last_is_deleted(plane, scope, source, attempt):
    attempt()
    copy = plane.artifacts.resolve(plane.models.get(ELSEWHERE, "copied").artifact_path) / "adapter_model.safetensors"
    original = plane.artifacts.resolve("custom-models/tuned") / "adapter_model.safetensors"
    assert os.path.samefile(copy, original)
    plane.models.delete(scope, source)
    assert not original.exists()
    assert copy.read_bytes() == b"weights"
    plane.models.delete(ELSEWHERE, "copied")
    assert not copy.exists()


def test_a_source_that_has_been_deleted_meanwhile_fails_the_job(plane, scope, source, arn, attempt):
    with plane.model_rows.database.writing() as connection:
        plane.model_rows.remove(connection, source)
    attempt()
    job = plane.copies.get(ELSEWHERE, arn)
    assert (job.status, "has been deleted since" in job.failure_message) == (CopyJobStatus.FAILED, True)
    assert plane.model_rows.every() == []


def test_a_superseded_attempt_leaves_nothing(plane, arn, clock):
    with plane.copy_rows.database.writing() as connection:
        plane.copy_rows.change(connection, arn, attempt=2)
    late = Assignment(job_arn=arn, attempt=1)
    rows = {"jobs": plane.copy_rows, "models": plane.model_rows, "artifacts": plane.artifacts}
    ModelCopyWorkflow(late, **rows, clock=clock).run()
    assert plane.copies.get(ELSEWHERE, arn).status is CopyJobStatus.IN_PROGRESS
    assert len(plane.model_rows.every()) == 1
    assert not list(plane.artifacts.root.glob("custom-models/*/eu-west-1/*/attempt-*"))


def test_a_commit_whose_answer_was_lost_keeps_the_weights(plane, scope, source, arn, attempt, monkeypatch):
    lost = lose_the_answer_of(monkeypatch, lambda: len(plane.model_rows.every()) == 2)
    attempt()
    assert lost
    assert plane.copies.get(ELSEWHERE, arn).status is CopyJobStatus.COMPLETED
    copy = plane.artifacts.resolve(plane.models.get(ELSEWHERE, "copied").artifact_path)
    assert (copy / "adapter_model.safetensors").read_bytes() == b"weights"


def test_another_accounts_copy_shows_nothing_of_how_the_model_was_made(
    plane, scope, other_scope, source, new_copy, attempt
):
    binding = plane.models.get(scope, source).request.get(BINDING_MEMBER, {"key": "nano"})
    request = {
        "training_s3_uri": "s3://private/train.jsonl",
        "validation_s3_uris": ["s3://private/validation.jsonl"],
        "output_s3_uri": "s3://private/output/",
        "modelSourceConfig": {"s3DataSource": {"s3Uri": "s3://private/model/"}},
        "roleArn": "arn:aws:iam::123456789012:role/private",
        BINDING_MEMBER: binding,
    }
    parent = "arn:aws:bedrock:us-west-2:123456789012:custom-model/amazon.titan-text-express-v1/private"
    with plane.model_rows.database.writing() as connection:
        plane.model_rows.change(
            connection, source, job_arn="arn:job", job_name="job", base_model_arn=parent, request=request
        )
    policy = (
        '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "bedrock:*",'
        ' "Resource": "*"}}'
    )
    plane.policies.put(scope, source, policy)
    stranger = "arn:aws:iam::210987654321:user/yuki"
    attempt(arn=plane.copies.create(other_scope, new_copy(source), principal_arn=stranger))
    copy = plane.models.get(other_scope, "copied")
    assert (copy.job_arn, copy.job_name) == (None, None)
    assert copy.request == {BINDING_MEMBER: binding, COPIED_FROM: source}
    foundation = arns.foundation_model_arn(other_scope.region, "amazon.titan-text-express-v1")
    assert copy.base_model_arn == foundation
