"""The records of the audit log as they lie on disk: one JSON line each, chained by hash.

    {"call":{…},"kind":"call","previousHash":"…","sequence":7,"time":"…","hash":"…","signature":"…"}

A line is canonical JSON (sorted keys, no white space, ASCII), after which stand the SHA-256 of that text and a
signature; the text holds the hash of the record before it. So each record vouches for all before it: a changed byte
shows in its own line, and nobody without the key can write a line, or the chain anew.

    call   one call of the API, as CloudTrail writes it
    note   what the log has to say of itself: a line that was cut by a kill, records that are gone
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal

from tanren.storage.audit_signatures import AuditKey, PublicKey, SealedHead, read_head

FOLDER: Final = "audit"
HEAD_FILE: Final = "head.json"
FIRST_HASH: Final = "0" * 64
"""What the first record has for the hash of the one before."""

Kind = Literal["call", "note"]

TRUNCATED_TAIL: Final = "TruncatedTail"
MISSING_RECORDS: Final = "MissingRecords"
UNKNOWN_HEAD: Final = "UnknownHead"
REFUSED_REQUESTS: Final = "RefusedRequests"

_LINE = re.compile(rb'(\{.*),"hash":"([0-9a-f]{64})","signature":"([A-Za-z0-9+/=]{88})"\}', re.DOTALL)
_READS_OF_HEAD: Final = 3
"""A server may be writing it at this very moment."""
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)
_FILE_NAME = re.compile(r"[0-9]{12}-[0-9]{4}-[0-9]{2}-[0-9]{2}\.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    sequence: int
    """1, 2, 3, … through all files."""
    previous_hash: str
    hash: str
    """As the line says."""
    signature: str
    is_intact: bool
    """Whether the hash is that of the line's text."""
    kind: Kind
    content: dict[str, Any]
    time: str

    def is_genuine(self, keys: Iterable[PublicKey]) -> bool:
        """Whether one with these keys wrote it, just so."""
        return self.is_intact and any(key.has_signed_record(self.sequence, self.hash, self.signature) for key in keys)


def line_of(
    key: AuditKey, sequence: int, previous_hash: str, kind: Kind, content: dict[str, Any], time: str
) -> tuple[bytes, str]:
    """The line, with its end, and its hash."""
    record = {"sequence": sequence, "previousHash": previous_hash, "kind": kind, "time": time, kind: content}
    text = _CANONICAL.encode(record).encode()
    record_hash = sha256(text).hexdigest()
    signature = key.sign_record(sequence, record_hash)
    return text[:-1] + f',"hash":"{record_hash}","signature":"{signature}"}}\n'.encode(), record_hash


def read_line(line: bytes) -> Record | None:
    """The record of a line without its end; None where it is none at all."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    text = found[1] + b"}"
    try:
        value: Any = json.loads(text)
    except ValueError:
        return None
    kind = value.get("kind")
    sequence, previous_hash = value.get("sequence"), value.get("previousHash")
    well_formed = isinstance(sequence, int) and isinstance(previous_hash, str) and kind in ("call", "note")
    if not well_formed or not isinstance(value.get(kind), dict):
        return None
    record_hash = found[2].decode()
    return Record(
        sequence=sequence,
        previous_hash=previous_hash,
        hash=record_hash,
        signature=found[3].decode(),
        is_intact=sha256(text).hexdigest() == record_hash,
        kind=kind,
        content=value[kind],
        time=str(value.get("time", "")),
    )


def file_name(first_sequence: int, date: str) -> str:
    return f"{first_sequence:012d}-{date}.jsonl"


def log_files(data_dir: Path) -> list[Path]:
    """The files of the log, oldest first."""
    folder = data_dir / FOLDER
    return sorted(path for path in folder.glob("*.jsonl") if _FILE_NAME.fullmatch(path.name))


def lines_of(path: Path) -> Iterator[bytes]:
    """Without their ends; of a file that is being written, the lines that are complete now, then what follows them."""
    with path.open("rb") as file:
        for line in file:
            yield line.rstrip(b"\n")


def call_events(data_dir: Path) -> Iterator[dict[str, Any]]:
    """Every audited call, oldest first, as CloudTrail writes it. Lines that are no records are left to `verify`."""
    for path in log_files(data_dir):
        for line in lines_of(path):
            record = read_line(line)
            if record is not None and record.kind == "call":
                yield record.content


def sealed_head_of(data_dir: Path) -> SealedHead | None:
    """What `head.json` holds; None where it is not there or holds no head. The signature is not looked at."""
    for _ in range(_READS_OF_HEAD):
        try:
            head = head_of_text((data_dir / FOLDER / HEAD_FILE).read_bytes())
        except OSError:
            return None
        if head is not None:
            return head
    return None


def head_of_text(text: bytes) -> SealedHead | None:
    try:
        value: Any = json.loads(text)
    except ValueError:
        return None
    return read_head(value) if isinstance(value, dict) else None
