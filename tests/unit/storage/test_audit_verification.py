"""Every way to tamper with the log is named, with its file and line."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from tanren.storage.audit_log import AuditLog
from tanren.storage.audit_records import FOLDER, read_line, sealed_head_of
from tanren.storage.audit_signatures import KEY_FILE, PublicKey, public_key_of
from tanren.storage.audit_verification import Tampering, Verification, verify
from tests.unit.storage.audit_calls import call, read_lines, the_file

Lines = list[bytes]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A log of ten calls."""
    log = AuditLog(tmp_path)
    for number in range(1, 11):
        log.append(call(number))
    log.close()
    return tmp_path


def told(found: Verification) -> list[tuple[str, int]]:
    return [(finding.what.value, finding.line) for finding in found.findings]


def verified(data_dir: Path, **options) -> Verification:
    return verify(data_dir, [public_key_of(data_dir)], **options)


def edited(line: bytes) -> bytes:
    return line.replace(b"job-4", b"job-X")


def edited_and_hashed_anew(line: bytes) -> bytes:
    """What one without the key can do best."""
    text, _, rest = line.partition(b',"hash":"')
    text = text.replace(b"job-4", b"job-X").replace(b"job-6", b"job-X")
    return text + b',"hash":"' + sha256(text + b"}").hexdigest().encode() + rest[64:]


TAMPERED: dict[str, tuple[Callable[[Lines], Lines], list[tuple[str, int]]]] = {
    "edited": (lambda lines: [*lines[:3], edited(lines[3]), *lines[4:]], [("edited", 4)]),
    "edited and hashed anew": (
        lambda lines: [*lines[:3], edited_and_hashed_anew(lines[3]), *lines[4:]],
        [("edited", 4)],
    ),
    "made no record": (lambda lines: [*lines[:3], b"# nothing to see here\n", *lines[4:]], [("edited", 4)]),
    "spelled otherwise": (
        lambda lines: [*lines[:3], lines[3].replace(b'"kind":"call"', b'"kind": "call"'), *lines[4:]],
        [("edited", 4)],
    ),
    "deleted": (lambda lines: [*lines[:3], *lines[4:]], [("deleted", 4)]),
    "several deleted": (lambda lines: [*lines[:3], *lines[6:]], [("deleted", 4)]),
    "the first deleted": (lambda lines: lines[1:], [("deleted", 1)]),
    "two places deleted": (lambda lines: [lines[0], *lines[2:5], *lines[6:]], [("deleted", 2), ("deleted", 5)]),
    "inserted with the number of the next": (
        lambda lines: [*lines[:5], edited_and_hashed_anew(lines[5]), *lines[5:]],
        [("inserted", 6)],
    ),
    "a copy inserted": (lambda lines: [*lines[:7], lines[2], *lines[7:]], [("inserted", 8)]),
    "a forged one appended": (
        lambda lines: [*lines, edited_and_hashed_anew(lines[5]).replace(b'"sequence":6', b'"sequence":11')],
        [("inserted", 11)],
    ),
    "reordered": (lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]], [("reordered", 4)]),
    "reordered at the end": (lambda lines: [*lines[:8], lines[9], lines[8]], [("reordered", 9)]),
    "one moved far": (lambda lines: [*lines[:2], *lines[3:8], lines[2], *lines[8:]], [("reordered", 8)]),
    "cut": (lambda lines: lines[:7], [("cut", 7)]),
    "cut by one": (lambda lines: lines[:9], [("cut", 9)]),
    "emptied": (lambda lines: [], [("cut", 1)]),
    "edited and cut": (lambda lines: [*lines[:3], edited(lines[3]), *lines[4:8]], [("edited", 4), ("cut", 8)]),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_tampering_is_named_with_its_line(data_dir: Path, how: str):
    tamper, expected = TAMPERED[how]
    path = the_file(data_dir)
    path.write_bytes(b"".join(tamper(read_lines(path))))
    found = verified(data_dir)
    assert told(found) == expected
    assert all(finding.path.name in (path.name, "head.json") for finding in found.findings)


