"""Whether everything answers, with versions and licences."""

from starlette.testclient import TestClient

from tanren.console.api import ApiRefusal
from tanren.console.pages.service_status import installed_software
from tests.unit.console.api_in_memory import ApiInMemory


def test_everything_that_answers_is_said_to(client: TestClient):
    page = client.get("/console/status").text
    assert "Everything answers." in page
    assert "Apache-2.0" in page


def test_what_does_not_answer_is_named_with_the_reason_and_the_rest_is_there(client: TestClient, api: ApiInMemory):
    api.refusals["ListBuckets"] = ApiRefusal("S3 is away", code="ServiceUnavailable", operation="ListBuckets")
    page = client.get("/console/status").text
    assert "Not everything is well" in page
    assert "S3 is away" in page
    assert "nano-v1" in page


def test_an_endpoint_that_is_not_tanren_has_a_status_page_all_the_same(client: TestClient, api: ApiInMemory):
    api.refusals["GetServiceStatus"] = ApiRefusal("No such service.", code="404", operation="GetServiceStatus")
    page = client.get("/console/status")
    assert page.status_code == 200
    assert "Licences" in page.text


def test_a_process_that_died_is_shown_with_how_often_it_was_started_again(client: TestClient, api: ApiInMemory):
    status = api.GetServiceStatus()
    status["processes"][0]["status"] = "Restarting"
    api.GetServiceStatus = lambda: status
    page = client.get("/console/status").text
    assert '<span class="badge bad">Restarting</span>' in page
    assert "Not everything is well" in page
    assert '<td class="number">3</td>' in page


def test_an_engine_that_failed_says_why(client: TestClient, api: ApiInMemory):
    api.engines = [{"baseModel": "nano-v1", "status": "Failed", "failureMessage": "<b>no memory</b>"}]
    page = client.get("/console/status").text
    assert "&lt;b&gt;no memory&lt;/b&gt;" in page


def test_installed_software_is_named_once_with_its_licence():
    found = installed_software()
    licences = {each.name.lower(): each.licence for each in found}
    assert len(licences) == len(found)
    assert "BSD" in licences["starlette"]
