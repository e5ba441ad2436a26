"""Bedrock API keys: made as AWS's own generator and IAM make them, and good for nothing else."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tanren.aws.bearer_tokens import BedrockApiKeys, NoBearerTokens, is_bearer, long_term_token
from tanren.aws.errors import WireError
from tanren.aws.signatures import AccessKey, VerifiedSignature
from tanren.storage.database import Database
from tests.protocol import loopback
from tests.protocol.identity_server import ACCOUNT, ROOT, IdentityServer, code_of
from tests.protocol.loopback import KEY

EXPIRES_SECONDS = 3600


class Keys:
    def __init__(self, key: AccessKey = KEY, expires_at: datetime | None = None) -> None:
        self.key = key
        self.expires_at = expires_at

    def find(self, access_key_id: str) -> AccessKey | None:
        return self.key if access_key_id == self.key.access_key_id else None

    def find_bearer(self, alias: str, secret: str) -> AccessKey | None:
        is_known = (alias, secret) == ("BedrockAPIKey-1-at-123456789012", "s3cret")
        return replace(self.key, expires_at=self.expires_at) if is_known else None


def short_term(
    key: AccessKey = KEY,
    *,
    service: str = "bedrock",
    region: str = "us-west-2",
    expires: int = EXPIRES_SECONDS,
    host: str = "bedrock.amazonaws.com",
    action: str = "CallWithBearerToken",
    change: Callable[[str], str] = lambda url: url,
) -> str:
    """As aws-bedrock-token-generator makes it: a presigned POST, without its scheme, in base64."""
    request = AWSRequest("POST", f"https://{host}/", {"host": host}, params={"Action": action})
    credentials = Credentials(key.access_key_id, key.secret_access_key, key.session_token)
    SigV4QueryAuth(credentials, service, region, expires=expires).add_auth(request)
    url = change(request.url.removeprefix("https://") + "&Version=1")
    return "bedrock-api-key-" + base64.b64encode(url.encode()).decode()


def verified(token: str, keys: Keys | None = None, *, now: datetime | None = None) -> VerifiedSignature:
    known = keys or Keys()
    api_keys = BedrockApiKeys(known, known, default_region="us-east-1")
    return api_keys.verify({"authorization": f"Bearer {token}"}, now=now or datetime.now(UTC))


def refusal(token: str, keys: Keys | None = None, *, now: datetime | None = None) -> str:
    with pytest.raises(WireError) as raised:
        verified(token, keys, now=now)
    assert raised.value.status == 403
    return f"{raised.value.code}: {raised.value.message}"


def test_a_short_term_key_is_its_signer_in_the_region_that_it_was_made_for() -> None:
    found = verified(short_term())
    assert (found.key, found.credential.region, found.bearer_token_type) == (KEY, "us-west-2", "SHORT_TERM")
    assert found.payload_hash == "UNSIGNED-PAYLOAD"


def test_a_short_term_key_of_temporary_credentials_carries_their_token() -> None:
    temporary = replace(KEY, session_token="t/+=k")
    assert verified(short_term(temporary), Keys(temporary)).key == temporary
    assert "ExpiredTokenException" in refusal(short_term(replace(KEY, session_token="other")), Keys(temporary))


def test_a_short_term_key_ends_when_it_says_and_when_its_credentials_do() -> None:
    now = datetime.now(UTC)
    verified(short_term(), now=now + timedelta(seconds=EXPIRES_SECONDS - 5))
    assert "RequestExpired" in refusal(short_term(), now=now + timedelta(seconds=EXPIRES_SECONDS + 5))
    ended = replace(KEY, session_token="t", expires_at=now)
    assert "ExpiredTokenException" in refusal(short_term(ended), Keys(ended))
    assert "at most 43200 s" in refusal(short_term(expires=43201))


@pytest.mark.parametrize(
    "made",
    [
        short_term(service="s3"),
        short_term(host="bedrock.example.com"),
        short_term(action="DeleteEverything"),
        short_term(change=lambda url: url.replace("&Version=1", "&Extra=1")),
        short_term(change=lambda url: url.replace("us-west-2", "us-east-1")),
        short_term(change=lambda url: url.split("&X-Amz-Signature")[0]),
        short_term(replace(KEY, access_key_id="AKIAUNKNOWN000000000")),
        short_term(replace(KEY, secret_access_key="other")),
        "bedrock-api-key-%%%",
        "bedrock-api-key-",
        "ABSK",
        "ABSK%%%",
        long_term_token("BedrockAPIKey-1-at-123456789012", "other"),
        long_term_token("BedrockAPIKey-2-at-123456789012", "s3cret"),
        "sk-live-123",
        "",
        "ABSK" + "x" * 20_000,
    ],
)
def test_anything_else_is_refused(made: str) -> None:
    with pytest.raises(WireError) as raised:
        verified(made)
    assert raised.value.status in (400, 403)


def test_a_long_term_key_is_its_user_in_the_servers_own_region() -> None:
    token = long_term_token("BedrockAPIKey-1-at-123456789012", "s3cret")
    assert token.startswith("ABSKQmVkcm9ja0FQSUtleS")
    found = verified(token)
    assert (found.key, found.credential.region, found.bearer_token_type) == (KEY, "us-east-1", "LONG_TERM")
    ended = Keys(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert "has expired" in refusal(token, ended)


def test_the_word_bearer_may_be_written_in_any_case() -> None:
    assert is_bearer({"authorization": "bEARER x"})
    assert not is_bearer({"authorization": "AWS4-HMAC-SHA256 Credential=…"})
    assert not is_bearer({})


def test_a_server_without_identities_takes_none() -> None:
    with pytest.raises(WireError, match="takes no bearer tokens"):
        NoBearerTokens().verify({}, now=datetime.now(UTC))


def call(server: IdentityServer, path: str, token: str) -> tuple[int, dict[str, str], bytes]:
    headers = [("host", "h"), ("authorization", f"Bearer {token}")]
    return loopback.request(server.app, "GET", f"https://h{path}", headers)


def test_a_key_from_iam_calls_bedrock_until_it_is_inactive_reset_or_deleted(database: Database) -> None:
    server = IdentityServer(database)
    iam = server.client("iam")
    iam.create_user(UserName="anna")
    made = iam.create_service_specific_credential(
        UserName="anna", ServiceName="bedrock.amazonaws.com", CredentialAgeDays=30
    )["ServiceSpecificCredential"]
    token, credential = made["ServiceCredentialSecret"], made["ServiceSpecificCredentialId"]
    assert (made["ExpirationDate"] - made["CreateDate"]).days == 30
    assert call(server, "/foundation-models", token)[0] == 200
    caller = server.callers[-1].principal
    assert (caller.arn, caller.bearer_token_type) == (f"arn:aws:iam::{ACCOUNT}:user/anna", "LONG_TERM")
    named = {"UserName": "anna", "ServiceSpecificCredentialId": credential}
    (listed,) = iam.list_service_specific_credentials(UserName="anna")["ServiceSpecificCredentials"]
    assert "ServiceCredentialSecret" not in listed
    iam.update_service_specific_credential(**named, Status="Inactive")
    assert call(server, "/foundation-models", token)[0] == 403
    iam.update_service_specific_credential(**named, Status="Active")
    assert call(server, "/foundation-models", token)[0] == 200
    anew = iam.reset_service_specific_credential(**named)["ServiceSpecificCredential"]["ServiceCredentialSecret"]
    assert [call(server, "/foundation-models", each)[0] for each in (token, anew)] == [403, 200]
    assert code_of(iam.delete_user, UserName="anna") == "DeleteConflict"
    iam.delete_service_specific_credential(**named)
    assert call(server, "/foundation-models", anew)[0] == 403
    iam.delete_user(UserName="anna")


def test_api_keys_of_other_services_are_refused_plainly(database: Database) -> None:
    iam = IdentityServer(database).client("iam")
    iam.create_user(UserName="anna")
    create: Any = iam.create_service_specific_credential
    assert code_of(create, UserName="anna", ServiceName="codecommit.amazonaws.com") == "NotSupportedService"
    for _ in range(2):
        create(UserName="anna", ServiceName="bedrock.amazonaws.com")
    assert code_of(create, UserName="anna", ServiceName="bedrock.amazonaws.com") == "LimitExceeded"


def test_a_bearer_key_opens_bedrock_and_nothing_else(database: Database) -> None:
    server = IdentityServer(database)
    status, headers, _ = call(server, "/", short_term(ROOT))
    assert (status, headers["x-amzn-errortype"]) == (404, "UnknownOperationException")
    status, _, body = call(server, "/foundation-models", short_term(ROOT, region="eu-west-1"))
    assert (status, json.loads(body)) == (200, {"modelSummaries": []})
    assert server.callers[-1].scope.region == "eu-west-1"
    status, headers, body = call(server, "/foundation-models", "sk-live-123")
    assert (status, headers["x-amzn-errortype"]) == (403, "AccessDeniedException")
    assert "Must start with pre-defined prefix" in json.loads(body)["message"]
