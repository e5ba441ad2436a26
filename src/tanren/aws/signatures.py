"""Verifies AWS Signature Version 4 on the raw request.

How: the canonical request is rebuilt from the method, the path and query as they came over the wire, the headers that
the client says it signed, and the payload hash; its HMAC must equal the given one (constant time). Header and presigned
query are read. A signing key depends on the secret, the day, the region and the service, and is kept. What the
signature says about the body is `VerifiedSignature.payload_hash`, which `payloads.py` checks while the body streams.
Where a request declares no payload hash, the body's own is part of the canonical request: `needs_body` says so.

S3 signs the path as sent; every other service encodes it once more, after folding dot segments and double slashes.

Source   https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
         https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
Cost     about 40 µs for a small request.
"""

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final, Literal, Protocol
from urllib.parse import quote, unquote, unquote_plus

from tanren.aws import presigned_v2
from tanren.aws.errors import WireError
from tanren.domain.scope import REGION

ALGORITHM: Final = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD: Final = "UNSIGNED-PAYLOAD"
SIGNED_CHUNKS: Final = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_CHUNKS_AND_TRAILER: Final = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
SIGNED_EVENTS: Final = "STREAMING-AWS4-HMAC-SHA256-EVENTS"
UNSIGNED_CHUNKS_AND_TRAILER: Final = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
EMPTY_SHA256: Final = sha256(b"").hexdigest()

_CLOCK_SKEW: Final = timedelta(minutes=15)
_LONGEST_PRESIGNED: Final = 7 * 24 * 3600
_DATE_FORMAT: Final = "%Y%m%dT%H%M%SZ"
_MOMENT = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_PRESIGNING: Final = frozenset(
    f"X-Amz-{name}"
    for name in ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature", "Security-Token")
)
_EITHER_PRESIGNING: Final = {name.lower() for name in _PRESIGNING | presigned_v2.PARAMETERS}
_SAYS_WHO_SIGNED: Final = _EITHER_PRESIGNING - {"signature", "expires"}
"""Query keys, in lower case, that are of no use but to sign; the other two may mean anything outside S3."""
_AUTHORIZATION_FIELDS: Final = ("Credential", "SignedHeaders", "Signature")
_ACCESS_KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SIGNING_NAME: Final = re.compile(r"[a-z0-9-]{1,63}")
_SIGNED_AS_SENT: Final = frozenset({"s3", "s3-object-lambda", "s3-outposts", "s3express"})
_HINT: Final = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method; `tanren env` prints the keys of this server."
)


BearerTokenType = Literal["SHORT_TERM", "LONG_TERM"]
"""The values of the condition key `bedrock:BearerTokenType`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    access_key_id: str
    secret_access_key: str
    session_token: str | None
    """Set for temporary credentials, which must then be sent with it."""
    account_id: str
    principal_arn: str
    expires_at: datetime | None = None
    """Set for temporary credentials."""


class AccessKeys(Protocol):
    """The access keys that may sign, looked up once for each request.

    No more than this, because signatures need nothing more; a store with a cache and a test's dictionary both fit.
    """

    def find(self, access_key_id: str) -> AccessKey | None:
        """The key, or None where it is unknown or deactivated. Called on the event loop: must be quick."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """What of an HTTP request takes part in its signature, as it came over the wire."""

    method: str
    raw_path: str
    raw_query: str
    headers: Mapping[str, str]
    """By lower-case name; a repeated header joined with commas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What a request says about who signed it, and for what; nothing of it is verified yet."""

    access_key_id: str
    date: str
    """The day of the scope, `20260102`."""
    region: str
    service: str
    """The signing name: `bedrock` for both Bedrock services, `s3`."""
    signed_headers: tuple[str, ...]
    signature: str
    signed_at: datetime
    expires_seconds: int | None
    """Set for a presigned URL."""
    session_token: str | None
    version: Literal[2, 4] = 4
    """2 is S3's older presigning, see `presigned_v2.py`."""

    @property
    def is_presigned(self) -> bool:
        return self.expires_seconds is not None

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedSignature:
    key: AccessKey
    credential: Credential
    payload_hash: str
    """A SHA-256 in hex that the body must have, UNSIGNED-PAYLOAD, or one of the STREAMING- constants."""
    signing_key: bytes
    bearer_token_type: BearerTokenType | None = None
    """Set where a bearer key stood for a signature; the payload is then unsigned."""


