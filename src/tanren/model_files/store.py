"""The model store: base models on this machine, each an immutable folder with a record beside it.

    <data-dir>/models/<key>/            config, safetensors, tokenizer, licence; read-only once it is there
    <data-dir>/models/<key>.json        the record: where it comes from, under which licence, its digest, its facts
    <data-dir>/models/.incoming/<key>/  a download or copy that is under way, or was broken off and can go on

A folder counts only with its record, which is written last: a kill at any moment leaves a model whole or not there. A
model enters by admission: its files are inspected (`inspection.py`), made read-only, flushed and moved into place. The
key names source and revision: `Qwen--Qwen2.5-0.5B-Instruct--7ae557604adf` for a commit of a hub repository,
`local--my-llama--3f1c9a0b2d4e` for a folder of the user's, whose last part is the digest of all its files.

nano, which tanren brings along, is in every store as `nano`; its folder is that of the package.
"""

import fcntl
import json
import os
import re
import shutil
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, cast

from tanren.domain.clock import utc_now
from tanren.domain.errors import Conflict, ResourceNotFound, ServiceUnavailable, ValidationFailed
from tanren.model_files.atomic_folders import flush, replace_file
from tanren.model_files.digests import folder_digest, weights_digest
from tanren.model_files.licences import licence_of_folder
from tanren.model_files.selection import wanted_files, weights_wanted

NANO_KEY: Final = "nano"
NANO_NAME: Final = "nano-v1"
NANO_FOLDER: Final = Path(__file__).parent.parent / "catalog" / "nano"

REVISION_CHARACTERS: Final = 12
"""Of a commit hash or digest, in a key: enough to tell all revisions of a model apart."""
SPARE_BYTES: Final = 256 * 1024 * 1024
"""Left free on the disk by a pull or import, so that database and checkpoints can go on."""
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_RECORD_FORMAT: Final = 1
_RECORDED: Final = (
    "weights_sha256",
    "size_bytes",
    "architecture",
    "parameter_count",
    "context_length",
    "dtype",
    "has_chat_template",
)

