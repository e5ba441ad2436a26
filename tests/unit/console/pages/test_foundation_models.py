"""Base models with what can be done with them."""

from starlette.testclient import TestClient

from tanren.console.api import ApiRefusal
from tests.unit.console.api_in_memory import ApiInMemory


def test_a_model_comes_with_its_ranges_and_with_what_can_be_done_with_it(client: TestClient):
    page = client.get("/console/foundation-models").text
    assert "1 to 100, default 10" in page
    assert "customization_type=FINE_TUNING&amp;base_model=tanren.nano-v1%3A0" in page
    assert "/console/playground?model=tanren.nano-v1%3A0" in page


def test_the_weights_that_really_answer_are_shown_with_size_and_licence(client: TestClient):
    page = client.get("/console/foundation-models").text
    assert "19,000,000" in page
    assert "Apache-2.0" in page


def test_an_endpoint_that_does_not_tell_its_weights_has_a_list_all_the_same(client: TestClient, api: ApiInMemory):
    api.refusals["GetServiceStatus"] = ApiRefusal("No such service.", code="404", operation="GetServiceStatus")
    page = client.get("/console/foundation-models")
    assert page.status_code == 200
    assert "Weights on this machine" not in page.text
