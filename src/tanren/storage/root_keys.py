"""The root keys of a data directory: random, made at the first start, readable by their owner only.

They are for the first minute; users and roles do the work. `tanren account rotate` replaces them: from then on the
database has them too, and its word counts, since a running server reads them there.
"""

import json
import os
import secrets
import string
from dataclasses import asdict, dataclass
from pathlib import Path

FILE_NAME = "root-keys.json"
_ID_ALPHABET = string.ascii_uppercase + "234567"
_SECRET_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True, kw_only=True)
class RootKeys:
    account_id: str
    region: str
    access_key_id: str
    secret_access_key: str
    endpoint: str
    """Where the server listened when it wrote the file."""
    ca_bundle: str = ""
    """File with the authority that vouches for the endpoint; empty where there is no TLS, or none of our own."""
    is_given: bool = False
    """Whether they are those of the settings, which come back with every start."""


def read_root_keys(data_dir: Path) -> RootKeys | None:
    """None where no server has been started in this directory yet."""
    try:
        return RootKeys(**json.loads((data_dir / FILE_NAME).read_text()))
    except FileNotFoundError:
        return None


def write_root_keys(data_dir: Path, keys: RootKeys) -> None:
    """Replaces the file at once; its mode is 0600 before anything is in it."""
    staging = data_dir / (FILE_NAME + ".staging")
    staging.unlink(missing_ok=True)
    descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(keys), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    staging.rename(data_dir / FILE_NAME)


def random_key_pair() -> tuple[str, str]:
    """An access key id of AWS's form (`AKIA` and 16 characters) and a secret of 40 characters."""
    key_id = "AKIA" + "".join(secrets.choice(_ID_ALPHABET) for _ in range(16))
    return key_id, "".join(secrets.choice(_SECRET_ALPHABET) for _ in range(40))
