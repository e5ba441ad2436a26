"""Lists of models and jobs, and the page of a model."""

import pytest
from starlette.testclient import TestClient

from tanren.console.api import ApiRefusal
from tests.unit.console.api_in_memory import BASE_MODEL, ApiInMemory

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


@pytest.mark.parametrize(
    ("referer", "way_back"),
    [
        ("http://localhost/console/models/glossary", "/console/models/glossary"),
        ("https://other.test/console/models?arn=a", "/console/models?arn=a"),  # behind another name, the same console
        ("https://other.test/elsewhere", None),
        ("", None),
    ],
)
def test_what_was_refused_leads_back_to_where_it_was_asked(
    client: TestClient, api: ApiInMemory, csrf_token: str, referer: str, way_back: str | None
):
    api.refusals["DeleteCustomModel"] = ApiRefusal(
        "in use", code="ConflictException", operation="DeleteCustomModel", status=400
    )
    data = {"csrf_token": csrf_token, "confirmation": "glossary"}
    page = client.post("/console/models/glossary/delete", data=data, headers={"referer": referer}).text
    assert "in use" in page
    assert (f'href="{way_back}">Back</a>' in page) if way_back else ("Back</a>" not in page)


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


def test_a_models_lineage_is_a_picture_that_leads_to_its_parents(client: TestClient, api: ApiInMemory):
    api.add_model("second")
    base = f"arn:aws:bedrock:us-east-1::foundation-model/{BASE_MODEL}"
    line = [{"modelArn": api.models["second"]["modelArn"], "modelName": "second"}, {"modelArn": base}]
    api.lineage = {"weights": SCRIPT, "ancestors": line, "descendants": []}
    page = client.get("/console/models/second").text
    assert '<svg class="lineage"' in page
    assert 'href="/console/foundation-models/tanren.nano-v1%3A0"' in page
    assert SCRIPT not in page


def test_an_endpoint_that_knows_no_lineage_has_the_page_without_it(client: TestClient, api: ApiInMemory):
    api.add_model("glossary")
    api.refusals["GetModelLineage"] = ApiRefusal(
        "No such service.", code="404", operation="GetModelLineage", service="tanren"
    )
    page = client.get("/console/models/glossary")
    assert page.status_code == 200
    assert "<h2>Lineage" not in page.text


def test_a_model_shows_its_own_evaluations_and_offers_one_beside_its_source(client: TestClient, api: ApiInMemory):
    api.add_model("tuned-model")
    api.add_model("other")
    api.add_evaluation("quality")
    assert 'href="/console/evaluations/quality00000"' in client.get("/console/models/tuned-model").text
    page = client.get("/console/models/other").text
    assert "quality00000" not in page
    assert f"baseline={BASE_MODEL.replace(':', '%3A')}" in page


def test_the_files_of_its_job_are_listed_with_links(client: TestClient, api: ApiInMemory):
    api.add_model("glossary", outputDataConfig={"s3Uri": "s3://bucket/out/"})
    key = "out/model-customization-job-abcdefghijkl/training_artifacts/step_wise_training_metrics.csv"
    api.put(key, b"x" * 20)
    page = client.get("/console/models/glossary").text
    assert f'href="/console/data/bucket/object?key={key}"' in page
    assert ">training_artifacts/step_wise_training_metrics.csv</a>" in page


def test_what_depends_on_a_model_stands_where_it_would_be_deleted(client: TestClient, api: ApiInMemory):
    api.add_model("glossary")
    arn = api.models["glossary"]["modelArn"]
    api.CreateProvisionedModelThroughput(provisionedModelName="faq", modelId=arn, modelUnits=1)
    page = client.get("/console/models/glossary").text
    assert "must be deleted first" in page
    assert 'href="/console/provisioned-throughput/faq"' in page


def test_tags_are_added_and_taken_away(client: TestClient, api: ApiInMemory, csrf_token: str):
    api.add_model("glossary")
    arn = api.models["glossary"]["modelArn"]
    form = {"csrf_token": csrf_token, "key": "version", "value": SCRIPT}
    assert (
        client.post("/console/models/glossary/tags", data=form).headers["location"] == "/console/models/glossary#tags"
    )
    assert api.tags[arn] == {"version": SCRIPT}
    assert SCRIPT not in client.get("/console/models/glossary").text
    client.post("/console/models/glossary/tags", data={"csrf_token": csrf_token, "remove": "version"})
    assert api.tags[arn] == {}


def test_a_models_arn_leads_to_its_page(client: TestClient, api: ApiInMemory):
    api.add_model("glossary")
    answer = client.get("/console/models", params={"arn": api.models["glossary"]["modelArn"]})
    assert answer.headers["location"] == "/console/models/glossary"
