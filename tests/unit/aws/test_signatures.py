"""botocore's signers as oracle: what they sign is accepted, and nothing else is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import botocore.auth
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from tanren.aws.errors import WireError
from tanren.aws.signatures import (
    AccessKey,
    Credential,
    SignedRequest,
    SigningKey,
    VerifiedSignature,
    key_of,
    needs_body,
    read_credential,
    sign,
    verify,
)
from tests.protocol.loopback import KEY, OneKey

Signer = Callable[..., SigV4Auth]
HOST = "127.0.0.1:4566"
UNRESERVED = "-_.~"

# A label as an SDK encodes it: anything, percent-encoded into one segment.
segments = st.text(min_size=1, max_size=12).filter(lambda s: s not in (".", "..")).map(lambda s: quote(s, safe="-_~"))
paths = st.lists(segments, max_size=4).map(lambda parts: "/" + "/".join(parts))
names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8)
queries = st.lists(st.tuples(names, st.text(max_size=8)), max_size=4, unique_by=lambda pair: pair[0]).map(
    lambda pairs: "&".join(f"{quote(n, safe=UNRESERVED)}={quote(v, safe=UNRESERVED)}" for n, v in pairs)
)
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


def signed(
    signer: Signer,
    service: str,
    method: str = "GET",
    path: str = "/",
    query: str = "",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    *,
    token: str | None = None,
    **options: Any,
) -> SignedRequest:
    """The request that botocore's `signer` makes, as it comes over the wire."""
    url = f"http://{HOST}{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method=method, url=url, headers={"Host": HOST, **(headers or {})}, data=body)
    signer(Credentials(KEY.access_key_id, KEY.secret_access_key, token), service, "us-west-2", **options).add_auth(
        request
    )
    parts = urlsplit(request.url)
    lower = {name.lower(): str(value) for name, value in request.headers.items()}
    return SignedRequest(method=method, raw_path=parts.path, raw_query=parts.query, headers=lower)


def check(request: SignedRequest, body: bytes = b"", *, now: datetime | None = None) -> VerifiedSignature:
    from hashlib import sha256

    credential = read_credential(request)
    key = key_of(credential, OneKey(), now=now or datetime.now(UTC))
    return verify(request, credential, key, body_hash=sha256(body).hexdigest())


def code_of(request: SignedRequest, body: bytes = b"", *, now: datetime | None = None) -> str:
    with pytest.raises(WireError) as raised:
        check(request, body, now=now)
    return raised.value.code


@settings(max_examples=150)
@given(
    st.sampled_from([(SigV4Auth, "bedrock"), (S3SigV4Auth, "s3"), (SigV4QueryAuth, "sts"), (S3SigV4QueryAuth, "s3")]),
    st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    paths,
    queries,
    st.dictionaries(st.sampled_from(["X-Amz-Meta-A", "Content-Type", "X-Custom"]), header_values),
    st.binary(max_size=40),
)
def test_whatever_botocore_signs_is_accepted_and_one_changed_letter_is_not(
    way: tuple[Signer, str], method: str, path: str, query: str, headers: dict[str, str], body: bytes
) -> None:
    signer, service = way
    is_presigned = signer in (SigV4QueryAuth, S3SigV4QueryAuth)
    body = b"" if is_presigned else body
    request = signed(signer, service, method, path, query, headers, body)
    found = check(request, body)
    assert (found.key, found.credential.region, found.credential.service) == (KEY, "us-west-2", service)
    assert found.credential.is_presigned == is_presigned
    assert code_of(replace(request, raw_path=request.raw_path + "x"), body) == "InvalidSignatureException"
    assert code_of(replace(request, method="PATCH"), body) == "InvalidSignatureException"
    changed = {**request.headers, "host": "other"}
    assert code_of(replace(request, headers=changed), body) == "InvalidSignatureException"
    assert code_of(replace(request, raw_query=request.raw_query + "&a=b"), body) == "InvalidSignatureException"
    if needs_body(request, found.credential):
        assert code_of(request, body + b"x") == "InvalidSignatureException"


@pytest.mark.parametrize("path", ["/a//b", "/a/./b", "/a/b/", "//", "/a/../b"])
def test_dot_segments_and_double_slashes_are_folded_for_all_but_s3(path: str) -> None:
    check(signed(SigV4Auth, "execute-api", path=path))
    check(signed(S3SigV4Auth, "s3", path=path))


def test_a_query_that_was_signed_encoded_and_sent_bare_is_accepted() -> None:
    request = signed(SigV4Auth, "bedrock", query="a=b%3Ac&d=")
    check(replace(request, raw_query="d&a=b:c"))


