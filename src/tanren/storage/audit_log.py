"""The audit log's writer: files in `<data-dir>/audit` that only grow, each record signed and chained to the one before.

    append(event)   one write() of one line, then one of the head: both are the kernel's before an answer goes out
    flush()         once a second: fsync of both

What is lost: by kill -9 nothing; by a power cut what came after the last fsync, a second at most. A line that a kill
has cut is left as it is, and named by a note after it, which the next start writes.

Several processes may write: each append is made under a lock of the file system, and one who finds the head or the file
other than he left it reads the log's end again. Where the log cannot be written, requests are refused (`check`), and
what could not be recorded is kept and written first.

Cost   about 0.1 ms of the caller's thread for a record: JSON, SHA-256, two signatures, five system calls.
"""

import atexit
import fcntl
import json
import logging
import os
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from tanren.domain.audit_events import AuditEvent
from tanren.domain.clock import Clock, utc_now
from tanren.domain.errors import ServiceUnavailable
from tanren.storage.audit_records import (
    FIRST_HASH,
    FOLDER,
    HEAD_FILE,
    MISSING_RECORDS,
    REFUSED_REQUESTS,
    TRUNCATED_TAIL,
    UNKNOWN_HEAD,
    Kind,
    Record,
    file_name,
    head_of_text,
    line_of,
    log_files,
    read_line,
)
from tanren.storage.audit_signatures import open_or_make_key

logger = logging.getLogger(__name__)

FLUSH_SECONDS: Final = 1.0
LARGEST_FILE_BYTES: Final = 64 * 1024 * 1024
_HEAD_BYTES: Final = 512
"""The head file always has this length, so that a new head is one write over the old one."""
_TAIL_BYTES: Final = 1024 * 1024
"""More than the longest record."""


