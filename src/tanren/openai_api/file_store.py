"""Files that callers have uploaded, on this machine's disk, by account and region.

    openai-files/<account>/<region>/file-⟨24⟩/content       the bytes as they came
                                              file.json     what is known of them
                                              copied        empty; there if a copy went to S3
    openai-files/<account>/<region>/file-⟨24⟩.uploading/    on its way; becomes the folder above by one rename

A file is there as a whole or not at all, after kill -9 too: content and description are synced before the rename, the
folder above after it. What an interrupted upload left is removed a day later, by the next upload of the same account.
"""

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import string
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from tanren.domain.clock import Clock
from tanren.domain.errors import ResourceNotFound, ValidationFailed
from tanren.domain.scope import ACCOUNT_ID, REGION, Scope
from tanren.openai_api.errors import InvalidParameter

FOLDER: Final = "openai-files"
LARGEST_FILE_BYTES: Final = 512 * 1024 * 1024
"""As OpenAI's own."""
UNFINISHED_FOR: Final = timedelta(days=1)

_ID: Final = re.compile(r"file-[a-zA-Z0-9]{24}")
_UPLOADING: Final = ".uploading"
_DELETED: Final = ".deleted"
_CONTENT: Final = "content"
_DESCRIPTION: Final = "file.json"
_COPIED: Final = "copied"
_PIECE_BYTES: Final = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    id: str
    filename: str
    purpose: str
    size_bytes: int
    sha256: str
    created_at: datetime

    def to_json(self) -> str:
        return json.dumps({**asdict(self), "created_at": self.created_at.isoformat()})

    @classmethod
    def from_json(cls, text: str) -> "StoredFile":
        members: dict[str, Any] = json.loads(text)
        created_at = datetime.fromisoformat(members.pop("created_at"))
        return cls(**members, created_at=created_at)


class FileStore:
    def __init__(self, data_dir: Path, *, clock: Clock, largest_bytes: int = LARGEST_FILE_BYTES) -> None:
        self._root = data_dir / FOLDER
        self._clock = clock
        self.largest_bytes = largest_bytes

    def upload(self, scope: Scope) -> "Upload":
        """A file to write; nothing of it is seen before `finish`."""
        folder = self._of(scope)
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for parent in list(folder.parents)[:3]:
                _sync_folder(parent)
        self._remove_unfinished(folder)
        return Upload(folder, new_file_id(), clock=self._clock, largest_bytes=self.largest_bytes)

    def get(self, scope: Scope, file_id: str) -> StoredFile:
        """Raises   ResourceNotFound."""
        if _ID.fullmatch(file_id):
            with contextlib.suppress(FileNotFoundError):
                return StoredFile.from_json((self._of(scope) / file_id / _DESCRIPTION).read_text())
        raise ResourceNotFound(f"No such File object: {file_id}. GET /v1/files lists those of this account and region.")

    def every(self, scope: Scope) -> list[StoredFile]:
        """The newest first."""
        found: list[StoredFile] = []
        folder = self._of(scope)
        for path in folder.iterdir() if folder.is_dir() else ():
            if _ID.fullmatch(path.name):
                # One that is deleted while the others are read is not there.
                with contextlib.suppress(FileNotFoundError):
                    found.append(StoredFile.from_json((path / _DESCRIPTION).read_text()))
        return sorted(found, key=lambda each: (each.created_at, each.id), reverse=True)

    def pieces(self, scope: Scope, file_id: str) -> Iterator[bytes]:
        """The content. Raises   ResourceNotFound, before the first piece."""
        self.get(scope, file_id)
        with (self._of(scope) / file_id / _CONTENT).open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece

    def folder(self, scope: Scope, file_id: str) -> Path:
        """Where the file lies; what is put beside it goes with it."""
        self.get(scope, file_id)
        return self._of(scope) / file_id

    def mark_copied(self, scope: Scope, file_id: str) -> None:
        """Called before a copy is made, so that no copy is without its mark."""
        folder = self.folder(scope, file_id)
        (folder / _COPIED).touch()
        _sync_folder(folder)

    def is_copied(self, scope: Scope, file_id: str) -> bool:
        return (self.folder(scope, file_id) / _COPIED).exists()

    def delete(self, scope: Scope, file_id: str) -> None:
        """Raises   ResourceNotFound."""
        self.get(scope, file_id)
        folder = self._of(scope) / file_id
        gone = folder.with_name(folder.name + _DELETED)
        with contextlib.suppress(FileNotFoundError):
            folder.rename(gone)
        _sync_folder(gone.parent)
        shutil.rmtree(gone, ignore_errors=True)

    def _of(self, scope: Scope) -> Path:
        # Both are in the caller's own signature, and here they become a path.
        if not (ACCOUNT_ID.fullmatch(scope.account_id) and REGION.fullmatch(scope.region)):
            raise ValidationFailed(
                f"The region '{scope.region}' of the signature is none; sign for one like us-east-1."
            )
        return self._root / scope.account_id / scope.region

    def _remove_unfinished(self, folder: Path) -> None:
        oldest = (self._clock() - UNFINISHED_FOR).timestamp()
        for path in folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if path.suffix in (_UPLOADING, _DELETED) and path.stat().st_mtime < oldest:
                    shutil.rmtree(path, ignore_errors=True)


class Upload:
    """One file as it arrives. Left without `finish`, nothing of it stays."""

    def __init__(self, folder: Path, file_id: str, *, clock: Clock, largest_bytes: int) -> None:
        self._clock = clock
        self._largest_bytes = largest_bytes
        self._id = file_id
        self._final = folder / file_id
        self._staging = folder / (file_id + _UPLOADING)
        self._staging.mkdir(mode=0o700)
        self._file = (self._staging / _CONTENT).open("wb")
        self._digest = hashlib.sha256()
        self._size_bytes = 0

    def __enter__(self) -> "Upload":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        shutil.rmtree(self._staging, ignore_errors=True)

    def write(self, piece: bytes) -> None:
        """Raises   InvalidParameter, where the file becomes too large."""
        self._size_bytes += len(piece)
        if self._size_bytes > self._largest_bytes:
            raise InvalidParameter(
                f"The file is larger than {self._largest_bytes // 2**20} MiB. Larger data goes to S3, and to Bedrock's "
                "own CreateModelCustomizationJob.",
                "file",
            )
        self._digest.update(piece)
        self._file.write(piece)

    def finish(self, *, filename: str, purpose: str) -> StoredFile:
        """The file, which outlives this process from here on."""
        stored = StoredFile(
            id=self._id,
            filename=filename,
            purpose=purpose,
            size_bytes=self._size_bytes,
            sha256=self._digest.hexdigest(),
            created_at=self._clock(),
        )
        self._file.flush()
        os.fsync(self._file.fileno())
        with (self._staging / _DESCRIPTION).open("w") as file:
            file.write(stored.to_json())
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(self._staging)
        self._staging.rename(self._final)
        _sync_folder(self._final.parent)
        return stored


def new_file_id() -> str:
    alphabet = string.ascii_letters + string.digits
    return "file-" + "".join(secrets.choice(alphabet) for _ in range(24))


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
