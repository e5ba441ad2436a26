"""Who has signed in: their keys in files of this machine, which only the cookie of their browser can open.

    sign-in:  token = 32 random bytes ──▶ the cookie          file  = SHA-256 of the token
                                     └──▶ HKDF ──▶ key        keys  = AES-256-GCM under that key, in that file
    request:  cookie ──▶ file and key ──▶ the user's keys, in this process's memory as long as they are used

So the browser never has the keys, a copy of the directory without a cookie has none either, and a console that was
killed knows its users when it is back. A session that nobody uses for `idle_seconds` is over.
"""

import json
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tanren.console.api import Credentials

IDLE_SECONDS: Final = 12 * 3600.0
TOUCH_SECONDS: Final = 60.0
"""A session's use is noted no more often than this."""
_TOKEN_BYTES: Final = 32
_NONCE_BYTES: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    credentials: Credentials
    account_id: str
    principal_arn: str

    @property
    def name(self) -> str:
        """As the header shows it: `root`, or what stands after `user/` or `assumed-role/`."""
        return self.principal_arn.rpartition(":")[2].partition("/")[2] or "root"


class SealedSessions:
    def __init__(
        self, folder: Path, *, clock: Callable[[], float] = time.time, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._idle_seconds = idle_seconds
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def keep(self, user: SignedIn) -> str:
        """The token of a new session; sessions that are over go."""
        self._sweep()
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + AESGCM(_key(token)).encrypt(nonce, json.dumps(asdict(user)).encode(), None)
        path = self._path(token)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(sealed)
        self._touch(path)
        return token

    def open(self, token: str) -> SignedIn | None:
        """Who the token's holder is; None where there is no such session, or it is over."""
        path = self._path(token)
        try:
            used_at = path.stat().st_mtime
            sealed = path.read_bytes()
        except FileNotFoundError:
            return None
        if self._clock() - used_at > self._idle_seconds:
            path.unlink(missing_ok=True)
            return None
        try:
            text = AESGCM(_key(token)).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        except (InvalidTag, ValueError):
            # A file that a crash has left half-written opens for nobody.
            return None
        if self._clock() - used_at > TOUCH_SECONDS:
            self._touch(path)
        values: dict[str, Any] = json.loads(text)
        credentials = Credentials(**values.pop("credentials"))
        return SignedIn(credentials=credentials, **values)

    def forget(self, token: str) -> None:
        self._path(token).unlink(missing_ok=True)

    def _path(self, token: str) -> Path:
        return self._folder / f"{sha256(token.encode()).hexdigest()}.sealed"

    def _touch(self, path: Path) -> None:
        now = self._clock()
        # It may have been signed out of meanwhile.
        with suppress(FileNotFoundError):
            os.utime(path, (now, now))

    def _sweep(self) -> None:
        for path in self._folder.glob("*.sealed"):
            with suppress(FileNotFoundError):
                if self._clock() - path.stat().st_mtime > self._idle_seconds:
                    path.unlink()


def _key(token: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"tanren console session").derive(token.encode())
