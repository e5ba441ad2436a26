"""Whom a command asks: what is named, where the shell points, the own server; AWS only where it is named."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tanren.cli.endpoint import answers_as_tanren, open_endpoint, refusals
from tanren.cli.exit_codes import exit_code_of
from tanren.domain.errors import Conflict, ResourceNotFound, ServiceUnavailable, TanrenError, ValidationFailed
from tanren.processes import HEALTH_PATH
from tanren.storage.root_keys import RootKeys, write_root_keys

OWN = RootKeys(
    account_id="123456789012",
    region="eu-west-1",
    access_key_id="AKIAEXAMPLE",
    secret_access_key="secret",
    endpoint="http://127.0.0.1:4999",
)


@pytest.fixture(autouse=True)
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """A shell with AWS credentials and nothing else, in an empty directory."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_BEDROCK", "AWS_PROFILE", "AWS_REGION", "TANREN_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.chdir(tmp_path)

    def set_variables(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_variables


def key_of(client: Any) -> str:
    return client._request_signer._credentials.access_key


def test_real_credentials_alone_are_no_wish_to_buy_on_aws():
    with pytest.raises(ValidationFailed, match=r"neither AWS_ENDPOINT_URL nor --endpoint-url.*--endpoint-url aws"):
        open_endpoint(None, None)


def test_aws_is_asked_where_it_is_named():
    endpoint = open_endpoint("aws", None)
    assert (endpoint.url, endpoint.is_aws) == ("https://bedrock.us-east-1.amazonaws.com", True)
    assert open_endpoint("https://bedrock.eu-west-1.amazonaws.com", None).is_aws


def test_the_own_server_is_asked_with_its_own_keys(tmp_path: Path):
    (tmp_path / ".tanren").mkdir()
    write_root_keys(tmp_path / ".tanren", OWN)
    endpoint = open_endpoint(None, None)
    assert (endpoint.url, endpoint.is_aws) == (OWN.endpoint, False)
    assert key_of(endpoint.bedrock) == "AKIAEXAMPLE"
    assert endpoint.bedrock.meta.region_name == "eu-west-1"


def test_where_the_shell_points_comes_before_the_own_server_and_a_named_directory_before_both(tmp_path: Path, shell):
    (tmp_path / ".tanren").mkdir()
    write_root_keys(tmp_path / ".tanren", OWN)
    shell(AWS_ENDPOINT_URL="http://other:4500")
    endpoint = open_endpoint(None, None)
    assert (endpoint.url, key_of(endpoint.bedrock)) == ("http://other:4500", "AKIAREAL")
    assert open_endpoint(None, tmp_path / ".tanren").url == OWN.endpoint
    assert open_endpoint("http://named:1", None).url == "http://named:1"


def test_two_answers_to_one_question_are_refused(tmp_path: Path):
    with pytest.raises(ValidationFailed, match="give one of them"):
        open_endpoint("aws", tmp_path)
    with pytest.raises(ValidationFailed, match="begins with http"):
        open_endpoint("localhost:4500", None)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ValidationException", ValidationFailed),
        ("ConflictException", Conflict),
        ("ResourceNotFoundException", ResourceNotFound),
        ("InternalServerException", ServiceUnavailable),
    ],
)
def test_a_refusal_of_the_api_keeps_its_words_and_gets_its_exit_code(code: str, kind: type[TanrenError]):
    with pytest.raises(kind, match=f"{code}: because"), refusals():
        raise ClientError({"Error": {"Code": code, "Message": "because"}}, "Anything")


def test_who_does_not_answer_is_named_with_what_to_do():
    with pytest.raises(ServiceUnavailable, match=r"http://127\.0\.0\.1:1.*tanren serve"), refusals():
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")


def test_a_tanren_server_is_known_by_its_page_of_health_and_others_are_not():
    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == HEALTH_PATH and self.server.is_tanren else 404)  # type: ignore[attr-defined]
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: the test's output is the test's."""

    for is_tanren in (True, False):
        with HTTPServer(("127.0.0.1", 0), Health) as server:
            server.is_tanren = is_tanren  # type: ignore[attr-defined]
            Thread(target=server.serve_forever, daemon=True).start()
            assert answers_as_tanren(f"http://127.0.0.1:{server.server_port}") is is_tanren
            server.shutdown()
    assert not answers_as_tanren("http://127.0.0.1:1")
    assert not answers_as_tanren("https://127.0.0.1:1")


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("ValidationException", 3),
        ("ExpiredTokenException", 5),
        ("UnrecognizedClientException", 5),
        ("ThrottlingException", 6),
        ("ServiceQuotaExceededException", 6),
        ("TooManyTagsException", 6),
        ("InternalServerException", 1),
    ],
)
def test_each_code_of_the_api_ends_with_its_exit_code(code: str, exit_code: int):
    with pytest.raises(TanrenError) as refused, refusals():
        raise ClientError({"Error": {"Code": code, "Message": "because"}}, "Anything")
    assert exit_code_of(refused.value) == exit_code
