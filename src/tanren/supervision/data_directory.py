"""The data directory of a server, made ready before its processes start: private, locked, with keys and certificate."""

import fcntl
import hashlib
import os
import stat
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tanren.aws.tls import ensure_certificate, names_of_server
from tanren.control.access_keys import AccessKeyControl
from tanren.domain.clock import utc_now
from tanren.domain.errors import Conflict, ValidationFailed
from tanren.processes import LOCK_FILE, TLS_FOLDER
from tanren.settings import Settings
from tanren.storage.root_keys import RootKeys, random_key_pair, read_root_keys, write_root_keys
from tanren.supervision.addresses import endpoint


def make_private(data_dir: Path) -> None:
    """Makes the directory, readable by its owner only; one that is ours and was wider is narrowed."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = data_dir.stat()
    if found.st_uid == os.getuid() and found.st_mode & 0o077:
        data_dir.chmod(0o700)


@contextmanager
def locked(settings: Settings) -> Generator[None]:
    """Holds the data directory. The lock is the system's, so it is free again however its holder ended."""
    path = settings.data_dir / LOCK_FILE
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = path.read_text().strip()
            raise Conflict(
                f"{settings.data_dir} is in use by another tanren server ({holder}). Stop that one, or give this one "
                "another --data-dir."
            ) from None
        os.truncate(descriptor, 0)
        holder = f"process {os.getpid()}, {settings.scheme}://{settings.host}:{settings.port}\n"
        os.pwrite(descriptor, holder.encode(), 0)
        yield
    finally:
        os.close(descriptor)


def prepare_tls(settings: Settings) -> Path | None:
    """What clients must trust; None where there is no TLS, or the certificate is not ours.

    Raises   ValidationFailed for files that cannot be read, or names that our authority may not vouch for.
    """
    if settings.tls == "files":
        for path in (Path(settings.tls_certificate), Path(settings.tls_key)):
            if not os.access(path, os.R_OK):
                raise ValidationFailed(f"{path} cannot be read; tls_certificate and tls_key name PEM files.")
        return None
    if settings.tls == "off":
        return None
    names = names_of_server(settings.host, settings.more_tls_names)
    return ensure_certificate(settings.data_dir / TLS_FOLDER, names, now=utc_now()).authority


def root_keys(settings: Settings, ca_bundle: Path | None, access_keys: AccessKeyControl) -> RootKeys:
    """The keys that were given, or those that have replaced the first ones, or those of the directory; written back
    with this start's endpoint."""
    known = read_root_keys(settings.data_dir)
    replaced = access_keys.root_key(settings.account)
    if settings.access_key:
        key_id, secret = settings.access_key, settings.secret_key
        access_keys.end_root_key(settings.account)
    elif replaced is not None:
        key_id, secret = replaced.access_key_id, replaced.secret_access_key
    elif known is not None:
        key_id, secret = known.access_key_id, known.secret_access_key
    else:
        key_id, secret = random_key_pair()
    keys = RootKeys(
        account_id=settings.account,
        region=settings.region,
        access_key_id=key_id,
        secret_access_key=secret,
        endpoint=endpoint(settings),
        ca_bundle="" if ca_bundle is None else str(ca_bundle),
        is_given=bool(settings.access_key),
    )
    write_root_keys(settings.data_dir, keys)
    return keys


def socket_folder(settings: Settings) -> Path:
    """Short, since a Unix socket's path has at most 107 bytes; ours alone."""
    digest = hashlib.sha256(str(settings.data_dir).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"tanren-{os.getuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = folder.lstat()
    if not stat.S_ISDIR(owner.st_mode) or owner.st_uid != os.getuid() or owner.st_mode & 0o077:
        raise Conflict(f"{folder} is not ours alone; remove it, or set TMPDIR to a directory of your own.")
    return folder
