"""Buckets, uploads by signed URLs, and rows that are shown as text."""

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tanren import dry_run
from tanren.catalog.foundation_models import foundation_model
from tanren.console.api import ApiRefusal
from tanren.console.pages import training_data
from tanren.workflows.data_files import examined_file
from tests.data_files.broken import BROKEN_FILES, BrokenFile
from tests.unit.console.api_in_memory import ApiInMemory

MOST_SHOWN = 50
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


@pytest.mark.parametrize("folder", ["faq/2026", "/faq/2026/", "faq//2026"])
def test_a_folder_is_meant_however_its_slashes_are_written(client: TestClient, csrf_token: str, folder: str):
    permit = client.post(
        "/console/data/bucket/upload", data={"csrf_token": csrf_token, "name": "new.jsonl", "prefix": folder}
    ).json()
    assert permit["page"].endswith("?key=faq/2026/new.jsonl")
    assert permit["list"] == "/console/data/bucket?prefix=faq/2026/"


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


CHECK = {"key": "train.jsonl", "base_model": "tanren.nano-v1:0"}


def test_data_are_examined_as_soon_as_their_page_is_there(client: TestClient, api: ApiInMemory):
    api.objects["bucket"].append("validation.jsonl")
    api.contents["train.jsonl"] = b"{}\n"
    page = client.get("/console/data/bucket/object?key=train.jsonl").text
    assert "data-at-once" in page
    assert 'value="s3://bucket/validation.jsonl"' in page


def test_the_examination_says_what_is_wrong_what_was_seen_and_what_to_do(
    client: TestClient, api: ApiInMemory, csrf_token: str
):
    api.findings = [{"line": 3, "message": "no completion", "fix": "Give one.", "severity": "error", "text": SCRIPT}]
    api.observations = [{"kind": "nearly said twice", "count": 9, "lines": [4, 8], "detail": SCRIPT}]
    form = {"csrf_token": csrf_token, **CHECK, "validation_uri": "s3://bucket/validation.jsonl"}
    page = client.post("/console/data/bucket/check", data=form).text
    for said in ("no completion", "Give one.", "Keep the better one", "4, 8, …", "87", "51,000", "lines 7"):
        assert said in page
    assert SCRIPT not in page
    sent = api.sent("ExamineTrainingData")
    assert sent["trainingDataConfig"] == {"s3Uri": "s3://bucket/train.jsonl"}
    assert sent["validationDataConfig"] == {"validators": [{"s3Uri": "s3://bucket/validation.jsonl"}]}


def test_every_bar_of_the_histogram_stands_in_the_picture(client: TestClient, csrf_token: str):
    page = client.post("/console/data/bucket/check", data={"csrf_token": csrf_token, **CHECK}).text
    assert page.count("<rect") == 2
    assert "500–1100" in page


def test_tokens_are_coloured_by_what_becomes_of_them_and_paged(client: TestClient, api: ApiInMemory, csrf_token: str):
    runs = [{"fate": "masked", "text": f"<|user|>{SCRIPT}"}, {"fate": "trained", "text": "\u202eanswer"}]
    record = {"tokenCount": 9, "trainedTokenCount": 4, "isWhole": True, "runs": runs}
    api.learned = [{**record, "line": line} for line in range(1, 8)]
    page = client.post("/console/data/bucket/check", data={"csrf_token": csrf_token, **CHECK}).text
    assert '<mark class="trained"><bdi>\u202eanswer</bdi></mark>' in page
    assert SCRIPT not in page
    assert 'name="first_record" value="3"' in page
    form = {"csrf_token": csrf_token, **CHECK, "first_record": "6"}
    last = client.post("/console/data/bucket/check", data=form).text
    assert "Line 7" in last
    assert "Further rows" not in last
    assert client.post("/console/data/bucket/check", data={**form, "first_record": "x"}).status_code == 200


class OneAtATime(ApiInMemory):
    """Somebody else of the account has two examinations before this one."""

    before = 2

    def ExamineTrainingData(self, **request: Any) -> dict[str, Any]:
        if self.before:
            self.before -= 1
            raise ApiRefusal("under way", code="ThrottlingException", operation="ExamineTrainingData", status=429)
        return super().ExamineTrainingData(**request)


