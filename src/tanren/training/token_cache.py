"""Token sets kept by what they were made of, so that a resumed attempt or a second job tokenises nothing again.

    <key>.tokens                       a set (see `token_sets`); the key is a digest of records, tokenizer and limits
    <key>.<process>-<n>.writing        one that somebody writes, locked as long as he lives

Several processes may write the same entry: each writes a file of its own, and the last rename wins. Entries may be
removed at any time: who reads one has it open and goes on reading.
"""

import errno
import fcntl
import logging
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from tanren.model_files.atomic_folders import flush
from tanren.training.reporting import TrainingYielded
from tanren.training.token_sets import TokenSet, TokenSetDamaged, TokenSetWriter

logger = logging.getLogger(__name__)

_numbers = count()
_JUST_MADE_SECONDS = 60.0
"""A file may be this long without its lock; it is between being made and being locked."""


class TokenCache:
    """Takes   max_bytes: when a set is added, the ones unused for the longest go until the rest is no larger;
    None: nothing is ever removed."""

    def __init__(self, folder: Path, *, max_bytes: int | None = None) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._used: set[Path] = set()

    def get(self, key: str) -> TokenSet | None:
        """The set, if there is one and it is whole; one that is not is removed, so that it is made anew."""
        path = self._path(key)
        try:
            found = TokenSet(path)
        except FileNotFoundError:
            return None
        except (TokenSetDamaged, ValueError, KeyError, TypeError) as error:
            logger.warning("the tokens in %s are made anew: %s", path, error)
            path.unlink(missing_ok=True)
            return None
        self._used.add(path)
        with suppress(OSError):
            os.utime(path)
        return found

    def make(self, key: str, *, id_limit: int, write: Callable[[TokenSetWriter], None]) -> TokenSet:
        """The set that `write` fills; it is in the cache afterwards, or, where `write` raises, nothing of it.

        Raises   what `write` raises; TrainingYielded where the disk is full, with nothing of the set left on it.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(key)
        try:
            with _temporary(path) as temporary:
                writer = TokenSetWriter(temporary, id_limit=id_limit)
                try:
                    write(writer)
                    writer.finish()
                finally:
                    writer.close()
                # Opened before it has its name: nobody can remove it in between.
                made = TokenSet(temporary)
                temporary.replace(path)
                flush(self._folder)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise TrainingYielded("The disk is full; the records could not be written as tokens.") from error
            raise
        self._used.add(path)
        self._remove_what_is_too_much()
        return made

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.tokens"

    def _remove_what_is_too_much(self) -> None:
        """The oldest first, but none that this process has used, and what dead writers have left."""
        for left in self._folder.glob("*.writing"):
            _remove_if_abandoned(left)
        if self._max_bytes is None:
            return
        entries: list[tuple[float, int, Path]] = []
        for path in self._folder.glob("*.tokens"):
            with suppress(FileNotFoundError):
                facts = path.stat()
                entries.append((facts.st_mtime, facts.st_size, path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= self._max_bytes:
                return
            if path not in self._used:
                path.unlink(missing_ok=True)
                total -= size


@contextmanager
def _temporary(path: Path) -> Generator[Path, None, None]:
    """A name to write to, locked; gone afterwards unless it was renamed."""
    temporary = path.with_name(f"{path.stem}.{os.getpid()}-{next(_numbers)}.writing")
    descriptor = os.open(temporary, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
        os.close(descriptor)


def _remove_if_abandoned(path: Path) -> None:
    """A lock goes with its process, so an old file that is not locked has no writer any more."""
    with suppress(OSError):
        if time.time() - path.stat().st_mtime < _JUST_MADE_SECONDS:
            return
        descriptor = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(descriptor)
