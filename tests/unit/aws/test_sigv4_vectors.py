"""Every case of AWS's public test suite of Signature Version 4: what it says is a signature is one, and no other."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tanren.aws import signatures
from tanren.aws.errors import WireError
from tanren.aws.signatures import ALGORITHM, AccessKey, SignedRequest, key_of, read_credential, verify

SUITE = json.loads((Path(__file__).parent / "sigv4" / "vectors.json").read_text())
CASES: list[dict[str, Any]] = SUITE["cases"]
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
SCOPE = f"{SUITE['access_key_id']}/{NOW:%Y%m%d}/{SUITE['region']}/{SUITE['service']}/aws4_request"


class Keys:
    """The suite's key, temporary where the case has a session token."""

    def __init__(self, token: str | None) -> None:
        self.key = AccessKey(
            access_key_id=SUITE["access_key_id"],
            secret_access_key=SUITE["secret_access_key"],
            session_token=token,
            account_id="123456789012",
            principal_arn="arn:aws:iam::123456789012:user/example",
        )

    def find(self, access_key_id: str) -> AccessKey | None:
        return self.key if access_key_id == self.key.access_key_id else None


def request_of(case: dict[str, Any]) -> SignedRequest:
    """The request as the gateway sees it: header names in lower case, repeated headers joined with commas."""
    path, _, query = case["target"].partition("?")
    headers: dict[str, str] = {}
    for name, value in case["headers"]:
        known = headers.get(name.lower())
        headers[name.lower()] = value if known is None else f"{known},{value}"
    if "expires_seconds" in case:
        signing = {
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": SCOPE,
            "X-Amz-Date": SUITE["signed_at"],
            "X-Amz-SignedHeaders": case["signed_headers"],
            "X-Amz-Expires": str(case["expires_seconds"]),
            "X-Amz-Signature": case["signature"],
        }
        query = "&".join(filter(None, [query, *(f"{name}={quote(value, safe='')}" for name, value in signing.items())]))
    else:
        headers["authorization"] = (
            f"{ALGORITHM} Credential={SCOPE}, SignedHeaders={case['signed_headers']}, Signature={case['signature']}"
        )
    if "session_token" in case:
        headers["x-amz-security-token"] = case["session_token"]
    return SignedRequest(method=case["method"], raw_path=path, raw_query=query, headers=headers)


def check(request: SignedRequest, case: dict[str, Any], body: str) -> None:
    credential = read_credential(request)
    key = key_of(credential, Keys(case.get("session_token")), now=NOW)
    verify(request, credential, key, body_hash=sha256(body.encode()).hexdigest())


@pytest.fixture(params=CASES, ids=lambda case: case["name"])
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    if request.param.get("path_is_signed_as_sent"):
        # The suite signs for a service of its own, by the rule that S3 has for paths.
        monkeypatch.setattr(signatures, "_SIGNED_AS_SENT", frozenset({SUITE["service"]}))
    return request.param


def test_the_suite_is_whole() -> None:
    assert len(CASES) == len({case["name"] for case in CASES}) == 44


def test_the_published_signature_is_accepted(case: dict[str, Any]) -> None:
    check(request_of(case), case, case["body"])


def test_the_same_signature_over_anything_else_is_refused(case: dict[str, Any]) -> None:
    request = request_of(case)
    changes = [
        (replace(request, method="PUT"), case["body"]),
        (replace(request, raw_path=request.raw_path + "x"), case["body"]),
        (replace(request, raw_query=f"{request.raw_query}&extra=1"), case["body"]),
        (replace(request, headers={**request.headers, "host": "example.com"}), case["body"]),
        (request, case["body"] + "x"),
    ]
    for changed, body in changes:
        with pytest.raises(WireError, match="InvalidSignatureException"):
            check(changed, case, body)