@settings(max_examples=50)
@given(paths, queries, st.sampled_from(["s3", "bedrock"]))
def test_what_we_sign_ourselves_is_accepted(path: str, query: str, service: str) -> None:
    key = SigningKey(access_key_id=KEY.access_key_id, secret_access_key=KEY.secret_access_key)
    now = datetime.now(UTC)
    headers = sign(
        method="PUT",
        raw_path=path,
        raw_query=query,
        headers={"host": HOST, "content-type": "text/x", "x-amz-meta-a": " a  b "},
        key=key,
        region="us-west-2",
        service=service,
        payload_hash="UNSIGNED-PAYLOAD",
        now=now,
    )
    request = SignedRequest(method="PUT", raw_path=path, raw_query=query, headers=headers)
    assert check(request).payload_hash == "UNSIGNED-PAYLOAD"
    # And botocore, given the same date, signs the same.
    theirs = AWSRequest(
        "PUT", f"http://{HOST}{path}?{query}", {n: v for n, v in headers.items() if n != "authorization"}
    )
    theirs.context["timestamp"] = headers["x-amz-date"]
    oracle = (S3SigV4Auth if service == "s3" else SigV4Auth)(
        Credentials(key.access_key_id, key.secret_access_key), service, "us-west-2"
    )
    signature = oracle.signature(oracle.string_to_sign(theirs, oracle.canonical_request(theirs)), theirs)
    assert headers["authorization"].endswith(f"Signature={signature}")


@pytest.mark.parametrize(("minutes", "is_fresh"), [(14, True), (-14, True), (16, False), (-16, False)])
def test_a_clock_may_be_a_quarter_of_an_hour_off(minutes: int, is_fresh: bool) -> None:
    request = signed(SigV4Auth, "bedrock")
    now = datetime.now(UTC) + timedelta(minutes=minutes)
    if is_fresh:
        check(request, now=now)
    else:
        assert code_of(request, now=now) == "RequestTimeTooSkewed"


def test_a_presigned_url_lives_as_long_as_it_says() -> None:
    request = signed(S3SigV4QueryAuth, "s3", path="/b/k", expires=60)
    now = datetime.now(UTC)
    check(request, now=now + timedelta(seconds=50))
    assert code_of(request, now=now + timedelta(seconds=70)) == "RequestExpired"
    assert code_of(request, now=now - timedelta(minutes=20)) == "RequestExpired"
    endless = signed(S3SigV4QueryAuth, "s3", path="/b/k", expires=604801)
    assert code_of(endless) == "IncompleteSignatureException"


class Keys:
    def __init__(self, key: AccessKey | None) -> None:
        self.key = key

    def find(self, access_key_id: str) -> AccessKey | None:
        return self.key


@pytest.mark.parametrize(
    ("sent", "wanted", "code"),
    [
        ("token", "token", None),
        ("wrong", "token", "ExpiredTokenException"),
        (None, "token", "ExpiredTokenException"),
        ("stray", None, "UnrecognizedClientException"),
    ],
)
def test_the_session_token_belongs_to_the_key(sent: str | None, wanted: str | None, code: str | None) -> None:
    for signer in (SigV4Auth, SigV4QueryAuth):
        request = signed(signer, "bedrock", token=sent)
        credential = read_credential(request)
        keys = Keys(replace(KEY, session_token=wanted))
        if code is None:
            verify(request, credential, key_of(credential, keys, now=datetime.now(UTC)))
        else:
            with pytest.raises(WireError, match=code):
                key_of(credential, keys, now=datetime.now(UTC))


def test_temporary_keys_end_at_their_moment() -> None:
    now = datetime.now(UTC)
    request = signed(SigV4Auth, "bedrock", token="token")
    credential = read_credential(request)
    temporary = replace(KEY, session_token="token", expires_at=now + timedelta(seconds=1))
    assert key_of(credential, Keys(temporary), now=now) == temporary
    with pytest.raises(WireError, match="The security token included in the request is expired"):
        key_of(credential, Keys(temporary), now=now + timedelta(seconds=1))


def test_an_unknown_key_and_a_wrong_secret_have_their_own_errors_and_the_hint() -> None:
    request = signed(SigV4Auth, "bedrock")
    credential = read_credential(request)
    with pytest.raises(WireError, match="The security token included in the request is invalid") as raised:
        key_of(credential, Keys(None), now=datetime.now(UTC))
    assert (raised.value.code, raised.value.status) == ("UnrecognizedClientException", 403)
    with pytest.raises(WireError, match="`tanren env` prints the keys") as raised:
        verify(request, credential, replace(KEY, secret_access_key="other"))
    assert (raised.value.code, raised.value.status) == ("InvalidSignatureException", 403)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("us-west-2", "us-east-1", "InvalidSignatureException"),
        ("us-west-2", "nowhere", "InvalidSignatureException"),
        ("/bedrock/", "/s3/", "InvalidSignatureException"),
        ("aws4_request", "aws5_request", "IncompleteSignatureException"),
        ("Signature=", "Sig=", "IncompleteSignatureException"),
        ("SignedHeaders=host;", "SignedHeaders=", "InvalidSignatureException"),
        ("SignedHeaders=host", "SignedHeaders=x-gone;host", "IncompleteSignatureException"),
        ("SignedHeaders=host", "SignedHeaders=a-gone;host", "InvalidSignatureException"),
        ("Credential=AKIDEXAMPLE000000001/2", "Credential=AKIDEXAMPLE000000001/1", "InvalidSignatureException"),
        ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", "IncompleteSignatureException"),
    ],
)
def test_a_changed_authorization_header_is_refused(old: str, new: str, code: str) -> None:
    request = signed(SigV4Auth, "bedrock")
    changed = request.headers["authorization"].replace(old, new)
    assert changed != request.headers["authorization"]
    assert code_of(replace(request, headers={**request.headers, "authorization": changed})) == code


