"""The weights of a training that goes on, handed out when somebody asks for them: an adapter beside its checkpoints.

    <work folder>/snapshot-wanted                       somebody waits for the newest weights
    <work folder>/snapshots/step-00000042-epoch-0003/   what was trained up to that step, an adapter in the PEFT layout

The run looks after each step whether they are wanted; nobody else writes. Whoever has asked finds a whole folder or
none.

Why      a checkpoint is written once a minute and holds what a run goes on from; an engine reads adapters, and whoever
         asks means the weights of this moment. A run that nobody asks pays one look at a name for each step.
"""

import json
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tanren.model_files.adapter_inspection import ORIGIN_FILE

KEPT: Final = 2
"""The one before the newest may still be read."""
_WANTED: Final = "snapshot-wanted"
_FOLDER: Final = "snapshots"
_NAME: Final = re.compile(r"step-(\d+)-epoch-(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightSnapshot:
    folder: Path
    step: int
    """Optimiser steps done."""
    epoch: int
    sha256: str
    """Of the adapter's weights file."""


class WeightSnapshots:
    """Those of one job, in its work folder."""

    def __init__(self, work_folder: Path) -> None:
        self._wanted = work_folder / _WANTED
        self._folder = work_folder / _FOLDER

    @property
    def are_wanted(self) -> bool:
        return self._wanted.exists()

    def ask(self) -> None:
        """The run will hand out its weights after the step that it is at. Raises   FileNotFoundError where there is no
        run, or none any more."""
        self._wanted.touch()

    def place(self, *, step: int, epoch: int) -> Path:
        """Where the adapter of the step belongs."""
        return self._folder / f"step-{step:08d}-epoch-{epoch:04d}"

    def handed_out(self) -> None:
        """The newest is in its place: nobody waits, and the older ones go."""
        self._wanted.unlink(missing_ok=True)
        for _, folder in self._newest_first()[KEPT:]:
            shutil.rmtree(folder, ignore_errors=True)

    def newest(self) -> WeightSnapshot | None:
        """By the time of writing: an attempt that goes on from a checkpoint may be at an earlier step than the one
        before was."""
        for name, folder in self._newest_first():
            with suppress(OSError, ValueError, KeyError):  # removed a moment ago
                origin = json.loads((folder / ORIGIN_FILE).read_text("utf-8"))
                return WeightSnapshot(folder=folder, step=int(name[1]), epoch=int(name[2]), sha256=origin["sha256"])
        return None

    def _newest_first(self) -> list[tuple[re.Match[str], Path]]:
        found: list[tuple[float, re.Match[str], Path]] = []
        with suppress(FileNotFoundError):
            for folder in self._folder.iterdir():
                name = _NAME.fullmatch(folder.name)
                if name is not None:
                    with suppress(FileNotFoundError):
                        found.append((folder.stat().st_mtime, name, folder))
        found.sort(key=lambda each: each[0], reverse=True)
        return [(name, folder) for _, name, folder in found]
