"""Tiny source archives for tests: no registry is asked."""

import io
import tarfile
from pathlib import Path

from nano.corpus.packages import Package


def write_archive(folder: Path, files: dict[str, str], reading: str = "en") -> Package:
    package = Package(registry="pypi", name="kettle", version="1.0", licence="MIT", reading=reading, sha256="")
    with tarfile.open(folder / package.archive, "w:gz") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(f"kettle-1.0/{path}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return package
