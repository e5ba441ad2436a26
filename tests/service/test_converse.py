"""Converse through boto3 on the packaged nano: forced tools, documents, token counts that are what is billed."""

import json
from typing import Any

import jsonschema
import pytest

from tanren.bodies.registry import BODY_FORMATS
from tests.service.servers import BASE_MODEL
from tests.unit.bodies.golden_cases import OF_IMPORTED_MODELS
from tests.unit.data.documents.small_documents import pdf_saying

ORDER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "customer": {"type": "string"},
        "lines": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "sku": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"},
                    "quantity": {"type": "integer", "minimum": 1, "maximum": 99},
                    "tags": {"type": "array", "items": {"enum": ["gift", "fragile"]}},
                },
                "required": ["sku", "quantity", "tags"],
            },
        },
    },
    "required": ["customer", "lines"],
}
TOOLS = [{"toolSpec": {"name": "place_order", "description": "Orders goods", "inputSchema": {"json": ORDER}}}]
ASKED = [{"role": "user", "content": [{"text": "Order two red lamps for Anna Berg."}]}]
FORCED = {"tools": TOOLS, "toolChoice": {"any": {}}}
SENTENCE = "The secret word is heliotrope."


@pytest.fixture(scope="module")
def runtime(server) -> Any:
    return server.client("bedrock-runtime")


def test_a_forced_tool_is_called_with_an_input_that_satisfies_its_schema(runtime):
    for temperature in (0.0, 1.0, 1.0):
        answer = runtime.converse(
            modelId=BASE_MODEL,
            messages=ASKED,
            toolConfig={"tools": TOOLS, "toolChoice": {"tool": {"name": "place_order"}}},
            inferenceConfig={"maxTokens": 160, "temperature": temperature, "stopSequences": ["a", '"']},
        )
        assert answer["stopReason"] == "tool_use"
        (block,) = answer["output"]["message"]["content"]
        assert block["toolUse"]["name"] == "place_order"
        assert block["toolUse"]["toolUseId"].startswith("tooluse_")
        jsonschema.validate(block["toolUse"]["input"], ORDER)


def test_a_forced_tool_streams_its_input_in_pieces(runtime):
    answer = runtime.converse_stream(
        modelId=BASE_MODEL, messages=ASKED, toolConfig=FORCED, inferenceConfig={"maxTokens": 160}
    )
    events = list(answer["stream"])
    names = [next(iter(event)) for event in events]
    assert names[:2] == ["messageStart", "contentBlockStart"]
    assert names[-3:] == ["contentBlockStop", "messageStop", "metadata"]
    pieces = [e["contentBlockDelta"]["delta"]["toolUse"]["input"] for e in events if "contentBlockDelta" in e]
    assert len(pieces) > 3
    jsonschema.validate(json.loads("".join(pieces)), ORDER)
    assert events[-2]["messageStop"]["stopReason"] == "tool_use"


def test_too_few_tokens_for_a_call_give_no_call(runtime):
    answer = runtime.converse(modelId=BASE_MODEL, messages=ASKED, toolConfig=FORCED, inferenceConfig={"maxTokens": 10})
    assert (answer["stopReason"], answer["output"]["message"]["content"]) == ("max_tokens", [])


def test_a_tool_result_goes_on_in_the_next_turn(runtime):
    use = {"toolUseId": "tooluse_1", "name": "place_order", "input": {"customer": "Anna", "lines": []}}
    result = {"toolUseId": "tooluse_1", "content": [{"json": {"order": "AB-1"}}], "status": "success"}
    messages = [
        *ASKED,
        {"role": "assistant", "content": [{"toolUse": use}]},
        {"role": "user", "content": [{"toolResult": result}]},
    ]
    config = {"tools": TOOLS}
    answer = runtime.converse(
        modelId=BASE_MODEL, messages=messages, toolConfig=config, inferenceConfig={"maxTokens": 20}
    )
    assert answer["usage"]["inputTokens"] == counted(runtime, converse={"messages": messages, "toolConfig": config})
    with pytest.raises(runtime.exceptions.ValidationException, match=r"Expected toolResult blocks at messages\.2"):
        runtime.converse(modelId=BASE_MODEL, messages=[*messages[:2], *ASKED], toolConfig=config)
    with pytest.raises(runtime.exceptions.ValidationException, match="toolConfig field must be defined when using"):
        runtime.converse(modelId=BASE_MODEL, messages=messages)


def test_a_planted_sentence_of_a_pdf_reaches_the_model(runtime):
    def asking(pdf: bytes) -> list[dict[str, Any]]:
        document = {"format": "pdf", "name": "notes", "source": {"bytes": pdf}}
        return [{"role": "user", "content": [{"document": document}, {"text": "What is the secret word?"}]}]

    with_sentence, without = asking(pdf_saying(f"Lamps. {SENTENCE}")), asking(pdf_saying("Lamps."))
    grown = counted(runtime, converse={"messages": with_sentence}) - counted(runtime, converse={"messages": without})
    assert 5 <= grown <= len(SENTENCE)
    answer = runtime.converse(modelId=BASE_MODEL, messages=with_sentence, inferenceConfig={"maxTokens": 5})
    assert answer["usage"]["inputTokens"] == counted(runtime, converse={"messages": with_sentence})