def read_credential(request: SignedRequest, *, default_region: str = "us-east-1") -> Credential:
    """The credential of the Authorization header, or of a presigned query, whose older form names no region.

    Why      who reads the request after us may look for the credential elsewhere, so there is one place for it, in one
             spelling, once.
    Raises   WireError: MissingAuthenticationTokenException, IncompleteSignatureException.
    """
    authorization = request.headers.get("authorization", "")
    given = {name.lower() for name, _ in _decoded_query(request.raw_query)} & _SAYS_WHO_SIGNED
    if authorization and given:
        raise _incomplete(
            f"Only one way to sign is allowed: an Authorization header, or {', '.join(sorted(given))} in the query."
        )
    if authorization.partition(" ")[0] == ALGORITHM:
        return _from_header(authorization, request)
    if "awsaccesskeyid" in given:
        return _from_old_query(request, default_region)
    if given:
        return _from_query(request)
    if authorization:
        scheme = authorization.split(" ", 1)[0][:32]
        raise WireError(
            "IncompleteSignatureException",
            f"Authorization scheme {scheme} is not {ALGORITHM}.",
            status=400,
        )
    raise WireError(
        "MissingAuthenticationTokenException",
        "Missing Authentication Token. Sign the request; `tanren env` prints the keys of this server. AWS's operations "
        "that take no signature (sts AssumeRoleWithSAML, AssumeRoleWithWebIdentity) are not implemented by tanren.",
        status=403,
    )


def needs_body(request: SignedRequest, credential: Credential) -> bool:
    """Whether the canonical request holds the hash of the body, which must then be read before `verify`."""
    if "x-amz-content-sha256" in request.headers:
        return False
    return not (credential.is_presigned and credential.service in _SIGNED_AS_SENT)


def key_of(credential: Credential, keys: AccessKeys, *, now: datetime) -> AccessKey:
    """The key that the request names, if it is known and the request is fresh; says nothing yet of its signature.

    Raises   WireError: UnrecognizedClientException, ExpiredTokenException, RequestExpired, RequestTimeTooSkewed.
    """
    _check_time(credential, now)
    key = keys.find(credential.access_key_id)
    if key is None:
        raise _unrecognized()
    _check_session_token(key, credential)
    if key.expires_at is not None and now >= key.expires_at:
        raise _expired()
    return key


def verify(
    request: SignedRequest, credential: Credential, key: AccessKey, *, body_hash: str = EMPTY_SHA256
) -> VerifiedSignature:
    """The signature, if `key` made it over this very request. `body_hash` counts only where `needs_body`.

    Raises   WireError: InvalidSignatureException; AccessDenied for S3 headers that are not signed.
    """
    if credential.version == 4:
        _check_signed_headers(request, credential)
    payload_hash = request.headers.get("x-amz-content-sha256")
    if payload_hash is None:
        payload_hash = body_hash if needs_body(request, credential) else UNSIGNED_PAYLOAD
    signing_key = signing_key_of(key.secret_access_key, credential.date, credential.region, credential.service)
    given = credential.signature.encode("utf-8", "replace")
    if credential.version == 2:
        expected = presigned_v2.expected_signatures(
            method=request.method,
            raw_path=request.raw_path,
            raw_query=request.raw_query,
            headers=request.headers,
            secret_access_key=key.secret_access_key,
        )
        if any(hmac.compare_digest(signature.encode(), given) for signature in expected):
            return VerifiedSignature(
                key=key, credential=credential, payload_hash=UNSIGNED_PAYLOAD, signing_key=signing_key
            )
        raise WireError("InvalidSignatureException", _HINT, status=403)
    for canonical in _canonical_requests(request, credential, payload_hash):
        if hmac.compare_digest(_signature(canonical, credential, signing_key).encode(), given):
            return VerifiedSignature(
                key=key,
                credential=credential,
                payload_hash=payload_hash,
                signing_key=signing_key,
            )
    raise WireError("InvalidSignatureException", _HINT, status=403)


def _canonical_requests(request: SignedRequest, credential: Credential, payload_hash: str) -> Iterator[str]:
    """The canonical request with the query as sent and, where that differs, encoded afresh: signers do either."""
    signed = credential.signed_headers
    headers = "".join(f"{name}:{' '.join(_header(request, name).split())}\n" for name in signed)
    path = canonical_path(request.raw_path, credential.service)
    ending = f"{headers}\n{';'.join(signed)}\n{payload_hash}"
    pairs = _pairs(request.raw_query, without_signature=credential.is_presigned)
    as_sent = _query_as_sent(pairs)
    yield f"{request.method}\n{path}\n{as_sent}\n{ending}"
    if pairs:
        reencoded = _query_reencoded(pairs)
        if reencoded != as_sent:
            yield f"{request.method}\n{path}\n{reencoded}\n{ending}"


