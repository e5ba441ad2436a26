import pytest

from tanren.data.batch_rows import check_batch_file, read_batch_records
from tanren.data.findings import DataInvalid

GOOD = b'{"recordId": "a", "modelInput": {"inputText": "x"}}\n'


def test_records_are_read_in_order_and_an_id_is_made_where_there_is_none():
    lines = [GOOD, b'{"modelInput": {}}\n', b'{"modelInput": {}}']
    assert check_batch_file(lines, file="f").record_count == 3
    first, second, third = read_batch_records(lines, file="f", id_seed="job")
    assert (first.line, first.record_id, first.model_input) == (1, "a", {"inputText": "x"})
    made = [second.record_id, third.record_id]
    assert len(set(made)) == 2
    assert all(len(each) == 11 and each.isalnum() for each in made)
    assert [record.record_id for record in read_batch_records(lines, file="f", id_seed="job")] == ["a", *made]
    assert [record.record_id for record in read_batch_records(lines, file="g", id_seed="job")][1:] != made


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (b'{"recordId": "a"}', "no-model-input"),
        (b'{"recordId": "a", "modelInput": "text"}', "no-model-input"),
        (b'{"recordId": 7, "modelInput": {}}', "record-id-not-text"),
        (b'{"recordId": "", "modelInput": {}}', "record-id-not-text"),
        (b'{"recordId": "a", "modelInput": {}, "modelId": "m"}', "unknown-key"),
        (b'{"modelInput": {}', "invalid-json"),
        (b'["modelInput"]', "not-an-object"),
        (b'{"modelInput": {}, "modelInput": {}}', "duplicate-key"),
        (b"", "blank-line"),
    ],
)
def test_every_row_that_is_wrong_is_named_with_its_line_and_rule(line, rule):
    with pytest.raises(DataInvalid, match=rf"f line 2.*\[{rule}\]") as refused:
        check_batch_file([GOOD, line + b"\n", GOOD], file="f")
    assert refused.value.error_count == 1


def test_an_empty_file_and_a_file_of_another_kind_are_wrong():
    for content, rule in (([], "empty-file"), ([b"[\n", b"{}]\n"], "json-array")):
        with pytest.raises(DataInvalid, match=rule):
            check_batch_file(content, file="f")


def test_a_byte_order_mark_is_a_warning_and_the_record_behind_it_is_read():
    lines = [b"\xef\xbb\xbf" + GOOD]
    assert "byte order mark" in check_batch_file(lines, file="f").warnings[0]
    assert len(list(read_batch_records(lines, file="f", id_seed="j"))) == 1
