"""The chat: what it is prefilled with, and how an answer comes."""

import json

import pytest
from starlette.testclient import TestClient

from tanren.console.api import ApiRefusal
from tests.unit.console.api_in_memory import ApiInMemory

ROW = {
    "system": "Answer in one sentence.",
    "messages": [{"role": "user", "content": "What is a KB?"}, {"role": "assistant", "content": "A knowledge base."}],
}
ASKED = {"model": "m", "turns": '["Hello"]', "system": "Be brief.", "temperature": "0", "max_tokens": "64", "seed": "7"}


@pytest.fixture
def throughput_arn(api: ApiInMemory) -> str:
    """Of a tuned model in service, whose training data is `train.jsonl`."""
    api.add_model("ft-model", trainingDataConfig={"s3Uri": "s3://bucket/train.jsonl"})
    api.contents["train.jsonl"] = json.dumps(ROW).encode()
    model = api.models["ft-model"]["modelArn"]
    answer = api.CreateProvisionedModelThroughput(provisionedModelName="ft-pt", modelId=model, modelUnits=1)
    return answer["provisionedModelArn"]


def test_the_system_prompt_is_the_one_that_the_model_was_trained_with(client: TestClient, throughput_arn: str):
    page = client.get("/console/playground", params={"model": throughput_arn}).text
    assert ">Answer in one sentence.</textarea>" in page
    assert "ft-model" in page


def test_the_source_model_stands_beside_a_tuned_one_with_and_without_examples(client: TestClient, throughput_arn: str):
    page = client.get("/console/playground", params={"model": throughput_arn}).text
    assert 'data-name="base" data-model="arn:aws:bedrock:us-east-1::foundation-model/tanren.nano-v1:0"' in page
    assert 'data-name="few-shot"' in page
    assert "A knowledge base." in page.partition('data-few-shot="')[2].partition('"')[0].replace("\\u0027", "'")


def test_an_answer_comes_as_lines_with_its_figures_at_the_end(client: TestClient, api: ApiInMemory, csrf_token: str):
    api.stream = [
        {"contentBlockDelta": {"delta": {"text": "<b>Hallo, "}}},
        {"contentBlockDelta": {"delta": {"text": "lo</b>"}}},
        {"messageStop": {"stopReason": "end_turn"}},
        {"metadata": {"usage": {"inputTokens": 5, "outputTokens": 2}, "metrics": {"latencyMs": 12}}},
    ]
    answer = client.post("/console/playground/answer", data={"csrf_token": csrf_token, **ASKED})
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert [json.loads(line) for line in answer.text.splitlines()] == [
        {"text": "<b>Hallo, "},
        {"text": "lo</b>"},
        {"end": {"stop": "end_turn", "usage": {"inputTokens": 5, "outputTokens": 2}, "latency": 12}},
    ]
    assert api.sent("ConverseStream") == {
        "modelId": "m",
        "messages": [{"role": "user", "content": [{"text": "Hello"}]}],
        "system": [{"text": "Be brief."}],
        "inferenceConfig": {"maxTokens": 64, "temperature": 0.0},
        "additionalModelRequestFields": {"seed": 7},
    }


def test_a_refused_question_says_why(client: TestClient, api: ApiInMemory, csrf_token: str):
    api.refusals["ConverseStream"] = ApiRefusal("Too long.", code="ValidationException", operation="ConverseStream")
    answer = client.post("/console/playground/answer", data={"csrf_token": csrf_token, **ASKED})
    assert json.loads(answer.text)["refused"] == "Too long."


@pytest.mark.parametrize("changed", [{"turns": "x"}, {"turns": "[]"}, {"turns": "[1]"}, {"seed": "x"}, {"model": ""}])
def test_what_the_page_never_sends_is_refused(client: TestClient, csrf_token: str, changed: dict[str, str]):
    form = {"csrf_token": csrf_token, **ASKED, **changed}
    assert client.post("/console/playground/answer", data=form).status_code == 400