Source = Literal["hub", "local", "packaged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a model comes from, as its record keeps it."""

    source: Source
    name: str
    """The hub's repository, or the name of the user's folder."""
    revision: str
    """The commit, forty hex digits; for a folder the digest of its files."""
    location: str
    """URL of the hub, or path of the user's folder."""
    licence: str
    """As the model card states it, such as apache-2.0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredModel:
    key: str
    folder: Path
    origin: Origin
    admitted_at: datetime | None
    """None for nano, which was never admitted."""
    weights_sha256: str
    size_bytes: int
    architecture: str
    parameter_count: int
    context_length: int
    dtype: str
    """Of most of the stored parameters, as safetensors spells it: F32, BF16."""
    has_chat_template: bool
    """Without one it can neither be tuned nor answer here."""

    @property
    def name(self) -> str:
        return self.origin.name


class ModelStore:
    def __init__(self, root: Path) -> None:
        self.root = root
        self._nano: StoredModel | None = None

    def every(self) -> list[StoredModel]:
        """nano, then all that were admitted, by key."""
        records = sorted(self.root.glob("*.json")) if self.root.is_dir() else []
        found = (self.find(record.name.removesuffix(".json")) for record in records if not record.name.startswith("."))
        return [self.nano(), *(model for model in found if model is not None)]

    def nano(self) -> StoredModel:
        if self._nano is None:
            origin = Origin(
                source="packaged",
                name=NANO_NAME,
                revision="",
                location=str(NANO_FOLDER),
                licence=licence_of_folder(NANO_FOLDER),
            )
            self._nano = _described(NANO_KEY, NANO_FOLDER, origin, None)
        return self._nano

    def find(self, key: str) -> StoredModel | None:
        """Raises ServiceUnavailable where a record is there and cannot be read."""
        if key == NANO_KEY:
            return self.nano()
        if _KEY.fullmatch(key) is None:
            return None
        record, folder = self._record(key), self.root / key
        try:
            values = cast(dict[str, Any], json.loads(record.read_text("utf-8")))
            facts: dict[str, Any] = {name: values[name] for name in _RECORDED}
            if not folder.is_dir():
                raise ServiceUnavailable(
                    f"The model store has a record of {key} and no folder {folder}. Remove the record with `tanren "
                    f"models remove {key}` and get the model again."
                )
            return StoredModel(
                key=key,
                folder=folder,
                origin=Origin(**values["origin"]),
                admitted_at=datetime.fromisoformat(values["admitted_at"]),
                **facts,
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ServiceUnavailable(
                f"The record {record} of the model store cannot be read: {error!r}. Restore it, or remove it and get "
                "the model again."
            ) from error

    def get(self, key: str) -> StoredModel:
        model = self.find(key)
        if model is None:
            raise ResourceNotFound(
                f"There is no model '{key}' in the store {self.root}. `tanren models list` shows what is there."
            )
        return model

    def named(self, name: str, revision: str | None = None) -> StoredModel:
        """By key, by repository, or by name of an imported folder; `revision` may be shortened.

        Raises   ResourceNotFound; Conflict where several revisions fit.
        """
        if name in (NANO_KEY, NANO_NAME):
            return self.nano()
        by_key = self.find(name)
        if by_key is not None and revision is None:
            return by_key
        having = [model for model in self.every() if model.name == name]
        fitting = [model for model in having if revision is None or model.origin.revision.startswith(revision)]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            revisions = ", ".join(model.origin.revision[:REVISION_CHARACTERS] for model in fitting)
            raise Conflict(f"The model store has several revisions of {name}: {revisions}; name one.")
        kept = ", ".join(model.origin.revision[:REVISION_CHARACTERS] for model in having)
        wanted = name if revision is None else f"{name} at revision {revision}"
        how = f"tanren models pull {name}" + ("" if revision is None else f" --revision {revision}")
        raise ResourceNotFound(
            f"{wanted} is not in the model store {self.root}"
            + (f", which has revision {kept} of it" if kept else "")
            + f". Get it: `{how}`, or `tanren models import DIR` for a folder of this machine."
        )

    @contextmanager
    def incoming(self, key: str) -> Generator[Path]:
        """The folder in which a model is put together, with what an earlier try left in it; ours alone meanwhile.

        Raises   Conflict, if another process is at the same model.
        """
        place = self.root / ".incoming"
        _make_private(place)
        lock = os.open(place / f"{key}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict(f"Another process is getting {key} just now; wait for it.") from None
            folder = place / key
            folder.mkdir(exist_ok=True, mode=0o700)
            yield folder
        finally:
            os.close(lock)

    def admit(self, incoming: Path, key: str, origin: Origin) -> StoredModel:
        """The model is in the store when this returns; `incoming` is gone.

        Raises   UnsafeModel where the inspection refuses the folder; it then stays in `.incoming`.
        """
        known = self.find(key)
        if known is not None:
            shutil.rmtree(incoming)
            return known
        admitted_at = utc_now()
        described = _described(key, incoming, origin, admitted_at)
        for path in sorted(incoming.rglob("*")):
            if path.is_file():
                path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)
            flush(path)
        flush(incoming)
        folder = self.root / key
        # Without a record it is what a kill left between the two last steps of an admission or of a removal.
        _remove_folder(folder)
        incoming.rename(folder)
        flush(self.root)
        record = {
            "format": _RECORD_FORMAT,
            "origin": asdict(origin),
            "admitted_at": admitted_at.isoformat(),
            **{name: getattr(described, name) for name in _RECORDED},
        }
        replace_file(self._record(key), json.dumps(record, indent=1, ensure_ascii=False) + "\n")
        return self.get(key)

    def import_folder(
        self, folder: Path, *, name: str | None = None, on_bytes: Callable[[int, int], None] | None = None
    ) -> StoredModel:
        """A copy of the user's folder, admitted: of the files that a model is made of. The folder stays as it is.

        Takes    on_bytes: is told bytes copied and bytes in all.
        Raises   ValidationFailed, UnsafeModel, Conflict, ServiceUnavailable where the disk is too full.
        """
        folder = folder.expanduser()
        if not folder.is_dir():
            raise ValidationFailed(f"{folder} is no folder; give one with config.json, *.safetensors, tokenizer.json.")
        files = _importable(folder)
        name = name or folder.resolve().name
        # Not known before its files are read; two imports at once would copy to two places.
        staging_key = f"copy-{os.getpid()}"
        total = sum(file.stat().st_size for file in files.values())
        check_space(self.root, total, what=f"a copy of {folder}")
        with self.incoming(staging_key) as staging:
            try:
                for left in staging.iterdir():
                    left.unlink()  # by a process of the same number that was killed
                done = 0
                for file_name, file in files.items():
                    done = _copy(file, staging / file_name, done, lambda now: on_bytes and on_bytes(now, total))
                digest = folder_digest(staging)
                key = _key("local", re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "model", digest)
                origin = Origin(
                    source="local",
                    name=name,
                    revision=digest,
                    location=str(folder.resolve()),
                    licence=licence_of_folder(staging),
                )
                return self.admit(staging, key, origin)
            finally:
                # What could not be admitted is copied anew next time.
                shutil.rmtree(staging, ignore_errors=True)
                (staging.parent / f"{staging_key}.lock").unlink(missing_ok=True)

    def remove(self, key: str) -> int:
        """Bytes that were freed. Whether the model is still needed is the caller's question; nano cannot be removed."""
        if key == NANO_KEY:
            raise ValidationFailed("nano is a part of tanren and cannot be removed.")
        folders = (self.root / key, self.root / ".incoming" / key)
        if _KEY.fullmatch(key) is None or not (self._record(key).exists() or any(f.exists() for f in folders)):
            self.get(key)
        freed = sum(file.stat().st_size for folder in folders for file in folder.rglob("*") if file.is_file())
        self._record(key).unlink(missing_ok=True)
        for folder in folders:
            _remove_folder(folder)
        (self.root / ".incoming" / f"{key}.lock").unlink(missing_ok=True)
        return freed

    def unfinished(self) -> list[tuple[str, int]]:
        """Keys and bytes of what was begun and is not in the store; a pull of the same revision goes on with it."""
        place = self.root / ".incoming"
        folders = sorted(path for path in place.iterdir() if path.is_dir()) if place.is_dir() else []
        return [(folder.name, sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())) for folder in folders]

    def _record(self, key: str) -> Path:
        return self.root / f"{key}.json"


