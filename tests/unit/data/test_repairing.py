"""Repair changes what it can without loss, and nothing else."""

import codecs
import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanren.data.containers import open_container
from tanren.data.json_lines import NotJsonLines
from tanren.data.reading import validate_file
from tanren.data.repairing import Repair
from tests.data_files.broken import BROKEN_FILES, BrokenFile

ROW = {"prompt": "Où est la forge ?", "completion": "À Seki — près de la rivière."}
JAPANESE = {"prompt": "鍛冶場は？", "completion": "関市にあります。"}


def repaired(content: bytes, file: str = "f.jsonl") -> tuple[bytes, Repair]:
    repair = Repair(open_container([content], file=file), file=file)
    return b"".join(repair.lines()), repair


def plain(*rows: object) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


@pytest.mark.parametrize(
    "content",
    [
        plain(ROW, JAPANESE).decode().encode("utf-16"),
        codecs.BOM_UTF8 + plain(ROW, JAPANESE),
        gzip.compress(plain(ROW, JAPANESE), mtime=0),
        json.dumps([ROW, JAPANESE], indent=2).encode(),
        json.dumps(ROW, indent=2).encode() + json.dumps(JAPANESE).encode(),
        plain(ROW).decode().encode("cp1252") + plain(JAPANESE).decode().encode("cp932"),
        plain(*({key: value.encode().decode("latin-1") for key, value in row.items()} for row in (ROW, JAPANESE))),
        plain(ROW) + b"\n  \n" + plain(JAPANESE),
        "prompt,completion\nOù est la forge ?,À Seki — près de la rivière.\n鍛冶場は？,関市にあります。\n".encode(),
    ],
    ids=["utf-16", "mark", "gzip", "array", "pretty", "cp1252-cp932", "garbled", "blank", "csv"],
)
def test_a_set_comes_out_as_it_was_meant(content: bytes) -> None:
    written, repair = repaired(content)
    assert [json.loads(line) for line in written.splitlines()] == [ROW, JAPANESE]
    assert repair.done
    again, second = repaired(written)
    assert (again, second.done) == (written, {})


@settings(max_examples=100, deadline=None)
@given(broken=st.sampled_from(BROKEN_FILES))
def test_no_line_is_lost_or_gets_worse(broken: BrokenFile) -> None:
    try:
        written, repair = repaired(broken.content, broken.name)
    except NotJsonLines:
        return
    before, after = (
        validate_file([content], file="f", customization_type=broken.customization)
        for content in (broken.content, written)
    )
    assert after.rows >= before.rows
    assert after.error_count <= before.error_count
    assert written.count(b"\n") >= before.rows
    assert not repair.left or after.error_count


def test_what_is_not_known_to_be_repairable_stays_as_it_stands() -> None:
    content = plain(ROW) + b'{"prompt": "a", "completion": }\n' + b'{"prompt": "\xff\x81"}\n'
    written, repair = repaired(content)
    assert written == content
    assert [finding.line for finding in repair.left] == [2, 3]
