"""One row of a demonstration's data, and the file that a job would be given."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    prompt: str
    completion: str
    """What the model is to answer; for a test row, what it should have answered."""
    system: str | None = None

    def to_json(self) -> dict[str, object]:
        turns = [{"role": "user", "content": self.prompt}, {"role": "assistant", "content": self.completion}]
        return {**({} if self.system is None else {"system": self.system}), "messages": turns}


def write_pairs(path: Path, pairs: Iterable[Pair]) -> Path:
    """A FINE_TUNING file, as one would upload it."""
    return _write(path, (pair.to_json() for pair in pairs))


def write_documents(path: Path, documents: Iterable[str]) -> Path:
    """A CONTINUED_PRE_TRAINING file."""
    return _write(path, ({"input": document} for document in documents))


def read_pairs(path: Path) -> list[Pair]:
    """The other way; rows have a system text or not, and one question each."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    return [
        Pair(prompt=row["messages"][0]["content"], completion=row["messages"][1]["content"], system=row.get("system"))
        for row in rows
    ]


def _write(path: Path, rows: Iterable[object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path
