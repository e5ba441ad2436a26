"""Throughput is bought after a question, shown with what calls it, and deleted."""

from starlette.testclient import TestClient

from tanren.console.api import ApiRefusal
from tests.unit.console.api_in_memory import ApiInMemory

FORM = {"name": "ft-pt", "model": "arn:aws:bedrock:us-east-1:123456789012:custom-model/x/y", "units": "2", "term": ""}


def test_nothing_is_bought_before_the_box_is_ticked(client: TestClient, api: ApiInMemory, csrf_token: str):
    asked = client.post("/console/provisioned-throughput/create", data={"csrf_token": csrf_token, **FORM})
    assert "Confirm the purchase" in asked.text
    assert "create_provisioned_model_throughput" in asked.text
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
    api.tags[answer["provisionedModelArn"]]["tanren:tokens-per-minute"] = "21500"
    page = client.get("/console/provisioned-throughput/ft-pt").text
    assert answer["provisionedModelArn"] in page
    assert "21500 tokens a minute" in page
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
