"""Files in S3, chosen in a dialog."""

from starlette.testclient import TestClient

from tanren.console.api import ApiRefusal
from tests.unit.console.api_in_memory import ApiInMemory


def test_buckets_lead_to_files_that_can_be_trained_on(client: TestClient, api: ApiInMemory):
    api.objects["bucket"] = ["train.jsonl", "picture.png"]
    assert 'data-browses="/console/pick-file?wanted=data&amp;bucket=bucket"' in client.get("/console/pick-file").text
    listed = client.get("/console/pick-file?bucket=bucket").text
    assert "train.jsonl" in listed
    assert "picture.png" not in listed


def test_a_file_shows_its_first_rows_as_text_before_it_is_taken(client: TestClient, api: ApiInMemory):
    api.contents["train.jsonl"] = b"<script>alert(1)</script>\n"
    page = client.get("/console/pick-file?bucket=bucket&key=train.jsonl").text
    assert "&lt;script&gt;alert(1)" in page
    assert 'data-picks="s3://bucket/train.jsonl"' in page


def test_a_folder_can_be_taken_and_leads_back_to_those_above_it(client: TestClient):
    page = client.get("/console/pick-file?wanted=folder&bucket=bucket&prefix=a/b/").text
    assert 'data-picks="s3://bucket/a/b/"' in page
    assert "wanted=folder&amp;bucket=bucket&amp;prefix=a%2F" in page
    assert "train.jsonl" not in page


def test_what_may_not_be_listed_says_why_in_the_dialog(client: TestClient, api: ApiInMemory):
    api.refusals["ListBuckets"] = ApiRefusal("Not allowed.", code="AccessDenied", operation="ListBuckets", status=403)
    answer = client.get("/console/pick-file")
    assert answer.status_code == 200
    assert "Not allowed." in answer.text
