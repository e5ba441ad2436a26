"""What models have replied in an evaluation job: written before anything counts it, found again by what was asked.

    <job folder>/replies/<attempt>.jsonl    one entry a reply, appended when it is given, by one attempt

The key of an entry is a digest of model, place and request. So the job asks in every attempt all that it ever asks, in
the same order, and what was answered before a kill is answered from here: no state has to be kept of how far it was.
A torn last entry is left out. No two attempts write one file: a late one spoils nothing. A job that comes after another
(`domain/customization_evaluations.py`) reads that one's replies as well: what is asked alike is not asked again.

Cost     all replies are in memory: a job has at most some ten thousand.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

Json = Mapping[str, Any]
REPLIES: Final = "replies"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    text: str = ""
    tool_input: Json | None = None
    """Where the model was to call a tool, and did."""
    input_token_count: int = 0
    output_token_count: int = 0
    seconds: float = 0.0
    """From the engine's acceptance of the request to its last token."""
    is_cut_off: bool = False
    """It ended at the most tokens that it might have, and not by itself."""
    error: str | None = None
    """Why there is no answer, as an online caller would read it."""


def reply_key(model_arn: str, place: str, request: Json) -> str:
    """`place` tells apart the same request at two places of a data set: a model that samples answers each anew."""
    content = json.dumps([model_arn, place, request], ensure_ascii=True, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


class Journal:
    """Use it as a context: leaving it closes its file."""

    def __init__(self, folder: Path, attempt: int, *, earlier: Path | None = None) -> None:
        """`earlier`: folder of the job that this one comes after; nothing need be there."""
        self._replies: dict[str, Reply] = {}
        folder = folder / REPLIES
        folder.mkdir(parents=True, exist_ok=True)
        for each in (folder,) if earlier is None else (folder, earlier / REPLIES):
            for path in sorted(each.glob("*.jsonl"), key=lambda path: int(path.stem)):
                self._read(path)
        # Unbuffered: what is written is the system's, and outlives this process.
        self._file: BinaryIO = (folder / f"{attempt}.jsonl").open("ab", buffering=0)
        self._is_synced = True

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.sync()
        self._file.close()

    def __len__(self) -> int:
        return len(self._replies)

    def find(self, key: str) -> Reply | None:
        return self._replies.get(key)

    def add(self, key: str, reply: Reply) -> None:
        """The reply outlives this process when this returns, and a power cut after the next `sync`."""
        # In ASCII: half of a surrogate pair, which a model can write, has no UTF-8.
        content = json.dumps({"key": key, **asdict(reply)}).encode() + b"\n"
        written = 0
        while written < len(content):
            written += self._file.write(content[written:]) or 0
        self._is_synced = False
        self._replies[key] = reply

    def sync(self) -> None:
        """May run in a thread of its own beside `add`."""
        if not self._is_synced:
            self._is_synced = True
            os.fsync(self._file.fileno())

    def _read(self, path: Path) -> None:
        with path.open("rb") as entries:
            for entry in entries:
                if not entry.endswith(b"\n"):
                    break  # torn by a kill; asked again
                fields: dict[str, Any] = json.loads(entry)
                self._replies.setdefault(fields.pop("key"), Reply(**fields))
