"""Every invocation of an account that logs leaves a record, before its answer is complete."""

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EventStreamError

from tanren.aws.chain import build_application
from tanren.aws.context import Members, Principal, RequestContext
from tanren.aws.invocation_logs import InvocationLogs, with_invocation_logs
from tanren.aws.operations.bedrock_runtime import runtime_handlers
from tanren.domain.errors import ModelFailed, Throttled, ValidationFailed
from tanren.domain.scope import Scope
from tanren.runtime.inference import Inference
from tanren.storage.database import Database
from tanren.storage.invocation_log_spool import InvocationLogSpool
from tanren.storage.invocation_logging import InvocationLoggingConfigurations
from tests.protocol.loopback import KEY, OneKey, client
from tests.unit.runtime.placed_engine import PlacedEngine

SCOPE = Scope(account_id=KEY.account_id, region="us-east-1")
BODY = json.dumps({"inputText": "hi"})
MESSAGES = [{"role": "user", "content": [{"text": "three short words"}]}]
CONFIG = {"s3Config": {"bucketName": "logs"}}


class Logging:
    """A runtime whose invocations are logged, and what has been."""

    def __init__(self, database: Database, folder: Path, clock: Any) -> None:
        self.configurations = InvocationLoggingConfigurations(database)
        self.spool = InvocationLogSpool(folder, clock=clock)
        self.clock = clock
        self.put(CONFIG)

    def put(self, config: dict[str, Any]) -> None:
        self.configurations.put(SCOPE, config, at=self.clock())

    def runtime(self, engine: PlacedEngine | None = None) -> Any:
        logs = InvocationLogs(self.configurations, self.spool)
        handlers = with_invocation_logs(runtime_handlers(Inference(engine or PlacedEngine())), logs)
        app = build_application(
            handlers={"bedrock": {}, "bedrock-runtime": handlers}, access_keys=OneKey(), neighbourhood=None
        )
        return client(app, "bedrock-runtime")

    def records(self) -> list[dict[str, Any]]:
        self.spool.end_due(all_of_them=True)
        return [record for batch in self.spool.ready() for record in batch.records()]


@pytest.fixture
def logging(database: Database, tmp_path: Path, clock: Any) -> Logging:
    return Logging(database, tmp_path, clock)


def test_an_invocation_is_recorded_with_both_bodies_and_counts(logging: Logging):
    answer = logging.runtime().invoke_model(modelId="titan", body=BODY)
    (record,) = logging.records()
    body = json.loads(answer["body"].read())
    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "accountId": KEY.account_id,
        "identity": {"arn": KEY.principal_arn},
        "region": "us-east-1",
        "requestId": answer["ResponseMetadata"]["RequestId"],
        "operation": "InvokeModel",
        "modelId": "titan",
        "input": {
            "inputContentType": "application/json",
            "inputBodyJson": {"inputText": "hi"},
            "inputTokenCount": 7,
        },
        "output": {"outputContentType": "application/json", "outputBodyJson": body, "outputTokenCount": 2},
    }


def test_a_stream_of_chunks_is_recorded_as_the_list_of_them(logging: Logging):
    answer = logging.runtime().invoke_model_with_response_stream(modelId="titan", body=BODY)
    chunks = [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]
    (record,) = logging.records()
    assert record["output"]["outputBodyJson"] == chunks
    assert (record["input"]["inputTokenCount"], record["output"]["outputTokenCount"]) == (7, 2)