def test_a_broken_pdf_is_refused_and_the_server_goes_on(runtime):
    document = {"format": "pdf", "name": "notes", "source": {"bytes": b"%PDF-1.7 and nothing"}}
    messages = [{"role": "user", "content": [{"document": document}, {"text": "Hi"}]}]
    with pytest.raises(runtime.exceptions.ValidationException, match="'notes' cannot be used: the document cannot be"):
        runtime.converse(modelId=BASE_MODEL, messages=messages)
    assert runtime.converse(modelId=BASE_MODEL, messages=ASKED, inferenceConfig={"maxTokens": 2})["usage"]


def test_a_prefilled_answer_goes_on(runtime):
    messages = [*ASKED, {"role": "assistant", "content": [{"text": "The"}]}]
    answer = runtime.converse(modelId=BASE_MODEL, messages=messages, inferenceConfig={"maxTokens": 5})
    assert answer["usage"]["inputTokens"] > counted(runtime, converse={"messages": ASKED})


def test_structured_output_is_json_of_its_schema(runtime):
    schema = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
    structure = {"jsonSchema": {"schema": json.dumps(schema), "name": "answer"}}
    answer = runtime.converse(
        modelId=BASE_MODEL,
        messages=ASKED,
        outputConfig={"textFormat": {"type": "json_schema", "structure": structure}},
        inferenceConfig={"maxTokens": 40},
    )
    jsonschema.validate(json.loads(answer["output"]["message"]["content"][0]["text"]), schema)


ANTHROPIC = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 120}
FUNCTION = {"name": "place_order", "description": "Orders goods"}
BODIES: dict[str, dict[str, Any]] = {
    "titan_text": {"inputText": "Hello there.", "textGenerationConfig": {"maxTokenCount": 3}},
    "anthropic_text": {"prompt": "\n\nHuman: Hello\n\nAssistant: Well,", "max_tokens_to_sample": 3},
    "meta_llama": {"prompt": "Hello", "max_gen_len": 3},
    "cohere_command": {"prompt": "Hello", "max_tokens": 3, "p": 0.5},
    "mistral_text": {"prompt": "<s>[INST] Hello [/INST]", "max_tokens": 3, "top_p": 0.5},
    "mistral_chat": {
        "messages": [{"role": "user", "content": "Order two lamps."}],
        "max_tokens": 120,
        "tools": [{"type": "function", "function": {**FUNCTION, "parameters": ORDER}}],
        "tool_choice": "any",
    },
    "anthropic_messages": {
        **ANTHROPIC,
        "messages": [{"role": "user", "content": "Order two lamps."}],
        "tools": [{**FUNCTION, "input_schema": ORDER}],
        "tool_choice": {"type": "any"},
    },
    "nova_messages": {
        "messages": [{"role": "user", "content": [{"text": "Order two lamps."}]}],
        "inferenceConfig": {"maxTokens": 120},
        "toolConfig": FORCED,
    },
    "openai_chat": {
        "messages": [{"role": "user", "content": "Order two lamps."}],
        "max_completion_tokens": 120,
        "tools": [{"type": "function", "function": {**FUNCTION, "parameters": ORDER}}],
        "tool_choice": "required",
    },
}


@pytest.mark.parametrize("name", sorted(BODIES))
def test_tokens_are_counted_as_they_are_billed_in_every_body_format(runtime, name: str):
    assert {*BODIES, *OF_IMPORTED_MODELS} == BODY_FORMATS.keys()
    body = json.dumps(BODIES[name]).encode()
    answer = runtime.invoke_model(modelId=BASE_MODEL, body=body)
    billed = answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-bedrock-input-token-count"]
    assert counted(runtime, invokeModel={"body": body}) == int(billed)
    chunks = runtime.invoke_model_with_response_stream(modelId=BASE_MODEL, body=body)["body"]
    last = [json.loads(event["chunk"]["bytes"]) for event in chunks][-1]
    assert last["amazon-bedrock-invocationMetrics"]["inputTokenCount"] == int(billed)
    said = json.loads(answer["body"].read())
    if name == "anthropic_messages":
        jsonschema.validate(said["content"][0]["input"], ORDER)
    if name in ("mistral_chat", "openai_chat"):
        jsonschema.validate(json.loads(said["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]), ORDER)
    if name == "nova_messages":
        jsonschema.validate(said["output"]["message"]["content"][0]["toolUse"]["input"], ORDER)


@pytest.mark.parametrize(
    "asked", [{"messages": ASKED, "toolConfig": FORCED}, {"messages": ASKED, "system": [{"text": "Be brief."}]}]
)
def test_tokens_of_a_conversation_are_counted_as_they_are_billed(runtime, asked: dict[str, Any]):
    answer = runtime.converse(modelId=BASE_MODEL, inferenceConfig={"maxTokens": 2}, **asked)
    assert counted(runtime, converse=asked) == answer["usage"]["inputTokens"]


def counted(runtime: Any, **asked: Any) -> int:
    return runtime.count_tokens(modelId=BASE_MODEL, input=asked)["inputTokens"]
