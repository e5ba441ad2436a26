"""A proof's figures: printed, and kept in build/proofs with commit, machine and date."""

import json
import platform
import subprocess
from datetime import UTC, datetime
from typing import Any

from tests.service.servers import REPOSITORY

FOLDER = REPOSITORY / "build" / "proofs"


def keep(name: str, figures: dict[str, Any]) -> None:
    """Writes build/proofs/<name>.json."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    of = {"commit": commit.stdout.strip(), "machine": platform.platform(), "date": datetime.now(UTC).date().isoformat()}
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**figures, **of}, indent=1)
    (FOLDER / f"{name}.json").write_text(text + "\n")
    print(f"\n{text}")