def canonical_path(raw_path: str, service: str) -> str:
    """The path as it is signed: as sent for S3; folded and encoded once more for every other service."""
    if service in _SIGNED_AS_SENT:
        return raw_path or "/"
    if "//" in raw_path or "/." in raw_path:
        raw_path = _folded(raw_path)
    return quote(raw_path, safe="/~") or "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """Credentials with which we sign ourselves, towards a neighbour."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


def sign(
    *,
    method: str,
    raw_path: str,
    raw_query: str,
    headers: Mapping[str, str],
    key: SigningKey,
    region: str,
    service: str,
    payload_hash: str,
    now: datetime,
) -> dict[str, str]:
    """`headers`, by lower-case name and with `host`, and what makes them a signed request.

    Signed are `host`, `content-type` and all of `x-amz-`; what a proxy on the way may change is not.
    """
    result = dict(headers) | {"x-amz-date": f"{now:{_DATE_FORMAT}}", "x-amz-content-sha256": payload_hash}
    if key.session_token is not None:
        result["x-amz-security-token"] = key.session_token
    names = sorted(name for name in result if name.startswith("x-amz-") or name in ("host", "content-type"))
    credential = Credential(
        access_key_id=key.access_key_id,
        date=f"{now:%Y%m%d}",
        region=region,
        service=service,
        signed_headers=tuple(names),
        signature="",
        signed_at=now,
        expires_seconds=None,
        session_token=key.session_token,
    )
    request = SignedRequest(method=method, raw_path=raw_path, raw_query=raw_query, headers=result)
    canonical = next(_canonical_requests(request, credential, payload_hash))
    signing_key = signing_key_of(key.secret_access_key, credential.date, region, service)
    scope = f"{key.access_key_id}/{credential.scope}"
    signature = _signature(canonical, credential, signing_key)
    result["authorization"] = f"{ALGORITHM} Credential={scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return result


def without_presigning(raw_query: str) -> str:
    """The query of a presigned URL without what signed it, in whatever case it is spelled."""
    pairs = raw_query.split("&")
    return "&".join(pair for pair in pairs if unquote(pair.partition("=")[0]).lower() not in _EITHER_PRESIGNING)


def _signature(canonical: str, credential: Credential, signing_key: bytes) -> str:
    digest = sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    text = f"{ALGORITHM}\n{credential.signed_at:{_DATE_FORMAT}}\n{credential.scope}\n{digest}"
    return hmac.digest(signing_key, text.encode(), "sha256").hex()


@lru_cache(maxsize=1024)
def signing_key_of(secret_access_key: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret_access_key}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _check_time(credential: Credential, now: datetime) -> None:
    signed = credential.signed_at
    if credential.expires_seconds is not None:
        if now > signed + timedelta(seconds=credential.expires_seconds):
            raise WireError("RequestExpired", "Request has expired", status=403)
        if signed > now + _CLOCK_SKEW:
            raise WireError("RequestExpired", "Request is not yet valid", status=403)
    elif abs(now - signed) > _CLOCK_SKEW:
        state, side, sign = ("expired", "earlier", "-") if signed < now else ("not yet current", "later", "+")
        raise WireError(
            "RequestTimeTooSkewed",
            f"Signature {state}: {signed:{_DATE_FORMAT}} is now {side} than {now:{_DATE_FORMAT}} {sign} 15 min.",
            status=403,
        )


def _check_session_token(key: AccessKey, credential: Credential) -> None:
    given, wanted = credential.session_token, key.session_token
    if wanted is None:
        # A permanent key sent with a stray token is refused by AWS as well.
        if given:
            raise _unrecognized()
    elif given is None or not hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode()):
        raise _expired()


