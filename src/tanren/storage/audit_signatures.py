"""The key that seals the audit log: Ed25519, made at the first start, readable by its owner only.

    a record   its number and hash: nobody else has written it
    a head     the same, in other words: there was a moment when the log ended with this record

Both stand for all records before them. They are signed apart, so that no head can be made of a record's signature, and
with it a log that ends there. Who has the private key can write another history; so the public key, or a head, kept
elsewhere is what proves most.
"""

import base64
import os
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from tanren.domain.errors import ValidationFailed

KEY_FILE: Final = "audit-key.pem"
_RECORD: Final = b"tanren audit record 1\n"
_HEAD: Final = b"tanren audit head 1\n"
"""Before what is signed, so that a signature of one is never one of the other, or of something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedHead:
    """That the log ended with this record, and went through all before it, when it was signed."""

    sequence: int
    hash: str
    signature: str
    """Base64."""

    def to_json(self) -> dict[str, Any]:
        return {"sequence": self.sequence, "hash": self.hash, "signature": self.signature}


class AuditKey:
    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = PublicKey(private.public_key())

    def seal(self, sequence: int, record_hash: str) -> SealedHead:
        signature = self._sign(_HEAD, sequence, record_hash)
        return SealedHead(sequence=sequence, hash=record_hash, signature=signature)

    def sign_record(self, sequence: int, record_hash: str) -> str:
        """Base64, of 88 characters."""
        return self._sign(_RECORD, sequence, record_hash)

    def _sign(self, context: bytes, sequence: int, record_hash: str) -> str:
        return base64.b64encode(self._private.sign(context + _signed_text(sequence, record_hash))).decode()


class PublicKey:
    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key
        self.fingerprint: str = sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()
        """The SHA-256 of its 32 bytes."""

    @property
    def pem(self) -> str:
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def has_sealed(self, head: SealedHead) -> bool:
        return self._has_signed(_HEAD, head.sequence, head.hash, head.signature)

    def has_signed_record(self, sequence: int, record_hash: str, signature: str) -> bool:
        return self._has_signed(_RECORD, sequence, record_hash, signature)

    def _has_signed(self, context: bytes, sequence: int, record_hash: str, signature: str) -> bool:
        try:
            given = base64.b64decode(signature, validate=True)
            self._key.verify(given, context + _signed_text(sequence, record_hash))
        except (InvalidSignature, Base64Error, ValueError):
            return False
        return True


def open_or_make_key(data_dir: Path) -> AuditKey:
    """The key of this data directory. Raises ValidationFailed for a file that holds none."""
    path = data_dir / KEY_FILE
    staging = data_dir / f"{KEY_FILE}.{os.getpid()}.staging"
    if not path.exists():
        made = Ed25519PrivateKey.generate()
        descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link and not a rename: of two processes that begin at the same time, the first one's key stays.
            os.link(staging, path)
        except FileExistsError:
            pass
        finally:
            staging.unlink()
    return AuditKey(_read_private(path))


def public_key_of(data_dir: Path) -> PublicKey:
    """Raises ValidationFailed where no key has been made yet."""
    path = data_dir / KEY_FILE
    if not path.exists():
        raise ValidationFailed(
            f"There is no {path}: no server has been started in this directory yet, or the key was taken away. "
            "Give --data-dir of the server, or --public-key FILE."
        )
    return AuditKey(_read_private(path)).public


def read_public_key(path: Path) -> PublicKey:
    """Of a PEM file, as `tanren audit key` prints it. Raises ValidationFailed."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise ValidationFailed(
            f"{path} holds no public key in PEM, as `tanren audit key` prints it: {error}"
        ) from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValidationFailed(
            f"{path} holds a public key that is not Ed25519; `tanren audit key` prints the right one."
        )
    return PublicKey(key)


def read_head(value: Mapping[str, Any]) -> SealedHead | None:
    """The head of its JSON form; None where a member is missing or of the wrong kind."""
    sequence = value.get("sequence")
    record_hash, signature = value.get("hash"), value.get("signature")
    if not isinstance(sequence, int) or not isinstance(record_hash, str) or not isinstance(signature, str):
        return None
    return SealedHead(sequence=sequence, hash=record_hash, signature=signature)


def _read_private(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValidationFailed(f"{path}, the key of the audit log, cannot be read: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValidationFailed(f"{path} is not an Ed25519 key; move it away, and the next start makes one.")
    return key


def _signed_text(sequence: int, record_hash: str) -> bytes:
    return f"{sequence}\n{record_hash}\n".encode()
