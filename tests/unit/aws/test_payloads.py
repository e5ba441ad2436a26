"""Bodies in aws-chunked framing, in any pieces, signed or not; and bodies of which a hash was signed."""

import base64
import hashlib
import hmac
import zlib
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanren.aws.errors import WireError
from tanren.aws.payloads import PayloadCheck, payload_check
from tanren.aws.signatures import Credential, VerifiedSignature, signing_key_of
from tests.protocol.loopback import KEY

EMPTY = hashlib.sha256(b"").hexdigest()
SIGNING_KEY = signing_key_of(KEY.secret_access_key, "20260102", "us-east-1", "s3")
CREDENTIAL = Credential(
    access_key_id=KEY.access_key_id,
    date="20260102",
    region="us-east-1",
    service="s3",
    signed_headers=("host",),
    signature="5eed" * 16,
    signed_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    expires_seconds=None,
    session_token=None,
)
SCOPE = "20260102T030405Z\n20260102/us-east-1/s3/aws4_request"


def check_for(payload_hash: str, **headers: str) -> PayloadCheck:
    signature = VerifiedSignature(key=KEY, credential=CREDENTIAL, payload_hash=payload_hash, signing_key=SIGNING_KEY)
    return payload_check(signature, {name.replace("_", "-"): value for name, value in headers.items()})


def framed(chunks: list[bytes], *, signed: bool, trailer: bool) -> bytes:
    """What an SDK sends, written down from AWS's description and not from our reader."""
    previous = CREDENTIAL.signature
    parts: list[bytes] = []
    for chunk in [*chunks, b""]:
        text = f"AWS4-HMAC-SHA256-PAYLOAD\n{SCOPE}\n{previous}\n{EMPTY}\n{hashlib.sha256(chunk).hexdigest()}"
        previous = hmac.new(SIGNING_KEY, text.encode(), hashlib.sha256).hexdigest()
        extension = f";chunk-signature={previous}".encode() if signed else b""
        parts.append(b"%x%s\r\n" % (len(chunk), extension) + (chunk + b"\r\n" if chunk else b""))
    if trailer:
        crc = base64.b64encode(zlib.crc32(b"".join(chunks)).to_bytes(4, "big"))
        line = b"x-amz-checksum-crc32:" + crc
        parts.append(line + b"\r\n")
        if signed:
            digest = hashlib.sha256(line + b"\n").hexdigest()
            text = f"AWS4-HMAC-SHA256-TRAILER\n{SCOPE}\n{previous}\n{digest}"
            digest = hmac.new(SIGNING_KEY, text.encode(), hashlib.sha256).hexdigest()
            parts.append(b"x-amz-trailer-signature:" + digest.encode() + b"\r\n")
    return b"".join(parts) + b"\r\n"


def constant(signed: bool, trailer: bool) -> str:
    if signed:
        return "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" + ("-TRAILER" if trailer else "")
    return "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


def read(check: PayloadCheck, body: bytes, cuts: list[int]) -> bytes:
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    content = b"".join(check.feed(body[start:end]) for start, end in pairwise(edges))
    check.finish()
    return content


@given(
    st.lists(st.binary(min_size=1, max_size=50), max_size=5),
    st.lists(st.integers(0, 10_000), max_size=8),
    st.booleans(),
    st.booleans(),
)
def test_the_content_comes_out_however_the_body_is_cut(
    chunks: list[bytes], cuts: list[int], signed: bool, trailer: bool
) -> None:
    content = b"".join(chunks)
    headers = {"x_amz_decoded_content_length": str(len(content))}
    headers |= {"x_amz_trailer": "x-amz-checksum-crc32"} if trailer else {}
    check = check_for(constant(signed, trailer), **headers)
    assert read(check, framed(chunks, signed=signed, trailer=trailer), cuts) == content


@given(st.data())
def test_a_changed_byte_of_a_signed_body_is_noticed(data: st.DataObject) -> None:
    body = bytearray(framed([b"hello", b"world"], signed=True, trailer=True))
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] ^= data.draw(st.sampled_from([1, 2, 4, 8, 16, 32, 64]))
    check = check_for(constant(True, True), x_amz_decoded_content_length="10", x_amz_trailer="x-amz-checksum-crc32")
    try:
        content = read(check, bytes(body), [])
    except WireError:
        return
    # Line ends, the case of digits and of names, and white space carry no meaning.
    assert content == b"helloworld"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"5\r\nhel", "IncompleteBody"),
        (b"zz\r\nhello\r\n0\r\n\r\n", "IncompleteBody"),
        (b"5\r\nhello!\r\n0\r\n\r\n", "IncompleteBody"),
        (b"4\r\nhell\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n", "IncompleteBody"),
        (b"5\r\nhello\r\n0\r\n\r\n", "IncompleteBody"),
        (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "BadDigest"),
        (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\nmore\r\n", "IncompleteBody"),
        (b"0" * 5000, "IncompleteBody"),
    ],
)
def test_broken_framing_and_wrong_sums_are_refused(body: bytes, code: str) -> None:
    check = check_for(
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER", x_amz_decoded_content_length="5", x_amz_trailer="x-amz-checksum-crc32"
    )
    with pytest.raises(WireError, match=code):
        read(check, body, [])


@given(st.binary(max_size=100), st.lists(st.integers(0, 100), max_size=3))
def test_a_signed_hash_is_the_hash_of_the_whole_body(body: bytes, cuts: list[int]) -> None:
    digest = hashlib.sha256(body).hexdigest()
    assert read(check_for(digest), body, cuts) == body
    with pytest.raises(WireError, match="XAmzContentSHA256Mismatch"):
        read(check_for(digest), body + b"x", cuts)


def test_an_unsigned_payload_passes_and_an_unknown_constant_does_not() -> None:
    assert read(check_for("UNSIGNED-PAYLOAD"), b"any", []) == b"any"
    with pytest.raises(WireError, match="InvalidRequest"):
        check_for("STREAMING-SOMETHING")
