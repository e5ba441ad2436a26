"""One key a data directory; a signature of a record is no head, and the other way about."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tanren.domain.errors import ValidationFailed
from tanren.storage.audit_signatures import (
    KEY_FILE,
    open_or_make_key,
    public_key_of,
    read_head,
    read_public_key,
)

HASH = "ab" * 32


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path):
    first = open_or_make_key(tmp_path)
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert open_or_make_key(tmp_path).public.fingerprint == first.public.fingerprint
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


def test_the_public_key_goes_through_pem(tmp_path: Path):
    key = open_or_make_key(tmp_path)
    (tmp_path / "public.pem").write_text(key.public.pem)
    assert read_public_key(tmp_path / "public.pem").fingerprint == public_key_of(tmp_path).fingerprint


def test_what_was_signed_is_known_and_nothing_else(tmp_path: Path):
    key = open_or_make_key(tmp_path)
    head = key.seal(7, HASH)
    signature = key.sign_record(7, HASH)
    assert key.public.has_sealed(head)
    assert key.public.has_signed_record(7, HASH, signature)
    assert not key.public.has_sealed(replace(head, sequence=8))
    assert not key.public.has_sealed(replace(head, hash="cd" * 32))
    assert not key.public.has_sealed(replace(head, signature=signature))
    assert not key.public.has_signed_record(7, HASH, head.signature)
    assert not key.public.has_signed_record(7, HASH, "no base64")


def test_a_head_goes_through_json_and_what_is_none_is_none(tmp_path: Path):
    head = open_or_make_key(tmp_path).seal(7, HASH)
    assert read_head(head.to_json()) == head
    for name in ("sequence", "hash", "signature"):
        assert read_head({**head.to_json(), name: None}) is None


def test_a_file_that_holds_no_such_key_is_refused(tmp_path: Path):
    other = generate_private_key(SECP256R1())
    (tmp_path / "other.pem").write_bytes(
        other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    with pytest.raises(ValidationFailed, match="not Ed25519"):
        read_public_key(tmp_path / "other.pem")
    with pytest.raises(ValidationFailed, match="holds no public key"):
        read_public_key(tmp_path / "none.pem")
    private = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / KEY_FILE).write_bytes(private)
    with pytest.raises(ValidationFailed, match="not an Ed25519 key"):
        open_or_make_key(tmp_path)
    (tmp_path / KEY_FILE).write_bytes(b"garbage")
    with pytest.raises(ValidationFailed, match="cannot be read"):
        open_or_make_key(tmp_path)
