"""What an account finds in the audit log, and what it does not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tanren.control.audit_events import AuditEventControl, AuditQuery
from tanren.domain.audit_events import Caller
from tanren.domain.errors import ValidationFailed
from tanren.domain.scope import Scope
from tanren.storage.audit_log import AuditLog
from tests.unit.storage.audit_calls import call

SCOPE = Scope(account_id="123456789012", region="us-east-1")
AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MIKA = Caller(principal_arn="arn:aws:iam::123456789012:user/mika", account_id="123456789012", access_key_id="AKIAMIKA")
MODEL = "arn:aws:bedrock:us-east-1:123456789012:custom-model/tanren.nano-v1:0/abcdefghijkl"


@pytest.fixture
def control(tmp_path: Path) -> AuditEventControl:
    log = AuditLog(tmp_path)
    others = Caller(principal_arn="arn:aws:iam::210987654321:root", account_id="210987654321", access_key_id="AKIAMIKA")
    for event in (
        call(0),
        call(1, caller=MIKA, name="DeleteCustomModel", resources=({"ARN": MODEL},), at=AT + timedelta(minutes=1)),
        call(2, caller=others, name="DeleteCustomModel", parameters={"jobName": '"recipientAccountId":"123456789012"'}),
        call(3, caller=Caller(access_key_id="AKIAMIKA"), error_code="UnrecognizedClientException"),
        call(4, caller=MIKA, name="InvokeModel", is_read_only=True, error_code="AccessDeniedException"),
    ):
        log.append(event)
    log.close()
    return AuditEventControl(tmp_path)


def found(control: AuditEventControl, **query: object) -> list[str]:
    page = control.search(SCOPE, AuditQuery(**query), size=None, token=None)  # pyright: ignore
    return [event["eventID"] for event in page.events]


def test_an_account_sees_its_own_calls_alone_also_where_others_write_its_number(control: AuditEventControl):
    assert found(control) == ["event-4", "event-1", "event-0"]
    assert control.search(Scope(account_id="210987654321", region="us-east-1"), AuditQuery(), size=9, token=None).events


@pytest.mark.parametrize(
    ("query", "events"),
    [
        ({"event_name": "InvokeModel"}, ["event-4"]),
        ({"event_name": "Invoke"}, []),
        ({"principal": "user/mika"}, ["event-4", "event-1"]),
        ({"principal": "AKIA0"}, ["event-0"]),
        ({"resource": "abcdefghijkl"}, ["event-1"]),
        ({"is_read_only": True}, ["event-4"]),
        ({"is_read_only": False}, ["event-1", "event-0"]),
        ({"is_refused": True}, ["event-4"]),
        ({"is_refused": False}, ["event-1", "event-0"]),
        ({"start": AT + timedelta(minutes=1)}, ["event-1"]),
        ({"end": AT + timedelta(minutes=1)}, ["event-4", "event-0"]),
        ({"principal": '"'}, []),
    ],
)
def test_each_condition_leaves_out_what_does_not_meet_it(control: AuditEventControl, query: dict, events: list[str]):
    assert found(control, **query) == events


def test_pages_hold_each_call_once(control: AuditEventControl):
    token, seen = None, list[str]()
    for _ in range(9):
        page = control.search(SCOPE, AuditQuery(), size=1, token=token)
        seen += [event["eventID"] for event in page.events]
        token = page.next_token
        if token is None:
            break
    assert seen == ["event-4", "event-1", "event-0"]


@pytest.mark.parametrize("token", ["x", "W10=", "WyJhIiwgImIiXQ==", "WyJhIiwgLTFd"])
def test_a_token_that_no_page_gave_is_refused(control: AuditEventControl, token: str):
    with pytest.raises(ValidationFailed, match="nextToken"):
        control.search(SCOPE, AuditQuery(), size=None, token=token)


def test_an_end_before_the_start_is_refused(control: AuditEventControl):
    with pytest.raises(ValidationFailed, match="endTime"):
        found(control, start=AT, end=AT)
