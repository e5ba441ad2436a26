"""The first page: what runs, what is in service, and what needs somebody."""

from starlette.testclient import TestClient

from tanren.console.api import ApiRefusal
from tests.unit.console.api_in_memory import ACCOUNT, BASE_MODEL, ApiInMemory

SCRIPT = "<script>alert(1)</script>"
THROUGHPUT = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:provisioned-model/abcdefghijkl"


def buy(api: ApiInMemory, **values: object) -> None:
    api.CreateProvisionedModelThroughput(provisionedModelName="faq", modelId="arn:model", modelUnits=1)
    api.throughputs["faq"].update(values)


def overview(client: TestClient) -> str:
    return client.get("/console/overview").text


def test_signing_in_leads_to_it(client: TestClient):
    assert client.get("/console/").headers["location"] == "/console/overview"


def test_a_new_account_is_shown_the_seven_steps_with_a_link_to_each(client: TestClient):
    page = overview(client)
    assert "in seven steps" in page
    for path in ("/console/foundation-models", "/console/data", "/console/evaluations/create", "/console/playground"):
        assert f'<a href="{path}"><b>' in page


def test_running_jobs_of_every_kind_lead_to_their_pages(client: TestClient, api: ApiInMemory):
    api.add_job("tuning")
    api.add_job("done", status="Completed")
    api.add_evaluation("quality")
    api.metrics["tuning"] = {"progress": {"share": 0.42, "remainingSeconds": 90}, "steps": [], "validations": []}
    page = overview(client)
    assert 'href="/console/jobs/tuning"' in page
    assert "/console/jobs/done" not in page
    assert 'href="/console/evaluations/quality00000"' in page
    assert "42 %" in page
    assert "about 1 min 30 s left" in page


def test_what_is_in_service_is_shown_with_what_it_has_used_and_costs(client: TestClient, api: ApiInMemory):
    buy(api)
    api.usage = [
        {
            "resourceArn": THROUGHPUT,
            "modelArn": "arn:model",
            "requestCount": 12,
            "inputTokenCount": 3400,
            "outputTokenCount": 560,
            "generationSeconds": 9.0,
            "unitSeconds": 5400.0,
            "cost": 10.5,
        }
    ]
    page = overview(client)
    assert "3,400 / 560" in page
    assert "1.50" in page
    assert "10.50 USD" in page
    assert "nobody has asked" not in page


def test_a_throughput_that_nobody_asks_is_told_of(client: TestClient, api: ApiInMemory):
    buy(api)
    assert "faq is in service and nobody has asked it this month." in overview(client)


def test_what_has_failed_needs_attention_and_says_where(client: TestClient, api: ApiInMemory):
    api.add_job("broken", status="Failed")
    buy(api, status="Failed")
    api.engines = [{"baseModel": BASE_MODEL, "status": "Failed", "failureMessage": SCRIPT}]
    page = overview(client)
    assert "The training job broken failed." in page
    assert "faq failed to come into service." in page
    assert f"The engine of {BASE_MODEL} could not be started" in page
    assert SCRIPT not in page
    assert "Nothing needs attention" not in page


def test_a_training_that_goes_badly_is_told_of_with_its_diagnosis(client: TestClient, api: ApiInMemory):
    api.add_job("tuning")
    api.metrics["tuning"] = {"progress": {}, "steps": [], "validations": [], "diagnosis": "Diverged: the loss rises."}
    page = overview(client)
    assert "The training job tuning does not go well." in page
    assert "Diverged: the loss rises." in page


def test_jobs_that_nobody_works_on_are_told_of(client: TestClient, api: ApiInMemory):
    api.add_job("tuning")
    api.waiting = 1
    assert "no worker has one" in overview(client)


def test_what_could_not_be_asked_is_named_and_the_rest_is_shown(client: TestClient, api: ApiInMemory):
    api.add_job("tuning")
    api.refusals["GetUsage"] = ApiRefusal("not allowed to tanren:GetUsage", code="AccessDenied", operation="GetUsage")
    page = overview(client)
    assert "not allowed to tanren:GetUsage" in page
    assert 'href="/console/jobs/tuning"' in page
