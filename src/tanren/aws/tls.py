"""A certificate authority of this data directory's own, and the gateway's certificate, for which it vouches.

    DATA_DIR/tls/ca.pem        what clients must trust: AWS_CA_BUNDLE, which `tanren env` prints
                 ca.key        0600; makes the next certificate, so that trust is given once
                 server.pem, server.key

How      the authority is made once, for ten years, and may vouch for nothing but the names that the server had then and
         addresses of private networks (name constraints): who trusts it, and loses its key, has not lost the web. The
         certificate lasts 397 days, the longest that all clients take; a start makes a new one when less than sixty are
         left, when a name is missing, or when a kill -9 has parted it from its key.
Cost     two P-256 key pairs at the first start, about a millisecond.
"""

import ipaddress
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tanren.domain.errors import ValidationFailed

AUTHORITY_DAYS: Final = 3650
CERTIFICATE_DAYS: Final = 397
RENEWAL_DAYS: Final = 60

_PRIVATE_NETWORKS: Final = (
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
)
_EVERY_ADDRESS: Final = ("0.0.0.0", "::")
_CLOCKS_DIFFER: Final = timedelta(hours=1)
"""A certificate is valid from a little before it is made, for clients whose clock is behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    certificate: Path
    key: Path
    authority: Path


def tls_files(folder: Path) -> TlsFiles:
    return TlsFiles(certificate=folder / "server.pem", key=folder / "server.key", authority=folder / "ca.pem")


def ensure_certificate(folder: Path, names: Sequence[str], *, now: datetime) -> TlsFiles:
    """The files of `folder`, made or renewed where that is needed. `names` are host names and IP addresses.

    Raises   ValidationFailed for a name that the authority, made for other names, may not vouch for.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    files = tls_files(folder)
    authority, authority_key = _authority(folder, names, now)
    _check_permitted(authority, names, folder)
    if not _is_good(files, authority, names, now):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(authority, authority_key, key.public_key(), names, now)
        _write(files.key, _key_pem(key))
        _write(files.certificate, certificate.public_bytes(serialization.Encoding.PEM))
    return files


def names_of_server(host: str, more: Sequence[str]) -> tuple[str, ...]:
    """What clients may call a server that listens on `host`: this machine's own names, and those in `more`."""
    own = ("localhost", "127.0.0.1", "::1", socket.gethostname().lower())
    listened = () if host in _EVERY_ADDRESS else (host,)
    return tuple(dict.fromkeys((*own, *listened, *more)))


def read_certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def names_in(certificate: x509.Certificate) -> frozenset[str]:
    """Host names and IP addresses that the certificate is for."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = (str(address) for address in names.get_values_for_type(x509.IPAddress))
    return frozenset((*names.get_values_for_type(x509.DNSName), *addresses))


def fingerprint_of(certificate: x509.Certificate) -> str:
    """SHA-256, as browsers show it."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _authority(
    folder: Path, names: Sequence[str], now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate_path, key_path = folder / "ca.pem", folder / "ca.key"
    if certificate_path.exists():
        # The key is written first, so it is there and is this one's.
        return read_certificate(certificate_path), _read_key(key_path)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"tanren local authority {now:%Y-%m-%d %H:%M:%S}")])
    certificate = (
        _builder(subject, subject, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(
            x509.NameConstraints(permitted_subtrees=_permitted(names), excluded_subtrees=None), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(key_path, _key_pem(key))
    _write(certificate_path, certificate.public_bytes(serialization.Encoding.PEM))
    return certificate, key


def _certificate(
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    public_key: ec.EllipticCurvePublicKey,
    names: Sequence[str],
    now: datetime,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tanren gateway")])
    issuer_key = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        _builder(subject, authority.subject, public_key, now, CERTIFICATE_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now - _CLOCKS_DIFFER + timedelta(days=days))
    )


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _permitted(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_network(network)) for network in _PRIVATE_NETWORKS]
    for name in names:
        address = _address(name)
        if address is None:
            # A name permits what is below it too, so a wildcard is permitted by what it stands below.
            found.append(x509.DNSName(name.removeprefix("*.")))
        else:
            found.append(x509.IPAddress(ipaddress.ip_network(address)))
    return found


def _check_permitted(authority: x509.Certificate, names: Sequence[str], folder: Path) -> None:
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    permitted = constraints.permitted_subtrees or []
    hosts = [each.value for each in permitted if isinstance(each, x509.DNSName)]
    networks = [each.value for each in permitted if isinstance(each, x509.IPAddress)]
    for name in names:
        address = _address(name)
        if address is None:
            bare = name.removeprefix("*.")
            is_permitted = any(bare == host or bare.endswith(f".{host}") for host in hosts)
        else:
            is_permitted = any(
                address in network
                for network in networks
                if isinstance(network, ipaddress.IPv4Network | ipaddress.IPv6Network)
            )
        if not is_permitted:
            raise ValidationFailed(
                f"The authority in {folder} was made for other names and may not vouch for {name}. Remove {folder}; "
                "the next start makes a new authority, which clients must then trust anew."
            )


def _is_good(files: TlsFiles, authority: x509.Certificate, names: Sequence[str], now: datetime) -> bool:
    try:
        certificate, key = read_certificate(files.certificate), _read_key(files.key)
    except FileNotFoundError:
        return False
    return (
        certificate.public_key() == key.public_key()
        and certificate.issuer == authority.subject
        and set(names) <= names_in(certificate)
        and certificate.not_valid_after_utc - now > timedelta(days=RENEWAL_DAYS)
    )


def _general_name(name: str) -> x509.GeneralName:
    address = _address(name)
    return x509.DNSName(name) if address is None else x509.IPAddress(address)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValidationFailed(f"{path} holds no key of an elliptic curve; remove {path.parent} to make all anew.")
    return key


def _write(path: Path, content: bytes) -> None:
    """Replaces the file at once; its mode is 0600 before anything is in it."""
    staging = path.with_name(path.name + ".staging")
    staging.unlink(missing_ok=True)
    descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    staging.rename(path)