@pytest.mark.parametrize(
    ("headers", "query", "code"),
    [
        ({}, "", "MissingAuthenticationTokenException"),
        ({"authorization": "Bearer abc"}, "", "IncompleteSignatureException"),
        ({"authorization": "Basic abc"}, "", "IncompleteSignatureException"),
        ({"authorization": "AWS4-HMAC-SHA256"}, "", "IncompleteSignatureException"),
        ({}, "X-Amz-Signature=a", "IncompleteSignatureException"),
        ({}, "X-Amz-Credential=a&X-Amz-Credential=b", "IncompleteSignatureException"),
        ({"authorization": "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host, Signature=x"}, "",
         "IncompleteSignatureException"),
    ],
)  # fmt: skip
def test_a_request_without_a_whole_credential_is_told_what_is_missing(
    headers: dict[str, str], query: str, code: str
) -> None:
    assert code_of(SignedRequest(method="GET", raw_path="/", raw_query=query, headers=headers)) == code


@pytest.mark.parametrize(
    "more",
    [
        "Credential=222222222222/20261121/us-east-1/s3/aws4_request",
        "X=Credential=222222222222/20261121/us-east-1/s3/aws4_request",
        "AWS4-HMAC-SHA256 Credential=222222222222/20261121/us-east-1/s3/aws4_request",
        "Signature=0",
        "",
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_an_authorization_header_has_each_field_once_and_no_other(more: str, is_first: bool) -> None:
    request = signed(S3SigV4Auth, "s3")
    given = request.headers["authorization"]
    changed = given.replace("AWS4-HMAC-SHA256 ", f"AWS4-HMAC-SHA256 {more}, ") if is_first else f"{given}, {more}"
    headers = {**request.headers, "authorization": changed}
    assert code_of(replace(request, headers=headers)) == "IncompleteSignatureException"


OTHER = "222222222222/20261121/us-east-1/s3/aws4_request"


@pytest.mark.parametrize(
    "more", [f"x-amz-credential={OTHER}", f"X%2DAmz%2DCredential={OTHER}", "awsAccessKeyId=2", "x-amz-algorithm=a"]
)
def test_there_is_one_place_for_a_credential_in_one_spelling(more: str) -> None:
    for request in (signed(S3SigV4Auth, "s3", query=more), signed(S3SigV4QueryAuth, "s3", query=more)):
        assert code_of(request) == "IncompleteSignatureException"
    old = f"AWSAccessKeyId={KEY.access_key_id}&Signature=a&Expires=1&{more}"
    assert code_of(SignedRequest(method="GET", raw_path="/", raw_query=old, headers={})) == (
        "IncompleteSignatureException"
    )


def test_a_presigned_url_with_an_authorization_header_is_refused() -> None:
    request = signed(S3SigV4QueryAuth, "s3")
    for foreign in (f"AWS4-HMAC-SHA256 Credential={OTHER}, SignedHeaders=host, Signature=0", "AWS 222222222222:0"):
        headers = {**request.headers, "authorization": foreign}
        assert code_of(replace(request, headers=headers)) == "IncompleteSignatureException"


@pytest.mark.parametrize("service", ["evil.example:8443#", "x@evil.example#", "S3", "a" * 64])
def test_a_scope_names_a_service_in_letters_digits_and_hyphens(service: str) -> None:
    request = signed(SigV4Auth, "bedrock")
    changed = request.headers["authorization"].replace("/bedrock/", f"/{service}/")
    headers = {**request.headers, "authorization": changed}
    assert code_of(replace(request, headers=headers)) == "InvalidSignatureException"


@pytest.mark.parametrize("key_id", ["a/b", "\x1b[2J", "a b", "ключ", "a" * 129])
def test_an_access_key_id_is_plain_text(key_id: str) -> None:
    request = signed(SigV4Auth, "bedrock")
    changed = request.headers["authorization"].replace(KEY.access_key_id, key_id)
    headers = {**request.headers, "authorization": changed}
    assert code_of(replace(request, headers=headers)) == "IncompleteSignatureException"


def test_an_s3_order_that_is_not_signed_is_refused() -> None:
    request = signed(S3SigV4Auth, "s3", "PUT", "/b/k")
    loose = {**request.headers, "x-amz-copy-source": "/other/secret"}
    assert code_of(replace(request, headers=loose)) == "AccessDenied"


def test_the_date_header_may_stand_for_the_amazon_one() -> None:
    request = signed(SigV4Auth, "bedrock", headers={"Date": "now"})
    assert "x-amz-date" not in request.headers
    assert isinstance(check(request).credential, Credential)


def test_the_oracle_is_botocore() -> None:
    assert botocore.auth.AUTH_TYPE_MAPS["v4"] is SigV4Auth
