import json

import pytest

from tanren.control.model_copy_jobs import COPY_ACTION
from tanren.domain.errors import Conflict, NotImplementedHere, ResourceNotFound, ValidationFailed
from tanren.domain.model_copy_jobs import CopyJobStatus
from tanren.domain.pages import PageRequest
from tanren.domain.scope import Scope
from tanren.storage.resources import ListFilter

ME = "arn:aws:iam::123456789012:user/mika"
STRANGER = "arn:aws:iam::210987654321:user/yuki"


@pytest.fixture
def elsewhere() -> Scope:
    """Another region of the same account."""
    return Scope(account_id="123456789012", region="eu-west-1")


def shared_with(principal: str, effect: str = "Allow", action: str = COPY_ACTION) -> str:
    statement = {"Effect": effect, "Principal": {"AWS": principal}, "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_job_knows_its_target_from_the_start_and_is_found_by_arn_where_the_copy_is(plane, scope, elsewhere, new_copy):
    source = plane.has_model(scope)
    arn = plane.copies.create(elsewhere, new_copy(source), principal_arn=ME)
    job = plane.copies.get(elsewhere, arn)
    assert arn == f"arn:aws:bedrock:eu-west-1:123456789012:model-copy-job/{job.job_id}"
    assert job.target_model_arn.startswith(
        "arn:aws:bedrock:eu-west-1:123456789012:custom-model/amazon.titan-text-express-v1/"
    )
    assert (job.status, job.source_model_name, job.source_account_id) == (
        CopyJobStatus.IN_PROGRESS,
        "tuned",
        "123456789012",
    )
    for asked_in, identifier in ((scope, arn), (elsewhere, "copied")):
        with pytest.raises(ResourceNotFound, match="no model copy job"):
            plane.copies.get(asked_in, identifier)


def test_the_same_token_gives_the_same_job(plane, scope, elsewhere, new_copy):
    source = plane.has_model(scope)
    first = plane.copies.create(elsewhere, new_copy(source, client_request_token="t"), principal_arn=ME)
    assert plane.copies.create(elsewhere, new_copy(source, client_request_token="t"), principal_arn=ME) == first
    other = new_copy(source, client_request_token="t", target_model_name="other")
    with pytest.raises(Conflict, match="token"):
        plane.copies.create(elsewhere, other, principal_arn=ME)


def test_what_cannot_be_copied_is_refused(plane, scope, elsewhere, new_copy, new_custom_model):
    source = plane.has_model(scope)
    creating = plane.models.create(scope, new_custom_model())
    foundation = "arn:aws:bedrock:us-west-2::foundation-model/amazon.titan-text-express-v1"
    for asked_in, new, error, text in (
        (scope, new_copy(source), ValidationFailed, "already"),
        (elsewhere, new_copy(source + "x"), ResourceNotFound, "no custom model"),
        (elsewhere, new_copy(creating), ValidationFailed, "is Creating"),
        (elsewhere, new_copy(foundation), ValidationFailed, "ARN of a custom model"),
        (elsewhere, new_copy(source, unsupported=("modelKmsKeyId",)), NotImplementedHere, "modelKmsKeyId"),
    ):
        with pytest.raises(error, match=text):
            plane.copies.create(asked_in, new, principal_arn=ME)
    assert plane.copies.page(elsewhere, PageRequest(), ListFilter()).items == []


def test_a_name_is_taken_by_models_and_by_running_jobs_of_both_kinds(
    plane, scope, elsewhere, new_copy, new_job, new_custom_model
):
    source = plane.has_model(scope)
    plane.has_model(elsewhere, "copied")
    with pytest.raises(Conflict, match="'copied' already exists"):
        plane.copies.create(elsewhere, new_copy(source), principal_arn=ME)
    plane.copies.create(elsewhere, new_copy(source, target_model_name="one"), principal_arn=ME)
    with pytest.raises(Conflict, match="running copy job will make a model named 'one'"):
        plane.copies.create(elsewhere, new_copy(source, target_model_name="one"), principal_arn=ME)
    with pytest.raises(Conflict, match="running copy job will make a model named 'one'"):
        plane.models.create(elsewhere, new_custom_model(model_name="one"))
    with pytest.raises(Conflict, match="running copy job will make a model named 'one'"):
        plane.jobs.create(elsewhere, new_job(custom_model_name="one"))
    plane.jobs.create(elsewhere, new_job(custom_model_name="two"))
    with pytest.raises(Conflict, match="running job will make a custom model named 'two'"):
        plane.copies.create(elsewhere, new_copy(source, target_model_name="two"), principal_arn=ME)


@pytest.mark.parametrize(
    ("principal", "copier", "may"),
    [
        (STRANGER, STRANGER, True),
        ("arn:aws:iam::210987654321:root", STRANGER, True),
        ("210987654321", "arn:aws:iam::210987654321:root", True),
        ("*", STRANGER, True),
        ("arn:aws:iam::210987654321:user/other", STRANGER, False),
        ("arn:aws:iam::333333333333:root", STRANGER, False),
        (None, STRANGER, False),
        (None, "arn:aws:iam::210987654321:root", False),
    ],
)
def test_a_model_of_another_account_is_copied_by_those_whom_its_policy_lets(
    plane, scope, other_scope, new_copy, principal: str | None, copier: str, may: bool
):
    source = plane.has_model(scope)
    if principal is not None:
        plane.policies.put(scope, source, shared_with(principal))
    if may:
        plane.copies.create(other_scope, new_copy(source), principal_arn=copier)
        return
    with pytest.raises(ResourceNotFound) as hidden:
        plane.copies.create(other_scope, new_copy(source), principal_arn=copier)
    missing = source[:-1] + "z"
    with pytest.raises(ResourceNotFound) as absent:
        plane.copies.create(other_scope, new_copy(missing), principal_arn=copier)
    assert str(hidden.value).replace(source, missing) == str(absent.value)


def test_a_model_that_is_being_copied_is_kept_and_another_accounts_job_is_not_named(
    plane, scope, other_scope, elsewhere, new_copy
):
    source = plane.has_model(scope)
    plane.policies.put(scope, source, shared_with("*"))
    own = plane.copies.create(elsewhere, new_copy(source), principal_arn=ME)
    others = plane.copies.create(other_scope, new_copy(source), principal_arn=STRANGER)
    with pytest.raises(Conflict) as kept:
        plane.models.delete(scope, source)
    assert own in str(kept.value)
    assert others not in str(kept.value)
    assert "a copy of account 210987654321" in str(kept.value)
    for arn in (own, others):
        with plane.copy_rows.database.writing() as connection:
            plane.copy_rows.move(connection, arn, CopyJobStatus.FAILED, at=plane.clock())
    plane.models.delete(scope, source)


def test_a_policy_for_another_action_or_with_a_deny_shares_nothing(plane, scope, other_scope, new_copy):
    source = plane.has_model(scope)
    for document in (shared_with("*", action="bedrock:InvokeModel"), shared_with("*", effect="Deny")):
        plane.policies.put(scope, source, document)
        with pytest.raises(ResourceNotFound):
            plane.copies.create(other_scope, new_copy(source), principal_arn=STRANGER)
