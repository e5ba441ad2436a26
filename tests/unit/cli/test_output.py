from datetime import UTC, datetime, timedelta, timezone

import pytest

from tanren.cli.output import Column, Output, as_json, flattened, show_members, show_rows, wanted_output
from tanren.cli.pairs import pairs_of, tags_of
from tanren.domain.errors import ValidationFailed

NOON = datetime(2026, 11, 21, 21, tzinfo=timezone(timedelta(hours=9)))


def test_times_are_utc_and_text_is_as_it_is_in_json():
    assert as_json({"at": NOON, "text": "鍛錬"}) == '{"at": "2026-11-21T12:00:00Z", "text": "鍛錬"}'


def test_nested_members_have_dotted_names():
    members = {
        "a": {"b": 1, "c": {}},
        "d": [{"e": True}, {"e": False}],
        "f": ["x", "y"],
        "g": datetime(2026, 1, 1, tzinfo=UTC),
    }
    assert flattened(members) == [
        ("a.b", "1"),
        ("d[0].e", "true"),
        ("d[1].e", "false"),
        ("f", "x, y"),
        ("g", "2026-01-01T00:00:00Z"),
    ]


def test_a_long_arn_is_shown_on_one_line_to_be_copied(capsys: pytest.CaptureFixture):
    show_members({"arn": "a" * 200, "longer": 1}, Output.TABLE)
    assert capsys.readouterr().out.splitlines() == [f"arn     {'a' * 200}", "longer  1"]


def test_rows_are_a_table_one_array_or_a_line_each(capsys: pytest.CaptureFixture):
    rows = [{"n": "[b]1"}, {"n": "2"}]
    columns = [Column(heading="number", cell=lambda row: row["n"], is_number=True)]
    show_rows(rows, columns, Output.TABLE, none="-")
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [["number"], ["[b]1"], ["2"]]
    show_rows(rows, columns, Output.JSON, none="-")
    assert capsys.readouterr().out == '[{"n": "[b]1"}, {"n": "2"}]\n'
    show_rows(rows, columns, Output.JSONL, none="-")
    assert capsys.readouterr().out == '{"n": "[b]1"}\n{"n": "2"}\n'
    show_rows([], columns, Output.JSONL, none="-")
    assert capsys.readouterr().out == ""
    show_rows([], columns, Output.TABLE, none="None yet.")
    assert capsys.readouterr().out == "None yet.\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], Output.TABLE),
        (["job", "list", "--output", "json"], Output.JSON),
        (["job", "list", "-o", "jsonl"], Output.JSONL),
        (["--output=json", "nonsense"], Output.JSON),
        (["--output", "yaml"], Output.TABLE),
        (["--output"], Output.TABLE),
    ],
)
def test_what_is_wanted_is_found_on_any_command_line(arguments: list[str], expected: Output):
    assert wanted_output(arguments) is expected


def test_pairs_have_a_name_and_may_have_any_value():
    assert pairs_of(["a=b=c", "d="], "--hyper", "x=1") == {"a": "b=c", "d": ""}
    assert pairs_of(None, "--hyper", "x=1") == {}
    assert tags_of(["team=日本"]) == [{"key": "team", "value": "日本"}]
    for wrong in ("a", "=b", ""):
        with pytest.raises(ValidationFailed, match=r"--hyper is '.*'; write NAME=VALUE, such as x=1"):
            pairs_of([wrong], "--hyper", "x=1")
