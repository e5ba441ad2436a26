"""Finding calls in the audit log from its end, a stretch at a time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tanren.storage import audit_search
from tanren.storage.audit_log import AuditLog
from tanren.storage.audit_records import read_line
from tanren.storage.audit_search import AuditPlace, search_calls
from tests.unit.storage.audit_calls import call, the_file

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def written(data_dir: Path, count: int, **options: int) -> None:
    """One call a minute, from noon on."""
    moments = iter(NOON + timedelta(minutes=minute) for minute in range(1000))
    log = AuditLog(data_dir, clock=lambda: next(moments), **options)
    for number in range(count):
        log.append(call(number))
    log.close()


def names(data_dir: Path, *, texts: tuple[str, ...] = (), **options: object) -> list[str]:
    found = search_calls(data_dir, texts=texts, is_wanted=lambda _: True, **{"most": 100, **options})  # pyright: ignore
    return [event["eventID"] for event in found.calls]


def pages(data_dir: Path, *, most: int, longest_stretch_bytes: int = 1 << 20) -> list[list[str]]:
    found: list[list[str]] = []
    place: AuditPlace | None = None
    while True:
        page = search_calls(
            data_dir,
            texts=(),
            is_wanted=lambda _: True,
            most=most,
            before=place,
            longest_stretch_bytes=longest_stretch_bytes,
        )
        found.append([event["eventID"] for event in page.calls])
        place = page.next_place
        if place is None:
            return found


def test_calls_come_newest_first_also_over_several_files(tmp_path: Path):
    written(tmp_path, 7, largest_file_bytes=2500)
    assert names(tmp_path) == [f"event-{number}" for number in reversed(range(7))]


def test_pages_go_on_where_the_one_before_ended_whatever_is_written_meanwhile(tmp_path: Path):
    written(tmp_path, 5, largest_file_bytes=2500)
    first = search_calls(tmp_path, texts=(), is_wanted=lambda _: True, most=2)
    written(tmp_path, 3)
    rest = names(tmp_path, before=first.next_place)
    assert [event["eventID"] for event in first.calls] + rest == [f"event-{number}" for number in reversed(range(5))]


def test_a_stretch_that_holds_nothing_wanted_ends_all_the_same_and_says_how_far_it_came(tmp_path: Path):
    written(tmp_path, 5)
    size = the_file(tmp_path).stat().st_size
    found = search_calls(
        tmp_path, texts=("no such text",), is_wanted=lambda _: True, most=9, longest_stretch_bytes=size // 2
    )
    assert (found.calls, found.next_place is None) == ([], False)
    assert found.searched_back_to is not None
    assert found.searched_back_to > NOON
    assert pages(tmp_path, most=1, longest_stretch_bytes=1) == [[f"event-{n}"] for n in (4, 3, 2, 1, 0)] + [[]]


def test_a_search_ends_with_the_first_record_that_is_too_old(tmp_path: Path):
    written(tmp_path, 5)
    record = read_line(the_file(tmp_path).read_bytes().splitlines()[3])
    assert record is not None
    since = datetime.fromisoformat(record.time)
    found = search_calls(tmp_path, texts=(), is_wanted=lambda _: True, most=9, since=since)
    assert [event["eventID"] for event in found.calls] == ["event-4", "event-3"]
    assert found.next_place is None


def test_a_line_that_was_cut_or_is_still_being_written_is_passed_over(tmp_path: Path):
    written(tmp_path, 3)
    path = the_file(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][:60] + b"\n" + lines[2] + b'{"call":{"eventID"')
    assert names(tmp_path) == ["event-2", "event-0"]


def test_a_log_that_is_not_there_has_nothing(tmp_path: Path):
    found = search_calls(tmp_path, texts=(), is_wanted=lambda _: True, most=9)
    assert (found.calls, found.next_place, found.searched_back_to) == ([], None, None)


@given(lines=st.lists(st.binary(max_size=30).map(lambda text: text.replace(b"\n", b" "))), block=st.integers(1, 40))
def test_lines_backwards_are_the_lines_whatever_the_size_of_a_block(tmp_path_factory, lines: list[bytes], block: int):
    path = tmp_path_factory.mktemp("lines") / "file"
    text = b"\n".join(lines)
    path.write_bytes(text)
    before = audit_search._BLOCK_BYTES
    audit_search._BLOCK_BYTES = block  # pyright: ignore
    try:
        found = list(audit_search._lines_backwards(path, len(text)))
    finally:
        audit_search._BLOCK_BYTES = before  # pyright: ignore
    assert [line for _, line in found] == [line for line in reversed(text.split(b"\n")) if line]
    assert all(text[offset : offset + len(line)] == line for offset, line in found)
