"""The audit log, searched from the page."""

import json

import pytest
from starlette.testclient import TestClient

from tanren.console.api import ApiRefusal
from tests.unit.console.api_in_memory import ACCOUNT, AT, ApiInMemory

SCRIPT = "</pre><script>alert(1)</script>"


def event(**values: object) -> dict[str, object]:
    return {
        "eventId": "1",
        "eventTime": AT,
        "eventSource": "bedrock.amazonaws.com",
        "eventName": "DeleteCustomModel",
        "principalArn": f"arn:aws:iam::{ACCOUNT}:user/hanako",
        "sourceIpAddress": "127.0.0.1",
        "isReadOnly": False,
        "record": json.dumps({"userAgent": SCRIPT}),
        **values,
    }


def test_it_begins_with_changes_since_looking_is_logged_too(client: TestClient, api: ApiInMemory):
    client.get("/console/audit")
    assert api.sent("ListAuditEvents") == {"maxResults": 50, "isReadOnly": False}


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("kind=all", {}),
        ("kind=reads", {"isReadOnly": True}),
        ("kind=all&outcome=refused", {"isRefused": True}),
        ("kind=all&outcome=done", {"isRefused": False}),
        (
            "kind=all&event=InvokeModel&who=user/mika&resource=abc&page=next",
            {"eventName": "InvokeModel", "principal": "user/mika", "resource": "abc", "nextToken": "next"},
        ),
    ],
)
def test_each_condition_is_asked_of_the_api(client: TestClient, api: ApiInMemory, query: str, sent: dict[str, object]):
    client.get(f"/console/audit?{query}")
    assert api.sent("ListAuditEvents") == {"maxResults": 50, **sent}


def test_a_period_ends_now(client: TestClient, api: ApiInMemory):
    client.get("/console/audit?period=1d")
    assert api.sent("ListAuditEvents")["startTime"].second == 0


def test_a_call_is_shown_with_who_and_what_came_of_it_and_nothing_in_it_is_markup(client: TestClient, api: ApiInMemory):
    api.audit_events = [event(errorCode="ConflictException", errorMessage=SCRIPT), event(principalArn=SCRIPT)]
    page = client.get("/console/audit").text
    assert "user/hanako" in page
    assert "ConflictException" in page
    assert SCRIPT not in page
    assert "&lt;script&gt;" in page


def test_nothing_found_says_what_the_log_holds(client: TestClient):
    assert "Prompts, answers and secrets are not." in client.get("/console/audit").text


def test_an_endpoint_without_the_log_is_told_as_any_refusal(client: TestClient, api: ApiInMemory):
    api.refusals["ListAuditEvents"] = ApiRefusal(
        "not allowed", code="AccessDeniedException", operation="ListAuditEvents", status=403
    )
    assert client.get("/console/audit").status_code == 403
