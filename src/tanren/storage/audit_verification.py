"""Whether the audit log is what was written: every record there, once, in its place, unchanged, up to the sealed end.

A record that is intact and signed proves itself and its number; all others are foreign. Then:

    edited      a number is missing, and a foreign record stands for it
    deleted     a number is missing, and nothing stands for it
    inserted    a foreign record, or a copy, whose number is there already
    reordered   a genuine record that does not stand in its place
    cut         the signed head of the end (`head.json`, or one that was kept elsewhere) names records that are gone
    forked      two genuine records that do not fit: the log was put back to an older state, and written on from there

What cannot be seen: that log and `head.json` were both put back to an older state and nothing has been written since; a
head that was kept elsewhere (`tanren audit head`) shows it. And whoever has the private key can write another history.

How    one pass, one record ahead; memory grows with the findings only. Cost   about 0.15 ms a record.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from tanren.storage.audit_records import (
    FIRST_HASH,
    FOLDER,
    HEAD_FILE,
    MISSING_RECORDS,
    REFUSED_REQUESTS,
    TRUNCATED_TAIL,
    UNKNOWN_HEAD,
    Record,
    lines_of,
    log_files,
    read_line,
    sealed_head_of,
)
from tanren.storage.audit_signatures import PublicKey, SealedHead


class Tampering(StrEnum):
    EDITED = "edited"
    DELETED = "deleted"
    INSERTED = "inserted"
    REORDERED = "reordered"
    CUT = "cut"
    FORKED = "forked"
    BAD_HEAD = "bad head"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    what: Tampering
    path: Path
    line: int
    """1 is the first of the file."""
    text: str


@dataclass(slots=True, kw_only=True)
class Verification:
    record_count: int = 0
    """Genuine ones, in their places."""
    call_count: int = 0
    last_sequence: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])
    """By file and line."""
    remarks: list[str] = field(default_factory=list[str])
    """What the log says of itself and is no tampering by itself: a kill in the middle of a line, refused requests."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Line:
    path: Path
    number: int
    text: bytes
    record: Record | None
    is_genuine: bool


def verify(
    data_dir: Path, keys: Sequence[PublicKey], *, kept: SealedHead | None = None, first_sequence: int = 1
) -> Verification:
    """What the whole log is. `keys` are all that may have signed it; `kept` is a head that was put aside earlier;
    `first_sequence` is for a log whose oldest files were moved away on purpose."""
    # Before the lines: a server that is running writes on while they are read.
    sealed = sealed_head_of(data_dir)
    files = log_files(data_dir)
    reading = _Reading(first_sequence, {head.sequence for head in (sealed, kept) if head is not None})
    reading.take_all(_lines(files, keys))
    end = reading.last or _nothing(data_dir)
    if sealed is None and reading.last is not None:
        reading.find(Tampering.BAD_HEAD, end, f"{HEAD_FILE}, the signed head of the log, is not there, or is none")
    for head, name in ((sealed, HEAD_FILE), (kept, "the head that was kept")):
        if head is None:
            continue
        if any(key.has_sealed(head) for key in keys):
            reading.check_end(head, name, end)
        else:
            reading.find(Tampering.BAD_HEAD, end, f"{name} is not signed by the key")
    reading.classify(end)
    reading.result.findings.sort(key=lambda finding: (finding.path.name, finding.line))
    return reading.result


