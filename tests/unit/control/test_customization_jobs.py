import pytest

from tanren.control.customization_evaluations import CustomizationEvaluations
from tanren.domain.customization_jobs import JobStatus
from tanren.domain.errors import Conflict, NotImplementedHere, ResourceNotFound, TanrenError, ValidationFailed
from tanren.domain.pages import PageRequest, decode_token
from tanren.storage.resources import ListFilter


def test_a_created_job_is_found_by_arn_and_by_name_and_waits_in_the_queue(plane, scope, new_job):
    arn = plane.jobs.create(scope, new_job())
    job = plane.jobs.get(scope, arn)
    assert job == plane.jobs.get(scope, "customer-service-ft")
    assert job.status is JobStatus.IN_PROGRESS
    assert job.attempt == 0
    assert arn.startswith(
        "arn:aws:bedrock:us-west-2:123456789012:model-customization-job/amazon.titan-text-express-v1/"
    )


def test_the_same_token_gives_the_same_job_and_makes_no_second_one(plane, scope, new_job):
    first = plane.jobs.create(scope, new_job(client_request_token="token-1"))
    assert plane.jobs.create(scope, new_job(client_request_token="token-1")) == first
    assert len(plane.jobs.page(scope, PageRequest(), ListFilter()).items) == 1


def test_the_same_token_with_other_parameters_is_a_conflict(plane, scope, new_job):
    plane.jobs.create(scope, new_job(client_request_token="token-1"))
    with pytest.raises(Conflict, match="token"):
        plane.jobs.create(scope, new_job(client_request_token="token-1", hyperparameters={"epochCount": "2"}))


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"base_model_identifier": "amazon.no-such-v1"}, ResourceNotFound, "amazon.titan-text-express-v1"),
        ({"base_model_identifier": "no-such-model"}, ResourceNotFound, "no-such-model"),
        ({"hyperparameters": {"epochCount": "99"}}, ValidationFailed, "epochCount is '99'; it must be .* 1 to 10"),
        ({"hyperparameters": {"epochCount": "many"}}, ValidationFailed, "many"),
        ({"hyperparameters": {"learningRate": "nan"}}, ValidationFailed, "nan"),
        ({"hyperparameters": {"temperature": "1"}}, ValidationFailed, "unknown key 'temperature'"),
        ({"training_s3_uri": None}, ValidationFailed, r"trainingDataConfig\.s3Uri"),
        ({"training_s3_uri": "s3://my-bucket/training/"}, ValidationFailed, "names no object"),
        ({"training_s3_uri": "s3://my-bucket"}, ValidationFailed, "names no object"),
        ({"role_arn": "arn:aws:iam::999999999999:role/Mine"}, ValidationFailed, "999999999999"),
        ({"customization_type": "DISTILLATION"}, NotImplementedHere, "DISTILLATION"),
        ({"unsupported": ("vpcConfig",)}, NotImplementedHere, "vpcConfig"),
        (
            {
                "base_model_identifier": "anthropic.claude-3-haiku-20240307-v1:0",
                "customization_type": "CONTINUED_PRE_TRAINING",
                "hyperparameters": {},
            },
            ValidationFailed,
            "does not support customizationType CONTINUED_PRE_TRAINING",
        ),
    ],
)
def test_a_request_that_breaks_a_rule_is_refused_with_the_rule_and_makes_no_job(
    plane, scope, new_job, changes: dict, error: type[TanrenError], text: str
):
    with pytest.raises(error, match=text):
        plane.jobs.create(scope, new_job(**changes))
    assert plane.jobs.page(scope, PageRequest(), ListFilter()).items == []


def test_names_of_jobs_and_of_models_are_taken_once(plane, scope, new_job):
    plane.jobs.create(scope, new_job())
    with pytest.raises(Conflict, match=r"^The provided job name is currently in use\.$"):
        plane.jobs.create(scope, new_job(custom_model_name="another"))
    with pytest.raises(Conflict, match="running job will make"):
        plane.jobs.create(scope, new_job(job_name="another"))
    plane.has_model(scope, "tuned")
    with pytest.raises(Conflict, match="custom model named 'tuned' already exists"):
        plane.jobs.create(scope, new_job(job_name="another", custom_model_name="tuned"))


def test_a_custom_model_can_be_the_base_of_the_next_job(plane, scope, new_job):
    model_arn = plane.has_model(scope, "tuned")
    by_arn = plane.jobs.create(scope, new_job(base_model_identifier=model_arn))
    by_name = plane.jobs.create(scope, new_job(base_model_identifier="tuned", job_name="two", custom_model_name="two"))
    for arn in (by_arn, by_name):
        job = plane.jobs.get(scope, arn)
        assert job.base_model_arn == model_arn
        assert job.foundation_model_id == "amazon.titan-text-express-v1"


def _held(plane, arn: str) -> str:
    """A worker has the job."""
    with plane.job_rows.database.writing() as connection:
        plane.job_rows.change(connection, arn, lease_owner="a worker", attempt=1)
    return arn


