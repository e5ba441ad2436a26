import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanren.data.containers import pieces_of
from tanren.data.json_lines import JsonRow
from tanren.data.reading import validate_file
from tanren.data.tables import csv_rows, is_csv_header
from tanren.domain.customization_jobs import CustomizationType

fields = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\r"), max_size=8)


@given(table=st.lists(st.tuples(fields, fields), min_size=1, max_size=6), delimiter=st.sampled_from(",;\t"))
def test_every_field_of_a_table_is_read_as_it_was_written(table: list[tuple[str, str]], delimiter: str) -> None:
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([("prompt", "completion"), *table])
    read = list(csv_rows([written.getvalue().encode()], file="f.csv"))
    assert [tuple(row.value.values()) for row in read if isinstance(row, JsonRow)] == table
    lines = [2 + sum(sum(field.count("\n") for field in row) + 1 for row in table[:n]) for n in range(len(table))]
    assert [row.line for row in read if isinstance(row, JsonRow)] == lines


@pytest.mark.parametrize(
    ("line", "is_header"),
    [
        (b'"prompt";"completion"', True),
        (b"input", True),
        (b"id\tcompletion\tprompt", True),
        (b"prompt", False),
        (b"\xff", False),
    ],
)
def test_a_header_is_told_by_its_columns(line: bytes, is_header: bool) -> None:
    assert is_csv_header(line) is is_header


def test_parquet_is_read_row_by_row(tmp_path: Path) -> None:
    pyarrow: Any = pytest.importorskip("pyarrow")
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    rows = [{"prompt": "鍛冶場は？", "completion": "関市。"}, {"prompt": "What?", "completion": None}]
    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(rows * 1_500), path)
    summary = validate_file(pieces_of(path), file=str(path), customization_type=CustomizationType.FINE_TUNING)
    assert summary.rows == 1_500
    assert summary.rule_counts == {"parquet-file": 1, "missing-key": 1_500}
    assert [finding.line for finding in summary.findings[:3]] == [0, 2, 4]
