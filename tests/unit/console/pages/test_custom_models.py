"""Lists of models and jobs, and the page of a model."""

from starlette.testclient import TestClient

from tanren.console.api import ApiRefusal
from tests.unit.console.api_in_memory import ApiInMemory

SCRIPT = "<script>alert(1)</script>"


def test_an_empty_list_says_how_to_begin(client: TestClient):
    page = client.get("/console/custom-models").text
    assert "No custom model yet" in page
    assert "/console/custom-models/create?customization_type=FINE_TUNING" in page


def test_models_and_jobs_are_two_tabs_with_links_to_each(client: TestClient, api: ApiInMemory):
    api.add_model("glossary")
    api.add_job("tuning", status="Completed")
    assert 'href="/console/models/glossary"' in client.get("/console/custom-models").text
    jobs = client.get("/console/custom-models?tab=jobs").text
    assert 'href="/console/jobs/tuning"' in jobs
    assert "Completed" in jobs


def test_what_is_searched_for_is_asked_of_the_api_a_page_at_a_time(client: TestClient, api: ApiInMemory):
    client.get("/console/custom-models?name=glos&page=abc")
    asked = api.sent("ListCustomModels")
    assert (asked["nameContains"], asked["nextToken"], asked["maxResults"]) == ("glos", "abc", 20)


def test_a_name_that_is_markup_is_shown_as_text(client: TestClient, api: ApiInMemory):
    api.add_model(SCRIPT, baseModelName=SCRIPT)
    page = client.get("/console/custom-models").text
    assert SCRIPT not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_model_is_deleted_only_when_its_name_was_typed(client: TestClient, api: ApiInMemory, csrf_token: str):
    api.add_model("glossary")
    client.post("/console/models/glossary/delete", data={"csrf_token": csrf_token, "confirmation": "glosary"})
    assert "glossary" in api.models
    client.post("/console/models/glossary/delete", data={"csrf_token": csrf_token, "confirmation": "glossary"})
    assert "glossary" not in api.models


def test_a_model_that_is_not_there_is_told_with_what_may_be_the_reason(client: TestClient):
    answer = client.get("/console/models/nobody")
    assert answer.status_code == 404
    assert "nobody does not exist." in answer.text
    assert "another region or account" in answer.text


def test_a_refusal_is_shown_with_a_report_that_can_be_handed_on(client: TestClient, api: ApiInMemory):
    api.refusals["ListCustomModels"] = ApiRefusal(
        "bedrock:ListCustomModels is not allowed",
        code="AccessDeniedException",
        operation="ListCustomModels",
        status=403,
        request_id="0a1b",
    )
    answer = client.get("/console/custom-models")
    assert answer.status_code == 403
    assert "operation: ListCustomModels\nerror: AccessDeniedException" in answer.text
    assert "request id: 0a1b" in answer.text
