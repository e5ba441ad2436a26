import copy

import pytest

from tanren.control.custom_model_deployments import NewDeployment
from tanren.domain.errors import Conflict, NotImplementedHere, ResourceNotFound, TanrenError, ValidationFailed
from tanren.domain.evaluation_jobs import EvaluationJobStatus
from tanren.domain.pages import PageRequest
from tanren.storage.resources import ListFilter
from tanren.storage.training_records import TrainingRecords

JUDGE = "amazon.nova-pro-v1:0"


def _asking(new_evaluation, *identifiers: str, **changes):
    request = copy.deepcopy(dict(new_evaluation().request))
    request["inferenceConfig"]["models"] = [{"bedrockModel": {"modelIdentifier": each}} for each in identifiers]
    return new_evaluation(request=request, **changes)


def _set(plane, arn: str, **values) -> None:
    with plane.evaluation_rows.database.writing() as connection:
        plane.evaluation_rows.change(connection, arn, **values)


def test_a_created_job_is_found_by_its_arn_alone_and_waits_in_the_queue(plane, scope, new_evaluation):
    arn = plane.evaluations.create(scope, new_evaluation(tags={"team": "forge"}))
    job = plane.evaluations.get(scope, arn)
    assert arn == f"arn:aws:bedrock:us-west-2:123456789012:evaluation-job/{job.job_id}"
    assert (job.status, job.attempt, job.failure_messages) == (EvaluationJobStatus.IN_PROGRESS, 0, ())
    assert job.model_arns == {
        "amazon.titan-text-express-v1": "arn:aws:bedrock:us-west-2::foundation-model/amazon.titan-text-express-v1"
    }
    assert plane.tags.list(scope, arn) == {"team": "forge"}
    for other in (job.job_id, job.job_name):
        with pytest.raises(ResourceNotFound):
            plane.evaluations.get(scope, other)


def test_a_job_of_another_scope_is_not_there(plane, scope, other_scope, new_evaluation):
    arn = plane.evaluations.create(scope, new_evaluation())
    with pytest.raises(ResourceNotFound, match="no evaluation job"):
        plane.evaluations.get(other_scope, arn)
    assert list(plane.evaluations.delete(other_scope, [arn]).refused) == [arn]
    assert plane.evaluations.get(scope, arn).job_arn == arn


def test_the_same_token_gives_the_same_job_and_other_parameters_are_a_conflict(plane, scope, new_evaluation):
    first = plane.evaluations.create(scope, new_evaluation(client_request_token="t1"))
    assert plane.evaluations.create(scope, new_evaluation(client_request_token="t1")) == first
    with pytest.raises(Conflict, match="token"):
        plane.evaluations.create(scope, new_evaluation(client_request_token="t1", job_name="other"))


def test_a_name_is_taken_once_and_free_again_when_its_job_is_deleted(plane, scope, new_evaluation):
    arn = plane.evaluations.create(scope, new_evaluation())
    with pytest.raises(Conflict, match="'nightly-quality' already exists"):
        plane.evaluations.create(scope, new_evaluation())
    plane.evaluations.stop(scope, arn)
    assert plane.evaluations.delete(scope, [arn]).deleted == [arn]
    assert plane.evaluations.create(scope, new_evaluation()) != arn


@pytest.mark.parametrize(
    ("identifier", "error", "text"),
    [
        ("amazon.no-such-v1", ResourceNotFound, "no-such"),
        ("nobody", ResourceNotFound, "nobody"),
        ("arn:aws:bedrock:us-west-2:123456789012:imported-model/aaaaaaaaaaaa", ResourceNotFound, "imported model"),
    ],
)
def test_a_model_that_is_not_there_is_named(plane, scope, new_evaluation, identifier: str, error, text: str):
    with pytest.raises(error, match=text):
        plane.evaluations.create(scope, _asking(new_evaluation, identifier))


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"role_arn": "arn:aws:iam::999999999999:role/Mine"}, ValidationFailed, "999999999999"),
        ({"unsupported": ("evaluationConfig.human",)}, NotImplementedHere, "evaluationConfig.human"),
    ],
)
def test_a_request_that_breaks_a_rule_makes_no_job(
    plane, scope, new_evaluation, changes: dict, error: type[TanrenError], text: str
):
    with pytest.raises(error, match=text):
        plane.evaluations.create(scope, new_evaluation(**changes))
    assert plane.evaluations.page(scope, PageRequest(), ListFilter()).items == []


