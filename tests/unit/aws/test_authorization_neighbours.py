import asyncio
import importlib
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest

from tanren.aws.authorization import Circumstances, IamMode
from tanren.aws.authorization_neighbours import NeighbourAuthorizer, NeighbourRequest
from tanren.aws.chain import build_application
from tanren.aws.context import Principal
from tanren.aws.errors import WireError
from tanren.aws.exchange import ASGIApp, Exchange
from tanren.aws.signatures import AccessKey, Credential, SigningKey, VerifiedSignature, sign
from tanren.domain.errors import AccessDenied
from tests.protocol.loopback import KEY, OneKey, client, request
from tests.unit.aws.permitting import ACCOUNT, MIKA, Identities, allow, authorizer, deny

MINE = "arn:aws:s3:::mine/*"


def ask(
    identities: Identities,
    service: str,
    method: str = "POST",
    path: str = "/",
    query: str = "",
    body: bytes = b"",
    mode: IamMode = IamMode.ENFORCE,
    arn: str = MIKA,
    **headers: str,
) -> None:
    async def read_body(limit: int) -> bytes | None:
        return body if len(body) <= limit else None

    request = NeighbourRequest(
        service=service,
        method=method,
        raw_path=path,
        raw_query=query,
        headers={"host": "localhost:4500", **{name.replace("_", "-"): value for name, value in headers.items()}},
        read_body=read_body,
    )
    circumstances = Circumstances(
        principal=Principal(arn=arn, account_id=ACCOUNT, access_key_id="AKID"),
        region="us-east-1",
        source_ip="203.0.113.7",
        user_agent="",
        received_at=datetime(2026, 11, 21, tzinfo=UTC),
        is_secure=False,
    )
    judge = NeighbourAuthorizer(authorizer(identities, mode=mode))
    asyncio.run(judge.authorize(circumstances, request))


def refused(identities: Identities, service: str, *args: Any, **more: Any) -> str:
    with pytest.raises((AccessDenied, WireError)) as raised:
        ask(identities, service, *args, **more)
    return str(raised.value)


def test_an_object_takes_the_permission_that_s3_takes():
    identities = Identities(allow("s3:GetObject", MINE))
    ask(identities, "s3", "GET", "/mine/a/b.jsonl")
    assert refused(identities, "s3", "GET", "/theirs/x") == (
        f"User: {MIKA} is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::theirs/x because no "
        "identity-based policy allows the s3:GetObject action"
    )
    assert "s3:PutObject" in refused(identities, "s3", "PUT", "/mine/a")


def test_the_path_is_decoded_before_bucket_and_key_are_told_apart():
    identities = Identities(allow("s3:ListBucket", "arn:aws:s3:::mine"), allow("s3:GetObject", MINE))
    ask(identities, "s3", "GET", "/mine%2Fkey")
    ask(identities, "s3", "GET", "/mine/a%2Fb")
    assert "s3:GetObject on resource: arn:aws:s3:::theirs/key" in refused(identities, "s3", "GET", "/theirs%2Fkey")
    assert "two slashes" in refused(identities, "s3", "GET", "//mine/key")
    assert "two slashes" in refused(identities, "s3", "GET", "/%2Fmine/key")


@pytest.mark.parametrize("host", ["mine.localhost:4500", "mine.s3.localhost", "MINE.localhost"])
def test_a_bucket_may_stand_in_host(host: str):
    identities = Identities(allow("s3:GetObject", "arn:aws:s3:::mine/theirs/x"))
    ask(identities, "s3", "GET", "/theirs/x", host=host)


@pytest.mark.parametrize("host", ["127.0.0.1:4500", "[::1]:4500", "tanren", "tanren.example.com", "s3.localhost"])
def test_other_names_of_the_server_name_no_bucket(host: str):
    ask(Identities(allow("s3:GetObject", "arn:aws:s3:::mine/x")), "s3", "GET", "/mine/x", host=host)


@pytest.mark.parametrize(
    "host",
    [
        "api.execute-api.localhost",
        "x.lambda-url.us-east-1.localhost",
        "a.b.localhost",
        "theirs.s3.example.com",
        "theirs.s3-us-west-2.amazonaws.com",
        "d1.cloudfront.net",
    ],
)
def test_a_host_that_could_mean_something_else_is_refused(host: str):
    assert "cannot be told" in refused(Identities(allow("*")), "s3", "GET", "/mine/x", host=host)