def _check_signed_headers(request: SignedRequest, credential: Credential) -> None:
    """S3 takes its orders from `x-amz-` headers, so none of them may ride along unsigned."""
    if "host" not in credential.signed_headers and ":authority" not in credential.signed_headers:
        raise WireError(
            "InvalidSignatureException",
            "'Host' or ':authority' must be a 'SignedHeader' in the request.",
            status=403,
        )
    if credential.service in _SIGNED_AS_SENT:
        signed = {
            *credential.signed_headers,
            "x-amz-content-sha256",
            "x-amz-user-agent",
        }
        loose = [name for name in request.headers if name.startswith("x-amz-") and name not in signed]
        if loose:
            raise WireError(
                "AccessDenied",
                f"There were headers present in the request which were not signed: {', '.join(sorted(loose))}",
                status=403,
            )


def _from_header(authorization: str, request: SignedRequest) -> Credential:
    fields: dict[str, str] = {}
    for part in authorization[len(ALGORITHM) :].split(","):
        name, _, value = part.strip().partition("=")
        if name not in _AUTHORIZATION_FIELDS or name in fields:
            raise _incomplete(
                f"Authorization header holds {', '.join(_AUTHORIZATION_FIELDS)}, each once; '{name[:32]}' is another "
                "or is repeated."
            )
        fields[name] = value
    missing = [name for name in _AUTHORIZATION_FIELDS if not fields.get(name)]
    if missing:
        raise _incomplete(f"Authorization header requires {', '.join(repr(name) for name in missing)} parameter.")
    return _credential(
        scope=fields["Credential"],
        signed_headers=fields["SignedHeaders"],
        signature=fields["Signature"],
        signed_at=_signed_at(request.headers),
        expires_seconds=None,
        session_token=request.headers.get("x-amz-security-token"),
    )


def _from_query(request: SignedRequest) -> Credential:
    query = _presigning(request.raw_query, _PRESIGNING)
    names = (
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
        "X-Amz-Date",
    )
    missing = [name for name in names if not query.get(name)]
    if missing:
        raise _incomplete(f"The query string lacks {', '.join(missing)}.")
    if query["X-Amz-Algorithm"] != ALGORITHM:
        raise _incomplete(f"X-Amz-Algorithm must be {ALGORITHM}.")
    expires = query.get("X-Amz-Expires", "900")
    if not expires.isascii() or not expires.isdigit() or not 0 < int(expires[:9]) <= _LONGEST_PRESIGNED:
        raise _incomplete("X-Amz-Expires must be a number of seconds between 1 and 604800.")
    return _credential(
        scope=query["X-Amz-Credential"],
        signed_headers=query["X-Amz-SignedHeaders"],
        signature=query["X-Amz-Signature"],
        signed_at=_moment(query["X-Amz-Date"]),
        expires_seconds=int(expires),
        session_token=query.get("X-Amz-Security-Token"),
    )


def _from_old_query(request: SignedRequest, region: str) -> Credential:
    query = _presigning(request.raw_query, presigned_v2.PARAMETERS)
    missing = [name for name in ("AWSAccessKeyId", "Signature") if not query.get(name)]
    if missing:
        raise _incomplete(f"The query string lacks {', '.join(missing)}.")
    _check_access_key_id(query["AWSAccessKeyId"])
    expires = query.get("Expires", "")
    if not expires.isascii() or not expires.isdigit() or len(expires) > 11:
        raise _incomplete("Expires must be a number of seconds since 1970.")
    # Valid at any moment before `Expires`; there is no moment of signing, so none is checked.
    signed_at = datetime.fromtimestamp(0, UTC)
    return Credential(
        access_key_id=query["AWSAccessKeyId"],
        date=f"{signed_at:%Y%m%d}",
        region=region,
        service="s3",
        signed_headers=(),
        signature=query["Signature"],
        signed_at=signed_at,
        expires_seconds=int(expires),
        session_token=query.get("x-amz-security-token"),
        version=2,
    )


def _presigning(raw_query: str, names: AbstractSet[str]) -> dict[str, str]:
    """What signs a URL, by name. Refused: another spelling, a repetition, and what the other way of presigning has."""
    foreign = _SAYS_WHO_SIGNED | {name.lower() for name in names}
    found: dict[str, str] = {}
    for name, value in _decoded_query(raw_query):
        if name in found:
            raise _incomplete(f"{name} is given twice.")
        if name in names:
            found[name] = value
        elif name.lower() in foreign:
            raise _incomplete(f"{name[:32]} does not belong beside {', '.join(sorted(names))}.")
    return found


def _decoded_query(raw_query: str) -> Iterator[tuple[str, str]]:
    for pair in raw_query.split("&"):
        name, _, value = pair.partition("=")
        yield unquote(name), unquote_plus(value)


