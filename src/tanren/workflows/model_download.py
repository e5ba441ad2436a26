"""A model's folder out of S3 onto the disk, and whether what lies there may be one.

The names are judged before a byte is fetched: what no model is made of stays in S3 (pickles and code above all), and a
folder without safetensors ends here, with the reason. Files arrive one after the other, each under another name until
it is whole. A process that is killed leaves whole files behind; the next attempt fetches the others, and those that
have changed in S3 since.

Cost     the file that was under way is fetched again after a kill.
"""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tanren.domain.errors import JobFailed, ServiceUnavailable
from tanren.model_files.adapter_inspection import ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE, ORIGIN_FILE
from tanren.model_files.selection import WEIGHTS_INDEX, wanted_files
from tanren.storage.objects import ListedObject, ObjectStore, S3Location, parse_s3_uri

SPARE_BYTES: Final = 256 * 1024 * 1024
"""Left free on the disk, so that database and checkpoints can go on."""
_MOST_FILES: Final = 2000
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_PICKLE_ENDINGS: Final = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
_ADAPTER_FILES: Final = (ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE, ORIGIN_FILE, "README.md")
_FETCHED: Final = "fetched.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFolder:
    """What a folder in S3 holds that is wanted of it."""

    uri: str
    files: dict[str, ListedObject]
    """Name → object."""
    left: tuple[str, ...]
    """Names of what stays there."""

    @property
    def is_adapter(self) -> bool:
        return ADAPTER_CONFIG_FILE in self.files

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files.values())


def look_into(objects: ObjectStore, uri: str, *, may_be_adapter: bool) -> SourceFolder:
    """What there is below the URI.

    Raises   JobFailed where it is no model, or an adapter where none is wanted.
    """
    given = parse_s3_uri(uri)
    prefix = given.key if not given.key or given.key.endswith("/") else f"{given.key}/"
    found: dict[str, ListedObject] = {}
    for listed in objects.listed(S3Location(bucket=given.bucket, key=prefix)):
        name = listed.location.key.removeprefix(prefix)
        if not name:
            continue  # the folder itself, as some tools write it
        if len(found) == _MOST_FILES:
            raise JobFailed(f"{uri} has more than {_MOST_FILES} files; a model has a few dozen. Give its own folder.")
        found[name] = listed
    if not found:
        raise JobFailed(f"There is no file in {uri}. Give the folder that config.json and *.safetensors lie in.")
    is_adapter = ADAPTER_CONFIG_FILE in found
    if is_adapter and not may_be_adapter:
        raise JobFailed(
            f"{uri} holds {ADAPTER_CONFIG_FILE}: it is an adapter, not a model. Merge it into its base, or make a "
            "custom model of it: CreateCustomModel."
        )
    wanted = [name for name in _ADAPTER_FILES if name in found] if is_adapter else wanted_files(found)
    for name in wanted:
        if _NAME.fullmatch(name) is None:
            raise JobFailed(
                f"{uri} has a file with the name {name[:80]!r}; a name is letters, digits, dots, dashes, underscores."
            )
    if not any(name.endswith(".safetensors") for name in wanted):
        pickles = sorted(name for name in found if name.endswith(_PICKLE_ENDINGS))
        why = f"it has {pickles[0]}, a pickle, which could run code" if pickles else "it has no weights"
        raise JobFailed(f"{uri} has no .safetensors file: {why}. Convert the weights to safetensors.")
    if not is_adapter and "config.json" not in wanted:
        raise JobFailed(f"{uri} is no model: config.json is missing.")
    left = tuple(sorted(found.keys() - set(wanted)))
    return SourceFolder(uri=uri, files={name: found[name] for name in wanted}, left=left)


def fetch(source: SourceFolder, objects: ObjectStore, folder: Path, *, between: Callable[[], None]) -> None:
    """All files of the source lie in the folder when this returns, and nothing else.

    Takes    between: called between two pieces; what it raises ends the fetching.
    Raises   ServiceUnavailable where the disk has no room; what the object store raises.
    """
    folder.mkdir(parents=True, exist_ok=True)
    note = folder.with_name(f"{folder.name}.{_FETCHED}")
    known = _noted(note)
    for path in list(folder.iterdir()):
        if path.name not in source.files or known.get(path.name) != source.files[path.name].etag:
            path.unlink()
    missing = {name: file for name, file in source.files.items() if not (folder / name).exists()}
    _check_space(folder, source, sum(file.size_bytes for file in missing.values()))
    # The index first, since it is small, and the rest in its order.
    for name in sorted(missing, key=lambda name: (name != WEIGHTS_INDEX, name)):
        partial = folder.with_name(f"{folder.name}.partial")
        with partial.open("wb") as file:
            for chunk in objects.chunks(missing[name].location):
                file.write(chunk)
                between()
        if partial.stat().st_size != missing[name].size_bytes:
            raise ServiceUnavailable(f"{missing[name].location.uri} has changed while it was fetched.")
        # Noted before the file has its name: a note without a file only costs its fetching.
        known[name] = missing[name].etag
        note.write_text(json.dumps(known), "utf-8")
        partial.rename(folder / name)


def _noted(note: Path) -> dict[str, str]:
    try:
        return json.loads(note.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def _check_space(folder: Path, source: SourceFolder, needed_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed_bytes + SPARE_BYTES:
        raise ServiceUnavailable(
            f"The disk of {folder} has {free / 1e9:.1f} GB free; {source.uri} needs {needed_bytes / 1e9:.1f} GB and "
            f"{SPARE_BYTES / 1e9:.1f} GB to spare. Free some; the job then goes on by itself."
        )
