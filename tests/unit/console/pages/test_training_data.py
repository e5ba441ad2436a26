"""Buckets, uploads by signed URLs, and rows that are shown as text."""

import pytest
from starlette.testclient import TestClient

from tanren.console.api import ApiRefusal
from tests.unit.console.api_in_memory import ApiInMemory

SCRIPT = "<script>alert(1)</script>"


def test_buckets_lead_to_objects_and_objects_to_their_pages(client: TestClient):
    assert 'href="/console/data/bucket"' in client.get("/console/data").text
    assert 'href="/console/data/bucket/object?key=train.jsonl"' in client.get("/console/data/bucket").text


@pytest.mark.parametrize("name", ["new.jsonl", "../../etc/new.jsonl", "C:\\data\\new.jsonl"])
def test_a_files_own_name_is_a_name_and_never_a_path(client: TestClient, csrf_token: str, name: str):
    form = {"csrf_token": csrf_token, "name": name, "prefix": "faq/"}
    permit = client.post("/console/data/bucket/upload", data=form).json()
    assert permit["url"].startswith("http://testserver/bucket/faq/new.jsonl?")
    assert permit["page"] == "/console/data/bucket/object?key=faq/new.jsonl"


def test_a_file_without_a_name_gets_no_url(client: TestClient, csrf_token: str):
    answer = client.post("/console/data/bucket/upload", data={"csrf_token": csrf_token, "name": "a/"})
    assert answer.status_code == 400


def test_rows_are_text_whatever_they_hold(client: TestClient, api: ApiInMemory):
    api.contents["train.jsonl"] = (SCRIPT + "\n" + "x" * 60_000 + "\n\u202edoc").encode()
    page = client.get("/console/data/bucket/object?key=train.jsonl").text
    assert SCRIPT not in page
    assert "and 58,000 more characters" in page


def test_what_is_no_text_is_not_shown(client: TestClient, api: ApiInMemory):
    api.contents["train.jsonl"] = b"\x00\xff\xfe binary"
    assert "no UTF-8 text" in client.get("/console/data/bucket/object?key=train.jsonl").text


def test_the_check_says_what_the_trainers_validator_says(client: TestClient, api: ApiInMemory, csrf_token: str):
    api.findings = [{"line": 3, "message": "no completion", "fix": "Give one.", "severity": "error"}]
    form = {"csrf_token": csrf_token, "key": "train.jsonl", "base_model": "tanren.nano-v1:0"}
    page = client.post("/console/data/bucket/check", data=form).text
    assert "no completion" in page
    assert api.sent("ValidateTrainingData")["trainingDataConfig"] == {"s3Uri": "s3://bucket/train.jsonl"}


def test_what_was_found_is_shown_also_where_the_estimate_is_refused(
    client: TestClient, api: ApiInMemory, csrf_token: str
):
    api.refusals["EstimateCustomizationJob"] = ApiRefusal("Too busy.", code="503", operation="EstimateCustomizationJob")
    form = {"csrf_token": csrf_token, "key": "train.jsonl", "base_model": "tanren.nano-v1:0"}
    page = client.post("/console/data/bucket/check", data=form).text
    assert "Too busy." in page
    assert "85 rows" in page


def test_an_object_that_is_not_there_is_told(client: TestClient):
    assert client.get("/console/data/bucket/object?key=none").status_code == 404
