"""Records of invocations on their way to where an account wants them: on this machine's disk until they are there.

    append → ⟨16 hex⟩.filling, one file a destination → after a minute or 8 MiB → ⟨16 hex⟩.ready → delivered → removed

A record is written before its answer is complete, so kill -9 loses none that was answered. A process holds a lock on
each file that it fills; one without is of a process that has ended, and becomes ready at the next look. A file's name
names what is made of it, so that a delivery that is repeated replaces, and doubles nothing in S3.

The first line of a file says whose records these are and where they go: as it was when they were made.

What cannot be read is never delivered nor removed: it is put aside as ⟨16 hex⟩.unreadable, and holds up nothing. What
waits for one account's destinations may fill the room that an account has, and no more: past it, `check_room` refuses.
"""

import fcntl
import json
import logging
import os
import secrets
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

from tanren.domain.clock import Clock
from tanren.domain.errors import ServiceUnavailable
from tanren.domain.scope import Scope

logger = logging.getLogger(__name__)

FOLDER: Final = "invocation-logs"
LONGEST_FILLING: Final = timedelta(seconds=60)
LARGEST_BATCH_BYTES: Final = 8 * 1024 * 1024
ROOM_BYTES: Final = 1_000_000_000
"""Of an account, where the composition root says no other."""
_FILLING: Final = ".filling"
_READY: Final = ".ready"
_REASON: Final = ".reason"
_UNREADABLE: Final = ".unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    records: list[dict[str, Any]]
    unreadable: list[bytes]
    """Lines that are no record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The records of one file."""

    path: Path
    scope: Scope
    config: dict[str, Any]
    """Members of LoggingConfig."""
    begun_at: datetime

    @property
    def digits(self) -> str:
        return self.path.stem

    @property
    def failure(self) -> str | None:
        """Why its last delivery failed; None where none has."""
        try:
            return self.path.with_suffix(_REASON).read_text()
        except FileNotFoundError:
            return None

    def records(self) -> list[dict[str, Any]]:
        """Those that can be read."""
        return self.contents().records

    def contents(self) -> Contents:
        contents = Contents(records=[], unreadable=[])
        with self.path.open("rb") as file:
            next(file)
            for line in file:
                if not line.endswith(b"\n"):
                    # Its process was killed before it had answered that request.
                    logger.warning("%s ends in a record that was cut; the others are delivered", self.path)
                elif (record := _read_record(line)) is None:
                    contents.unreadable.append(line)
                else:
                    contents.records.append(record)
        return contents


@dataclass(slots=True, kw_only=True)
class _Filling:
    path: Path
    descriptor: int
    begun_at: datetime
    size_bytes: int


