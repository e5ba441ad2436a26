"""Throughput is bought after a question, shown with what calls it, and deleted."""

from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from tanren.console.api import ApiRefusal
from tests.unit.console.api_in_memory import ApiInMemory

FORM = {"name": "ft-pt", "model": "arn:aws:bedrock:us-east-1:123456789012:custom-model/x/y", "units": "2", "term": ""}


def test_nothing_is_bought_before_the_box_is_ticked(client: TestClient, api: ApiInMemory, csrf_token: str):
    asked = client.get("/console/provisioned-throughput/confirm", params=FORM)
    assert "Confirm the purchase" in asked.text
    assert "create_provisioned_model_throughput" in asked.text
    unticked = client.post("/console/provisioned-throughput/create", data={"csrf_token": csrf_token, **FORM})
    assert unticked.headers["location"].startswith("/console/provisioned-throughput/confirm?name=ft-pt&model=arn")
    assert api.throughputs == {}
    form = {"csrf_token": csrf_token, **FORM, "confirmed": "on"}
    bought = client.post("/console/provisioned-throughput/create", data=form)
    assert bought.headers["location"] == "/console/provisioned-throughput/ft-pt"
    assert api.sent("CreateProvisionedModelThroughput") == {
        "provisionedModelName": "ft-pt",
        "modelId": FORM["model"],
        "modelUnits": 2,
    }


def test_term_and_time_to_live_are_sent_where_they_are_chosen(client: TestClient, api: ApiInMemory, csrf_token: str):
    form = {"csrf_token": csrf_token, **FORM, "term": "OneMonth", "ttl": "50m", "confirmed": "on"}
    client.post("/console/provisioned-throughput/create", data=form)
    sent = api.sent("CreateProvisionedModelThroughput")
    assert sent["commitmentDuration"] == "OneMonth"
    assert sent["tags"] == [{"key": "tanren:ttl", "value": "50m"}]


def test_a_throughput_comes_with_its_arn_and_what_calls_it(client: TestClient, api: ApiInMemory):
    answer = api.CreateProvisionedModelThroughput(provisionedModelName="ft-pt", modelId="m", modelUnits=1)
    page = client.get("/console/provisioned-throughput/ft-pt").text
    assert answer["provisionedModelArn"] in page
    assert "21,500 tokens a minute" in page
    assert "runtime.converse(" in page
    assert "ChatBedrockConverse" in page
    assert "aws bedrock-runtime converse" in page


def test_a_refused_purchase_leaves_the_form_as_it_was(client: TestClient, api: ApiInMemory, csrf_token: str):
    api.refusals["CreateProvisionedModelThroughput"] = ApiRefusal(
        "The name is taken.", code="ConflictException", operation="CreateProvisionedModelThroughput", status=400
    )
    form = {"csrf_token": csrf_token, **FORM, "confirmed": "on"}
    answer = client.post("/console/provisioned-throughput/create", data=form)
    assert answer.status_code == 400
    assert "The name is taken." in answer.text
    assert 'value="ft-pt"' in answer.text


def test_it_is_deleted_only_with_the_tick(client: TestClient, api: ApiInMemory, csrf_token: str):
    api.CreateProvisionedModelThroughput(provisionedModelName="ft-pt", modelId="m", modelUnits=1)
    client.post("/console/provisioned-throughput/ft-pt/delete", data={"csrf_token": csrf_token})
    assert "ft-pt" in api.throughputs
    client.post("/console/provisioned-throughput/ft-pt/delete", data={"csrf_token": csrf_token, "confirmed": "on"})
    assert api.throughputs == {}


def test_from_the_question_the_way_back_leads_to_the_form_as_it_was(client: TestClient, api: ApiInMemory):
    chosen = {**FORM, "ttl": "2h"}
    page = client.get("/console/provisioned-throughput/confirm", params=chosen).text
    told = urlencode({name: value for name, value in chosen.items() if value}).replace("&", "&amp;")
    assert f'href="/console/provisioned-throughput/create?{told}"' in page
    form = client.get("/console/provisioned-throughput/create", params=chosen).text
    assert '<option value="2h" selected>' in form
    assert 'value="ft-pt"' in form


@pytest.mark.parametrize("lacking", [{"name": ""}, {"model": ""}, {"units": "two"}, {"units": "٢"}])
def test_what_is_lacking_is_asked_for(client: TestClient, lacking: dict[str, str]):
    answer = client.get("/console/provisioned-throughput/confirm", params={**FORM, **lacking})
    assert answer.status_code == 400
    assert "Name, model and a whole number of units are needed." in answer.text


def test_memory_and_cost_are_told_before_the_purchase(client: TestClient, api: ApiInMemory):
    page = client.get("/console/provisioned-throughput/confirm", params=FORM).text
    assert api.sent("EstimateProvisionedThroughput") == {"modelId": FORM["model"], "modelUnits": 2}
    assert "420 MB of 8.0 GB free" in page
    assert "41 USD an hour" in page


def test_an_endpoint_that_estimates_nothing_sells_all_the_same(client: TestClient, api: ApiInMemory):
    for operation in ("EstimateProvisionedThroughput", "GetProvisionedCapacity", "GetUsage"):
        api.refusals[operation] = ApiRefusal("Unknown.", code="UnknownOperationException", operation=operation)
    asked = client.get("/console/provisioned-throughput/confirm", params=FORM)
    assert "Confirm the purchase" in asked.text
    api.CreateProvisionedModelThroughput(provisionedModelName="ft-pt", modelId="m", modelUnits=1)
    assert client.get("/console/provisioned-throughput/ft-pt").status_code == 200
    assert client.get("/console/provisioned-throughput").status_code == 200


def test_what_it_has_cost_so_far_and_when_it_deletes_itself_is_told(client: TestClient, api: ApiInMemory):
    arn = api.CreateProvisionedModelThroughput(
        provisionedModelName="ft-pt", modelId="m", modelUnits=1, tags=[{"key": "tanren:ttl", "value": "2h"}]
    )["provisionedModelArn"]
    line = {"modelArn": "m", "requestCount": 3, "inputTokenCount": 40, "outputTokenCount": 60, "unitSeconds": 5400.0}
    api.usage = [{**line, "resourceArn": arn, "cost": 61.5}, {**line, "resourceArn": "another", "cost": 9000.0}]
    page = client.get("/console/provisioned-throughput/ft-pt").text
    assert "61.5 USD" in page
    assert "1.50" in page
    assert 'data-until="2026-11-21T11:00:00+00:00"' in page
