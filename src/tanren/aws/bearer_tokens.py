"""Bedrock API keys: bearer tokens that take the place of a signature, for `bedrock` and `bedrock-runtime` alone.

    bedrock-api-key-…   short-term: base64 of a presigned URL of CallWithBearerToken, made by the client itself. What it
                        proves is the signature in it, so it is verified as any other; it works in the region that it
                        was signed for, until it expires, and until the key that signed it does
    ABSK…               long-term: base64 of `alias:secret`, made by IAM's CreateServiceSpecificCredential for a user.
                        It names no region and works in the server's own

A bearer token says nothing of the request that it comes with: whoever reads one can use it. So SDKs send it over HTTPS
only, and behind this gateway that is what it should come through.

Source   fact sheet §8; botocore 1.43 sends `AWS_BEARER_TOKEN_BEDROCK` as it stands, without date or signature
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Protocol

from tanren.aws.errors import WireError
from tanren.aws.signatures import (
    EMPTY_SHA256,
    UNSIGNED_PAYLOAD,
    AccessKey,
    AccessKeys,
    Credential,
    SignedRequest,
    VerifiedSignature,
    key_of,
    read_credential,
    verify,
)

BEARER_SIGNING_NAME: Final = "bedrock"
LONG_TERM_PREFIX: Final = "ABSK"
SHORT_TERM_PREFIX: Final = "bedrock-api-key-"
LONGEST_SHORT_TERM_SECONDS: Final = 12 * 3600

_SCHEME: Final = "bearer "
_HOST: Final = "bedrock.amazonaws.com"
_UNSIGNED_SUFFIX: Final = "&Version=1"
"""Of a short-term token's URL; put there after it was signed."""
_LONGEST_TOKEN: Final = 16 * 1024


class BearerTokens(Protocol):
    """What makes a verified caller of a bearer token. One method, because the chain needs to know nothing else."""

    def verify(self, headers: Mapping[str, str], *, now: datetime) -> VerifiedSignature:
        """Called on the event loop, for requests of which `is_bearer` is true.

        Raises   WireError.
        """
        ...


class LongTermKeys(Protocol):
    def find_bearer(self, alias: str, secret: str) -> AccessKey | None:
        """Who holds this key, as the access key that it stands for, or None where it is unknown or inactive."""
        ...


class NoBearerTokens:
    """Of an application without identities."""

    def verify(self, headers: Mapping[str, str], *, now: datetime) -> VerifiedSignature:
        raise _denied("This server takes no bearer tokens (Bedrock API keys); sign with an access key.")


class BedrockApiKeys:
    """Both kinds of keys."""

    def __init__(self, access_keys: AccessKeys, long_term: LongTermKeys, *, default_region: str) -> None:
        self._access_keys = access_keys
        self._long_term = long_term
        self._default_region = default_region

    def verify(self, headers: Mapping[str, str], *, now: datetime) -> VerifiedSignature:
        """See `BearerTokens`."""
        token = headers["authorization"][len(_SCHEME) :].strip()
        if len(token) > _LONGEST_TOKEN:
            raise _denied(f"The API key is longer than {_LONGEST_TOKEN} characters.")
        if token.startswith(SHORT_TERM_PREFIX):
            return self._short_term(token.removeprefix(SHORT_TERM_PREFIX), now)
        if token.startswith(LONG_TERM_PREFIX):
            return self._long_term_key(token.removeprefix(LONG_TERM_PREFIX), now)
        raise _denied(
            f"Invalid API Key format: Must start with pre-defined prefix, which is {SHORT_TERM_PREFIX} or "
            f"{LONG_TERM_PREFIX}."
        )

    def _short_term(self, encoded: str, now: datetime) -> VerifiedSignature:
        host, _, query = _decoded(encoded).removesuffix(_UNSIGNED_SUFFIX).partition("/?")
        if host != _HOST or "Action=CallWithBearerToken" not in query.split("&"):
            raise _invalid()
        request = SignedRequest(method="POST", raw_path="/", raw_query=query, headers={"host": host})
        credential = read_credential(request)
        if not credential.is_presigned or credential.version != 4 or credential.service != BEARER_SIGNING_NAME:
            raise _invalid()
        if (credential.expires_seconds or 0) > LONGEST_SHORT_TERM_SECONDS:
            raise _denied(
                f"The API key is valid for {credential.expires_seconds} s; a short-term key is for at most "
                f"{LONGEST_SHORT_TERM_SECONDS} s. Make one that lives as long, or less."
            )
        key = key_of(credential, self._access_keys, now=now)
        # Presigned for a service that signs the hash of its body, which in the token is empty.
        verified = verify(request, credential, key, body_hash=EMPTY_SHA256)
        return VerifiedSignature(
            key=key,
            credential=credential,
            payload_hash=UNSIGNED_PAYLOAD,
            signing_key=verified.signing_key,
            bearer_token_type="SHORT_TERM",
        )

    def _long_term_key(self, encoded: str, now: datetime) -> VerifiedSignature:
        alias, separator, secret = _decoded(encoded).partition(":")
        key = self._long_term.find_bearer(alias, secret) if separator else None
        if key is None:
            raise _invalid()
        if key.expires_at is not None and now >= key.expires_at:
            raise _denied("The API key has expired. Make a new one with iam CreateServiceSpecificCredential.")
        credential = Credential(
            access_key_id=key.access_key_id,
            date=f"{now:%Y%m%d}",
            region=self._default_region,
            service=BEARER_SIGNING_NAME,
            signed_headers=(),
            signature="",
            signed_at=now,
            expires_seconds=None,
            session_token=None,
        )
        return VerifiedSignature(
            key=key,
            credential=credential,
            payload_hash=UNSIGNED_PAYLOAD,
            signing_key=b"",
            bearer_token_type="LONG_TERM",
        )


def is_bearer(headers: Mapping[str, str]) -> bool:
    return headers.get("authorization", "")[: len(_SCHEME)].lower() == _SCHEME


def long_term_token(alias: str, secret: str) -> str:
    """The token as its holder keeps it."""
    return LONG_TERM_PREFIX + base64.b64encode(f"{alias}:{secret}".encode()).decode()


def _decoded(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise _invalid() from error


def _invalid() -> WireError:
    return _denied("Authentication failed: Please make sure your API Key is valid.")


def _denied(message: str) -> WireError:
    return WireError("AccessDeniedException", message, status=403)
