from collections.abc import Mapping

import pytest

from tanren.domain.errors import JobFailed
from tanren.recipes import running
from tanren.recipes.running import Order, run_recipe
from tests.unit.recipes.endpoint_in_memory import EndpointInMemory


class Nobody:
    """A listener that keeps the names of what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def uploaded(self, stage, files) -> None:
        self.told.append("uploaded")

    def looked(self, job: Mapping[str, object]) -> None:
        self.told.append("looked")

    def finished(self, job: Mapping[str, object], seconds: float) -> None:
        self.told.append("finished")

    def in_service(self, model_id: str, seconds: float) -> None:
        self.told.append("in service")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "LOOK_SECONDS", 0)


def order(stages: int = 1, **changes) -> Order:
    values = {
        "run_name": "forge-1",
        "base_model": "tanren.nano-v1:0",
        "role_arn": "arn:role",
        "bucket": "b",
        "hyperparameters": [{"epochCount": "2"}] * stages,
    }
    return Order(**{**values, **changes})


def test_a_run_uploads_trains_serves_asks_both_models_and_leaves_nothing_in_service(make_recipe):
    endpoint, listener = EndpointInMemory(), Nobody()
    outcome = run_recipe(make_recipe(), order(), endpoint.clients, listener)
    (answered,) = outcome.answered
    assert (answered.base_share, answered.tuned_share, answered.is_as_claimed) == (0.0, 1.0, True)
    assert answered.tuned[1] == "On the anvil."
    assert endpoint.jobs[0]["hyperParameters"] == {"epochCount": "2"}
    assert listener.told == ["uploaded", "looked", "finished", "in service"]
    assert endpoint.in_service == {}
    assert endpoint.ever_in_service == ["arn:deployment/forge-1"]


def test_a_second_stage_goes_on_from_the_model_of_the_first(make_recipe):
    stage = '[[stages]]\ncustomization_type = "FINE_TUNING"\ntraining = "train.jsonl"\nhyperparameters = {}\n\n'
    endpoint = EndpointInMemory()
    outcome = run_recipe(
        make_recipe(lambda text: text.replace("[[checks]]", f"{stage}[[checks]]")),
        order(stages=2),
        endpoint.clients,
        Nobody(),
    )
    assert [job["baseModelIdentifier"] for job in endpoint.jobs] == ["tanren.nano-v1:0", "arn:model/arn:job/0"]
    assert len(outcome.jobs) == 2


def test_a_model_that_is_kept_stays_in_service_as_it_was_asked_for(make_recipe):
    endpoint = EndpointInMemory()
    outcome = run_recipe(make_recipe(), order(serving="provisioned", is_kept=True), endpoint.clients, Nobody())
    assert list(endpoint.in_service) == ["arn:provisioned/forge-1"] == [outcome.served_model]


def test_a_job_that_fails_ends_the_run_with_the_services_reason(make_recipe):
    endpoint = EndpointInMemory(job_ends="Failed")
    with pytest.raises(JobFailed, match="Failed: row 1 is torn"):
        run_recipe(make_recipe(), order(), endpoint.clients, Nobody())
    assert endpoint.ever_in_service == []


def test_an_error_while_asking_leaves_nothing_in_service(make_recipe, monkeypatch: pytest.MonkeyPatch):
    endpoint = EndpointInMemory()
    answer = endpoint.converse

    def refuse_the_tuned(**request):
        if request["modelId"] in endpoint.in_service:
            raise ConnectionError("gone")
        return answer(**request)

    monkeypatch.setattr(endpoint, "converse", refuse_the_tuned)
    with pytest.raises(ConnectionError):
        run_recipe(make_recipe(), order(), endpoint.clients, Nobody())
    assert endpoint.in_service == {}
