import asyncio

import pytest

from tanren.console.api import ApiRefusal, Credentials
from tanren.console.languages import Words
from tanren.console.places import faults_of_places
from tests.unit.console.api_in_memory import ApiInMemory

ENGLISH = Words("en")


def faults(api: ApiInMemory, words: Words = ENGLISH, **places: tuple[str, ...]) -> list[str]:
    credentials = Credentials(access_key_id="AKIA", secret_access_key=api.secret, region="us-east-1")
    return asyncio.run(faults_of_places(api.signed(credentials), words, **places))


def test_what_is_there_is_no_fault(api: ApiInMemory):
    assert faults(api, files=("s3://bucket/train.jsonl",), folders=("s3://bucket/output/", "s3://bucket")) == []


def test_a_file_and_a_bucket_that_are_not_there_are_named(api: ApiInMemory):
    told = faults(api, files=("s3://bucket/none.jsonl", "s3://nowhere/x"), folders=("s3://nowhere/output/",))
    for named, text in zip(("s3://bucket/none.jsonl", "s3://nowhere/x", "“nowhere”"), told, strict=True):
        assert named in text
    assert "出力" in faults(api, Words("ja"), folders=("s3://nowhere/",))[0]


@pytest.mark.parametrize("text", ["", "bucket/x", "s3://", "https://host/x"])
def test_what_is_no_place_in_s3_is_not_asked_for(api: ApiInMemory, text: str):
    assert faults(api, files=(text,), folders=(text,)) == []
    assert api.asked == []


def test_what_may_not_be_looked_at_is_no_fault(api: ApiInMemory):
    for operation in ("HeadObject", "HeadBucket"):
        api.refusals[operation] = ApiRefusal("Forbidden", code="403", operation=operation, status=403)
    assert faults(api, files=("s3://bucket/none.jsonl",), folders=("s3://theirs/",)) == []
