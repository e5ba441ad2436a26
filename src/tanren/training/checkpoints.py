"""The state of a run on disk: written whole or not at all, checksummed, read back only if it is intact.

    checkpoints/step-00000042-epoch-0003/   trainable.safetensors · optimizer.safetensors · state.json
    best/step-00000030-epoch-0003/          trainable.safetensors, of the lowest validation loss so far

state.json holds the sums of the other files, of the best weights that belong to the state, and of itself. A torn or
altered checkpoint, or one of another run, is passed over for the next older one, with the reason logged. No pickle.

Cost   three times the trainable weights on disk a checkpoint, `KEPT` of them, and the best.
"""

import errno
import hashlib
import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from tanren.model_files.atomic_folders import file_digest, new_folder
from tanren.training.reporting import TrainingYielded
from tanren.training.run_state import RunState

logger = logging.getLogger(__name__)

KEPT = 3
"""Checkpoints kept: more than one, since the newest may turn out to be damaged."""

_TRAINABLE = "trainable.safetensors"
_OPTIMIZER = "optimizer.safetensors"
_STATE = "state.json"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checkpoint:
    state: RunState
    trainable: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    thread_count: int
    """With which the steps so far were computed; another count may add up in another order."""


class Checkpoints:
    """The checkpoints of one run in its work folder.

    Raises   TrainingYielded where the disk is full: what was written before is intact, and the run can go on later.
    """

    def __init__(self, work_folder: Path, *, run_digest: str) -> None:
        self._folder = work_folder / "checkpoints"
        self._best_folder = work_folder / "best"
        self._run_digest = run_digest
        """Of spec, data and base weights: a checkpoint of another digest is no state of this run."""
        self._best: tuple[str, str] | None = None
        """Name and SHA-256 of the best weights that belong to the present state."""
        self.written_count = 0

    def write(
        self, state: RunState, *, trainable: Mapping[str, Tensor], optimizer: Mapping[str, Tensor], thread_count: int
    ) -> None:
        try:
            with new_folder(self._folder / state.name) as temporary:
                sums = {
                    _TRAINABLE: _save(temporary / _TRAINABLE, trainable),
                    _OPTIMIZER: _save(temporary / _OPTIMIZER, optimizer),
                }
                body: dict[str, Any] = {
                    "run_digest": self._run_digest,
                    "thread_count": thread_count,
                    "best": self._best,
                    "sums": sums,
                    "state": state.to_json(),
                }
                (temporary / _STATE).write_text(json.dumps({**body, "sum": _sum_of(body)}), "utf-8")
        except (OSError, SafetensorError) as error:
            raise _disk_error(error, state) from error
        self.written_count += 1
        self._drop_others(state)

    def write_best(self, state: RunState, trainable: Mapping[str, Tensor]) -> None:
        """Remembers weights as the best so far; they belong to the checkpoints written from now on."""
        try:
            with new_folder(self._best_folder / state.name) as temporary:
                self._best = (state.name, _save(temporary / _TRAINABLE, trainable))
        except (OSError, SafetensorError) as error:
            raise _disk_error(error, state) from error

    def read_best(self) -> dict[str, Tensor] | None:
        """The best weights of the present state; None before the first validation."""
        return load_file(self._best_folder / self._best[0] / _TRAINABLE) if self._best else None

    def newest(self) -> Checkpoint | None:
        """The newest intact checkpoint of this run, or None; `read_best` answers for it from now on."""
        for folder in self._newest_first():
            try:
                checkpoint, best = self._read(folder)
            except _NotIntact as reason:
                logger.warning("checkpoint %s is passed over: %s", folder.name, reason)
                continue
            self._best = best
            return checkpoint
        return None

    def _read(self, folder: Path) -> tuple[Checkpoint, tuple[str, str] | None]:
        try:
            body = cast(dict[str, Any], json.loads((folder / _STATE).read_text("utf-8")))
            expected = body.pop("sum")
            if _sum_of(body) != expected:
                raise _NotIntact("state.json was altered")
            if body["run_digest"] != self._run_digest:
                raise _NotIntact("it belongs to a run with another spec, other data or another base model")
            for name, sum in cast(dict[str, str], body["sums"]).items():
                if file_digest(folder / name) != sum:
                    raise _NotIntact(f"{name} was altered")
            best = cast("list[str] | None", body["best"])
            if best and file_digest(self._best_folder / best[0] / _TRAINABLE) != best[1]:
                raise _NotIntact("the best weights that it names were altered")
            checkpoint = Checkpoint(
                state=RunState.from_json(body["state"]),
                trainable=load_file(folder / _TRAINABLE),
                optimizer=load_file(folder / _OPTIMIZER),
                thread_count=body["thread_count"],
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
            raise _NotIntact(f"{type(error).__name__}: {error}") from error
        return checkpoint, (best[0], best[1]) if best else None

    def _newest_first(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return sorted((path for path in self._folder.glob("step-*") if path.is_dir()), reverse=True)

    def _drop_others(self, state: RunState) -> None:
        """Removes checkpoints but the newest `KEPT`, and best weights that no kept one names.

        Why   what stands behind the state just written was passed over: torn, or of another run. If it counted as
              newer, it would have the place of each one that this run writes.
        """
        folders = self._newest_first()
        kept = [folder for folder in folders if folder.name <= state.name][:KEPT]
        for folder in set(folders).difference(kept):
            shutil.rmtree(folder, ignore_errors=True)
        named = {self._best[0]} if self._best else set[str]()
        for folder in kept:
            try:
                best = json.loads((folder / _STATE).read_text("utf-8"))["best"]
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if best:
                named.add(best[0])
        for folder in self._best_folder.glob("step-*"):
            if folder.name not in named:
                shutil.rmtree(folder, ignore_errors=True)


class _NotIntact(Exception):
    pass


def _save(file: Path, tensors: Mapping[str, Tensor]) -> str:
    save_file({name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}, file)
    return file_digest(file)


def _sum_of(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _disk_error(error: Exception, state: RunState) -> Exception:
    """TrainingYielded for a full disk, else the error itself."""
    is_full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)
    if not is_full:
        return error
    return TrainingYielded(
        f"The disk is full: the state after step {state.step} could not be written. Older checkpoints are intact; "
        "free some space and the job goes on."
    )