class _Reading:
    """One pass over the lines."""

    def __init__(self, first_sequence: int, named: set[int]) -> None:
        """`named` are the sequence numbers of the heads that will be compared."""
        self.result = Verification()
        self.last: _Line | None = None
        self._expected = first_sequence
        self._hash: str | None = FIRST_HASH if first_sequence == 1 else None
        """Of the record before the expected one; None where that one is not genuine."""
        self._named = named
        self._hashes: dict[int, str] = {}
        """Of the records that the heads name."""
        self._missing: dict[int, _Line] = {}
        """Sequence number → the line before which it should stand."""
        self._at_the_end: dict[int, str] = {}
        """Sequence number → the head that names it, of records that should stand after the last line."""
        self._strays: list[tuple[int, _Line]] = []
        """Genuine, out of their places."""
        self._foreign: list[tuple[int, _Line]] = []
        """By the number that they bear or, where they bear none, would have."""

    def take_all(self, lines: Iterator[_Line]) -> None:
        line = next(lines, None)
        while line is not None:
            following = next(lines, None)
            if line.record is not None and line.is_genuine:
                self._take_genuine(line, line.record, following)
            elif not self._is_explained(line, following):
                number = self._expected + _foreign_before(self._foreign, self._expected)
                self._foreign.append((number if line.record is None else line.record.sequence, line))
            line = following

    def check_end(self, head: SealedHead, name: str, end: _Line) -> None:
        """Whether the log goes as far as a signed head says, and through the record that it was made of."""
        for sequence in range(self._expected, head.sequence + 1):
            self._at_the_end.setdefault(sequence, name)
        if self._hashes.get(head.sequence, head.hash) != head.hash:
            self.find(Tampering.FORKED, end, f"record {head.sequence} is another than the one that {name} was made of")

    def classify(self, end: _Line) -> None:
        """Names what is out of place, missing, or not ours; `end` is the last line."""
        wanted = self._missing.keys() | self._at_the_end.keys()
        for lines, there, not_there in (
            (self._strays, Tampering.REORDERED, "a copy of record {} stands here"),
            (self._foreign, Tampering.EDITED, "a record {} that the server did not write stands here"),
        ):
            for sequence, line in lines:
                if sequence in wanted:
                    wanted.discard(sequence)
                    text = "does not stand in its place" if there is Tampering.REORDERED else "is not what was written"
                    self.find(there, line, f"record {sequence} {text}")
                else:
                    self.find(Tampering.INSERTED, line, not_there.format(sequence))
        deleted: dict[_Line, list[int]] = {}
        for sequence, line in self._missing.items():
            if sequence in wanted:
                deleted.setdefault(line, []).append(sequence)
        for line, sequences in deleted.items():
            self.find(Tampering.DELETED, line, f"{_are(sequences)} missing before this line")
        cut = sorted(self._at_the_end.keys() & wanted)
        if cut:
            self.find(Tampering.CUT, end, f"the log ends here, and {_are(cut)} gone, by {self._at_the_end[cut[-1]]}")

    def find(self, what: Tampering, line: _Line, text: str) -> None:
        self.result.findings.append(Finding(what=what, path=line.path, line=line.number, text=text))

    def _take_genuine(self, line: _Line, record: Record, following: _Line | None) -> None:
        if record.sequence < self._expected or (record.sequence > self._expected and not _goes_on(record, following)):
            self._strays.append((record.sequence, line))
            return
        if record.sequence > self._expected:
            self._missing.update(dict.fromkeys(range(self._expected, record.sequence), line))
        elif self._hash not in (None, record.previous_hash):
            text = f"record {record.sequence} was not written after the record {record.sequence - 1} before it"
            self.find(Tampering.FORKED, line, f"{text}: the log was put back to an older state and written on")
        self.result.record_count += 1
        self.result.last_sequence = record.sequence
        if record.kind == "call":
            self.result.call_count += 1
        elif record.content.get("what") == UNKNOWN_HEAD:
            text = (
                f"the server found no head of its key in {HEAD_FILE} when it started, so how the log ended is unproved"
            )
            self.find(Tampering.BAD_HEAD, line, text)
        else:
            self.result.remarks.append(f"{line.path.name} line {line.number}, {record.time}: {_told(record)}.")
        self.last, self._expected, self._hash = line, record.sequence + 1, record.hash
        if record.sequence in self._named:
            self._hashes[record.sequence] = record.hash

    def _is_explained(self, line: _Line, following: _Line | None) -> bool:
        """Whether a line that is no record was cut by a kill: the note after it says so, or it is being written now."""
        if line.record is not None:
            return False
        if following is None:
            self.result.remarks.append(
                f"{line.path.name} line {line.number} is not complete: it is being written now, or its process was "
                "killed there, which the next start of the server notes."
            )
            return not line.text.endswith(b"}")
        note = following.record if following.is_genuine else None
        if note is None or note.kind != "note" or note.content.get("what") != TRUNCATED_TAIL:
            return False
        return note.content.get("sha256") == sha256(line.text).hexdigest()


def _nothing(data_dir: Path) -> _Line:
    """Where a log without a record ends."""
    return _Line(path=data_dir / FOLDER / HEAD_FILE, number=1, text=b"", record=None, is_genuine=False)


def _goes_on(record: Record, following: _Line | None) -> bool:
    """Whether the log goes on after this record, so that those before it are missing, and it is not out of place."""
    if following is None:
        return True
    return following.is_genuine and following.record is not None and following.record.previous_hash == record.hash


def _foreign_before(foreign: list[tuple[int, _Line]], expected: int) -> int:
    """How many foreign lines stand already for the expected record and those after it."""
    return sum(1 for sequence, _ in foreign if sequence >= expected)


def _lines(files: list[Path], keys: Sequence[PublicKey]) -> Iterator[_Line]:
    for path in files:
        for number, text in enumerate(lines_of(path), start=1):
            record = read_line(text)
            is_genuine = record is not None and record.is_genuine(keys)
            yield _Line(path=path, number=number, text=text, record=record, is_genuine=is_genuine)


def _told(note: Record) -> str:
    content = note.content
    match content.get("what"):
        case str(what) if what == TRUNCATED_TAIL:
            return f"the line before was cut after {content.get('bytes')} bytes: its process was killed there"
        case str(what) if what == MISSING_RECORDS:
            return f"records {content.get('first')} to {content.get('last')} were gone when the server started"
        case str(what) if what == REFUSED_REQUESTS:
            return f"{content.get('count')} requests had been refused, because the log could not be written"
        case what:
            return f"a note of another version of tanren: {what}"


def _are(sequences: list[int]) -> str:
    """`record 7 is`, or `3 records from 7 to 9 are`."""
    if len(sequences) == 1:
        return f"record {sequences[0]} is"
    return f"{len(sequences)} records from {sequences[0]} to {sequences[-1]} are"