def test_a_deletion_of_many_objects_is_judged_object_by_object():
    identities = Identities(allow("s3:*", "*"), deny("s3:DeleteObject", "arn:aws:s3:::mine/keep/*"))
    one = b"<Delete><Object><Key>drop/1</Key></Object></Delete>"
    ask(identities, "s3", "POST", "/mine", "delete", one)
    two = b"<Delete><Object><Key>drop/1</Key></Object><Object><Key>keep/1</Key></Object></Delete>"
    assert "with an explicit deny" in refused(identities, "s3", "POST", "/mine", "delete", two)
    assert "MalformedXML" in refused(identities, "s3", "POST", "/mine", "delete", b"x" * 3_000_000)


def test_a_target_names_the_action():
    identities = Identities(allow("dynamodb:PutItem"))
    ask(identities, "dynamodb", x_amz_target="DynamoDB_20120810.PutItem")
    assert "dynamodb:DeleteTable because" in refused(
        identities, "dynamodb", x_amz_target="DynamoDB_20120810.DeleteTable"
    )


def test_a_target_of_another_service_than_the_one_that_was_signed_for_is_refused():
    everything = Identities(allow("logs:*"), allow("s3:*"))
    assert "no operation of logs" in refused(everything, "logs", x_amz_target="DynamoDB_20120810.DeleteTable")
    assert "no X-Amz-Target" in refused(everything, "s3", "GET", "/b/k", x_amz_target="DynamoDB_20120810.DeleteTable")


def test_an_action_may_stand_in_a_form_or_in_the_query():
    form = {"content_type": "application/x-www-form-urlencoded; charset=utf-8"}
    identities = Identities(allow("sns:Publish"))
    ask(identities, "sns", body=urlencode({"Action": "Publish", "Message": "x"}).encode(), **form)
    ask(identities, "sns", "GET", query="Action=Publish&Message=x")
    assert "sns:DeleteTopic because" in refused(identities, "sns", body=b"Action=DeleteTopic", **form)


def test_two_actions_are_refused_and_a_form_too_long_to_read_takes_the_permission_for_everything():
    form = {"content_type": "application/x-www-form-urlencoded"}
    identities = Identities(allow("sns:Publish"), allow("sqs:*"))
    assert "2 times" in refused(identities, "sns", query="Action=Publish", body=b"Action=DeleteTopic", **form)
    assert "2 times" in refused(identities, "sns", query="Action=Publish&Action=Publish")
    assert "2 times" in refused(identities, "sns", body=b"Action=&Action=DeleteTopic", **form)
    target = "AmazonSQS.ListQueues"
    assert "Besides X-Amz-Target" in refused(identities, "sqs", query="Action=DeleteQueue", x_amz_target=target)
    assert "sns:* because" in refused(identities, "sns", body=b"Action=Publish&x=" + b"y" * 2_000_000, **form)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
def test_a_form_must_say_that_it_is_one(content_type: str):
    identities = Identities(allow("sqs:ListQueues"))
    body = b"Action=DeleteQueue&QueueUrl=http://x/123456789012/q"
    assert "set Content-Type" in refused(identities, "sqs", body=body, content_type=content_type)
    as_form = {"body": body, "content_type": "Application/X-WWW-Form-Urlencoded"}
    assert "2 times" in refused(identities, "sqs", query="Action=ListQueues", **as_form)
    assert "sqs:DeleteQueue because" in refused(identities, "sqs", **as_form)


@pytest.mark.parametrize("service", ["lambda", "dynamodb", "route53", "s3tables"])
def test_an_action_means_nothing_to_a_service_without_the_query_protocol(service: str):
    identities = Identities(allow(f"{service}:ListFunctions"))
    assert f"{service}:* because" in refused(identities, service, query="Action=ListFunctions")


def test_an_action_or_a_target_counts_at_the_root_alone():
    identities = Identities(allow("cloudwatch:ListMetrics"), allow("ses:ListIdentities"))
    target = "GraniteServiceVersion20100801.ListMetrics"
    operation = "/service/GraniteServiceVersion20100801/operation/DeleteAlarms"
    assert "a path other" in refused(identities, "monitoring", path=operation, x_amz_target=target)
    assert "cloudwatch:* because" in refused(identities, "monitoring", path=operation, query="Action=ListMetrics")
    assert "ses:* because" in refused(identities, "ses", path="/v2/email/identities", query="Action=ListIdentities")