def test_whatever_can_be_invoked_can_be_evaluated_and_a_custom_model_is_kept_meanwhile(plane, scope, new_evaluation):
    model = plane.has_model(scope)
    imported = plane.has_imported_model(scope)
    deployment = plane.deployments.create(
        scope, NewDeployment(name="d", model_identifier=model, description=None, client_request_token=None)
    )
    by_name = plane.evaluations.create(scope, _asking(new_evaluation, "tuned", imported, job_name="a"))
    by_deployment = plane.evaluations.create(
        scope, _asking(new_evaluation, deployment, "us.amazon.nova-lite-v1:0", job_name="b")
    )
    assert plane.evaluations.get(scope, by_name).model_arns == {"tuned": model, imported: imported}
    asked = plane.evaluations.get(scope, by_deployment).model_arns
    assert asked[deployment] == deployment
    assert asked["us.amazon.nova-lite-v1:0"].endswith("inference-profile/us.amazon.nova-lite-v1:0")
    plane.deployments.delete(scope, deployment)
    with pytest.raises(Conflict, match=by_name):
        plane.models.delete(scope, model)
    plane.evaluations.stop(scope, by_name)
    plane.models.delete(scope, model)


def test_a_job_that_nobody_has_begun_is_stopped_at_once_and_only_a_running_one_can_be(plane, scope, new_evaluation):
    arn = plane.evaluations.create(scope, new_evaluation())
    plane.evaluations.stop(scope, arn)
    job = plane.evaluations.get(scope, arn)
    assert (job.status, job.ended_at is None) == (EvaluationJobStatus.STOPPED, False)
    with pytest.raises(Conflict, match="already ended: its status is Stopped"):
        plane.evaluations.stop(scope, arn)


def test_a_job_that_a_worker_has_had_is_left_to_a_worker_to_stop_and_is_not_deleted_before(
    plane, scope, new_evaluation
):
    arn = plane.evaluations.create(scope, new_evaluation())
    _set(plane, arn, attempt=1)
    plane.evaluations.stop(scope, arn)
    plane.evaluations.stop(scope, arn)
    assert plane.evaluations.get(scope, arn).status is EvaluationJobStatus.STOPPING
    done = plane.evaluations.delete(scope, [arn, arn])
    assert done.deleted == []
    assert isinstance(done.refused[arn], Conflict)
    assert "is Stopping" in str(done.refused[arn])


def test_deletion_takes_tags_and_events_along_and_tells_of_each_job_what_became_of_it(
    plane, scope, new_evaluation, database, clock
):
    names = ("ended", "running")
    ended, running = (plane.evaluations.create(scope, new_evaluation(job_name=name, tags={"a": "b"})) for name in names)
    records = TrainingRecords(database)
    for arn in (ended, running):
        records.add_event(arn, 1, "asked", at=clock())
    plane.evaluations.stop(scope, ended)
    unknown = ended[:-12] + "z" * 12
    done = plane.evaluations.delete(scope, [ended, running, unknown])
    assert done.deleted == [ended]
    assert {arn: type(error) for arn, error in done.refused.items()} == {running: Conflict, unknown: ResourceNotFound}
    assert [len(records.events(arn)) for arn in (ended, running)] == [0, 1]
    with pytest.raises(ResourceNotFound):
        plane.tags.list(scope, ended)
    assert plane.tags.list(scope, running) == {"a": "b"}


def test_lists_are_by_time_and_filtered_by_status_kind_and_name(plane, scope, new_evaluation):
    arns = [plane.evaluations.create(scope, new_evaluation(job_name=name)) for name in ("one", "two", "twofold")]
    plane.evaluations.stop(scope, arns[1])

    def listed(**wanted) -> list[str]:
        return [job.job_arn for job in plane.evaluations.page(scope, PageRequest(), ListFilter(**wanted)).items]

    assert listed() == arns[::-1]
    assert listed(name_contains="two") == [arns[2], arns[1]]
    assert listed(equals={"status": "Stopped"}) == [arns[1]]
    assert listed(equals={"application_type": "RagEvaluation"}) == []
    assert listed(created_after=plane.evaluations.get(scope, arns[1]).created_at) == [arns[2]]


def test_a_judge_of_the_line_of_a_tuned_model_is_refused_by_both_names(plane, scope, new_evaluation):
    judge = {"evaluatorModelConfig": {"bedrockEvaluatorModels": [{"modelIdentifier": JUDGE}]}}
    tuned = plane.has_model(scope, foundation="amazon.nova-lite-v1:0")
    deployed = plane.deployments.create(
        scope, NewDeployment(name="served", model_identifier=tuned, description=None, client_request_token=None)
    )

    def judged(*models: str):
        request = copy.deepcopy(dict(_asking(new_evaluation, *models).request))
        request["evaluationConfig"]["automated"] |= judge
        dataset = request["evaluationConfig"]["automated"]["datasetMetricConfigs"][0]
        dataset["metricNames"] = ["Builtin.Correctness"]
        return new_evaluation(request=request)

    for model in (tuned, deployed):
        with pytest.raises(ValidationFailed, match=f"judge {JUDGE} is of the same line.* tuned model {model}"):
            plane.evaluations.create(scope, judged("amazon.titan-text-express-v1", model))
    assert plane.evaluations.create(scope, judged("amazon.nova-lite-v1:0")), "nobody has tuned it"
