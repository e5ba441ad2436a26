"""Weights, checkpoints and run records: a directory of ours, never the customer's bucket.

    custom-models/<account>/<region>/<model id>/attempt-<n>/…   what an attempt at a job published
    jobs/<account>/<region>/<job id>/…     work in progress: data and checkpoints, removed when the job has ended

A folder appears complete or not at all: it is written beside its place, synced, and renamed.
"""

import contextlib
import os
import shutil
from pathlib import Path

from tanren.domain.scope import Scope

ADAPTER_CONFIG = "adapter_config.json"


def is_adapter_folder(folder: Path) -> bool:
    """Whether the folder holds an adapter in the PEFT layout, and not a whole model."""
    return (folder / ADAPTER_CONFIG).is_file()


class ArtifactStore:
    def __init__(self, root: Path) -> None:
        self.root = root

    def job_folder(self, scope: Scope, job_id: str) -> Path:
        """Where a job works; made if it is not there."""
        folder = self.root / "jobs" / scope.account_id / scope.region / job_id
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def custom_model_path(self, scope: Scope, model_id: str, attempt: int) -> str:
        """Relative to the root, as the custom model's row keeps it."""
        return f"custom-models/{scope.account_id}/{scope.region}/{model_id}/attempt-{attempt}"

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
        shutil.rmtree(target, ignore_errors=True)
        staging.rename(target)
        _sync_directory(target.parent)
        return target

    def remove(self, relative_path: str) -> None:
        """Gone afterwards, whether it was there or not."""
        target = self.root / relative_path
        shutil.rmtree(target, ignore_errors=True)
        with contextlib.suppress(OSError):
            target.parent.rmdir()  # only if nothing is left in it

    def remove_job_folder(self, scope: Scope, job_id: str) -> None:
        shutil.rmtree(self.root / "jobs" / scope.account_id / scope.region / job_id, ignore_errors=True)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