class InvocationLogSpool:
    def __init__(self, data_dir: Path, *, clock: Clock, room_bytes: int = ROOM_BYTES) -> None:
        """Takes   room_bytes: what may wait for the destinations of one account."""
        self._folder = data_dir / FOLDER
        self._clock = clock
        self._room_bytes = room_bytes
        self._lock = threading.Lock()
        self._fillings: dict[str, _Filling] = {}
        """By the first line: whose, and where to."""
        self._accounts: dict[str, str] = {}
        """Whose the file with these digits is."""
        self._waiting_bytes: Counter[str] = Counter()
        """By account: as it was found at the last look, and what this process has written since."""
        self._measure()

    def check_room(self, scope: Scope) -> None:
        """Asked before a model is invoked. Costs a look into a dictionary.

        Raises   ServiceUnavailable where what waits for the account's destinations fills its room.
        Why      not asked in `append`: what a model has answered is recorded, and given.
        """
        if self._waiting_bytes[scope.account_id] < self._room_bytes:
            return
        raise ServiceUnavailable(
            f"The logs of account {scope.account_id}'s model invocations, which wait on this server until S3 or "
            f"CloudWatch Logs takes them, fill the {self._room_bytes / 1e6:g} MB that an account has here, so it "
            "answers none before some are taken. Make the bucket or log group of the logging configuration accept "
            "them: `tanren audit undelivered` on the server says what it answered. Or invoke models without logs, "
            "after DeleteModelInvocationLoggingConfiguration."
        )

    def append(self, scope: Scope, config: dict[str, Any], record: dict[str, Any]) -> None:
        """The record outlives this process when this returns. Raises OSError where it cannot be written."""
        whose = {"accountId": scope.account_id, "region": scope.region, "loggingConfig": config}
        key = json.dumps(whose, sort_keys=True)
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            filling = self._fillings.get(key)
            if filling is None:
                filling = self._fillings[key] = self._begin(whose)
            try:
                _write(filling.descriptor, line)
            except OSError:
                # What is there of it would spoil the record after it.
                os.ftruncate(filling.descriptor, filling.size_bytes)
                raise
            filling.size_bytes += len(line)
            self._waiting_bytes[scope.account_id] += len(line)

    def end_due(self, *, all_of_them: bool = False) -> None:
        """Files that have been filled long enough, or are large enough, are ready."""
        now = self._clock()
        with self._lock:
            for key, filling in list(self._fillings.items()):
                is_due = now - filling.begun_at >= LONGEST_FILLING or filling.size_bytes >= LARGEST_BATCH_BYTES
                if is_due or all_of_them:
                    del self._fillings[key]
                    try:
                        # Not there where somebody has cleared the folder.
                        with suppress(FileNotFoundError):
                            filling.path.rename(filling.path.with_suffix(_READY))
                    finally:
                        os.close(filling.descriptor)

    def ready(self) -> list[Batch]:
        """What is to be delivered, oldest first; what a process that was killed had filled is part of it."""
        if not self._folder.is_dir():
            return []
        with self._beginning():
            for path in self._folder.glob(f"*{_FILLING}"):
                _take_over(path)
        batches: list[Batch] = []
        for path in self._folder.glob(f"*{_READY}"):
            batch = _read(path)
            if batch is None:
                _let_go(path)
            else:
                batches.append(batch)
        self._measure()
        return sorted(batches, key=lambda batch: (batch.begun_at, batch.path.name))

    def remove(self, batch: Batch) -> None:
        """It has been delivered."""
        batch.path.unlink(missing_ok=True)
        batch.path.with_suffix(_REASON).unlink(missing_ok=True)

    def note_failure(self, batch: Batch, reason: str) -> None:
        """Why it could not be delivered, beside it, for `undelivered`."""
        batch.path.with_suffix(_REASON).write_text(reason, encoding="utf-8", errors="backslashreplace")

    def put_aside(self, batch: Batch, lines: list[bytes]) -> Path:
        """Keeps lines that cannot be delivered in a file beside the batch, which may then be removed. Once or twice
        is the same."""
        kept, staging = batch.path.with_suffix(_UNREADABLE), batch.path.with_suffix(".staging")
        with batch.path.open("rb") as file:
            first = file.readline()
        with open(staging, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.writelines([first, *lines])
        staging.rename(kept)
        return kept

    def _begin(self, whose: dict[str, Any]) -> _Filling:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        now = self._clock()
        path = self._folder / f"{secrets.token_hex(8)}{_FILLING}"
        line = json.dumps({**whose, "begunAt": now.isoformat()}).encode() + b"\n"
        with self._beginning():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                _write(descriptor, line)
            except BaseException:
                os.close(descriptor)
                path.unlink()
                raise
        return _Filling(path=path, descriptor=descriptor, begun_at=now, size_bytes=len(line))

    def _measure(self) -> None:
        """Notes what waits for whom, of every process that writes here."""
        waiting: Counter[str] = Counter()
        accounts: dict[str, str] = {}
        paths = self._folder.iterdir() if self._folder.is_dir() else ()
        for path in paths:
            if path.suffix not in (_FILLING, _READY, _UNREADABLE):
                continue
            account_id = self._accounts.get(path.stem)
            if account_id is None:
                batch = _read(path)
                if batch is None:
                    continue
                account_id = batch.scope.account_id
            accounts[path.stem] = account_id
            # It may have been delivered meanwhile.
            with suppress(FileNotFoundError):
                waiting[account_id] += path.stat().st_size
        self._accounts, self._waiting_bytes = accounts, waiting

    @contextmanager
    def _beginning(self) -> Generator[None]:
        """Keeps another process from taking a new file for one that nobody holds."""
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def undelivered(data_dir: Path) -> list[Batch]:
    """What lies in the spool, oldest first, without touching it; what is being filled too."""
    folder = data_dir / FOLDER
    paths = [path for suffix in (_FILLING, _READY) for path in folder.glob(f"*{suffix}")]
    return sorted((batch for path in paths if (batch := _read(path)) is not None), key=lambda batch: batch.begun_at)


def unreadable(data_dir: Path) -> list[Path]:
    """Files of what could not be read when it was to be delivered."""
    return sorted((data_dir / FOLDER).glob(f"*{_UNREADABLE}"))


def _write(descriptor: int, line: bytes) -> None:
    written = os.write(descriptor, line)
    if written != len(line):
        raise OSError(f"{written} of {len(line)} bytes of an invocation log were written; is the disk full?")


def _take_over(path: Path) -> None:
    """Makes a file ready whose process has ended."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.rename(path.with_suffix(_READY))
    except (BlockingIOError, FileNotFoundError):
        # It is being filled, or another process was quicker.
        return


def _let_go(path: Path) -> None:
    """Of a file whose first line does not say whose it is: removes it where that line was cut, which no record
    follows, and else puts it aside."""
    with suppress(FileNotFoundError):
        with path.open("rb") as file:
            is_whole = file.readline().endswith(b"\n")
        if is_whole:
            kept = path.rename(path.with_suffix(_UNREADABLE))
            logger.error("invocation logs in %s do not say whose they are; they are kept there, undelivered", kept)
        else:
            path.unlink()


def _read_record(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", record) if isinstance(record, dict) else None


def _read(path: Path) -> Batch | None:
    try:
        with path.open("rb") as file:
            first = json.loads(file.readline())
        scope = Scope(account_id=first["accountId"], region=first["region"])
        begun_at = datetime.fromisoformat(first["begunAt"])
        return Batch(path=path, scope=scope, config=first["loggingConfig"], begun_at=begun_at)
    except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
        # Delivered in the meantime; or its process was killed before the first line was whole, or that is damaged.
        return None
