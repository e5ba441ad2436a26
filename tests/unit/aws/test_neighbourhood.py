"""Through the gateway to a real ministack, and to a recorder that stands for another S3."""

import hashlib
import http.client
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import boto3
import httpx
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse, HeadersDict
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from ministack.core import router

from tanren.aws import presigned_v2
from tanren.aws.chain import build_application
from tanren.aws.errors import WireError
from tanren.aws.exchange import ASGIApp
from tanren.aws.neighbourhood import EmbeddedTarget, ExternalTarget, ForwardingNeighbourhood, _for_ministack
from tanren.aws.neighbourhood_process import MinistackSettings, make_directories, ministack_command
from tanren.aws.signatures import SignedRequest, SigningKey, key_of, read_credential, sign, verify
from tests.protocol.loopback import KEY, RUNNER, OneKey, Raw, client, request
from tests.unit.aws.conftest import Served, free_port, wait_until_up


class Ministack:
    def __init__(self, directory: Path) -> None:
        self.settings = MinistackSettings(
            port=free_port(), directory=directory, account_id="999999999999", region="us-east-1"
        )
        make_directories(self.settings)
        self.url = f"http://127.0.0.1:{self.settings.port}"

    def start(self) -> "Ministack":
        command, environment = ministack_command(self.settings, inherited=os.environ)
        self.process = subprocess.Popen(command, env=environment, start_new_session=True)
        wait_until_up(f"{self.url}/_ministack/health", self.process)
        return self

    def end(self, number: int) -> None:
        self.process.send_signal(number)
        self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    running = Ministack(tmp_path_factory.mktemp("ministack")).start()
    yield running
    running.end(signal.SIGTERM)


@pytest.fixture(scope="module")
def gateway(ministack: Ministack) -> Iterator[Served]:
    server = Served(ministack.url)
    yield server
    server.stop()


_clients: list[Any] = []


@pytest.fixture(autouse=True, scope="module")
def _close_clients() -> Iterator[None]:
    yield
    for made in _clients:
        made.close()


def through(
    url: str, service: str, secret: str = KEY.secret_access_key, region: str = "eu-central-1", **config: Any
) -> Any:
    made = boto3.client(
        service,
        region_name=region,
        endpoint_url=url,
        aws_access_key_id=KEY.access_key_id,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, **config),
    )
    _clients.append(made)
    return made


@pytest.fixture(scope="module")
def s3(gateway: Served) -> Any:
    made = through(gateway.url, "s3")
    made.create_bucket(Bucket="shelf", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return made


def test_an_object_comes_back_with_its_bytes_metadata_and_odd_key(s3: Any) -> None:
    key = "a b/ü+%/(x)~'=&?#.jsonl"
    body = os.urandom(3_000_000)
    s3.put_object(Bucket="shelf", Key=key, Body=body, Metadata={"job": "j-1"}, ContentType="text/x")
    got = s3.get_object(Bucket="shelf", Key=key)
    assert got["Body"].read() == body
    assert (got["Metadata"], got["ContentType"]) == ({"job": "j-1"}, "text/x")
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="shelf")["Contents"]] == [key]
    assert s3.head_object(Bucket="shelf", Key=key)["ContentLength"] == len(body)
    assert s3.get_object(Bucket="shelf", Key=key, Range="bytes=10-19")["Body"].read() == body[10:20]
    s3.delete_object(Bucket="shelf", Key=key)


