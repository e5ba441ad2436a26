"""Every request leaves one event before its answer goes out, and none holds a prompt, a body or a secret."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tanren.aws.auditing import HIDDEN, Auditor, visible
from tanren.aws.chain import build_application
from tanren.aws.context import Members, RequestContext
from tanren.aws.exchange import ASGIApp, Exchange
from tanren.aws.service_models import load_service
from tanren.aws.signatures import AccessKey, Credential, verify
from tanren.domain.errors import ServiceUnavailable, ValidationFailed
from tanren.storage.audit_log import AuditLog
from tanren.storage.audit_records import call_events
from tanren.storage.audit_signatures import public_key_of
from tanren.storage.audit_verification import verify as verify_log
from tests.protocol.loopback import KEY, OneKey, client, request

SECRET_PROMPT = "the prompt that nobody may read"


class Neighbour:
    """A neighbourhood that verifies and answers with a status."""

    def __init__(self, status: int = 200) -> None:
        self.status = status

    async def forward(self, exchange: Exchange, credential: Credential, key: AccessKey) -> None:
        exchange.signature = verify(exchange.signed_request, credential, key, body_hash=None)
        await exchange.begin(self.status, [])
        await exchange.write(b"", more=False)

    async def close(self) -> None:
        pass


def create_tags(context: RequestContext, params: Members) -> Members:
    return {}


def create_throughput(context: RequestContext, params: Members) -> Members:
    return {"provisionedModelArn": f"arn:aws:bedrock:us-east-1:{KEY.account_id}:provisioned-model/abcdefghijkl"}


def list_tags(context: RequestContext, params: Members) -> Members:
    return {"tags": [{"key": "a", "value": "b"}]}


def stop(context: RequestContext, params: Members) -> Members:
    raise ValidationFailed("There is no such job.")


async def invoke(context: RequestContext, params: Members) -> Members:
    return {"body": SECRET_PROMPT.encode(), "contentType": "application/json"}


async def refuse(context: RequestContext, params: Members) -> Members:
    raise ValidationFailed(f"'{SECRET_PROMPT}' is not a message.")


async def _events() -> AsyncIterator[Mapping[str, Members]]:
    yield {"chunk": {"bytes": SECRET_PROMPT.encode()}}


async def stream(context: RequestContext, params: Members) -> Members:
    return {"body": _events(), "contentType": "application/json"}


def app_with(log: AuditLog, neighbour: Neighbour | None = None) -> ASGIApp:
    return build_application(
        handlers={
            "bedrock": {
                "TagResource": create_tags,
                "CreateProvisionedModelThroughput": create_throughput,
                "ListTagsForResource": list_tags,
                "StopModelCustomizationJob": stop,
            },
            "bedrock-runtime": {
                "InvokeModel": invoke,
                "Converse": refuse,
                "InvokeModelWithResponseStream": stream,
            },
        },
        access_keys=OneKey(),
        neighbourhood=neighbour or Neighbour(),
        audit=Auditor(log),
    )


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path)


@pytest.fixture
def app(log: AuditLog) -> ASGIApp:
    return app_with(log)


def the_event(data_dir: Path) -> dict[str, Any]:
    (event,) = call_events(data_dir)
    return event


ARN = f"arn:aws:bedrock:us-east-1:{KEY.account_id}:provisioned-model/abcdefghijkl"


def test_a_call_that_changes_something_says_who_what_and_with_which_result(app: ASGIApp, tmp_path: Path):
    bedrock = client(app, "bedrock")
    answer = bedrock.create_provisioned_model_throughput(
        modelUnits=1, provisionedModelName="house", modelId="amazon.titan-text-express-v1"
    )
    event = the_event(tmp_path)
    assert event["eventSource"] == "bedrock.amazonaws.com"
    assert event["eventName"] == "CreateProvisionedModelThroughput"
    assert event["awsRegion"] == "us-east-1"
    assert event["userIdentity"] == {
        "type": "IAMUser",
        "arn": KEY.principal_arn,
        "userName": "mika",
        "accountId": KEY.account_id,
        "accessKeyId": KEY.access_key_id,
    }
    assert event["requestID"] == answer["ResponseMetadata"]["RequestId"]
    assert event["sourceIPAddress"] == "127.0.0.1"
    assert event["userAgent"].startswith("Boto3/")
    parameters = event["requestParameters"]
    assert parameters.pop("clientRequestToken")
    assert parameters == {"modelUnits": 1, "provisionedModelName": "house", "modelId": "amazon.titan-text-express-v1"}
    assert event["responseElements"] == {"provisionedModelArn": ARN}
    assert event["resources"] == [{"ARN": ARN, "accountId": KEY.account_id}]
    assert (event["readOnly"], event["managementEvent"], event["eventCategory"]) == (False, True, "Management")
    assert event["recipientAccountId"] == KEY.account_id
    assert "errorCode" not in event


def test_what_only_reads_shows_no_answer(app: ASGIApp, tmp_path: Path):
    client(app, "bedrock").list_tags_for_resource(resourceARN=ARN)
    event = the_event(tmp_path)
    assert (event["readOnly"], event["responseElements"]) == (True, None)
    assert event["requestParameters"] == {"resourceARN": ARN}


def test_a_refusal_says_why(app: ASGIApp, tmp_path: Path):
    with pytest.raises(ClientError):
        client(app, "bedrock").stop_model_customization_job(jobIdentifier="nightly")
    event = the_event(tmp_path)
    assert (event["errorCode"], event["errorMessage"]) == ("ValidationException", "There is no such job.")
    assert event["requestParameters"] == {"jobIdentifier": "nightly"}


@pytest.mark.parametrize("operation", ["invoke_model", "invoke_model_with_response_stream", "converse"])
def test_a_call_of_a_model_shows_the_model_and_nothing_of_what_was_said(app: ASGIApp, tmp_path: Path, operation: str):
    runtime = client(app, "bedrock-runtime")
    said: dict[str, Any] = {"messages": [{"role": "user", "content": [{"text": SECRET_PROMPT}]}]}
    if operation == "converse":
        with pytest.raises(ClientError):
            runtime.converse(modelId="m", **said)
    else:
        getattr(runtime, operation)(modelId="m", body=json.dumps(said))
    event = the_event(tmp_path)
    assert (event["requestParameters"], event["responseElements"]) == ({"modelId": "m"}, None)
    assert (event["eventSource"], event["readOnly"], event["managementEvent"]) == ("bedrock.amazonaws.com", True, True)
    assert SECRET_PROMPT not in json.dumps(event)


def test_an_unsigned_request_leaves_an_event_of_nobody(app: ASGIApp, tmp_path: Path):
    status, _, _ = request(app, "GET", "http://h/foundation-models?x=1", [("host", "h"), ("user-agent", "curl")])
    assert status == 403
    event = the_event(tmp_path)
    assert event["userIdentity"] == {"type": "Unknown"}
    assert (event["eventName"], event["eventSource"]) == ("GET /foundation-models", "unknown")
    assert event["errorCode"] == "MissingAuthenticationTokenException"


def test_a_wrong_signature_names_the_key_as_a_claim_only(app: ASGIApp, tmp_path: Path):
    bedrock = client(app, "bedrock")
    bedrock._request_signer._credentials.secret_key = "wrong"  # the key of another
    with pytest.raises(ClientError):
        bedrock.list_tags_for_resource(resourceARN=ARN)
    event = the_event(tmp_path)
    assert (event["eventSource"], event["eventName"]) == ("bedrock.amazonaws.com", "ListTagsForResource")
    assert event["requestParameters"] is None
    assert event["userIdentity"] == {"type": "Unknown", "accessKeyId": KEY.access_key_id}
    assert "recipientAccountId" not in event


def test_a_forwarded_call_of_s3_is_a_data_event_with_bucket_and_key(app: ASGIApp, tmp_path: Path):
    client(app, "s3", s3={"addressing_style": "path"}).delete_object(Bucket="data", Key="a/b.jsonl")
    event = the_event(tmp_path)
    assert (event["eventSource"], event["eventName"]) == ("s3.amazonaws.com", "DeleteObject")
    assert event["requestParameters"] == {"bucketName": "data", "key": "a/b.jsonl", "Host": "127.0.0.1:4566"}
    assert event["resources"][0] == {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::data/a/b.jsonl"}
    assert (event["managementEvent"], event["eventCategory"], event["readOnly"]) == (False, "Data", False)
    assert event["userIdentity"]["userName"] == "mika"
    assert event["additionalEventData"] == {"SignatureVersion": "SigV4", "AuthenticationMethod": "AuthHeader"}


def test_a_neighbours_refusal_is_told_by_its_status(log: AuditLog, tmp_path: Path):
    s3 = client(app_with(log, Neighbour(404)), "s3", s3={"addressing_style": "path"})
    with pytest.raises(ClientError):
        s3.head_object(Bucket="data", Key="gone")
    event = the_event(tmp_path)
    assert (event["eventName"], event["errorCode"], event["readOnly"]) == ("HeadObject", "NotFound", True)


def test_a_look_at_the_servers_health_leaves_none(app: ASGIApp, tmp_path: Path):
    request(app, "GET", "http://h/health", [("host", "h")])
    assert list(call_events(tmp_path)) == []


def test_the_event_is_there_before_the_answer(log: AuditLog, tmp_path: Path):
    seen: list[int] = []
    app = app_with(log)

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        async def counting(message: Any) -> None:
            seen.append(len(list(call_events(tmp_path))))
            await send(message)

        await app(scope, receive, counting)

    client(watched, "bedrock").list_tags_for_resource(resourceARN=ARN)
    assert seen
    assert set(seen) == {1}


def test_a_client_that_leaves_before_its_answer_leaves_an_event(log: AuditLog, tmp_path: Path):
    began = asyncio.Event()

    async def slow(context: RequestContext, params: Members) -> Members:
        began.set()
        await asyncio.Event().wait()
        raise AssertionError

    app = build_application(
        handlers={"bedrock-runtime": {"InvokeModel": slow}},
        access_keys=OneKey(),
        neighbourhood=None,
        audit=Auditor(log),
    )

    async def leaving(scope: Any, receive: Any, send: Any) -> None:
        bodies = 0

        async def receive_and_leave() -> Any:
            nonlocal bodies
            if bodies:
                await began.wait()
                return {"type": "http.disconnect"}
            bodies += 1
            return await receive()

        await app(scope, receive_and_leave, send)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}", "more_body": False})

    client(leaving, "bedrock-runtime").invoke_model(modelId="m", body="{}")
    event = the_event(tmp_path)
    assert (event["eventName"], event["errorCode"]) == ("InvokeModel", "Unanswered")


class FullDisk:
    """A log that cannot be written for the first `failures` appends."""

    def __init__(self) -> None:
        self.is_full = False
        self.events: list[Any] = []

    def append(self, event: Any) -> None:
        self.events.append(event)
        self.check()

    def check(self) -> None:
        if self.is_full:
            raise ServiceUnavailable("full")


def test_what_cannot_be_recorded_is_not_answered_and_what_follows_is_not_done():
    log: Any = FullDisk()
    done: list[str] = []

    def tag(context: RequestContext, params: Members) -> Members:
        done.append(params["resourceARN"])
        log.is_full = True
        return {}

    app = build_application(
        handlers={"bedrock": {"TagResource": tag}}, access_keys=OneKey(), neighbourhood=None, audit=Auditor(log)
    )
    bedrock = client(app, "bedrock")
    for _ in range(2):
        with pytest.raises(ClientError) as raised:
            bedrock.tag_resource(resourceARN=ARN, tags=[])
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] in (500, 503)
    assert len(done) == len(log.events) == 1


def test_a_refusal_is_told_as_it_is_even_when_it_cannot_be_recorded():
    log: Any = FullDisk()

    def fail(context: RequestContext, params: Members) -> Members:
        log.is_full = True
        raise ValidationFailed("no")

    app = build_application(
        handlers={"bedrock": {"TagResource": fail}}, access_keys=OneKey(), neighbourhood=None, audit=Auditor(log)
    )
    with pytest.raises(ClientError, match="no"):
        client(app, "bedrock").tag_resource(resourceARN=ARN, tags=[])


def test_secrets_blobs_and_documents_are_not_shown():
    output = load_service("iam").operation("CreateAccessKey").output
    assert output is not None
    key = {"AccessKey": {"UserName": "mika", "AccessKeyId": "AKIA1", "SecretAccessKey": "s3cr3t", "Status": "Active"}}
    assert visible(output, key)["AccessKey"]["SecretAccessKey"] == HIDDEN
    assumed = load_service("sts").operation("AssumeRole").output
    assert assumed is not None
    shown = visible(assumed, {"Credentials": {"AccessKeyId": "ASIA", "SecretAccessKey": "x", "SessionToken": "y"}})
    assert shown["Credentials"] == {"AccessKeyId": "ASIA", "SecretAccessKey": HIDDEN, "SessionToken": HIDDEN}
    invoked = load_service("bedrock-runtime").operation("InvokeModel").input
    assert invoked is not None
    assert visible(invoked, {"modelId": "m", "body": b"secret"}) == {"modelId": "m"}


def test_the_log_of_all_this_verifies(app: ASGIApp, tmp_path: Path, log: AuditLog):
    bedrock = client(app, "bedrock")
    for _ in range(3):
        bedrock.list_tags_for_resource(resourceARN=ARN)
    log.close()
    found = verify_log(tmp_path, [public_key_of(tmp_path)])
    assert (found.findings, found.call_count) == ([], 3)


def test_nothing_that_a_caller_writes_makes_an_event_long(app: ASGIApp, tmp_path: Path):
    long = "x" * 50_000
    credential = (
        f"AWS4-HMAC-SHA256 Credential={long}/20261121/{long}/{long}/aws4_request, SignedHeaders=host, Signature=0"
    )
    headers = [("host", "h"), ("user-agent", long), ("x-amz-target", long), ("authorization", credential)]
    request(app, "GET", f"http://h/{long}?{long}", headers)
    request(app, "GET", f"http://h/{long}", [("host", "h")])
    client(app, "s3", s3={"addressing_style": "path"}).delete_object(Bucket="data", Key="k" * 1024)
    with pytest.raises(ClientError):
        client(app, "bedrock").list_tags_for_resource(resourceARN="arn:aws:bedrock:" + "x" * 200_000)
    assert [len(json.dumps(event)) < 8000 for event in call_events(tmp_path)] == [True] * 4
