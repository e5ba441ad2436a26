"""Weights, checkpoints and run records: a directory of ours, never the customer's bucket.

    custom-models/<account>/<region>/<model id>/attempt-<n>/…   what an attempt at a job published
    imported-models/<account>/<region>/<model id>/attempt-<n>/…   what an attempt at an import brought in
    jobs/<account>/<region>/<job id>/…     work in progress: data and checkpoints, removed when the job has ended

A folder appears complete or not at all: it is written beside its place, synced, and renamed.
"""

import contextlib
import os
import shutil
import stat
from pathlib import Path

from tanren.domain.scope import Scope

ADAPTER_CONFIG = "adapter_config.json"


def is_adapter_folder(folder: Path) -> bool:
    """Whether the folder holds an adapter in the PEFT layout, and not a whole model."""
    return (folder / ADAPTER_CONFIG).is_file()


class ArtifactStore:
    def __init__(self, root: Path) -> None:
        self.root = root

    def job_path(self, scope: Scope, job_id: str) -> Path:
        """Where a job works; nothing is there before it begins and after it has ended."""
        return self.root / "jobs" / scope.account_id / scope.region / job_id

    def job_folder(self, scope: Scope, job_id: str) -> Path:
        """Where a job works; made if it is not there."""
        folder = self.job_path(scope, job_id)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def custom_model_path(self, scope: Scope, model_id: str, attempt: int) -> str:
        """Relative to the root, as the custom model's row keeps it."""
        return f"custom-models/{scope.account_id}/{scope.region}/{model_id}/attempt-{attempt}"

    def imported_model_path(self, scope: Scope, model_id: str, attempt: int) -> str:
        """As `custom_model_path`, of an imported model."""
        return f"imported-models/{scope.account_id}/{scope.region}/{model_id}/attempt-{attempt}"

    def remove_other_attempts(self, relative_path: str) -> None:
        """What attempts that were not the last left beside the published one."""
        kept = self.root / relative_path
        for folder in kept.parent.iterdir():
            if folder != kept:
                shutil.rmtree(folder, ignore_errors=True)

    def resolve(self, relative_path: str) -> Path:
        return self.root / relative_path

    def publish(self, source: Path, relative_path: str) -> Path:
        """`source` copied to its final place, atomically; what an earlier attempt left there is replaced."""
        target = self.root / relative_path
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = target.with_name(target.name + ".staging")
        shutil.rmtree(staging, ignore_errors=True)
        shutil.copytree(source, staging)
        for path in staging.rglob("*"):
            if path.is_file():
                with path.open("rb") as file:
                    os.fsync(file.fileno())
        return self._move(staging, relative_path)

    def adopt(self, source: Path, relative_path: str) -> Path:
        """`source`, a folder of files in this store, moved to its final place and made read-only; as `publish`, without
        a second copy of what may be many gigabytes."""
        for path in source.iterdir():
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)
            with path.open("rb") as file:
                os.fsync(file.fileno())
        _sync_directory(source)
        return self._move(source, relative_path)

    def link(self, source_path: str, relative_path: str) -> Path:
        """The same folder a second time, its files shared: the bytes are freed when the last of both is removed.

        Where the file system has no hard links, they are copied.
        """
        target = self.root / relative_path
        staging = target.with_name(target.name + ".staging")
        shutil.rmtree(staging, ignore_errors=True)
        shutil.copytree(self.root / source_path, staging, copy_function=_link_or_copy)
        _sync_directory(staging)
        return self._move(staging, relative_path)

    def _move(self, source: Path, relative_path: str) -> Path:
        target = self.root / relative_path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        source.rename(target)
        _sync_directory(target.parent)
        return target

    def remove(self, relative_path: str) -> None:
        """Gone afterwards, whether it was there or not."""
        target = self.root / relative_path
        shutil.rmtree(target, ignore_errors=True)
        with contextlib.suppress(OSError):
            target.parent.rmdir()  # only if nothing is left in it

    def remove_job_folder(self, scope: Scope, job_id: str) -> None:
        shutil.rmtree(self.job_path(scope, job_id), ignore_errors=True)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
        with open(target, "rb") as file:
            os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
