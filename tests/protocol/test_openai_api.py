"""The OpenAI-shaped API over the same keys, policies, audit, jobs and models as Bedrock's."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tanren.domain.scope import Scope
from tanren.storage.database import Database
from tests.protocol.chained_models import chain_of_models
from tests.protocol.identity_server import ACCOUNT, ROOT, allowing
from tests.protocol.loopback import request
from tests.protocol.openai_server import HOST, NANO, OpenAIServer

SCOPE = Scope(account_id=ACCOUNT, region="us-east-1")
CHAT: dict[str, Any] = {"model": NANO, "messages": [{"role": "user", "content": "hi"}]}
ROW = '{"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "q"}, '
ROWS = (ROW + '{"role": "assistant", "content": "a"}]}\n').encode() * 3


@pytest.fixture
def server(database: Database, tmp_path: Path) -> OpenAIServer:
    return OpenAIServer(database, tmp_path)


@pytest.fixture
def key(server: OpenAIServer) -> str:
    return server.api_key("anna", allowing("*"))


def signed(
    server: OpenAIServer,
    method: str,
    path: str,
    body: bytes = b"",
    *,
    service: str = "bedrock",
    region: str = "us-east-1",
) -> tuple[int, Any]:
    asked = AWSRequest(method, HOST + path, {"host": "127.0.0.1:4566"}, data=body)
    SigV4Auth(Credentials(ROOT.access_key_id, ROOT.secret_access_key), service, region).add_auth(asked)
    status, _, content = request(server.app, method, HOST + path, list(asked.headers.items()), body)
    return status, json.loads(content)


def test_a_chat_completion_is_the_model_s_answer_with_its_tokens_counted(server: OpenAIServer, key: str):
    status, headers, answer = server.ask("POST", "/v1/chat/completions", key, {**CHAT, "temperature": 0, "n": 1})
    assert status == 200
    assert headers["x-request-id"]
    assert (answer["object"], answer["model"]) == ("chat.completion", NANO)
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "Hello world"}
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"] == {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    assert server.audit.last == ("bedrock", "InvokeModel", None)


def test_a_stream_is_server_sent_events_that_end_in_done_and_tell_usage_where_it_is_asked_for(
    server: OpenAIServer, key: str
):
    body = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
    status, headers, raw = server.ask("POST", "/openai/v1/chat/completions", key, body)
    assert (status, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    *events, last, nothing = raw.decode().split("\n\n")
    assert (last, nothing) == ("data: [DONE]", "")
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    assert [chunk["choices"][0]["delta"].get("content") for chunk in chunks[:-1]] == ["", "Hello", " world", None]
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * 4
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] == 9
    assert not any("amazon-bedrock-invocationMetrics" in chunk for chunk in chunks)
    assert server.audit.last == ("bedrock", "InvokeModelWithResponseStream", None)


def test_a_completion_takes_a_prompt_as_text_or_as_a_list_of_one(server: OpenAIServer, key: str):
    for prompt in ("say", ["say"]):
        status, _, answer = server.ask("POST", "/v1/completions", key, {"model": NANO, "prompt": prompt})
        assert (status, answer["object"], answer["choices"][0]["text"]) == (200, "text_completion", "Hello world")
        assert server.engines.asked[-1][0].conversation.prompt == "say"


def test_several_prompts_are_choices_in_their_order_with_their_tokens_together(server: OpenAIServer, key: str):
    body = {"model": NANO, "prompt": ["one", "two", "three"]}
    _, _, answer = server.ask("POST", "/v1/completions", key, body)
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    assert {choice["text"] for choice in answer["choices"]} == {"Hello world"}
    assert [asked.conversation.prompt for asked, _ in server.engines.asked] == ["one", "two", "three"]
    assert answer["usage"] == {"prompt_tokens": 21, "completion_tokens": 6, "total_tokens": 27}
    for wrong in ({"prompt": ["one", "two"], "stream": True}, {"prompt": [1, 2]}, {"prompt": []}):
        assert server.ask("POST", "/v1/completions", key, {**body, **wrong})[2]["error"]["param"] == "prompt"


@pytest.mark.parametrize(
    ("path", "changes", "param"),
    [
        ("chat/completions", {"logprobs": True}, "logprobs"),
        ("completions", {"logprobs": 0}, "logprobs"),
        ("chat/completions", {"n": 2}, "n"),
        ("chat/completions", {"temperature": 9}, "temperature"),
        ("chat/completions", {"frequency_penalty": 1}, "frequency_penalty"),
        ("chat/completions", {"made_up": 1}, "made_up"),
        ("chat/completions", {"stream_options": {"include_usage": True}}, "stream_options"),
        ("chat/completions", {"model": ""}, "model"),
    ],
)
def test_a_parameter_that_has_no_effect_here_is_refused_by_its_name(
    server: OpenAIServer, key: str, path: str, changes: dict[str, Any], param: str
):
    body = {**CHAT, **changes} if path == "chat/completions" else {"model": NANO, "prompt": "x", **changes}
    status, _, answer = server.ask("POST", f"/v1/{path}", key, body)
    assert status == 400
    assert (answer["error"]["type"], answer["error"]["param"]) == ("invalid_request_error", param)


def test_refusals_have_openai_s_shape_and_status(server: OpenAIServer, key: str):
    for bad in (None, "sk-not-one-of-ours", key[:-4]):
        status, headers, answer = server.ask("POST", "/v1/chat/completions", bad, CHAT)
        assert (status, answer["error"]["code"]) == (401, "invalid_api_key")
        assert headers["x-request-id"]
    status, _, answer = server.ask("POST", "/v1/chat/completions", key, {**CHAT, "model": "no-such-model"})
    assert (status, answer["error"]["code"], answer["error"]["param"]) == (404, "model_not_found", "model")
    assert server.ask("GET", "/v1/assistants", key)[2]["error"]["code"] == "unknown_url"
    assert server.ask("GET", "/v1/chat/completions", key)[0] == 404


def test_a_policy_decides_here_too_and_the_refused_are_audited(server: OpenAIServer):
    invoking = allowing(["bedrock:InvokeModel", "bedrock:CallWithBearerToken"], "*")
    key = server.api_key("ben", invoking)
    assert server.ask("POST", "/v1/chat/completions", key, CHAT)[0] == 200
    status, _, answer = server.ask("POST", "/v1/chat/completions", key, {**CHAT, "stream": True})
    assert (status, answer["error"]["code"]) == (403, "access_denied")
    assert "bedrock:InvokeModelWithResponseStream" in answer["error"]["message"]
    assert server.audit.last == ("bedrock", "InvokeModelWithResponseStream", "AccessDeniedException")
    for method, path, action in (
        ("GET", "/v1/models", "bedrock:ListFoundationModels"),
        ("GET", "/v1/files", "bedrock-mantle:ListFiles"),
        ("GET", "/v1/fine_tuning/jobs", "bedrock:ListModelCustomizationJobs"),
        ("GET", "/v1/fine_tuning/jobs/ftjob-aaaaaaaaaaaa", "bedrock:GetModelCustomizationJob"),
    ):
        status, _, answer = server.ask(method, path, key)
        assert (status, action in answer["error"]["message"]) == (403, True)
    unbeared = server.api_key("cleo", allowing("bedrock:InvokeModel"))
    status, _, answer = server.ask("POST", "/v1/chat/completions", unbeared, CHAT)
    assert (status, "bedrock:CallWithBearerToken" in answer["error"]["message"]) == (403, True)


def test_one_event_a_request_tells_who_asked_which_model_and_nothing_of_what_was_said(server: OpenAIServer, key: str):
    before = len(server.audit.events)
    for body in (CHAT, {**CHAT, "stream": True}, {**CHAT, "model": "no-such-model"}, {**CHAT, "n": 2}):
        server.ask("POST", "/v1/chat/completions", key, body)
    server.ask("GET", "/v1/models", key)
    server.upload(key, ROWS)
    server.ask("GET", "/v1/models", "wrong")
    events = server.audit.events[before:]
    assert len(events) == 7
    assert [event["requestParameters"] for event in events[:2]] == [{"modelId": NANO}] * 2
    assert all(event["userIdentity"]["arn"].endswith(":user/anna") for event in events[:-1])
    names = [event["eventName"] for event in events]
    assert names == [
        *("InvokeModel", "InvokeModelWithResponseStream", "InvokeModel", "InvokeModel"),
        *("ListFoundationModels", "CreateFile", "GET /v1"),
    ]
    assert '"hi"' not in json.dumps(events)


def test_a_signature_is_as_good_as_a_key_and_another_service_s_is_not_ours(server: OpenAIServer):
    status, answer = signed(server, "POST", "/v1/chat/completions", json.dumps(CHAT).encode())
    assert (status, answer["choices"][0]["message"]["content"]) == (200, "Hello world")
    status, answer = signed(server, "GET", "/v1/models", service="kafka")
    assert (status, "error" in answer) == (400, False)  # no neighbourhood is set


def test_models_are_base_models_and_what_the_account_has(server: OpenAIServer, key: str, database: Database):
    *_, arn = chain_of_models(database, SCOPE)
    chain_of_models(database, Scope(account_id=ACCOUNT, region="us-west-2"))
    _, _, answer = server.ask("GET", "/v1/models", key)
    listed = {model["id"]: model for model in answer["data"]}
    assert listed[arn]["owned_by"] == ACCOUNT
    assert listed[NANO] == {"id": NANO, "object": "model", "created": 0, "owned_by": "tanren"}
    assert not any("us-west-2" in each for each in listed)
    for identifier in (NANO, arn, quote(arn, safe=""), "third"):
        status, _, one = server.ask("GET", f"/v1/models/{identifier}", key)
        assert (status, one["id"]) == (200, NANO if identifier == NANO else arn)
    assert server.ask("GET", "/v1/models/no-such-model", key)[2]["error"]["code"] == "model_not_found"


def test_a_file_comes_back_as_it_went_and_belongs_to_its_account_and_region(server: OpenAIServer, key: str):
    status, made = server.upload(key, ROWS, filename="データ.jsonl")
    assert status == 200
    assert (made["bytes"], made["filename"], made["purpose"]) == (len(ROWS), "データ.jsonl", "fine-tune")
    path = f"/v1/files/{made['id']}"
    assert server.ask("GET", path, key)[2] == made
    assert server.ask("GET", path + "/content", key)[2] == ROWS
    assert server.ask("GET", "/v1/files", key)[2]["data"] == [made]
    other = Scope(account_id=ACCOUNT, region="eu-west-1")
    assert server.store.every(other) == []
    assert server.ask("DELETE", path, key)[2] == {"id": made["id"], "object": "file", "deleted": True}
    assert server.ask("GET", path, key)[0] == 404
    assert server.audit.last == ("bedrock-mantle", "GetFile", "ResourceNotFoundException")


def test_a_file_that_breaks_a_rule_leaves_nothing_behind(server: OpenAIServer, key: str):
    for content, fields, param in (
        (b"x" * 100_001, {}, "file"),
        (ROWS, {"purpose": "assistants"}, "purpose"),
        (ROWS, {"expires_after": "1"}, "expires_after"),
    ):
        status, answer = server.upload(key, content, **fields)
        assert (status, answer["error"]["param"]) == (400, param)
    assert server.ask("POST", "/v1/files", key, b"{}", {"content-type": "application/json"})[0] == 400
    assert server.store.every(SCOPE) == []
    assert not any(server.store._of(SCOPE).iterdir())


def test_a_job_is_bedrock_s_own_made_of_the_uploaded_rows(server: OpenAIServer, key: str):
    _, file = server.upload(key, ROWS)
    body = {
        "model": NANO,
        "training_file": file["id"],
        "suffix": "kind",
        "seed": 7,
        "metadata": {"team": "blue"},
        "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2, "batch_size": "auto"}}},
    }
    status, _, job = server.ask("POST", "/v1/fine_tuning/jobs", key, body)
    assert (status, job["status"], job["model"], job["training_file"]) == (200, "queued", NANO, file["id"])
    assert job["hyperparameters"] == {"n_epochs": 2, "batch_size": 8, "learning_rate_multiplier": 1.0}
    assert (job["seed"], job["metadata"], job["fine_tuned_model"]) == (7, {"team": "blue"}, None)
    assert server.audit.last == ("bedrock", "CreateModelCustomizationJob", None)
    assert server.audit.events[-1]["responseElements"]["jobArn"].endswith(job["id"].removeprefix("ftjob-"))
    (bedrock_job,) = server.client("bedrock").list_model_customization_jobs()["modelCustomizationJobSummaries"]
    assert bedrock_job["jobArn"].endswith(job["id"].removeprefix("ftjob-"))
    assert bedrock_job["customModelName"].startswith("kind-")
    copy = server.bucket.content[f"files/{file['id']}.jsonl"].splitlines()
    assert len(copy) == 3
    assert json.loads(copy[0])["system"] == [{"text": "Be kind."}]
    assert server.ask("GET", f"/v1/fine_tuning/jobs/{job['id']}", key)[2] == job
    assert server.ask("GET", "/v1/fine_tuning/jobs", key)[2]["data"] == [job]
    status, _, answer = server.ask("DELETE", f"/v1/files/{file['id']}", key)
    assert (status, job["id"] in answer["error"]["message"]) == (400, True)
    status, _, ended = server.ask("POST", f"/v1/fine_tuning/jobs/{job['id']}/cancel", key)
    assert (status, ended["status"]) == (200, "cancelled")
    assert server.ask("POST", f"/v1/fine_tuning/jobs/{job['id']}/cancel", key)[0] == 400
    assert server.ask("DELETE", f"/v1/files/{file['id']}", key)[0] == 200
    assert server.bucket.content == {}


def test_events_are_pages_of_the_newest_first_and_there_is_no_checkpoint_before_the_model(
    server: OpenAIServer, key: str
):
    _, file = server.upload(key, ROWS)
    _, _, job = server.ask("POST", "/v1/fine_tuning/jobs", key, {"model": NANO, "training_file": file["id"]})
    path = f"/v1/fine_tuning/jobs/{job['id']}"
    row = server.jobs.every_in(SCOPE)[0]
    for number in range(3):
        server.records.add_event(row.job_arn, 0, f"event {number}", at=row.created_at)
    _, _, first = server.ask("GET", f"{path}/events?limit=2", key)
    assert ([each["message"] for each in first["data"]], first["has_more"]) == (["event 2", "event 1"], True)
    _, _, rest = server.ask("GET", f"{path}/events?limit=2&after={first['last_id']}", key)
    assert ([each["message"] for each in rest["data"]], rest["has_more"]) == (["event 0"], False)
    assert server.ask("GET", f"{path}/checkpoints", key)[2]["data"] == []


def test_another_region_cannot_tell_what_is_there_from_what_is_not(server: OpenAIServer, key: str, database: Database):
    _, file = server.upload(key, ROWS)
    _, _, job = server.ask("POST", "/v1/fine_tuning/jobs", key, {"model": NANO, "training_file": file["id"]})
    *_, arn = chain_of_models(database, SCOPE)
    absent = {"files": "file-" + "a" * 24, "fine_tuning/jobs": "ftjob-aaaaaaaaaaaa", "models": arn[:-12] + "b" * 12}
    there = {"files": file["id"], "fine_tuning/jobs": job["id"], "models": arn}
    for kind, identifier in there.items():
        assert signed(server, "GET", f"/v1/{kind}/{quote(identifier, safe='')}")[0] == 200
        told = [
            signed(server, "GET", f"/v1/{kind}/{quote(each, safe='')}", region="eu-west-1")
            for each in (identifier, absent[kind])
        ]
        (status, mine), (other_status, nobodys) = told
        assert status == other_status == 404
        text, other_text = mine["error"]["message"], nobodys["error"]["message"]
        assert text.replace(identifier, "") == other_text.replace(absent[kind], "")
        if kind != "models":
            assert signed(server, "GET", f"/v1/{kind}", region="eu-west-1")[1]["data"] == []


def test_rows_that_cannot_be_trained_on_refuse_the_job_by_their_lines(server: OpenAIServer, key: str):
    bad = ROWS + b'\n{"messages": []}\nnot json\n'
    _, file = server.upload(key, bad)
    status, _, answer = server.ask("POST", "/v1/fine_tuning/jobs", key, {"model": NANO, "training_file": file["id"]})
    assert (status, answer["error"]["param"]) == (400, "training_file")
    assert "has 2 of 5 rows that cannot be trained on: line 5: " in answer["error"]["message"]
    assert "line 6: it is not valid JSON" in answer["error"]["message"]
    assert server.jobs.every_in(SCOPE) == []


@pytest.mark.parametrize(
    ("changes", "status", "param"),
    [
        ({"model": "no-such.model-v1"}, 404, "model"),
        ({"training_file": "file-aaaaaaaaaaaaaaaaaaaaaaaa"}, 404, None),
        ({"training_file": "../../etc/passwd"}, 404, None),
        ({"suffix": "no spaces"}, 400, "suffix"),
        ({"hyperparameters": {"n_epochs": 0}}, 400, "hyperparameters.n_epochs"),
        ({"method": {"type": "dpo"}}, 400, "method.type"),
        ({"integrations": [{"type": "wandb"}]}, 400, "integrations"),
        ({"made_up": 1}, 400, "made_up"),
    ],
)
def test_a_job_that_breaks_a_rule_is_refused_by_the_parameter(
    server: OpenAIServer, key: str, changes: dict[str, Any], status: int, param: str | None
):
    _, file = server.upload(key, ROWS)
    body = {"model": NANO, "training_file": file["id"], **changes}
    answered, _, answer = server.ask("POST", "/v1/fine_tuning/jobs", key, body)
    assert (answered, answer["error"]["param"]) == (status, param)
    assert server.jobs.every_in(SCOPE) == []
