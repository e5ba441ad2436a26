"""Certificates of our own: OpenSSL takes them for the names they are for, and for no other."""

import socket
import ssl
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tanren.aws.tls import (
    CERTIFICATE_DAYS,
    RENEWAL_DAYS,
    TlsFiles,
    ensure_certificate,
    fingerprint_of,
    names_in,
    names_of_server,
    read_certificate,
)
from tanren.domain.errors import ValidationFailed

NAMES = ("localhost", "127.0.0.1", "::1", "forge.example.com", "*.s3.forge.example.com")


def now() -> datetime:
    return datetime.now(UTC)


def made(folder: Path, names: tuple[str, ...] = NAMES, *, at: datetime | None = None) -> TlsFiles:
    return ensure_certificate(folder, names, now=at or now())


def handshake(files: TlsFiles, name: str) -> None:
    """Between OpenSSL and OpenSSL; raises what the client has against the server's certificate."""
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(files.certificate, files.key)
    client_side = ssl.create_default_context(cafile=str(files.authority))
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            with server_side.wrap_socket(theirs, server_side=True) as connection:
                connection.recv(1)
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client_side.wrap_socket(ours, server_hostname=name) as connection:
            connection.send(b"x")
    finally:
        ours.close()
        thread.join()


@pytest.mark.parametrize(
    "name", ["localhost", "my-bucket.s3.forge.example.com", "127.0.0.1", "::1", "forge.example.com"]
)
def test_a_client_that_trusts_the_authority_trusts_the_server_under_each_of_its_names(
    tmp_path: Path, name: str
) -> None:
    handshake(made(tmp_path / "tls"), name)


@pytest.mark.parametrize("name", ["10.0.0.1", "other.example.com"])
def test_it_does_not_under_any_other(tmp_path: Path, name: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(made(tmp_path / "tls"), name)


def test_without_the_authority_nobody_trusts_it(tmp_path: Path) -> None:
    one, two = made(tmp_path / "one"), made(tmp_path / "two")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(TlsFiles(certificate=one.certificate, key=one.key, authority=two.authority), "localhost")


def test_the_authority_may_vouch_for_no_name_on_the_web(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    from tanren.aws import tls

    files = made(tmp_path / "tls")
    authority, key = read_certificate(files.authority), ec.generate_private_key(ec.SECP256R1())
    forged = tls._certificate(
        authority, tls._read_key(tmp_path / "tls" / "ca.key"), key.public_key(), ["bank.example.net"], now()
    )
    files.certificate.write_bytes(forged.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(tls._key_pem(key))
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree"):
        handshake(files, "bank.example.net")


def test_everything_stays_as_it_is_from_start_to_start(tmp_path: Path) -> None:
    files = made(tmp_path / "tls")
    before = [path.read_bytes() for path in (files.certificate, files.key, files.authority)]
    again = made(tmp_path / "tls", at=now() + timedelta(days=CERTIFICATE_DAYS - RENEWAL_DAYS - 2))
    assert [path.read_bytes() for path in (again.certificate, again.key, again.authority)] == before


def test_a_certificate_is_renewed_in_time_and_the_authority_stays(tmp_path: Path) -> None:
    files = made(tmp_path / "tls")
    old, authority = fingerprint_of(read_certificate(files.certificate)), files.authority.read_bytes()
    made(tmp_path / "tls", at=now() + timedelta(days=CERTIFICATE_DAYS - RENEWAL_DAYS + 1))
    assert fingerprint_of(read_certificate(files.certificate)) != old
    assert files.authority.read_bytes() == authority


def test_a_new_private_address_is_taken_up_and_a_new_public_name_needs_a_new_authority(tmp_path: Path) -> None:
    made(tmp_path / "tls")
    files = made(tmp_path / "tls", (*NAMES, "192.168.7.5", "console.forge.example.com"))
    assert names_in(read_certificate(files.certificate)) == {*NAMES, "192.168.7.5", "console.forge.example.com"}
    with pytest.raises(ValidationFailed, match=r"may not vouch for other\.example\.com"):
        made(tmp_path / "tls", (*NAMES, "other.example.com"))


@pytest.mark.parametrize("left", ["server.key", "server.pem", "ca.key"])
def test_a_kill_between_two_files_does_no_harm(tmp_path: Path, left: str) -> None:
    other = made(tmp_path / "other")
    folder = tmp_path / "tls"
    folder.mkdir()
    # What is left of an earlier attempt: one file, and it belongs to nothing.
    (folder / left).write_bytes((other.certificate.parent / left).read_bytes())
    handshake(made(folder), "localhost")


def test_keys_are_their_owners_alone(tmp_path: Path) -> None:
    folder = made(tmp_path / "tls").key.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_server_is_known_by_this_machines_names_and_those_that_it_was_given() -> None:
    names = names_of_server("192.168.7.5", ["forge.example.com", "localhost"])
    assert names[:3] == ("localhost", "127.0.0.1", "::1")
    assert names[-2:] == ("192.168.7.5", "forge.example.com")
    assert len(names) == len(set(names))
    assert "0.0.0.0" not in names_of_server("0.0.0.0", [])
