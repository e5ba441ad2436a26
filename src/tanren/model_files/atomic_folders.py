"""A folder that is either whole or not there: written under another name, flushed to the disk, renamed."""

import hashlib
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def new_folder(target: Path) -> Generator[Path, None, None]:
    """A temporary folder to write in; when the block ends well it becomes `target`, replacing an older one.

    Why   a kill at any moment leaves the old `target` or the new, or none if there was none; a leftover temporary
          folder is removed by the next writer. The new one may be missing only between the two renames of a
          replacement, so a reader that must not miss it uses names that are never written twice.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.writing")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    for file in temporary.rglob("*"):
        flush(file)
    flush(temporary)
    if target.exists():
        old = target.with_name(f".{target.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
        temporary.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    else:
        temporary.rename(target)
    flush(target.parent)


def replace_file(file: Path, text: str) -> None:
    """Writes a text file, whole or not at all."""
    temporary = file.with_name(f".{file.name}.writing")
    temporary.write_text(text, "utf-8")
    flush(temporary)
    temporary.replace(file)
    flush(file.parent)


def file_digest(file: Path) -> str:
    """SHA-256 of the file's bytes."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def flush(path: Path) -> None:
    """The file, or the names in the folder, are on the disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