def test_a_job_that_no_worker_has_is_stopped_at_once(plane, scope, new_job):
    arn = plane.jobs.create(scope, new_job())
    plane.jobs.stop(scope, arn)
    job = plane.jobs.get(scope, arn)
    assert job.status is JobStatus.STOPPED
    assert job.ended_at is not None


def test_stopping_twice_is_once_and_a_job_that_ended_cannot_be_stopped(plane, scope, new_job, clock):
    arn = _held(plane, plane.jobs.create(scope, new_job()))
    plane.jobs.stop(scope, arn)
    plane.jobs.stop(scope, "customer-service-ft")
    assert plane.jobs.get(scope, arn).status is JobStatus.STOPPING
    with plane.job_rows.database.writing() as connection:
        assert plane.job_rows.move(connection, arn, JobStatus.STOPPED, at=clock())
    with pytest.raises(Conflict, match="already ended: its status is Stopped"):
        plane.jobs.stop(scope, arn)


def test_nothing_of_one_account_or_region_is_seen_from_another(plane, scope, other_scope, new_job):
    arn = plane.jobs.create(scope, new_job())
    for identifier in (arn, "customer-service-ft"):
        with pytest.raises(ResourceNotFound):
            plane.jobs.get(other_scope, identifier)
        with pytest.raises(ResourceNotFound):
            plane.jobs.stop(other_scope, identifier)
    assert plane.jobs.page(other_scope, PageRequest(), ListFilter()).items == []
    # The same names are free there.
    role = f"arn:aws:iam::{other_scope.account_id}:role/R"
    plane.jobs.create(other_scope, new_job(role_arn=role))


@pytest.mark.parametrize("descending", [True, False])
def test_pages_show_every_job_once_and_in_order(plane, scope, new_job, descending: bool):
    arns = [plane.jobs.create(scope, new_job(job_name=f"j{i}", custom_model_name=f"m{i}")) for i in range(7)]
    seen, token = [], None
    while True:
        after = None if token is None else decode_token(token)
        page = plane.jobs.page(scope, PageRequest(size=3, after=after, descending=descending), ListFilter())
        seen += [job.job_arn for job in page.items]
        token = page.next_token
        if token is None:
            break
    assert seen == (arns[::-1] if descending else arns)


def test_a_token_that_no_list_gave_is_refused():
    with pytest.raises(ValidationFailed, match="nextToken"):
        decode_token("not-a-token")


def test_filters_choose_by_status_name_and_time(plane, scope, new_job):
    first = plane.jobs.create(scope, new_job(job_name="alpha", custom_model_name="m1"))
    second = plane.jobs.create(scope, new_job(job_name="beta_100%", custom_model_name="m2"))
    plane.jobs.stop(scope, _held(plane, first))

    def arns(**wanted: object) -> list[str]:
        return [job.job_arn for job in plane.jobs.page(scope, PageRequest(), ListFilter(**wanted)).items]

    created = plane.jobs.get(scope, second).created_at
    assert arns(equals={"status": "Stopping"}) == [first]
    assert arns(name_contains="alp") == [first]
    assert arns(name_contains="%") == [second]
    assert arns(created_before=created) == [first]
    assert arns(created_after=created) == []


CRITERIA = "rougeL at least base + 0.1 and forgetting at most minor"
TEST_DATA = "s3://my-bucket/data/test.jsonl"


def test_success_criteria_are_kept_with_the_job_whatever_becomes_of_the_tag(plane, scope, new_job):
    tags = {"tanren:test-data": TEST_DATA, "tanren:success-criteria": CRITERIA}
    arn = plane.jobs.create(scope, new_job(job_tags=tags))
    plane.tags.remove(scope, arn, list(tags))
    assert plane.jobs.get(scope, arn).request["successCriteria"] == CRITERIA
    with pytest.raises(ValidationFailed, match="success-criteria is read when a customization job is created"):
        plane.tags.add(scope, arn, {"tanren:success-criteria": CRITERIA})


@pytest.mark.parametrize(
    ("tags", "kind", "said"),
    [
        ({"tanren:success-criteria": CRITERIA}, "FINE_TUNING", "has no effect without tanren:test-data"),
        (
            {"tanren:test-data": TEST_DATA, "tanren:success-criteria": "f1 at least base+few-shot"},
            "CONTINUED_PRE_TRAINING",
            "does not have examples of plain documents",
        ),
    ],
)
def test_criteria_that_could_never_be_decided_make_no_job(plane, scope, new_job, tags, kind, said):
    with pytest.raises(ValidationFailed, match=said):
        plane.jobs.create(scope, new_job(job_tags=tags, customization_type=kind))
    assert plane.job_rows.every() == []


def test_the_evaluation_of_the_base_stops_with_the_training(plane, scope, new_job, clock):
    arn = plane.jobs.create(scope, new_job(job_tags={"tanren:test-data": TEST_DATA}))
    evaluations = CustomizationEvaluations(plane.evaluation_rows, clock=clock)
    baseline = evaluations.begin_baseline(plane.jobs.get(scope, arn))
    with plane.job_rows.database.writing() as connection:
        plane.job_rows.change(connection, arn, attempt=1, lease_owner="worker")
    plane.jobs.stop(scope, arn)
    assert plane.evaluation_rows.by_arn(baseline).status == "Stopped"
