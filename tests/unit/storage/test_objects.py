import pytest

from tanren.storage.objects import child_of, parse_s3_uri


@pytest.mark.parametrize(
    ("uri", "bucket", "key"),
    [
        ("s3://b/k", "b", "k"),
        ("s3://b/a/b c/d.jsonl", "b", "a/b c/d.jsonl"),
        ("s3://b", "b", ""),
        ("s3://b/a#b?c", "b", "a#b?c"),
    ],
)
def test_a_uri_is_a_bucket_and_a_key(uri, bucket, key):
    location = parse_s3_uri(uri)
    assert (location.bucket, location.key) == (bucket, key)


@pytest.mark.parametrize("uri", ["s3://b/out", "s3://b/out/"])
def test_a_child_lies_below_its_output_location_with_one_slash(uri):
    assert child_of(uri, "x/y.csv").uri == "s3://b/out/x/y.csv"


def test_a_child_of_a_whole_bucket_has_no_leading_slash():
    assert child_of("s3://b", "x.csv").key == "x.csv"