@pytest.mark.parametrize("operation", ["converse", "converse_stream"])
def test_a_conversation_is_recorded_as_converse_answers_it(logging: Logging, operation: str):
    runtime = logging.runtime()
    answer = getattr(runtime, operation)(modelId="titan", messages=MESSAGES, inferenceConfig={"maxTokens": 5})
    if operation == "converse_stream":
        list(answer["stream"])
    (record,) = logging.records()
    assert record["operation"] == {"converse": "Converse", "converse_stream": "ConverseStream"}[operation]
    assert record["input"]["inputBodyJson"] == {"messages": MESSAGES, "inferenceConfig": {"maxTokens": 5}}
    assert record["output"]["outputBodyJson"] == {
        "output": {"message": {"role": "assistant", "content": [{"text": "Hello world"}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 7, "outputTokens": 2, "totalTokens": 9},
        "metrics": {"latencyMs": 9},
    }
    assert (record["input"]["inputTokenCount"], record["output"]["outputTokenCount"]) == (7, 2)


def test_what_the_caller_says_of_a_request_stands_beside_it_and_not_in_it(logging: Logging):
    said = {"team": "support", "ticket": "T-42"}
    logging.runtime().converse(modelId="titan", messages=MESSAGES, requestMetadata=said)
    logging.runtime().invoke_model(modelId="titan", body=BODY, requestMetadata=json.dumps(said))
    for record in logging.records():
        assert record["requestMetadata"] == said
        assert "requestMetadata" not in record["input"]["inputBodyJson"]


def test_what_was_refused_is_recorded_with_its_code_and_no_output(logging: Logging):
    runtime = logging.runtime(PlacedEngine(refusal=Throttled("too many")))
    with pytest.raises(runtime.exceptions.ThrottlingException):
        runtime.converse_stream(modelId="titan", messages=MESSAGES)
    with pytest.raises(runtime.exceptions.ThrottlingException):
        runtime.invoke_model(modelId="titan", body=BODY)
    records = logging.records()
    assert [record["errorCode"] for record in records] == ["ThrottlingException"] * 2
    assert all("output" not in record for record in records)


def test_a_stream_that_breaks_is_recorded_with_what_had_been_said(logging: Logging):
    runtime = logging.runtime(PlacedEngine(breakage=ModelFailed("the engine host ended")))
    with pytest.raises(EventStreamError):
        list(runtime.converse_stream(modelId="titan", messages=MESSAGES)["stream"])
    (record,) = logging.records()
    assert record["errorCode"] == "ModelErrorException"
    content = record["output"]["outputBodyJson"]["output"]["message"]["content"]
    assert content == [{"text": "Hello world"}]


@pytest.mark.parametrize("depth", [150, 250, 950, 5000])
def test_a_body_of_any_depth_leaves_a_record_that_can_be_read(logging: Logging, depth: int):
    runtime = logging.runtime(PlacedEngine(refusal=Throttled("too many")))
    body = '{"inputText":"hi","deep":' + "[" * depth + "]" * depth + "}"
    with pytest.raises(runtime.exceptions.ClientError):
        runtime.invoke_model(modelId="titan", body=body)
    (record,) = logging.records()
    kept = record["input"]["inputBodyJson"]
    assert kept == (json.loads(body) if depth < 200 else body)


def test_a_conversation_that_is_too_deep_for_a_record_is_refused_by_that_reason(logging: Logging):
    deep: list[Any] = []
    for _ in range(800):
        deep = [deep]
    context = a_context("Converse", logging.clock)

    async def ask() -> None:
        async def answer(context: RequestContext, params: Members) -> Members:
            return {}

        logs = InvocationLogs(logging.configurations, logging.spool)
        params = {"modelId": "titan", "messages": [], "additionalModelRequestFields": deep}
        await with_invocation_logs({"Converse": answer}, logs)["Converse"](context, params)

    with pytest.raises(ValidationFailed, match="nested too deeply for the log"):
        asyncio.run(ask())
    assert logging.records() == []


def test_an_account_whose_logs_fill_their_room_is_answered_503_before_the_model_is_asked(
    logging: Logging, database: Database, tmp_path: Path
):
    logging.spool = InvocationLogSpool(tmp_path / "full", clock=logging.clock, room_bytes=1)
    engine = PlacedEngine()
    runtime = logging.runtime(engine)
    runtime.invoke_model(modelId="titan", body=BODY)
    with pytest.raises(runtime.exceptions.ServiceUnavailableException, match="fill the"):
        runtime.invoke_model(modelId="titan", body=BODY)
    assert len(logging.records()) == 1
    logging.configurations.delete(SCOPE)
    runtime.invoke_model(modelId="titan", body=BODY)


def test_counting_tokens_is_no_invocation(logging: Logging):
    logging.runtime().count_tokens(modelId="titan", input={"converse": {"messages": MESSAGES}})
    assert logging.records() == []


def test_an_account_without_a_configuration_leaves_nothing_and_a_change_counts_at_once(logging: Logging):
    runtime = logging.runtime()
    runtime.invoke_model(modelId="titan", body=BODY)
    logging.configurations.delete(SCOPE)
    runtime.invoke_model(modelId="titan", body=BODY)
    assert len(logging.records()) == 1
    logging.put(CONFIG)
    runtime.invoke_model(modelId="titan", body=BODY)
    assert len(logging.records()) == 2


def test_without_text_the_counts_alone_are_recorded(logging: Logging):
    logging.put({**CONFIG, "textDataDeliveryEnabled": False})
    logging.runtime().invoke_model(modelId="titan", body=BODY)
    (record,) = logging.records()
    assert record["input"] == {"inputContentType": "application/json", "inputTokenCount": 7}
    assert record["output"] == {"outputContentType": "application/json", "outputTokenCount": 2}


def test_what_cannot_be_logged_is_not_answered(logging: Logging, monkeypatch: pytest.MonkeyPatch):
    def full(*_: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(logging.spool, "append", full)
    runtime = logging.runtime()
    with pytest.raises(runtime.exceptions.ServiceUnavailableException, match="cannot write the log"):
        runtime.invoke_model(modelId="titan", body=BODY)
    with pytest.raises(EventStreamError):
        list(runtime.converse_stream(modelId="titan", messages=MESSAGES)["stream"])


def a_context(operation: str, clock: Any) -> RequestContext:
    return RequestContext(
        request_id="r",
        service="bedrock-runtime",
        operation=operation,
        scope=SCOPE,
        principal=Principal(arn=KEY.principal_arn, account_id=KEY.account_id, access_key_id=KEY.access_key_id),
        source_ip="",
        user_agent="",
        received_at=clock(),
        headers={},
    )


def wrapped(logging: Logging, operation: str, events: list[Members], **params: Any) -> Any:
    """The stream that the wrapped handler answers with, over these events."""

    async def handler(context: RequestContext, params: Members) -> Members:
        async def stream() -> AsyncGenerator[Members]:
            for event in events:
                yield event

        return {"stream": stream()}

    logs = InvocationLogs(logging.configurations, logging.spool)
    answer = with_invocation_logs({operation: handler}, logs)[operation]
    return answer(a_context(operation, logging.clock), {"modelId": "m", **params})


TOOL_EVENTS: list[Members] = [
    {"messageStart": {"role": "assistant"}},
    {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "Let me "}}},
    {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "look."}}},
    {"contentBlockStop": {"contentBlockIndex": 0}},
    {"contentBlockStart": {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t1", "name": "weather"}}}},
    {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"city":'}}}},
    {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '"Ōsaka"}'}}}},
    {"contentBlockStop": {"contentBlockIndex": 1}},
    {"messageStop": {"stopReason": "tool_use"}},
    {"metadata": {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}}},
]