def test_an_upload_over_http2_without_a_length_is_stored(s3: Any, ministack: Ministack) -> None:
    url = "http://h/shelf/h2"
    signed = _signed_s3("PUT", url, {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    with neighbour(EmbeddedTarget(endpoint_url=ministack.url)) as app:
        status, _, _ = request(app, "PUT", url, [*signed.items(), ("host", "h")], b"over http/2" * 9000, version="2")
    assert status == 200
    assert s3.get_object(Bucket="shelf", Key="h2")["Body"].read() == b"over http/2" * 9000


def test_a_multipart_upload_and_a_copy_pass(s3: Any, tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(os.urandom(9_000_000))
    s3.upload_file(str(path), "shelf", "big")
    s3.copy({"Bucket": "shelf", "Key": "big"}, "shelf", "copy")
    s3.download_file("shelf", "copy", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == path.read_bytes()


def test_virtual_host_style_buckets_pass(gateway: Served, s3: Any) -> None:
    url = f"http://localhost:{gateway.port}"
    vhost = through(url, "s3", s3={"addressing_style": "virtual"})
    vhost.meta.events.register("before-send.s3.*", _resolve_locally)
    vhost.put_object(Bucket="shelf", Key="v", Body=b"virtual")
    assert s3.get_object(Bucket="shelf", Key="v")["Body"].read() == b"virtual"


def _resolve_locally(request: Any, **_: Any) -> Any:
    parts = urlsplit(request.url)
    assert parts.hostname is not None
    assert parts.hostname.startswith("shelf.localhost")
    connection = http.client.HTTPConnection("127.0.0.1", parts.port or 80)
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}
    body = request.body.read() if hasattr(request.body, "read") else request.body
    connection.request(request.method, parts.path or "/", body, {**headers, "Host": parts.netloc})
    answer = connection.getresponse()
    content = Raw(answer.read())
    connection.close()
    return AWSResponse(request.url, answer.status, HeadersDict(dict(answer.getheaders())), content)


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_presigned_urls_of_both_signature_versions_work_and_a_changed_one_does_not(
    s3: Any, gateway: Served, version: str
) -> None:
    signer = through(gateway.url, "s3", signature_version=version)
    where = {"Bucket": "shelf", "Key": "pre signed"}
    put = signer.generate_presigned_url("put_object", Params=where)
    assert httpx.put(put, content=b"presigned").status_code == 200
    get = signer.generate_presigned_url("get_object", Params=where)
    assert httpx.get(get).content == b"presigned"
    refused = httpx.get(get.replace("pre%20signed", "other"))
    assert refused.status_code == 403
    assert "<Code>SignatureDoesNotMatch</Code>" in refused.text


def test_the_callers_account_is_the_answer_of_sts_and_keys_of_queues(gateway: Served) -> None:
    assert through(gateway.url, "sts").get_caller_identity()["Account"] == KEY.account_id
    url = through(gateway.url, "sqs").create_queue(QueueName="line")["QueueUrl"]
    assert KEY.account_id in url
    table = through(gateway.url, "dynamodb").list_tables()
    assert table["TableNames"] == []


@pytest.mark.parametrize("service", ["s3", "sts", "dynamodb", "lambda"])
def test_a_wrong_secret_is_refused_in_the_protocol_of_the_service(gateway: Served, service: str) -> None:
    stranger = through(gateway.url, service, secret="wrong")
    call = {
        "s3": "list_buckets",
        "sts": "get_caller_identity",
        "dynamodb": "list_tables",
        "lambda": "list_functions",
    }[service]
    with pytest.raises(ClientError) as raised:
        getattr(stranger, call)()
    code = "SignatureDoesNotMatch" if service in ("s3", "sts") else "InvalidSignatureException"
    assert raised.value.response["Error"]["Code"] == code
    assert "tanren env" in raised.value.response["Error"]["Message"]


@pytest.mark.parametrize("framing", ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", "hash"])
def test_a_body_that_is_not_what_was_signed_is_not_stored(s3: Any, gateway: Served, framing: str) -> None:
    url = f"{gateway.url}/shelf/forged"
    body = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n" if framing != "hash" else b"forged"
    headers = {"X-Amz-Content-SHA256": hashlib.sha256(b"real").hexdigest() if framing == "hash" else framing}
    if framing != "hash":
        headers |= {"x-amz-decoded-content-length": "5", "x-amz-trailer": "x-amz-checksum-crc32"}
        headers |= {"Content-Encoding": "aws-chunked"}
    signed = _signed_s3("PUT", url, headers)
    answer = httpx.put(url, content=body, headers=signed)
    assert answer.status_code == 400
    assert ("XAmzContentSHA256Mismatch" if framing == "hash" else "BadDigest") in answer.text
    with pytest.raises(ClientError):
        s3.head_object(Bucket="shelf", Key="forged")


def _signed_s3(method: str, url: str, headers: dict[str, str]) -> dict[str, str]:
    made = AWSRequest(method=method, url=url, headers=headers)

    class Signer(S3SigV4Auth):
        def payload(self, request: Any) -> str:
            return headers["X-Amz-Content-SHA256"]

    Signer(Credentials(KEY.access_key_id, KEY.secret_access_key), "s3", "eu-central-1").add_auth(made)
    return dict(made.headers.items())


@pytest.mark.parametrize("path", ["/shelf/../other", "/shelf/%2e%2E/other", "/shelf/a%2F..%2Fb", "/_ministack/reset"])
def test_dot_segments_and_the_neighbours_administration_are_refused(ministack: Ministack, path: str) -> None:
    signed = _signed_s3("GET", f"http://h{path}", {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    with neighbour(EmbeddedTarget(endpoint_url=ministack.url)) as app:
        status, _, _ = request(app, "GET", f"http://h{path}", [*signed.items(), ("host", "h")])
    assert status == (403 if path.startswith("/_") else 400)


def test_a_neighbour_that_is_down_is_service_unavailable_in_the_protocol_of_the_service() -> None:
    calls = {"s3": "list_buckets", "sts": "get_caller_identity", "dynamodb": "list_tables"}
    for service, call in calls.items():
        target = EmbeddedTarget(endpoint_url=f"http://127.0.0.1:{free_port()}")
        with neighbour(target) as app, pytest.raises(ClientError) as raised:
            getattr(client(app, service), call)()
        assert raised.value.response["Error"]["Code"].startswith("ServiceUnavailable")
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503


@contextmanager
def neighbour(target: EmbeddedTarget | ExternalTarget) -> Iterator[ASGIApp]:
    neighbourhood = ForwardingNeighbourhood(target)
    yield build_application(handlers={}, access_keys=OneKey(), neighbourhood=neighbourhood)
    RUNNER.run(neighbourhood.close())


def test_objects_and_metadata_survive_a_kill_and_every_listener_is_on_loopback(tmp_path: Path) -> None:
    running = Ministack(tmp_path).start()
    direct = through(running.url, "s3", region="us-east-1")
    direct.create_bucket(Bucket="kept")
    direct.put_object(Bucket="kept", Key="a/b", Body=b"bytes", Metadata={"who": "me"}, ContentType="text/x")
    assert all(address.startswith("127.0.0.1") for address in _listeners(running.process.pid))
    running.end(signal.SIGKILL)
    running.start()
    got = direct.get_object(Bucket="kept", Key="a/b")
    assert (got["Body"].read(), got["Metadata"], got["ContentType"]) == (b"bytes", {"who": "me"}, "text/x")
    running.end(signal.SIGTERM)


def _listeners(pid: int) -> list[str]:
    """Addresses on which the process listens, from /proc."""
    inodes = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd") if _is_link(pid, fd)}
    found: list[str] = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                address, port = fields[1].split(":")
                found.append(f"{'127.0.0.1' if address == '0100007F' else address}:{int(port, 16)}")
    assert found
    return found


def _is_link(pid: int, fd: str) -> bool:
    return os.path.lexists(f"/proc/{pid}/fd/{fd}")


ACCOUNTS = st.sampled_from(["222222222222", KEY.access_key_id, "AKIDELSE"])
SCOPES = st.builds(
    "{}/20261121/{}/{}/aws4_request".format,
    ACCOUNTS,
    st.sampled_from(["us-east-1", "eu-central-1"]),
    st.sampled_from(["s3", "dynamodb"]),
)
FIELDS = st.lists(
    st.one_of(SCOPES.map("Credential={}".format), SCOPES.map("X=Credential={}".format), st.just("Signature=0")),
    max_size=2,
)
NAMES_OF_CREDENTIALS = ["X-Amz-Credential", "x-amz-credential", "X%2DAmz-Credential", "AWSAccessKeyId", "X-Other"]
PAIRS = st.lists(st.builds("{}={}".format, st.sampled_from(NAMES_OF_CREDENTIALS), SCOPES), max_size=2)


@settings(max_examples=200, deadline=None)
@given(FIELDS, FIELDS, PAIRS, st.sampled_from(["header", "v4", "v2"]), st.booleans())
def test_the_neighbour_reads_the_account_and_the_service_that_were_verified(
    before: list[str], after: list[str], pairs: list[str], way: str, has_stray_header: bool
) -> None:
    """Whatever a tenant signs properly: refused here, or read by ministack's own router as we read it."""
    request = _signed_by_tenant(before, after, pairs, way, has_stray_header)
    try:
        credential = read_credential(request)
        signature = verify(request, credential, KEY)
    except WireError:
        assert before or after or pairs or has_stray_header
        return
    exchange: Any = SimpleNamespace(raw_path=request.raw_path, raw_query=request.raw_query)
    target = EmbeddedTarget(endpoint_url="http://ministack")
    left = _for_ministack(exchange, signature, list(request.headers.items()), target)
    (authorization,) = [value for name, value in left.headers if name == "authorization"]
    assert authorization.count("Credential=") == (0 if way == "v2" else 1)
    headers, query = dict(left.headers), parse_qs(left.target.partition("?")[2], keep_blank_values=True)
    assert router.extract_access_key_id(headers, query) == KEY.account_id
    assert router.detect_service("GET", "/shelf/k", headers, query) == "s3"
    if way != "v2":
        assert router.extract_signed_region(headers, query) == "eu-central-1"


def _signed_by_tenant(
    before: list[str], after: list[str], pairs: list[str], way: str, has_stray_header: bool
) -> SignedRequest:
    query = "&".join(pairs)
    if way == "header":
        headers = sign(
            method="GET",
            raw_path="/shelf/k",
            raw_query=query,
            headers={"host": "h"},
            key=SigningKey(access_key_id=KEY.access_key_id, secret_access_key=KEY.secret_access_key),
            region="eu-central-1",
            service="s3",
            payload_hash="UNSIGNED-PAYLOAD",
            now=datetime.now(UTC),
        )
        algorithm, _, fields = headers["authorization"].partition(" ")
        headers["authorization"] = f"{algorithm} {', '.join([*before, fields, *after])}"
        return SignedRequest(method="GET", raw_path="/shelf/k", raw_query=query, headers=headers)
    headers = {"host": "h"}
    if way == "v4":
        made = AWSRequest(method="GET", url=f"http://h/shelf/k?{query}" if query else "http://h/shelf/k")
        S3SigV4QueryAuth(Credentials(KEY.access_key_id, KEY.secret_access_key), "s3", "eu-central-1").add_auth(made)
        query = urlsplit(made.url).query
    else:
        query = "&".join([f"AWSAccessKeyId={KEY.access_key_id}", "Expires=4102444800", *pairs])
        signature = next(
            presigned_v2.expected_signatures(
                method="GET",
                raw_path="/shelf/k",
                raw_query=query,
                headers=headers,
                secret_access_key=KEY.secret_access_key,
            )
        )
        query += f"&Signature={quote(signature, safe='')}"
    if has_stray_header:
        headers["authorization"] = f"AWS4-HMAC-SHA256 {', '.join([*before, *after]) or 'Signature=0'}"
    return SignedRequest(method="GET", raw_path="/shelf/k", raw_query=query, headers=headers)


@pytest.mark.parametrize("service", ["foo", "opensearch", "s3express", "execute-api"])
def test_a_service_that_the_table_does_not_have_is_forwarded_for_nobody(recorder: "Recorder", service: str) -> None:
    target = ExternalTarget(endpoint_urls={"*": recorder.url}, signing_key=TARGET_KEY)
    with neighbour(target) as app:
        made = AWSRequest(method="GET", url="http://h/bucket/key")
        SigV4Auth(Credentials(KEY.access_key_id, KEY.secret_access_key), service, "eu-central-1").add_auth(made)
        status, _, answer = request(app, "GET", "http://h/bucket/key", [*made.headers.items(), ("host", "h")])
    assert status == 403
    assert b"is none that this server" in answer
    assert recorder.requests == []


class Recorder:
    """Another S3, which keeps what it was sent."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                recorder.requests.append((self.command, self.path, headers, body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = do_PUT

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    made = Recorder()
    yield made
    made.server.shutdown()
    made.server.server_close()


TARGET_KEY = SigningKey(access_key_id="TARGETKEY", secret_access_key="target-secret")


@pytest.fixture
def external(recorder: Recorder) -> Iterator[ASGIApp]:
    with neighbour(ExternalTarget(endpoint_urls={"*": recorder.url}, signing_key=TARGET_KEY)) as app:
        yield app


def test_an_external_target_gets_its_own_credentials_and_a_body_without_framing(
    recorder: Recorder, external: ASGIApp
) -> None:
    app = external
    body = b"5;ignored=1\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n"
    headers = {
        "X-Amz-Content-SHA256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": "11",
        "x-amz-trailer": "x-amz-checksum-crc32",
        "Content-Encoding": "aws-chunked",
        "x-amz-meta-job": "j-1",
        "Content-Length": str(len(body)),
    }
    url = "http://shelf.localhost:4566/a%20b/c?x=1"
    signed = _signed_s3("PUT", url, headers)
    status, _, _ = request(app, "PUT", url, [*signed.items(), ("host", "shelf.localhost:4566")], body)
    assert status == 200
    ((method, target, sent, content),) = recorder.requests
    assert (method, target, content) == ("PUT", "/shelf/a%20b/c?x=1", b"hello world")
    assert sent["x-amz-meta-job"] == "j-1"
    assert "content-encoding" not in sent
    assert KEY.access_key_id not in json.dumps(sent)
    _assert_signed_for_target(method, target, sent)


def test_a_presigned_request_reaches_an_external_target_signed_in_headers(
    recorder: Recorder, external: ASGIApp
) -> None:
    app = external
    signer = client(app, "s3", signature_version="s3v4")
    url = signer.generate_presigned_url("get_object", Params={"Bucket": "shelf", "Key": "k", "VersionId": "v 1"})
    status, _, _ = request(app, "GET", url, [("host", "127.0.0.1:4566")])
    assert status == 200
    ((method, target, sent, _),) = recorder.requests
    assert target == "/shelf/k?versionId=v%201"
    _assert_signed_for_target(method, target, sent)


def test_a_service_without_a_declared_hash_is_forwarded_with_its_body(recorder: Recorder, external: ASGIApp) -> None:
    app = external
    client(app, "dynamodb").list_tables(ExclusiveStartTableName="t" * 200)
    ((method, target, sent, body),) = recorder.requests
    assert json.loads(body) == {"ExclusiveStartTableName": "t" * 200}
    assert sent["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest()
    _assert_signed_for_target(method, target, sent)


def _assert_signed_for_target(method: str, target: str, headers: dict[str, str]) -> None:
    path, _, query = target.partition("?")
    signed = SignedRequest(method=method, raw_path=path, raw_query=query, headers=headers)
    credential = read_credential(signed)
    assert credential.access_key_id == TARGET_KEY.access_key_id

    class Keys:
        def find(self, access_key_id: str) -> Any:
            return replace(KEY, access_key_id=access_key_id, secret_access_key=TARGET_KEY.secret_access_key)

    key = key_of(credential, Keys(), now=datetime.now(UTC))
    verify(signed, credential, key)
