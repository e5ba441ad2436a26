"""The console over the real wire: what a narrow policy and an endpoint without tanren's service look like in a browser.

The console's own clients, boto3's, send to an application in this process; only the socket is missing.
"""

import asyncio
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tanren.aws.exchange import ASGIApp
from tanren.aws.signatures import AccessKey
from tanren.console.api import ApiEndpoint, Credentials, SignedApi
from tanren.console.application import Console
from tanren.console.sealed_sessions import SealedSessions
from tanren.storage.database import Database
from tests.conformance.whole_gateway import ACCOUNT, WholeGateway
from tests.protocol.identity_server import ROOT, allowing
from tests.protocol.loopback import client as loopback_client
from tests.protocol.test_permissions import PermissionServer

MakeClient = Callable[[str, AccessKey], Any]
URL = "http://127.0.0.1:4566"
PATHS = (
    "/console/overview",
    "/console/foundation-models",
    "/console/foundation-models/tanren.nano-v1:0",
    "/console/custom-models",
    "/console/custom-models?tab=jobs",
    "/console/custom-models/create?customization_type=FINE_TUNING",
    "/console/evaluations",
    "/console/evaluations/create",
    "/console/provisioned-throughput",
    "/console/provisioned-throughput/create",
    "/console/playground",
    "/console/audit",
    "/console/status",
)
ALLOWED = ("/console/custom-models", "/console/provisioned-throughput/create")
"""To who may list models and jobs."""
WITH_MORE = ("/console/overview", "/console/foundation-models", "/console/audit", "/console/status")
"""That tanren's own service has something for."""
NOT_TANREN = "The endpoint is not tanren, so what only tanren has is left out here"


class OneByOne(SignedApi):
    """The loopback has one event loop for all requests."""

    def __init__(self, make: Callable[[str], Any], turn: asyncio.Lock) -> None:
        super().__init__(make, ApiEndpoint(url=URL))
        self._turn = turn

    async def ask(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        async with self._turn:
            return await super().ask(service, operation, **params)


class Apis:
    """As `api.ApiClients`, over clients that need no socket."""

    def __init__(self, make: MakeClient) -> None:
        self._make = make
        self._turn = asyncio.Lock()

    def signed(self, credentials: Credentials) -> SignedApi:
        key = AccessKey(
            access_key_id=credentials.access_key_id,
            secret_access_key=credentials.secret_access_key,
            session_token=credentials.session_token,
            account_id=ACCOUNT,
            principal_arn="",
        )
        return OneByOne(lambda service: self._make(service, key), self._turn)


def browser(make: MakeClient, folder: Path, key: dict[str, str]) -> Iterator[TestClient]:
    """Somebody who has signed in with these keys."""
    console = Console(Apis(make), SealedSessions(folder), endpoint_url=URL, default_region="us-east-1", is_https=False)
    with TestClient(console.application(), base_url="http://testserver", follow_redirects=False) as client:
        keys = {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}
        assert client.post("/console/sign-in", data={**keys, "region": "us-east-1"}).status_code == 303
        yield client


class TestAUserWithANarrowPolicy:
    @pytest.fixture
    def client(self, database: Database, tmp_path: Path) -> Iterator[TestClient]:
        gateway = WholeGateway(database, tmp_path / "data")
        iam = gateway.client("iam")
        iam.create_user(UserName="hanako")
        may = allowing(["bedrock:ListCustomModels", "bedrock:ListModelCustomizationJobs"])
        iam.put_user_policy(UserName="hanako", PolicyName="looks", PolicyDocument=may)
        key = iam.create_access_key(UserName="hanako")["AccessKey"]
        yield from browser(lambda service, key: gateway.client(service, key=key), tmp_path / "sessions", key)
        gateway.close()

    @pytest.mark.parametrize("path", PATHS)
    def test_opens_every_page_and_reads_what_is_refused_in_the_services_words(self, client: TestClient, path: str):
        answer = client.get(path)
        is_allowed = path.partition("?")[0] in ALLOWED
        assert answer.status_code in ((200,) if is_allowed else (200, 403))
        words = unescape(answer.text)
        assert (f"User: arn:aws:iam::{ACCOUNT}:user/hanako is not authorized to perform:" in words) is not is_allowed
        assert NOT_TANREN not in words

    def test_is_told_which_action_a_policy_would_have_to_allow(self, client: TestClient):
        page = unescape(client.get("/console/audit").text)
        assert "tanren:ListAuditEvents" in page
        assert "names the action and the resource that a policy would have to allow" in page


class Foreign:
    """Another server in front of the gateway: of tanren's own service it knows nothing, and says so in its way."""

    def __init__(self, inner: ASGIApp, status: int, content_type: str, body: str) -> None:
        self._inner = inner
        self._answer = (status, content_type.encode(), body.encode())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if b"/tanren/aws4_request" not in dict(scope["headers"]).get(b"authorization", b""):
            return await self._inner(scope, receive, send)
        status, content_type, body = self._answer
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", content_type)]})
        await send({"type": "http.response.body", "body": body})


AWS = (404, "application/json", '{"__type": "UnknownOperationException"}')
LOCALSTACK = (501, "application/json", '{"__type": "InternalFailure", "message": "Service not included"}')
MOTO = (500, "text/html", "<!doctype html><title>500 Internal Server Error</title>")
S3 = (405, "application/xml", "<Error><Code>MethodNotAllowed</Code><Message>Not allowed</Message></Error>")


@pytest.mark.parametrize("answer", [AWS, LOCALSTACK, MOTO, S3], ids=["aws", "localstack", "moto", "s3"])
class TestAServerWithoutTheServiceOfTanren:
    @pytest.fixture
    def client(self, database: Database, tmp_path: Path, answer: tuple[int, str, str]) -> Iterator[TestClient]:
        server = PermissionServer(database, tmp_path / "data")
        foreign = Foreign(server.app, *answer)
        key = {"AccessKeyId": ROOT.access_key_id, "SecretAccessKey": ROOT.secret_access_key}
        yield from browser(lambda service, key: loopback_client(foreign, service, key=key), tmp_path / "sessions", key)

    def test_has_the_pages_of_bedrocks_own_operations_and_is_named_where_there_would_be_more(self, client: TestClient):
        for path in PATHS:
            page = client.get(path)
            assert page.status_code == (404 if path == "/console/audit" else 200), path
            assert (NOT_TANREN in page.text) is (path in WITH_MORE), path