@pytest.mark.parametrize(
    ("service", "target", "query", "body"),
    [
        ("sqs", None, "Action=ListQueues", b"Action=CreateQueue&QueueName=made"),
        ("sqs", "AmazonSQS.ListQueues", "Action=CreateQueue&QueueName=made", b""),
        ("sns", "AmazonSNS.ListTopics", "", b"Action=CreateTopic&Name=made"),
        ("sns", None, "Action=ListTopics", b"Action=CreateTopic&Name=made"),
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_what_the_neighbour_does_is_what_was_judged(
    service: str, target: str | None, query: str, body: bytes, content_type: str
):
    """ministack's own handler, in this process: it creates something, or says that it did what was asked for."""
    headers = {"content_type": content_type, **({} if target is None else {"x_amz_target": target})}
    identities = Identities(allow(f"{service}:List*"))
    try:
        ask(identities, service, query=query, body=body, **headers)
    except (AccessDenied, WireError):
        return
    handler = importlib.import_module(f"ministack.services.{service}").handle_request
    sent = {"host": "localhost", **{name.replace("_", "-"): value for name, value in headers.items()}}
    _, _, answer = asyncio.run(handler("POST", "/", sent, body, parse_qs(query, keep_blank_values=True)))
    assert b"made" not in answer


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("/v20180820/accesspoint/p", "s3"),
        ("/v2/email/identities", "ses"),
        ("/v2/name/manifests/latest", "ecr"),
        ("/%45xecute", "rds-data"),
        ("/iceberg/v1/config", None),
        ("/restapis/a/stage/_user_request_/x", None),
    ],
)
def test_a_path_that_the_neighbour_serves_whatever_it_is_signed_for_is_its_owners_alone(path: str, owner: str | None):
    for service in ("sqs", "s3", "lambda", "ses", "ecr", "rds-data"):
        everything = Identities(allow(f"{service}:*"))
        if service == owner:
            ask(everything, service, path=path)
        else:
            assert "The path" in refused(everything, service, path=path)


def test_the_control_plane_of_s3_takes_everything_also_below_a_bucket_in_host():
    identities = Identities(allow("s3:PutObject"))
    for host in ("localhost", "mine.localhost"):
        assert "s3:* because" in refused(identities, "s3", "PUT", "/v20180820/accesspoint/p", host=host)
    ask(identities, "s3", "PUT", "/mine/v20180820/accesspoint/p")


def test_a_signing_name_that_is_not_in_the_table_is_refused():
    everything = Identities(allow("*"), deny("es:*"))
    assert "explicit deny" in refused(everything, "es", path="/2021-01-01/domain")
    assert "'opensearch' is none" in refused(everything, "opensearch", path="/2021-01-01/domain")
    assert "'foo' is none" in refused(everything, "foo", "GET", "/bucket/key")


def test_what_is_not_known_takes_the_permission_for_the_whole_service():
    assert "lambda:* because" in refused(
        Identities(allow("lambda:InvokeFunction")), "lambda", "GET", "/2015-03-31/functions"
    )
    ask(Identities(allow("lambda:*")), "lambda", "GET", "/2015-03-31/functions")
    ask(Identities(allow("*")), "lambda", "GET", "/2015-03-31/functions")


def test_a_deny_of_any_action_or_resource_denies_what_is_not_known():
    narrow = deny("lambda:DeleteFunction", "arn:aws:lambda:*:*:function:keep")
    assert "explicit deny" in refused(Identities(allow("*"), narrow), "lambda", "GET", "/2015-03-31/functions")
    table = deny("dynamodb:PutItem", "arn:aws:dynamodb:*:*:table/keep")
    assert "explicit deny" in refused(
        Identities(allow("*"), table), "dynamodb", x_amz_target="DynamoDB_20120810.PutItem"
    )
    ask(Identities(allow("*"), table), "dynamodb", x_amz_target="DynamoDB_20120810.GetItem")


def test_an_allow_on_some_resource_is_not_enough_where_the_resource_is_not_known():
    identities = Identities(allow("sqs:*", "arn:aws:sqs:*:*:mine"))
    assert "sqs:SendMessage because" in refused(identities, "sqs", x_amz_target="AmazonSQS.SendMessage")


