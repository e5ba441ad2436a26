"""A line is the record that was written, or it is not."""

from pathlib import Path

import pytest

from tanren.storage.audit_records import FIRST_HASH, line_of, log_files, read_line
from tanren.storage.audit_signatures import AuditKey, open_or_make_key

CONTENT = {"eventName": "鍛錬", "nested": {"b": [1, 2.5, None, True], "a": "\ud800"}}


@pytest.fixture
def key(tmp_path: Path) -> AuditKey:
    return open_or_make_key(tmp_path)


@pytest.fixture
def line(key: AuditKey) -> bytes:
    return line_of(key, 3, FIRST_HASH, "call", CONTENT, "2026-11-21T12:00:00.000+00:00")[0]


def test_a_record_is_read_back_as_it_was_written(key: AuditKey, line: bytes):
    record = read_line(line.rstrip(b"\n"))
    assert record is not None
    assert (record.sequence, record.previous_hash, record.kind, record.content) == (3, FIRST_HASH, "call", CONTENT)
    assert record.is_genuine([key.public])
    assert line.isascii()
    assert line.count(b"\n") == 1


def test_any_changed_byte_makes_it_another(key: AuditKey, line: bytes):
    text = line.rstrip(b"\n")
    for place in range(len(text)):
        changed = text[:place] + bytes([text[place] ^ 1]) + text[place + 1 :]
        record = read_line(changed)
        assert record is None or not record.is_genuine([key.public]), f"byte {place}"


@pytest.mark.parametrize("line", [b"", b"{}", b"null", b'{"sequence":1}', b"\xff\xfe"])
def test_what_is_no_record_is_none(line: bytes):
    assert read_line(line) is None


def test_other_files_in_the_folder_are_not_the_logs(tmp_path: Path):
    folder = tmp_path / "audit"
    folder.mkdir()
    for name in ("000000000002-2026-11-22.jsonl", "000000000001-2026-11-21.jsonl", "notes.jsonl", "head.json", "lock"):
        (folder / name).touch()
    assert [path.name[:12] for path in log_files(tmp_path)] == ["000000000001", "000000000002"]