def test_a_streamed_tool_use_is_recorded_whole(logging: Logging):
    async def read() -> None:
        reply = await wrapped(logging, "ConverseStream", TOOL_EVENTS)
        assert [event async for event in reply.members["stream"]] == TOOL_EVENTS

    asyncio.run(read())
    (record,) = logging.records()
    assert record["output"]["outputBodyJson"]["output"]["message"]["content"] == [
        {"text": "Let me look."},
        {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Ōsaka"}}},
    ]


def test_the_record_is_written_before_the_last_event_and_once(logging: Logging):
    async def read() -> None:
        reply = await wrapped(logging, "ConverseStream", TOOL_EVENTS)
        async for event in reply.members["stream"]:
            assert len(logging.records()) == ("metadata" in event)

    asyncio.run(read())
    assert len(logging.records()) == 1


def test_a_client_that_leaves_leaves_a_record_of_what_it_had(logging: Logging):
    async def leave() -> None:
        reply = await wrapped(logging, "ConverseStream", TOOL_EVENTS)
        stream = reply.members["stream"]
        for _ in range(2):
            await anext(stream)
        await stream.aclose()

    asyncio.run(leave())
    (record,) = logging.records()
    assert record["output"]["outputBodyJson"]["output"]["message"]["content"] == [{"text": "Let me "}]
    assert "errorCode" not in record


@pytest.mark.parametrize(("keeps", "shown"), [(True, "AAE="), (False, None)])
def test_documents_are_part_of_the_record_where_images_are(logging: Logging, keeps: bool, shown: str | None):
    logging.put({**CONFIG, "imageDataDeliveryEnabled": keeps})
    document = {"name": "d", "format": "pdf", "source": {"bytes": b"\x00\x01"}}

    async def read() -> None:
        messages = [{"role": "user", "content": [{"document": document}]}]
        reply = await wrapped(logging, "ConverseStream", TOOL_EVENTS, messages=messages)
        async for _ in reply.members["stream"]:
            pass

    asyncio.run(read())
    (record,) = logging.records()
    logged = record["input"]["inputBodyJson"]["messages"][0]["content"][0]["document"]
    assert logged == {"name": "d", "format": "pdf", "source": {"bytes": shown}}
