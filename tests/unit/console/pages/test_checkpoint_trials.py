"""A job that trains is asked on its page, and its source model beside it."""

import json

import pytest
from starlette.testclient import TestClient

from tanren.console.api import ApiRefusal
from tests.unit.console.api_in_memory import BASE_MODEL, ApiInMemory

PROGRESS = {"progress": {"stepsDone": 6, "totalSteps": 30, "share": 0.2}}
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def running(api: ApiInMemory) -> ApiInMemory:
    api.add_job("tuning")
    api.metrics["tuning"] = PROGRESS
    return api


def test_the_form_has_the_system_prompt_and_a_question_of_the_training_data(client: TestClient, running: ApiInMemory):
    row = {
        "system": "Answer in one sentence.",
        "messages": [{"role": "user", "content": "What is a KB?"}, {"role": "assistant", "content": "A base."}],
    }
    running.contents["train.jsonl"] = json.dumps(row).encode()
    page = client.get("/console/jobs/tuning").text
    assert ">Answer in one sentence.</textarea>" in page
    assert 'placeholder="What is a KB?"' in page


@pytest.mark.parametrize(
    ("changes", "metrics"),
    [
        ({"status": "Completed"}, PROGRESS),
        ({"hyperParameters": {"customizationMethod": "full"}}, PROGRESS),
        ({}, None),
    ],
    ids=["over", "full fine-tuning", "an endpoint without metrics"],
)
def test_what_has_no_checkpoint_to_ask_has_no_form(
    client: TestClient, api: ApiInMemory, changes: dict[str, object], metrics: dict[str, object] | None
):
    api.add_job("tuning", **changes)
    if metrics is None:
        api.refusals["GetJobMetrics"] = ApiRefusal("unknown", code="UnknownOperationException", operation="x")
    else:
        api.metrics["tuning"] = metrics
    assert "Ask it now" not in client.get("/console/jobs/tuning").text


def test_both_are_asked_the_same_and_both_answers_are_text(client: TestClient, running: ApiInMemory, csrf_token: str):
    given = {"csrf_token": csrf_token, "prompt": HOSTILE, "system": "Be brief."}
    part = client.post("/console/jobs/tuning/try", data=given).text
    assert HOSTILE not in part
    assert "the tuned answer to &lt;script&gt;" in part
    assert "the answer to &lt;script&gt;" in part
    assert "step 42, epoch 3" in part
    assert "cut off" in part
    assert running.sent("TryCheckpoint") == {
        "jobIdentifier": "tuning",
        "prompt": HOSTILE,
        "system": "Be brief.",
        "maxTokens": 256,
        "temperature": 0.0,
    }
    assert running.sent("Converse") == {
        "modelId": f"arn:aws:bedrock:us-east-1::foundation-model/{BASE_MODEL}",
        "messages": [{"role": "user", "content": [{"text": HOSTILE}]}],
        "system": [{"text": "Be brief."}],
        "inferenceConfig": {"maxTokens": 256, "temperature": 0.0},
    }


def test_one_that_is_refused_leaves_the_other_its_answer(client: TestClient, running: ApiInMemory, csrf_token: str):
    running.refusals["TryCheckpoint"] = ApiRefusal(
        "No weights yet; ask again.", code="ThrottlingException", operation="TryCheckpoint", status=429
    )
    part = client.post("/console/jobs/tuning/try", data={"csrf_token": csrf_token, "prompt": "Hello"}).text
    assert "No weights yet; ask again." in part
    assert "the answer to Hello" in part


def test_nothing_is_asked_without_a_question(client: TestClient, running: ApiInMemory, csrf_token: str):
    part = client.post("/console/jobs/tuning/try", data={"csrf_token": csrf_token, "prompt": " "}).text
    assert "Write a question first." in part
    assert all(operation != "TryCheckpoint" for _, operation, _ in running.asked)