def test_a_chain_computed_anew_without_the_key_is_foreign_from_there_on(data_dir: Path):
    path = the_file(data_dir)
    lines = read_lines(path)
    previous = read_line(lines[4].rstrip(b"\n"))
    assert previous is not None
    made, before = lines[:5], previous.hash
    for line in lines[5:]:
        value = json.loads(line)
        record_hash, signature = value.pop("hash"), value.pop("signature")
        value["previousHash"], value["call"]["userAgent"] = before, "somebody else"
        text = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
        before = sha256(text).hexdigest()
        made.append(text[:-1] + f',"hash":"{before}","signature":"{signature}"}}\n'.encode())
        assert record_hash != before
    path.write_bytes(b"".join(made))
    assert told(verified(data_dir)) == [("edited", line) for line in range(6, 11)]


def test_a_head_that_is_gone_or_forged_is_a_finding(data_dir: Path):
    head = data_dir / FOLDER / "head.json"
    text = head.read_text()
    head.write_text(text.replace('"sequence": 10', '"sequence": 9'))
    assert told(verified(data_dir)) == [("bad head", 10)]
    head.unlink()
    assert told(verified(data_dir)) == [("bad head", 10)]


def test_a_log_put_back_to_an_older_state_is_shown_by_a_head_that_was_kept(data_dir: Path):
    kept = sealed_head_of(data_dir)
    old = {path: path.read_bytes() for path in (the_file(data_dir), data_dir / FOLDER / "head.json")}
    log = AuditLog(data_dir)
    log.append(call(11))
    log.close()
    later = sealed_head_of(data_dir)
    for path, content in old.items():
        path.write_bytes(content)
    # By itself it is a log that ended there.
    assert told(verified(data_dir)) == []
    assert told(verified(data_dir, kept=kept)) == []
    assert told(verified(data_dir, kept=later)) == [("cut", 10)]
    # Written on from there, it is another log than the one whose head was kept.
    log = AuditLog(data_dir)
    log.append(call(12))
    log.close()
    assert told(verified(data_dir, kept=later)) == [("forked", 11)]


def test_a_file_put_back_alone_and_written_on_is_a_fork_or_a_hole(data_dir: Path):
    path = the_file(data_dir)
    old = path.read_bytes()
    log = AuditLog(data_dir)
    log.append(call(11))
    log.close()
    path.write_bytes(old)
    log = AuditLog(data_dir)
    log.append(call(12))
    log.close()
    assert told(verified(data_dir)) == [("deleted", 11)]


def test_another_key_proves_nothing(data_dir: Path, tmp_path_factory: pytest.TempPathFactory):
    other = tmp_path_factory.mktemp("other")
    AuditLog(other).close()
    found = verify(data_dir, [public_key_of(other)])
    assert {finding.what for finding in found.findings} >= {Tampering.BAD_HEAD}
    assert found.record_count == 0


def test_a_log_of_two_keys_is_read_by_both_and_the_change_is_told(data_dir: Path):
    keys: list[PublicKey] = [public_key_of(data_dir)]
    (data_dir / KEY_FILE).unlink()
    log = AuditLog(data_dir)
    log.append(call(11))
    log.close()
    found = verify(data_dir, [*keys, public_key_of(data_dir)])
    assert (told(found), found.record_count) == ([("bad head", 11)], 12)


def test_no_head_for_a_cut_log_can_be_made_of_its_last_record(data_dir: Path):
    path = the_file(data_dir)
    lines = read_lines(path)[:7]
    path.write_bytes(b"".join(lines))
    last = json.loads(lines[-1])
    head = {name: last[name] for name in ("sequence", "hash", "signature")}
    (data_dir / FOLDER / "head.json").write_text(json.dumps(head))
    assert told(verified(data_dir)) == [("bad head", 7)]


def test_a_cut_that_a_start_has_met_without_a_head_is_not_forgotten(data_dir: Path):
    path = the_file(data_dir)
    path.write_bytes(b"".join(read_lines(path)[:7]))
    (data_dir / FOLDER / "head.json").unlink()
    log = AuditLog(data_dir)
    log.append(call(11))
    log.close()
    assert told(verified(data_dir)) == [("bad head", 8)]


def test_a_log_whose_oldest_files_were_moved_away_is_read_from_a_record_on(data_dir: Path, clock):
    log = AuditLog(data_dir, clock=clock, largest_file_bytes=1)
    log.append(call(11))
    log.close()
    first = sorted((data_dir / FOLDER).glob("*.jsonl"))[0]
    first.rename(data_dir / "elsewhere.jsonl")
    assert told(verified(data_dir)) == [("deleted", 1)]
    assert told(verified(data_dir, first_sequence=11)) == []
