"""The SDK overlay: what lies in `models/`, copied to where boto3 and the AWS CLI look for models of their user's.

    install      each file of `models/` → ~/.aws/models, and a manifest with the digests of what was written
    uninstall    what the manifest names, and the folders that are then empty

Why      it changes what a client sees of Bedrock, and a script that uses the change fails on AWS; so nobody installs it
         but its user, a file that somebody else put there or has changed is never touched, and it goes without trace.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from tanren.domain.errors import Conflict, ResourceNotFound, ServiceUnavailable
from tanren.model_files.atomic_folders import file_digest, replace_file

MODELS_FOLDER: Final = Path(__file__).parent / "models"
"""Laid out as botocore's own data: `<service>/<API version>/service-2.json`."""

MANIFEST: Final = ".tanren-sdk.json"
"""In the folder of models; botocore reads only what lies in folders there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    folder: Path
    written: tuple[str, ...]
    """Relative paths, of files that were not there or are new."""
    unchanged: tuple[str, ...]


def overlay_files() -> list[str]:
    """Relative to `MODELS_FOLDER`."""
    return sorted(str(file.relative_to(MODELS_FOLDER)) for file in MODELS_FOLDER.rglob("*.json"))


def install(folder: Path) -> Installation:
    """All files are there afterwards; those of an older version that are no more are gone.

    Raises   Conflict, before anything is written, where a file is in the way that is not of our writing.
    """
    ours = _manifest(folder)
    names = overlay_files()
    _refuse_foreign(folder, names, ours)
    written = [name for name in names if not _is_equal(folder / name, MODELS_FOLDER / name)]
    # Named before they are written: what a kill leaves behind can still be uninstalled.
    digests = {name: file_digest(MODELS_FOLDER / name) for name in names}
    folder.mkdir(parents=True, exist_ok=True)
    _write_manifest(folder, {**ours, **digests})
    for name in written:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        replace_file(folder / name, (MODELS_FOLDER / name).read_text("utf-8"))
    _remove(folder, ours.keys() - set(names))
    _write_manifest(folder, digests)
    return Installation(
        folder=folder, written=tuple(written), unchanged=tuple(name for name in names if name not in written)
    )


def uninstall(folder: Path) -> list[str]:
    """The relative paths of what was removed.

    Raises   ResourceNotFound where nothing is installed; Conflict, before anything is removed, where one of our files
             was changed since.
    """
    ours = _manifest(folder)
    if not ours:
        raise ResourceNotFound(f"The SDK overlay is not installed in {folder}; nothing was changed.")
    present = [name for name in sorted(ours) if (folder / name).exists()]
    _refuse_foreign(folder, present, ours)
    _remove(folder, present)
    (folder / MANIFEST).unlink()
    _remove_if_empty(folder)
    return present


def _manifest(folder: Path) -> dict[str, str]:
    """Relative path → digest, of what was installed; empty where nothing was. Raises ServiceUnavailable."""
    file = folder / MANIFEST
    try:
        return cast("dict[str, str]", json.loads(file.read_text("utf-8"))["files"])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ServiceUnavailable(
            f"{file} cannot be read ({error}), so nobody can say which files are tanren's. These may be: "
            f"{', '.join(overlay_files())}. Remove what is not yours, and {MANIFEST}."
        ) from error


def _write_manifest(folder: Path, files: Mapping[str, str]) -> None:
    content: dict[str, Any] = {"writtenBy": "tanren sdk install", "files": dict(sorted(files.items()))}
    replace_file(folder / MANIFEST, json.dumps(content, indent=1) + "\n")


def _refuse_foreign(folder: Path, names: Iterable[str], ours: Mapping[str, str]) -> None:
    """A file may be touched if it is as we wrote it, or as we would write it."""
    foreign = [
        name
        for name in names
        if (folder / name).exists()
        and file_digest(folder / name) != ours.get(name)
        and not _is_equal(folder / name, MODELS_FOLDER / name)
    ]
    if foreign:
        raise Conflict(
            f"{', '.join(str(folder / name) for name in foreign)}: not as tanren wrote it, so it is left alone, and "
            "nothing was changed. Move it away and try again; or leave it and set AWS_DATA_PATH to what `tanren sdk "
            "path` prints."
        )


def _is_equal(file: Path, other: Path) -> bool:
    return file.is_file() and other.is_file() and file.read_bytes() == other.read_bytes()


def _remove(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        (folder / name).unlink(missing_ok=True)
        for parent in (folder / name).parents:
            if parent == folder or not _remove_if_empty(parent):
                break


def _remove_if_empty(folder: Path) -> bool:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        return True
    return False