def _credential(
    *,
    scope: str,
    signed_headers: str,
    signature: str,
    signed_at: datetime,
    expires_seconds: int | None,
    session_token: str | None,
) -> Credential:
    parts = scope.split("/")
    if len(parts) != 5 or not all(parts) or parts[4] != "aws4_request":
        raise _incomplete("Credential must be of the form access-key-id/date/region/service/aws4_request.")
    access_key_id, date, region, service, _ = parts
    _check_access_key_id(access_key_id)
    if not _SIGNING_NAME.fullmatch(service):
        raise WireError(
            "InvalidSignatureException",
            f"Credential should be scoped to a service, not {service[:64]!a}: lower-case letters, digits, hyphens.",
            status=403,
        )
    if date != f"{signed_at:%Y%m%d}":
        raise WireError(
            "InvalidSignatureException",
            f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{date[:16]}' != '{signed_at:%Y%m%d}'.",
            status=403,
        )
    if not REGION.fullmatch(region):
        raise WireError(
            "InvalidSignatureException",
            f"Credential should be scoped to a valid region, not '{region[:64]}'.",
            status=403,
        )
    names = tuple(signed_headers.split(";"))
    if list(names) != sorted(set(names)) or signed_headers != signed_headers.lower():
        raise _incomplete("SignedHeaders must be lower-case names in alphabetical order, each once.")
    return Credential(
        access_key_id=access_key_id,
        date=date,
        region=region,
        service=service,
        signed_headers=names,
        signature=signature,
        signed_at=signed_at,
        expires_seconds=expires_seconds,
        session_token=session_token,
    )


def _check_access_key_id(access_key_id: str) -> None:
    if not _ACCESS_KEY_ID.fullmatch(access_key_id):
        raise _incomplete("The access key id in Credential holds something besides letters, digits, '_' and '-'.")


def _signed_at(headers: Mapping[str, str]) -> datetime:
    if "x-amz-date" in headers:
        return _moment(headers["x-amz-date"])
    date = headers.get("date")
    if date is None:
        raise _incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if _MOMENT.fullmatch(date):
        return _moment(date)
    try:
        return parsedate_to_datetime(date).astimezone(UTC)
    except (ValueError, TypeError, OverflowError) as error:
        raise _incomplete(f"Date is no date: '{date[:64]}'.") from error


def _moment(text: str) -> datetime:
    if not _MOMENT.fullmatch(text):
        raise _incomplete(f"Date must be in ISO-8601 'basic format', such as 20260102T030405Z. Got '{text[:64]}'.")
    try:
        year, month, day = int(text[:4]), int(text[4:6]), int(text[6:8])
        return datetime(year, month, day, int(text[9:11]), int(text[11:13]), int(text[13:15]), tzinfo=UTC)
    except ValueError as error:
        raise _incomplete(f"There is no such moment: '{text}'.") from error


def _unrecognized() -> WireError:
    return WireError(
        "UnrecognizedClientException", "The security token included in the request is invalid.", status=403
    )


def _expired() -> WireError:
    return WireError("ExpiredTokenException", "The security token included in the request is expired", status=403)


def _incomplete(message: str) -> WireError:
    return WireError("IncompleteSignatureException", message, status=400)


def _header(request: SignedRequest, name: str) -> str:
    # Over HTTP/2 the AWS SDK for JavaScript signs `:authority`, which ASGI servers hand on as `host`.
    value = request.headers.get("host" if name == ":authority" else name)
    if value is None:
        raise WireError(
            "InvalidSignatureException",
            f"The signed header '{name[:64]}' is not in the request.",
            status=403,
        )
    return value


def _pairs(raw_query: str, *, without_signature: bool) -> list[tuple[str, str]]:
    pairs = [(name, value) for name, _, value in (pair.partition("=") for pair in raw_query.split("&") if pair)]
    return [pair for pair in pairs if not (without_signature and pair[0] == "X-Amz-Signature")]


def _query_as_sent(pairs: Sequence[tuple[str, str]]) -> str:
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _query_reencoded(pairs: Sequence[tuple[str, str]]) -> str:
    return _query_as_sent([(quote(unquote(n), safe="-_.~"), quote(unquote(v), safe="-_.~")) for n, v in pairs])


def _folded(path: str) -> str:
    """`path` without empty and dot segments, as every service but S3 signs it."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment and segment != ".":
            kept.append(segment)
    ending = "/" if path.endswith("/") and kept else ""
    return f"/{'/'.join(kept)}{ending}"
