"""Rows of a batch inference file: `{"recordId": …, "modelInput": {…}}`, one a line, checked as AWS checks them.

The shape of a row is checked, its `modelInput` is not: a bad body is the answer to one record, a bad row the end of the
job before anything has been asked. Source   the fact sheet §5.6.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from tanren.data.findings import FINDINGS_CAP, DataInvalid, Finding, Severity
from tanren.data.json_lines import JsonRow, NotJsonLines, json_rows
from tanren.data.positions import column_of

RECORD_ID: Final = "recordId"
MODEL_INPUT: Final = "modelInput"
_MADE_ID_LENGTH: Final = 11
"""As long as those that AWS makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRecord:
    line: int
    """In its file, from 1."""
    record_id: str
    model_input: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFileSummary:
    record_count: int
    size_bytes: int
    warnings: tuple[str, ...]


def check_batch_file(lines: Iterable[bytes], *, file: str) -> BatchFileSummary:
    """What is in the file. Raises DataInvalid with all that is wrong with its rows; an empty file is wrong, too."""
    errors: list[Finding] = []
    warnings: list[str] = []
    error_count = record_count = 0
    counted = _Sized(lines)
    for found in _rows(counted, file):
        if isinstance(found, BatchRecord):
            record_count += 1
        elif found.severity is Severity.WARNING:
            warnings.append(str(found))
        else:
            error_count += 1
            if len(errors) < FINDINGS_CAP:
                errors.append(found)
    if not record_count and not error_count:
        error_count = 1
        errors.append(_finding(file, 0, "empty-file", "the file is empty.", "Give it at least one record."))
    if error_count:
        raise DataInvalid(errors, error_count=error_count)
    return BatchFileSummary(record_count=record_count, size_bytes=counted.size_bytes, warnings=tuple(warnings))


def read_batch_records(lines: Iterable[bytes], *, file: str, id_seed: str) -> Iterator[BatchRecord]:
    """The records of a file that has been checked.

    A record without an id gets one that follows from `id_seed`, file and line: the same whenever the file is read.
    """
    for found in _rows(lines, file):
        if isinstance(found, BatchRecord):
            made = hashlib.sha256(f"{id_seed}\n{file}\n{found.line}".encode()).hexdigest()[:_MADE_ID_LENGTH].upper()
            yield BatchRecord(line=found.line, record_id=found.record_id or made, model_input=found.model_input)


class _Sized:
    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = lines
        self.size_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self.size_bytes += len(line)
            yield line


def _rows(lines: Iterable[bytes], file: str) -> Iterator[BatchRecord | Finding]:
    try:
        for row in json_rows(lines, file=file):
            yield row if isinstance(row, Finding) else _record_of(row, file)
    except NotJsonLines as error:
        yield error.finding


def _record_of(row: JsonRow, file: str) -> BatchRecord | Finding:
    value = row.value
    for key in value:
        if key not in (RECORD_ID, MODEL_INPUT):
            return _finding(
                file,
                row.line,
                "unknown-key",
                f'the record has the key "{key}".',
                f'Leave it out, or put it into "{MODEL_INPUT}" if it belongs to the request body.',
                column=column_of(row.text, (key,)),
            )
    record_id, model_input = value.get(RECORD_ID, ""), value.get(MODEL_INPUT)
    if not isinstance(record_id, str) or (RECORD_ID in value and not record_id):
        return _finding(
            file,
            row.line,
            "record-id-not-text",
            f'"{RECORD_ID}" must be a string of at least one character.',
            "Write one, or leave the key out to have one made.",
            column=column_of(row.text, (RECORD_ID,)),
        )
    if not isinstance(model_input, dict):
        return _finding(
            file,
            row.line,
            "no-model-input",
            f'"{MODEL_INPUT}" is {"not a JSON object" if MODEL_INPUT in value else "missing"}.',
            f'Write each record as {{"{RECORD_ID}": "…", "{MODEL_INPUT}": {{the request body}}}}.',
            column=column_of(row.text, (MODEL_INPUT,)) if MODEL_INPUT in value else None,
        )
    return BatchRecord(line=row.line, record_id=record_id, model_input=model_input)


def _finding(file: str, line: int, rule: str, message: str, fix: str, *, column: int | None = None) -> Finding:
    return Finding(file=file, line=line, column=column, rule=rule, message=message, fix=fix)