def test_services_have_the_names_that_iam_has_for_them():
    ask(
        Identities(allow("cloudwatch:PutMetricData")),
        "monitoring",
        x_amz_target="GraniteServiceVersion20100801.PutMetricData",
    )


def test_audit_lets_through_what_cannot_be_judged_and_logs_it(caplog: pytest.LogCaptureFixture):
    ask(Identities(), "s3", "GET", "//", mode=IamMode.AUDIT)
    ask(Identities(), "s3", "POST", "/mine", "delete", b"<nonsense/>", mode=IamMode.AUDIT)
    ask(Identities(), "sns", query="Action=Publish&Action=Publish", mode=IamMode.AUDIT)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 3
    assert "would be refused" in caplog.text
    assert "MalformedXML" in caplog.text


def test_root_and_off_are_let_through():
    ask(Identities(), "s3", "GET", "//", arn=f"arn:aws:iam::{ACCOUNT}:root")
    ask(Identities(), "s3", "GET", "/b/k", mode=IamMode.OFF)
    ask(Identities(), "s3", "GET", "/b/k", mode=IamMode.AUDIT)


class Echo:
    """A neighbourhood that asks for leave, and notes what it would have forwarded."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def forward(self, exchange: Exchange, credential: Credential, key: AccessKey) -> None:
        signature = VerifiedSignature(key=key, credential=credential, payload_hash="UNSIGNED-PAYLOAD", signing_key=b"")
        assert exchange.admit is not None
        await exchange.admit(exchange, signature, None)
        self.bodies.append(b"".join([piece async for piece in exchange.pieces()]))
        await exchange.begin(200, [(b"content-type", b"application/xml")])
        await exchange.write(b"<DeleteResult/>", more=False)

    async def close(self) -> None: ...


def test_a_body_that_was_looked_into_is_forwarded_whole():
    echo = Echo()
    app = gateway_to(echo, allow("s3:*", MINE))
    s3 = client(app, "s3")
    s3.delete_objects(Bucket="mine", Delete={"Objects": [{"Key": f"key-{number}"} for number in range(500)]})
    assert echo.bodies[0].count(b"<Key>") == 500
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.delete_objects(Bucket="theirs", Delete={"Objects": [{"Key": "key"}]})
    assert len(echo.bodies) == 1


def test_a_long_form_is_forwarded_whole_too():
    echo = Echo()
    app = gateway_to(echo, allow("sns:*"))
    body = b"Action=Publish&Message=" + b"x" * 2_000_000
    status, _, _ = request(app, "POST", "http://localhost/", list(signed_form().items()), body)
    assert status == 200
    assert echo.bodies == [body]


def test_a_form_that_comes_in_very_many_pieces_is_read_once_and_forwarded_whole():
    echo = Echo()
    app = gateway_to(echo, allow("sns:Publish"))
    body = b"Action=Publish&Message=" + b"x" * 200_000
    # One byte a message: joined anew at each, this would take twenty gigabytes of copying.
    messages = [{"type": "http.request", "body": body[i : i + 1], "more_body": True} for i in range(len(body))]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    coming = iter(messages)
    statuses: list[int] = []

    async def receive() -> Any:
        return next(coming)

    async def send(message: Any) -> None:
        statuses.append(message.get("status", 0))

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in signed_form().items()],
    }
    asyncio.run(app(scope, receive, send))
    assert statuses[0] == 200
    assert echo.bodies == [body]


def gateway_to(echo: Echo, *statements: dict[str, Any]) -> ASGIApp:
    judge = NeighbourAuthorizer(authorizer(Identities(*statements)))
    return build_application(handlers={}, access_keys=OneKey(), neighbourhood=echo, neighbour_authorizer=judge)


def signed_form() -> dict[str, str]:
    return sign(
        method="POST",
        raw_path="/",
        raw_query="",
        headers={"host": "localhost", "content-type": "application/x-www-form-urlencoded"},
        key=SigningKey(access_key_id=KEY.access_key_id, secret_access_key=KEY.secret_access_key, session_token=None),
        region="us-east-1",
        service="sns",
        payload_hash="UNSIGNED-PAYLOAD",
        now=datetime.now(UTC),
    )