def hub_key(repository: str, commit: str) -> str:
    """The store's key of a commit of a repository."""
    # The hub allows no `--` in a name, so that two repositories never have one key.
    return _key(*repository.split("/"), commit)


def _key(*parts: str) -> str:
    return "--".join([*parts[:-1], parts[-1][:REVISION_CHARACTERS]])


def check_space(root: Path, needed_bytes: int, *, what: str) -> None:
    """Raises ServiceUnavailable where the disk of `root` has no room for so much."""
    _make_private(root)
    free = shutil.disk_usage(root).free
    if free < needed_bytes + SPARE_BYTES:
        raise ServiceUnavailable(
            f"The disk of {root} has {free / 1e9:.1f} GB free; {what} needs {needed_bytes / 1e9:.1f} GB and "
            f"{SPARE_BYTES / 1e9:.1f} GB to spare. Free some, or give another --data-dir."
        )


def _described(key: str, folder: Path, origin: Origin, admitted_at: datetime | None) -> StoredModel:
    """Raises UnsafeModel."""
    # Imported here: who only reads records needs none of it. nano was scanned when it was built.
    from tanren.model_files.inspection import inspect_model_folder

    facts = inspect_model_folder(folder, scan_values=key != NANO_KEY)
    return StoredModel(
        key=key,
        folder=folder,
        origin=origin,
        admitted_at=admitted_at,
        weights_sha256=weights_digest(folder),
        size_bytes=sum(file.stat().st_size for file in folder.iterdir() if file.is_file()),
        architecture=facts.architecture,
        parameter_count=facts.parameter_count,
        context_length=facts.context_length,
        dtype=facts.dtype,
        has_chat_template=facts.has_chat_template,
    )


def _importable(folder: Path) -> dict[str, Path]:
    """Name → file to copy. Raises ValidationFailed for a link that leads out of what is imported.

    Why      a link in a folder from elsewhere could name any file of this user's, and a model is made to be passed on.
             The hub's own cache is links into `blobs` beside it, so these are followed.
    """
    names = wanted_files([path.name for path in folder.iterdir() if path.is_file()])
    found: dict[str, Path] = {}
    inside = [folder.resolve()]
    if folder.resolve().parent.name == "snapshots":
        inside.append(folder.resolve().parent.parent / "blobs")
    for name in names:
        real = (folder / name).resolve()
        if real.parent not in inside:
            raise ValidationFailed(
                f"{folder / name} is a link out of the folder, to {real}; put the file itself there."
            )
        found[name] = real
    index = found.get("model.safetensors.index.json")
    if index is not None:
        found = {name: found[name] for name in weights_wanted(list(found), index.read_bytes(), where=str(index))}
    return found


def _copy(source: Path, target: Path, done: int, tell: Callable[[int], object]) -> int:
    with source.open("rb") as reading, target.open("wb") as writing:
        while block := reading.read(1 << 22):
            writing.write(block)
            done += len(block)
            tell(done)
    return done


def _make_private(folder: Path) -> None:
    """With the folders above it that are missing; `parents=True` alone would make those readable by all."""
    for path in [*reversed(folder.parents), folder]:
        if not path.exists():
            path.mkdir(mode=0o700, exist_ok=True)


def _remove_folder(folder: Path) -> None:
    """Also where its files are read-only: only the folder has to be writable for that."""
    if folder.exists():
        shutil.rmtree(folder)