class AuditLog:
    def __init__(self, data_dir: Path, *, clock: Clock = utc_now, largest_file_bytes: int = LARGEST_FILE_BYTES) -> None:
        """Opens the log, repairs its end if a process was killed there, and notes what it found.

        Raises   OSError where the folder cannot be written; ValidationFailed for a key that cannot be read.
        """
        self._data_dir = data_dir
        self._folder = data_dir / FOLDER
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._clock = clock
        self._largest_file_bytes = largest_file_bytes
        self._key = open_or_make_key(data_dir)
        self._threads = threading.Lock()
        self._lock_file = _open(self._folder / "lock", os.O_RDWR | os.O_CREAT)
        self._head_file = _open(self._folder / HEAD_FILE, os.O_RDWR | os.O_CREAT)
        self._file = -1
        self._path = self._folder
        self._size = 0
        self._sequence = 0
        self._hash = FIRST_HASH
        self._head = b""
        """The head file, as this process last read or wrote it."""
        self._is_known = False
        """Whether the fields above are those of the files; not after a write that failed."""
        self._is_dirty = False
        self._is_failing = False
        self._unwritten: list[AuditEvent] = []
        self._refused = 0
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        with self._alone():
            self._take_up()

    def append(self, event: AuditEvent) -> None:
        """The event is in the log when this returns, and outlives this process.

        Raises   ServiceUnavailable where it cannot be written now; it is kept, and written first when it can.
        """
        with self._threads:
            self._unwritten.append(event)
            self._write_all()
        self._begin_flushing()

    def check(self) -> None:
        """Called before a request is looked at. Raises ServiceUnavailable while something could not be recorded."""
        if self._unwritten:
            with self._threads:
                try:
                    self._write_all()
                except ServiceUnavailable:
                    self._refused += 1
                    raise

    def flush(self) -> None:
        """Everything appended so far is on the disk."""
        with self._threads:
            if not self._is_dirty:
                return
            self._is_dirty = False
            copies = [os.dup(self._file), os.dup(self._head_file)]
        # Not under the lock: a slow disk holds up no request.
        try:
            for copy in copies:
                os.fsync(copy)
        finally:
            for copy in copies:
                os.close(copy)

    def close(self) -> None:
        """Everything is on the disk. Nothing may be appended afterwards."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            atexit.unregister(self.close)
        self.flush()
        for descriptor in (self._file, self._head_file, self._lock_file):
            os.close(descriptor)

    def _write_all(self) -> None:
        """Raises ServiceUnavailable, with what is left still in `_unwritten`."""
        try:
            with self._alone():
                while self._unwritten:
                    self._add("call", self._unwritten[0].to_json())
                    del self._unwritten[0]
                if self._refused:
                    refused, self._refused = self._refused, 0
                    self._note(REFUSED_REQUESTS, count=refused)
            self._is_failing = False
        except OSError as error:
            if not self._is_failing:
                logger.exception("the audit log cannot be written; requests are refused until it can")
            self._is_failing = True
            raise ServiceUnavailable(
                "The server cannot write its audit log, so it refuses requests until it can: none may go unrecorded. "
                "Its operator finds the reason in the gateway's log; most often the disk is full."
            ) from error

    @contextmanager
    def _alone(self) -> Generator[None]:
        """Under the lock between processes, with fields that are those of the file."""
        fcntl.flock(self._lock_file, fcntl.LOCK_EX)
        try:
            # The head tells of another's records in whichever file they are, the size where his head failed.
            if self._is_known and (
                os.pread(self._head_file, _HEAD_BYTES, 0) != self._head or os.fstat(self._file).st_size != self._size
            ):
                self._is_known = False
            if not self._is_known and self._file >= 0:
                self._take_up()
            yield
        finally:
            fcntl.flock(self._lock_file, fcntl.LOCK_UN)

    def _add(self, kind: Kind, content: dict[str, Any]) -> None:
        now = self._clock()
        if self._size >= self._largest_file_bytes or not self._path.stem.endswith(_date(now)):
            os.fsync(self._file)
            self._open_file(self._folder / file_name(self._sequence + 1, _date(now)))
            if self._size and self._go_on_after_another():
                self._add(kind, content)
                return
        moment = now.isoformat(timespec="milliseconds")
        line, record_hash = line_of(self._key, self._sequence + 1, self._hash, kind, content, moment)
        self._write(line)
        self._sequence, self._hash = self._sequence + 1, record_hash
        self._seal()
        self._is_dirty = True

    def _go_on_after_another(self) -> bool:
        """Whether the file that was to be begun holds records of another process, which are now before ours."""
        before = self._sequence
        self._take_up()
        return self._sequence > before

    def _write(self, line: bytes) -> None:
        try:
            written = os.write(self._file, line)
            if written != len(line):
                raise OSError(f"{self._path}: {written} of {len(line)} bytes were written; is the disk full?")
        except OSError:
            # A line that is not whole is no record yet. If even this fails, the next start names it in a note.
            with suppress(OSError):
                os.ftruncate(self._file, self._size)
            self._is_known = False
            raise
        self._size += len(line)

    def _seal(self) -> None:
        text = json.dumps(self._key.seal(self._sequence, self._hash).to_json()).encode().ljust(_HEAD_BYTES - 1) + b"\n"
        # Known before it is written: where that fails, the next append finds another one there, and looks.
        self._head = text
        try:
            os.pwrite(self._head_file, text, 0)
        except OSError:
            # The record itself is signed and written, so the request is answered; the next head stands for both.
            logger.exception("the head of the audit log cannot be written")

    def _note(self, what: str, **details: Any) -> None:
        logger.warning("the audit log notes %s: %s", what, details)
        self._add("note", {"what": what, **details})

    def _open_file(self, path: Path) -> None:
        before, self._file = self._file, _open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        if before >= 0:
            os.close(before)
        self._path, self._size = path, os.fstat(self._file).st_size
        _sync_folder(self._folder)

    def _take_up(self) -> None:
        """Reads where the log ends, and notes what is not as its last writer left it."""
        files = log_files(self._data_dir)
        self._open_file(files[-1] if files else self._folder / file_name(1, _date(self._clock())))
        last, cut = self._last_record(files)
        self._head = text = os.pread(self._head_file, _HEAD_BYTES, 0)
        sealed = head_of_text(text)
        if sealed is not None and not self._key.public.has_sealed(sealed):
            sealed = None
        self._sequence, self._hash = (0, FIRST_HASH) if last is None else (last.sequence, last.hash)
        self._is_known = True
        missing = None
        if sealed is not None and sealed.sequence >= self._sequence:
            missing = (self._sequence + 1, sealed.sequence) if sealed.sequence > self._sequence else None
            # What was sealed is what goes on: a record that was taken away or changed can then never fit again.
            self._sequence, self._hash = sealed.sequence, sealed.hash
        if cut:
            self._write(b"\n")
            self._note(TRUNCATED_TAIL, bytes=len(cut), sha256=sha256(cut).hexdigest())
        if missing is not None:
            self._note(MISSING_RECORDS, first=missing[0], last=missing[1])
        if sealed is None and (text or last is not None):
            self._note(UNKNOWN_HEAD, last=self._sequence)

    def _last_record(self, files: list[Path]) -> tuple[Record | None, bytes]:
        """The last record that is whole and ours, and the bytes after the last line's end."""
        cut = b""
        for path in reversed(files):
            with path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _TAIL_BYTES))
                *lines, rest = file.read().split(b"\n")
            if path == files[-1]:
                cut = rest
            read = [record for line in reversed(lines) if (record := read_line(line)) is not None and record.is_intact]
            # Of another key where this one is new, which the head then shows too.
            last = next((record for record in read if record.is_genuine([self._key.public])), read[0] if read else None)
            if last is not None:
                return last, cut
        return None, cut

    def _begin_flushing(self) -> None:
        if self._thread is None and not self._over.is_set():
            self._thread = threading.Thread(target=self._flush_often, name="audit-log", daemon=True)
            self._thread.start()
            atexit.register(self.close)

    def _flush_often(self) -> None:
        while not self._over.wait(FLUSH_SECONDS):
            try:
                self.flush()
            except Exception:
                self._is_dirty = True
                logger.exception("the audit log could not be brought to the disk; it is tried again")


def _open(path: Path, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _sync_folder(folder: Path) -> None:
    """So that a new file's name outlives a power cut as its content does."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _date(now: datetime) -> str:
    return now.strftime("%Y-%m-%d")