class TestWhereAnExaminationIsUnderWay:
    @pytest.fixture
    def api(self) -> ApiInMemory:
        return OneAtATime()

    @pytest.fixture(autouse=True)
    def at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(training_data, "ASK_AGAIN_SECONDS", 0.0)

    def test_the_next_waits_for_its_turn(self, client: TestClient, csrf_token: str):
        page = client.post("/console/data/bucket/check", data={"csrf_token": csrf_token, **CHECK}).text
        assert "51,000" in page
        assert "under way" not in page

    def test_it_does_not_wait_for_ever(self, client: TestClient, csrf_token: str, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(training_data, "TURN_SECONDS", 0.0)
        assert "under way" in client.post("/console/data/bucket/check", data={"csrf_token": csrf_token, **CHECK}).text


@pytest.mark.parametrize("name", ["学習データ.jsonl", "my train.jsonl", "a//b.jsonl", "a#1.jsonl"])
def test_a_name_that_no_job_could_give_is_told_instead_of_examined(
    client: TestClient, api: ApiInMemory, csrf_token: str, name: str
):
    told = client.post("/console/data/bucket/check", data={"csrf_token": csrf_token, "key": name}).text
    assert "Upload it again under another name" in told
    assert "ExamineTrainingData" not in [operation for _, operation, _ in api.asked]


def test_an_endpoint_that_examines_nothing_says_so(client: TestClient, api: ApiInMemory, csrf_token: str):
    api.refusals["ExamineTrainingData"] = ApiRefusal("Unknown operation.", code="404", operation="ExamineTrainingData")
    page = client.post("/console/data/bucket/check", data={"csrf_token": csrf_token, **CHECK}).text
    assert "Unknown operation." in page


def test_a_bucket_is_made_where_the_user_is(client: TestClient, api: ApiInMemory, csrf_token: str):
    answer = client.post("/console/data", data={"csrf_token": csrf_token, "name": "my-training-data"})
    assert answer.headers["location"] == "/console/data/my-training-data"
    assert api.sent("CreateBucket") == {"Bucket": "my-training-data"}


def test_a_document_leads_to_pairs_and_data_to_a_job(client: TestClient, api: ApiInMemory):
    api.objects["bucket"] += ["handbook.pdf"]
    api.contents |= {"handbook.pdf": b"%PDF \xff", "train.jsonl": b"{}"}
    assert "/pairs?key=handbook.pdf" in client.get("/console/data/bucket/object?key=handbook.pdf").text
    page = client.get("/console/data/bucket/object?key=train.jsonl").text
    assert "/pairs?" not in page
    assert "training_uri=s3%3A//bucket/train.jsonl" in page


def test_an_object_that_is_not_there_is_told(client: TestClient):
    assert client.get("/console/data/bucket/object?key=none").status_code == 404


@pytest.mark.parametrize("broken", BROKEN_FILES, ids=lambda broken: broken.name)
def test_the_page_shows_the_findings_that_the_service_and_the_command_tell(
    client: TestClient, api: ApiInMemory, csrf_token: str, tmp_path: Path, broken: BrokenFile
):
    """The third door: tests/protocol/test_tanren_service.py holds the first two against each other."""
    path = tmp_path / broken.name
    path.write_bytes(broken.content)
    file = examined_file(
        path,
        f"s3://bucket/{broken.name}",
        model=foundation_model(broken.model or "amazon.titan-text-lite-v1"),
        customization_type=broken.customization,
        is_validation=False,
        check_wanted=lambda: None,
    )
    api.findings = dry_run._report(file.summary)["findings"][:MOST_SHOWN]
    page = client.post("/console/data/bucket/check", data={"csrf_token": csrf_token, **CHECK}).text
    shown = re.findall(r'<tr class="(\w+)"><td>([^<]*)</td><td>(.*?)(?:<code.*?)?</td><td>', page, re.DOTALL)
    assert [(severity, line.partition(":")[0], unescape(message)) for severity, line, message in shown] == [
        (each["severity"], str(each["line"] or "—"), each["message"]) for each in api.findings
    ]
