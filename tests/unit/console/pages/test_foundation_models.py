"""Base models with what can be done with them."""

import pytest
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


@pytest.mark.parametrize(
    ("memory", "words"),
    [(8 * 10**9, "Fits into memory"), (450 * 10**6, "Answers here, but"), (10**6, "Does not fit"), (None, "514 MB")],
)
def test_each_model_says_whether_it_fits_into_the_memory_of_this_machine(
    client: TestClient, api: ApiInMemory, memory: int | None, words: str
):
    api.memory = memory
    assert (words in client.get("/console/foundation-models").text) is (memory is not None)


def test_an_endpoint_that_does_not_tell_its_weights_has_a_list_all_the_same(client: TestClient, api: ApiInMemory):
    api.refusals["GetServiceStatus"] = ApiRefusal("No such service.", code="404", operation="GetServiceStatus")
    page = client.get("/console/foundation-models")
    assert page.status_code == 200
    assert "Weights on this machine" not in page.text


def test_models_are_found_by_what_people_call_them(client: TestClient):
    assert ">nano-v1</a>" in client.get("/console/foundation-models?name_contains=NANO").text
    page = client.get("/console/foundation-models?name_contains=%3Cb%3E").text
    assert ">nano-v1</a>" not in page
    assert "&lt;b&gt;" in page


PAGE = "/console/foundation-models/tanren.nano-v1:0"


def test_access_is_asked_for_with_the_licence_at_hand_and_given_at_once(
    client: TestClient, api: ApiInMemory, csrf_token: str
):
    page = client.get(PAGE).text
    assert "not asked for yet" in page
    assert "Licence: &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "bedrock.create_foundation_model_agreement(" in page
    form = {"csrf_token": csrf_token, "offer_token": "offered", "accepted": "on", "use_case": "answers to customers"}
    client.post(f"{PAGE}/access", data=form)
    assert api.sent("PutUseCaseForModelAccess") == {"formData": b"answers to customers"}
    assert "granted" in client.get(PAGE).text


def test_nothing_is_accepted_without_the_tick(client: TestClient, api: ApiInMemory, csrf_token: str):
    client.post(f"{PAGE}/access", data={"csrf_token": csrf_token, "offer_token": "offered", "use_case": "x"})
    assert (api.accepted, api.use_case) == (set(), b"")


def test_an_acceptance_can_be_withdrawn(client: TestClient, api: ApiInMemory, csrf_token: str):
    api.accepted.add("tanren.nano-v1:0")
    client.post(f"{PAGE}/withdraw", data={"csrf_token": csrf_token})
    assert api.accepted == set()


def test_an_endpoint_that_knows_no_terms_says_so(client: TestClient, api: ApiInMemory):
    for operation in ("ListFoundationModelAgreementOffers", "GetFoundationModelAvailability"):
        api.refusals[operation] = ApiRefusal("no", code="AccessDeniedException", operation=operation)
    page = client.get(PAGE)
    assert page.status_code == 200
    assert "no terms" in page.text
