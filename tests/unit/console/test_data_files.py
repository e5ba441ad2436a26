"""Objects in S3, by their names."""

import pytest

from tanren.console.data_files import bucket_and_key, document_format, is_data


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("s3://bucket/a/b.jsonl", ("bucket", "a/b.jsonl")),
        ("s3://bucket/", None),
        ("s3:///key", None),
        ("https://bucket/key", None),
        ("", None),
    ],
)
def test_an_object_has_a_bucket_and_a_key(uri: str, place: tuple[str, str] | None):
    assert bucket_and_key(uri) == place


def test_a_name_says_whether_it_may_be_data_and_which_document_it_is():
    assert is_data("a/Train.JSONL")
    assert not is_data("handbook.pdf")
    assert document_format("Handbook.PDF") == "pdf"
    assert document_format("page.htm") == "html"
    assert document_format("program.exe") is None
