"""An audited call has CloudTrail's members."""

from datetime import UTC, datetime

from tanren.domain.audit_events import LARGEST_PART_BYTES, AuditEvent, Caller, is_reading

ACCOUNT = "123456789012"


def event(**changes) -> AuditEvent:
    values = {
        "event_id": "e",
        "request_id": "r",
        "at": datetime(2026, 11, 21, 12, 30, 5, 600_000, tzinfo=UTC),
        "source": "bedrock.amazonaws.com",
        "name": "GetCustomModel",
        "region": "us-west-2",
        "caller": Caller(principal_arn=f"arn:aws:iam::{ACCOUNT}:root", account_id=ACCOUNT, access_key_id="AKIA"),
        "source_ip": "10.0.0.1",
        "user_agent": "aws-cli/2",
        "is_read_only": True,
    }
    return AuditEvent(**{**values, **changes})


def test_a_call_has_the_members_that_readers_of_cloudtrail_expect():
    assert event().to_json() == {
        "eventVersion": "1.08",
        "userIdentity": {
            "type": "Root",
            "principalId": ACCOUNT,
            "arn": f"arn:aws:iam::{ACCOUNT}:root",
            "accountId": ACCOUNT,
            "accessKeyId": "AKIA",
        },
        "eventTime": "2026-11-21T12:30:05Z",
        "eventSource": "bedrock.amazonaws.com",
        "eventName": "GetCustomModel",
        "awsRegion": "us-west-2",
        "sourceIPAddress": "10.0.0.1",
        "userAgent": "aws-cli/2",
        "requestParameters": None,
        "responseElements": None,
        "requestID": "r",
        "eventID": "e",
        "readOnly": True,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "eventCategory": "Management",
        "recipientAccountId": ACCOUNT,
    }


def test_an_assumed_role_names_the_role_behind_it():
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/Tuner/nightly"
    identity = Caller(principal_arn=arn, account_id=ACCOUNT, access_key_id="ASIA").to_json()
    assert (identity["type"], identity["arn"]) == ("AssumedRole", arn)
    assert identity["sessionContext"]["sessionIssuer"]["arn"] == f"arn:aws:iam::{ACCOUNT}:role/Tuner"


def test_a_caller_who_proved_nothing_has_no_account():
    identity = Caller(access_key_id="AKIACLAIMED").to_json()
    assert identity == {"type": "Unknown", "accessKeyId": "AKIACLAIMED"}


def test_what_is_larger_than_cloudtrail_takes_is_left_out_and_says_so():
    shown = event(parameters={"text": "x" * LARGEST_PART_BYTES}).to_json()["requestParameters"]
    assert shown == {"omitted": f"{LARGEST_PART_BYTES + 12} bytes of JSON, more than 100 KB"}


def test_a_long_message_is_cut():
    assert len(event(error_code="X", error_message="y" * 5000).to_json()["errorMessage"]) == 1024


def test_reading_is_told_by_the_name():
    assert [
        name for name in ("GetX", "ListX", "InvokeModel", "CreateX", "StopX", "TagResource") if is_reading(name)
    ] == [
        "GetX",
        "ListX",
        "InvokeModel",
    ]
