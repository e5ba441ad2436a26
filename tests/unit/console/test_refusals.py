"""An endpoint that is not tanren, and users who may do little: every page opens, or says in the API's words why not."""

import re
from html import unescape

import pytest
from starlette.testclient import TestClient

from tanren.console.api import ApiRefusal
from tanren.console.application import PAGES
from tests.unit.console.api_in_memory import BASE_MODEL, ApiInMemory

DENIED = "User: arn:aws:iam::123456789012:user/hanako is not authorized to perform: {operation}"
NO_PAGES = {"/console/overview/live", "/console/jobs/{name}/live", "/console/evaluations/{id}/live"}
"""Parts of pages; a refusal ends them (test_live_parts.py)."""
FILES = {"/console/evaluations/{id}/table.md", "/console/evaluations/{id}/table.csv"}
"""Without the names that could not be asked for, there are identifiers in them."""
NEEDS_TANREN = {"/console/audit", "/console/jobs/{name}/losses.csv"}
PLACES = [path for path, _, method in PAGES if method == "GET" and path not in NO_PAGES]


@pytest.fixture
def paths(api: ApiInMemory) -> dict[str, str]:
    """By place, the path of a page that has something to show."""
    api.add_job("tuning", status="Completed")
    api.add_model("tuned", outputDataConfig={"s3Uri": "s3://bucket/output/"})
    api.put("train.jsonl", b'{"prompt": "a", "completion": "b"}\n')
    evaluation = api.add_evaluation("quality", status="Completed").rpartition("/")[2]
    api.CreateProvisionedModelThroughput(
        provisionedModelName="faq", modelId=api.models["tuned"]["modelArn"], modelUnits=1
    )
    values = {"model_id": BASE_MODEL, "bucket": "bucket", "id": evaluation}
    names = {"/console/jobs": "tuning", "/console/models": "tuned", "/console/provisioned-throughput": "faq"}
    queries = {
        "/console/data/{bucket}/object": "?key=train.jsonl",
        "/console/data/{bucket}/pairs": "?key=notes.md",
        "/console/models": f"?arn={api.models['tuned']['modelArn']}",
        "/console/provisioned-throughput/confirm": f"?name=new&units=1&model={api.models['tuned']['modelArn']}",
    }
    made: dict[str, str] = {}
    for place in PLACES:
        name = next((name for prefix, name in names.items() if place.startswith(prefix)), "")
        made[place] = place.format(**values, name=name) + queries.get(place, "")
    return made


class NotTanren(ApiInMemory):
    """Another server: it has all of Bedrock, and nothing of the service that only tanren has."""

    async def ask(self, service: str, operation: str, /, **params: object) -> dict[str, object]:
        if service == "tanren":
            raise ApiRefusal(
                "Unknown service: 'tanren'.", code="UnknownServiceError", operation=operation, service=service
            )
        return await super().ask(service, operation, **params)


class TestAnEndpointThatIsNotTanren:
    @pytest.fixture
    def api(self) -> ApiInMemory:
        return NotTanren()

    @pytest.mark.parametrize("place", PLACES)
    def test_opens_every_page_of_bedrocks_own_operations_and_says_what_is_left_out(
        self, client: TestClient, paths: dict[str, str], place: str
    ):
        answer = client.get(paths[place])
        assert (answer.status_code in (200, 303)) is (place not in NEEDS_TANREN)
        assert "Unknown service" not in answer.text

    @pytest.mark.parametrize(
        ("path", "operations"),
        [
            ("/console/overview", "GetServiceStatus, GetUsage"),
            ("/console/jobs/tuning", "GetJobEvaluation, GetJobMetrics, GetJobSamples, ListJobEvents"),
            ("/console/models/tuned", "GetModelLineage"),
            ("/console/audit", "ListAuditEvents"),
            ("/console/status", "GetServiceStatus"),
        ],
    )
    def test_is_named_as_such_with_what_it_lacks(
        self, client: TestClient, paths: dict[str, str], path: str, operations: str
    ):
        sentence = f"The endpoint is not tanren, so what only tanren has is left out here: {operations}."
        assert sentence in client.get(path).text

    def test_is_well_when_all_that_it_has_answers(self, client: TestClient):
        assert "Everything answers." in client.get("/console/status").text

    def test_examines_no_data_and_says_so(self, client: TestClient, csrf_token: str):
        form = {"csrf_token": csrf_token, "key": "train.jsonl", "base_model": BASE_MODEL}
        assert "The endpoint is not tanren" in client.post("/console/data/bucket/check", data=form).text


def refuse(api: ApiInMemory, operation: str) -> None:
    api.refusals[operation] = ApiRefusal(
        DENIED.format(operation=operation), code="AccessDeniedException", operation=operation, status=403
    )


@pytest.mark.parametrize("place", [place for place in PLACES if place not in FILES])
def test_each_single_refusal_is_told_on_the_page_that_met_it(
    client: TestClient, api: ApiInMemory, paths: dict[str, str], place: str
):
    """On the page itself: where the rest is there, beside it."""
    api.asked.clear()
    assert client.get(paths[place]).status_code in (200, 303)
    asked = dict.fromkeys(operation for _, operation, _ in api.asked)
    for operation in asked:
        refuse(api, operation)
        answer = client.get(paths[place])
        assert answer.status_code in (200, 403), operation
        assert DENIED.format(operation=operation) in unescape(answer.text), operation
        api.refusals.clear()


@pytest.mark.parametrize("place", PLACES)
def test_a_user_without_any_policy_sees_who_they_are_and_what_is_refused(
    client: TestClient, api: ApiInMemory, paths: dict[str, str], place: str
):
    operations = [name for name in dir(ApiInMemory) if re.fullmatch("[A-Z][A-Za-z0-9]+", name)]
    for operation in operations:
        refuse(api, operation)
    api.asked.clear()
    answer = client.get(paths[place])
    assert answer.status_code in (200, 403)
    assert "hanako" in answer.text
    assert "is not authorized to perform" in unescape(answer.text)
