"""The processes that a server keeps, as its supervisor last saw them: `processes.json` in the data directory.

The supervisor replaces the file when something has changed, and holds the directory's lock as long as it lives; of one
that is gone the file says nothing, so it is read only while somebody holds the lock.
"""

import fcntl
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

FILE_NAME: Final = "processes.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessState:
    name: str
    is_running: bool
    """False: it has died, and is started again after a pause."""
    started_at: datetime
    restart_count: int
    """Since the server was started."""


def write_process_states(data_dir: Path, states: Sequence[ProcessState]) -> None:
    """Raises   OSError."""
    path = data_dir / FILE_NAME
    text = json.dumps(
        [
            {
                "name": each.name,
                "is_running": each.is_running,
                "started_at": each.started_at.isoformat(),
                "restart_count": each.restart_count,
            }
            for each in states
        ]
    )
    # Not brought to the disk: after a power cut nobody holds the lock, and nobody reads it.
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


def read_process_states(data_dir: Path, lock_file: Path) -> list[ProcessState] | None:
    """None where no supervisor keeps this directory's processes: each was started by hand, or by something else."""
    if not _is_held(lock_file):
        return None
    try:
        found: list[dict[str, Any]] = json.loads((data_dir / FILE_NAME).read_text())
    except FileNotFoundError:
        return None
    return [
        ProcessState(
            name=each["name"],
            is_running=each["is_running"],
            started_at=datetime.fromisoformat(each["started_at"]),
            restart_count=each["restart_count"],
        )
        for each in found
    ]


def _is_held(lock_file: Path) -> bool:
    try:
        descriptor = os.open(lock_file, os.O_RDONLY)
    except OSError:
        return False
    try:
        # Shared, and for a moment: a server that starts just now would be told that the directory is in use.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
