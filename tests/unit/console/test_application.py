"""Signing in and out, languages, and what every answer carries."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from tanren.console.api import ApiRefusal
from tests.unit.console.api_in_memory import ApiInMemory
from tests.unit.console.conftest import SIGN_IN

COOKIE = "tanren-console-session"


def test_whoever_has_not_signed_in_is_led_to_it_and_back(stranger: TestClient):
    refused = stranger.get("/console/custom-models?tab=jobs")
    assert refused.headers["location"] == "/console/sign-in?next=/console/custom-models%3Ftab%3Djobs"
    led = stranger.post(refused.headers["location"], data=SIGN_IN)
    assert led.headers["location"] == "/console/custom-models?tab=jobs"


@pytest.mark.parametrize(
    ("method", "path", "headers", "page"),
    [
        (
            "POST",
            "/console/custom-models/create/check",
            {"referer": "http://localhost/console/jobs/a/again"},
            "/console/jobs/a/again",
        ),
        ("POST", "/console/models/a/delete", {}, "/console/overview"),
        (
            "GET",
            "/console/pick-file",
            {"sec-fetch-dest": "empty", "referer": "http://localhost/console/evaluations/create"},
            "/console/evaluations/create",
        ),
    ],
)
def test_who_was_signed_out_while_a_form_was_filled_in_comes_back_to_its_page(
    stranger: TestClient, method: str, path: str, headers: dict[str, str], page: str
):
    answer = stranger.request(method, path, headers=headers, follow_redirects=False)
    assert answer.headers["location"] == f"/console/sign-in?next={page}"


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/console/\\evil.example", "/key"])
def test_signing_in_leads_to_the_console_and_nowhere_else(stranger: TestClient, wanted: str):
    answer = stranger.post("/console/sign-in", params={"next": wanted}, data=SIGN_IN)
    assert answer.headers["location"] == "/console/overview"


def test_keys_that_the_api_does_not_know_are_refused_and_not_shown_again(stranger: TestClient):
    answer = stranger.post("/console/sign-in", data={**SIGN_IN, "secret_access_key": "guessed-wrong"})
    assert answer.status_code == 403
    assert "The signature does not match." in answer.text
    assert "guessed-wrong" not in answer.text
    assert "AKIAEXAMPLE" in answer.text
    assert COOKIE not in answer.cookies


def test_the_session_cookie_is_for_this_site_and_out_of_reach_of_scripts(stranger: TestClient):
    cookie = stranger.post("/console/sign-in", data=SIGN_IN).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/console" in cookie
    assert "secret" not in cookie


def test_a_page_of_another_origin_signs_nobody_in(stranger: TestClient):
    answer = stranger.post("/console/sign-in", data=SIGN_IN, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403


def test_a_form_without_the_sessions_token_does_nothing(client: TestClient, api: ApiInMemory):
    api.add_job("tuning")
    assert client.post("/console/jobs/tuning/stop").status_code == 403
    assert client.post("/console/jobs/tuning/stop", data={"csrf_token": "0" * 64}).status_code == 403
    assert api.jobs["tuning"]["status"] == "InProgress"


def test_a_form_of_an_earlier_session_does_nothing_and_says_how_to_go_on(client: TestClient, api: ApiInMemory):
    stale = {"csrf_token": "0" * 64}
    page = client.post(
        "/console/jobs/tuning/stop", data=stale, headers={"referer": "http://localhost/console/jobs/tuning"}
    )
    assert "opened before you signed in" in page.text
    assert 'href="/console/jobs/tuning">Back</a>' in page.text
    part = client.post("/console/custom-models/create/check", data=stale, headers={"sec-fetch-dest": "empty"})
    assert part.text.startswith("This form was opened before")
    assert (page.status_code, part.status_code) == (403, 403)
    assert "StopModelCustomizationJob" not in [operation for _, operation, _ in api.asked]


def test_a_form_of_another_origin_does_nothing(client: TestClient, api: ApiInMemory, csrf_token: str):
    api.add_job("tuning")
    for headers in ({"sec-fetch-site": "same-site"}, {"origin": "http://evil.example"}):
        answer = client.post("/console/jobs/tuning/stop", data={"csrf_token": csrf_token}, headers=headers)
        assert answer.status_code == 403
    assert api.jobs["tuning"]["status"] == "InProgress"


def test_a_session_goes_on_after_the_console_was_started_anew(
    client: TestClient, make_client: Callable[[], TestClient]
):
    again = make_client()
    again.cookies = client.cookies
    assert again.get("/console/custom-models").status_code == 200


def test_after_signing_out_the_cookie_opens_nothing(client: TestClient, csrf_token: str):
    cookie = client.cookies[COOKIE]
    assert client.post("/console/sign-out", data={"csrf_token": csrf_token}).status_code == 303
    client.cookies.set(COOKIE, cookie, path="/console")
    assert client.get("/console/custom-models").status_code == 303


def test_keys_that_were_taken_away_end_the_session(client: TestClient, api: ApiInMemory):
    api.refusals["ListCustomModels"] = ApiRefusal(
        "The security token is invalid.", code="UnrecognizedClientException", operation="ListCustomModels", status=403
    )
    assert client.get("/console/custom-models").status_code == 403
    api.refusals.clear()
    assert client.get("/console/custom-models").headers["location"].startswith("/console/sign-in")


def test_every_answer_forbids_scripts_and_frames_that_are_not_its_own(stranger: TestClient):
    for path in ("/console/sign-in", "/console/static/console.css", "/console/nothing-here"):
        headers = stranger.get(path).headers
        assert "default-src 'none'; script-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_pages_are_not_kept_by_the_browser(client: TestClient):
    assert client.get("/console/custom-models").headers["cache-control"] == "no-store"


def test_the_language_is_the_browsers_until_one_is_chosen(client: TestClient):
    japanese = {"accept-language": "ja,en;q=0.8"}
    assert "カスタムモデル" in client.get("/console/custom-models", headers=japanese).text
    client.post("/console/preferences", data={"language": "en", "back": "/console/custom-models"})
    page = client.get("/console/custom-models", headers=japanese).text
    assert '<html lang="en"' in page
    assert "Custom models" in page


def test_the_theme_that_was_chosen_stays(client: TestClient):
    client.post("/console/preferences", data={"theme": "dark", "back": "/console/custom-models"})
    assert 'data-theme="dark"' in client.get("/console/custom-models").text


def test_region_account_and_user_stand_on_every_page(client: TestClient):
    page = client.get("/console/custom-models").text
    assert "us-east-1" in page
    assert "123456789012" in page
    assert "hanako" in page
