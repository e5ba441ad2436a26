import pytest

from tanren.domain.errors import Conflict, NotImplementedHere, ResourceNotFound, TanrenError, ValidationFailed
from tanren.domain.model_import_jobs import ImportJobStatus
from tanren.domain.pages import PageRequest
from tanren.storage.resources import ListFilter


def test_a_created_job_is_found_by_arn_and_name_and_waits_in_the_queue(plane, scope, new_import):
    arn = plane.imports.create(scope, new_import(job_tags={"team": "forge"}))
    job = plane.imports.get(scope, arn)
    assert job == plane.imports.get(scope, "bring-llama")
    assert arn == f"arn:aws:bedrock:us-west-2:123456789012:model-import-job/{job.job_id}"
    assert (job.status, job.attempt, job.imported_model_arn) == (ImportJobStatus.IN_PROGRESS, 0, None)
    assert plane.tags.list(scope, arn) == {"team": "forge"}


def test_the_same_token_gives_the_same_job_and_other_parameters_are_a_conflict(plane, scope, new_import):
    first = plane.imports.create(scope, new_import(client_request_token="t1"))
    assert plane.imports.create(scope, new_import(client_request_token="t1")) == first
    with pytest.raises(Conflict, match="token"):
        plane.imports.create(scope, new_import(client_request_token="t1", source_s3_uri="s3://other/"))


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({}, Conflict, "'bring-llama' already exists"),
        ({"job_name": "again"}, Conflict, "A running job will import a model named 'my-llama'"),
        ({"role_arn": "arn:aws:iam::999999999999:role/Mine"}, ValidationFailed, "999999999999"),
        ({"unsupported": ("vpcConfig",)}, NotImplementedHere, "vpcConfig"),
    ],
)
def test_a_request_that_breaks_a_rule_is_refused_and_makes_no_job(
    plane, scope, new_import, changes: dict, error: type[TanrenError], text: str
):
    plane.imports.create(scope, new_import())
    with pytest.raises(error, match=text):
        plane.imports.create(scope, new_import(**changes))
    assert len(plane.imports.page(scope, PageRequest(), ListFilter()).items) == 1


def test_another_account_neither_sees_a_job_nor_is_kept_from_its_names(plane, scope, other_scope, new_import):
    arn = plane.imports.create(scope, new_import())
    with pytest.raises(ResourceNotFound, match="no model import job"):
        plane.imports.get(other_scope, arn)
    plane.imports.create(other_scope, new_import(role_arn="arn:aws:iam::210987654321:role/R"))


def test_a_failed_job_gives_its_models_name_free(plane, scope, new_import):
    arn = plane.imports.create(scope, new_import())
    with plane.import_rows.database.writing() as connection:
        plane.import_rows.move(connection, arn, ImportJobStatus.FAILED, at=plane.clock())
    plane.imports.create(scope, new_import(job_name="again"))
