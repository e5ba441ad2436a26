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


def test_what_is_not_in_service_any_more_is_told_and_not_asked(
    client: TestClient, api: ApiInMemory, throughput_arn: str
):
    api.throughputs.clear()
    page = client.get("/console/playground", params={"model": throughput_arn}).text
    assert "not in service" in page
    assert throughput_arn not in page


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


def test_documents_go_with_the_newest_question(client: TestClient, api: ApiInMemory, csrf_token: str):
    api.stream = [{"messageStop": {"stopReason": "end_turn"}}]
    form = {**ASKED, "turns": '["Hello", "Yes?", "What does it say?"]'}
    files = [("documents", ("Hand_book (1).pdf", b"%PDF-", "application/pdf")), ("documents", ("b.md", b"# B", ""))]
    client.post("/console/playground/answer", data=form, files=files, headers={"x-csrf-token": csrf_token})
    first, _, last = api.sent("ConverseStream")["messages"]
    assert first["content"] == [{"text": "Hello"}]
    assert [block["document"]["name"] for block in last["content"][1:]] == ["Hand book (1)", "b"]
    assert last["content"][1]["document"]["source"] == {"bytes": b"%PDF-"}


def test_what_is_no_document_is_refused_by_name(client: TestClient, csrf_token: str):
    files = [("documents", ("program.exe", b"MZ", ""))]
    answer = client.post("/console/playground/answer", data=ASKED, files=files, headers={"x-csrf-token": csrf_token})
    assert answer.status_code == 400
    assert "program.exe" in answer.text


def test_a_custom_model_is_spoken_to_through_what_serves_it(client: TestClient, api: ApiInMemory, throughput_arn: str):
    answer = client.get("/console/playground?model=ft-model")
    assert answer.status_code == 303
    assert answer.headers["location"].endswith("provisioned-model%2Fabcdefghijkl")


def test_a_custom_model_that_nothing_serves_says_how_to_bring_it_into_service(client: TestClient, api: ApiInMemory):
    api.add_model("ft-model")
    page = client.get("/console/playground?model=ft-model").text
    assert "ft-model is not in service" in page
    assert "/console/provisioned-throughput/create?model=ft-model" in page


def test_judged_answers_become_a_new_object_in_the_shape_of_the_training_data(
    client: TestClient, api: ApiInMemory, csrf_token: str
):
    rows = json.dumps([{"question": "Q", "answer": "A", "system": "S"}])
    form = {"csrf_token": csrf_token, "rows": rows, "folder": "s3://bucket/judged/"}
    told = client.post("/console/playground/rows", data=form).json()
    key = told["uri"].removeprefix("s3://bucket/")
    assert key.startswith("judged/rows-")
    assert json.loads(api.contents[key])["messages"][1] == {"role": "assistant", "content": "A"}
    downloaded = client.post("/console/playground/rows", data={**form, "download": "on", "folder": ""})
    assert downloaded.content == api.contents[key]


@pytest.mark.parametrize("changed", [{"rows": "x"}, {"rows": "[]"}, {"folder": "bucket"}])
def test_judged_answers_without_a_place_are_not_saved(
    client: TestClient, api: ApiInMemory, csrf_token: str, changed: dict[str, str]
):
    rows = json.dumps([{"question": "Q", "answer": "A"}])
    form = {"csrf_token": csrf_token, "rows": rows, "folder": "s3://bucket/judged/", **changed}
    assert client.post("/console/playground/rows", data=form).status_code == 400
    assert api.contents == {}


def test_a_refused_question_says_why(client: TestClient, api: ApiInMemory, csrf_token: str):
    api.refusals["ConverseStream"] = ApiRefusal("Too long.", code="ValidationException", operation="ConverseStream")
    answer = client.post("/console/playground/answer", data={"csrf_token": csrf_token, **ASKED})
    assert json.loads(answer.text)["refused"] == "Too long."


@pytest.mark.parametrize("changed", [{"turns": "x"}, {"turns": "[]"}, {"turns": "[1]"}, {"seed": "x"}, {"model": ""}])
def test_what_the_page_never_sends_is_refused(client: TestClient, csrf_token: str, changed: dict[str, str]):
    form = {"csrf_token": csrf_token, **ASKED, **changed}
    assert client.post("/console/playground/answer", data=form).status_code == 400
