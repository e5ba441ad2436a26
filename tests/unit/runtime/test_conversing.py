"""Converse's members are read whole or refused by name; answers and events have Bedrock's shape."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from tanren.bodies.titan_text import TitanText
from tanren.domain.conversation import Conversation, Message, Role, Tool, ToolUse
from tanren.domain.errors import NotImplementedHere, ValidationFailed
from tanren.domain.generation import (
    AnswerEvent,
    FinishReason,
    GenerationEnd,
    GenerationResult,
    GenerationStart,
    TextDelta,
    ToolInputDelta,
    ToolUseEnd,
    ToolUseStart,
)
from tanren.runtime.conversing import ConverseInput, converse_events, converse_output, echoed_settings, read_converse
from tests.unit.runtime.placed_engine import PlacedEngine
from tests.unit.serving.listening import asked

USER = {"role": "user", "content": [{"text": "hi"}]}
ASSISTANT = {"role": "assistant", "content": [{"text": "hello"}]}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def tool(**changes: Any) -> dict[str, Any]:
    return {"toolSpec": {"name": "get", "description": "Gets", "inputSchema": {"json": SCHEMA}, **changes}}


def with_tools(config: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [USER], "toolConfig": config or {"tools": ()}}


def structured(schema: str) -> dict[str, Any]:
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": schema}}}}


def test_every_member_that_is_taken_reaches_the_request():
    read = read_converse(
        {
            "modelId": "titan",
            "system": [{"text": "Be brief."}, {"text": "Be kind."}],
            "messages": [{"role": "user", "content": [{"text": "one"}, {"text": "two"}]}, ASSISTANT, USER],
            "inferenceConfig": {"maxTokens": 7, "temperature": 0.25, "topP": 0.5, "stopSequences": ["x"]},
            "additionalModelRequestFields": {"top_k": 4, "seed": 9},
            "performanceConfig": {"latency": "standard"},
            "serviceTier": {"type": "default"},
        }
    )
    assert read == ConverseInput(
        conversation=Conversation(
            system="Be brief.\nBe kind.",
            messages=(
                Message(role=Role.USER, text="one\ntwo"),
                Message(role=Role.ASSISTANT, text="hello"),
                Message(role=Role.USER, text="hi"),
            ),
        ),
        max_new_tokens=7,
        temperature=0.25,
        top_p=0.5,
        top_k=4,
        seed=9,
        stop_sequences=("x",),
    )


@pytest.mark.parametrize(
    ("choice", "forced"),
    [({}, ()), ({"auto": {}}, ()), ({"any": {}}, ("get", "set")), ({"tool": {"name": "set"}}, ("set",))],
)
def test_a_tool_choice_says_which_tools_are_forced(choice: dict[str, Any], forced: tuple[str, ...]):
    config = {"tools": [tool(), tool(name="set", description=None, strict=True)], "toolChoice": choice}
    read = read_converse(with_tools(config))
    assert read.conversation.tools == (
        Tool(name="get", description="Gets", input_schema=SCHEMA),
        Tool(name="set", input_schema=SCHEMA),
    )
    assert read.forced_tools == read.request(TitanText.defaults).forced_tools == forced


def test_a_structured_answer_has_a_schema():
    read = read_converse({"messages": [USER], "outputConfig": structured(json.dumps(SCHEMA))})
    assert read.request(TitanText.defaults).answer_schema == SCHEMA


def test_novas_spelling_of_top_k_is_taken():
    fields = {"inferenceConfig": {"topK": 7}}
    assert read_converse({"messages": [USER], "additionalModelRequestFields": fields}).top_k == 7


def test_zero_is_a_setting_and_not_its_absence():
    read = read_converse({"messages": [USER], "inferenceConfig": {"temperature": 0, "topP": 0}})
    request = read.request(TitanText.defaults)
    assert (request.temperature, request.top_p) == (0.0, 0.0)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "A conversation must start with a user message. Try again"),
    ({"messages": []}, "A conversation must start with a user message. Try again"),
    ({"messages": [ASSISTANT, USER]}, "A conversation must start with a user message. Try again"),
    ({"messages": [USER, USER]}, "A conversation must alternate between user and assistant roles. Make sure"),
    (
        {"messages": [USER, {"role": "assistant", "content": [{"text": "a "}]}]},
        "The final assistant message cannot end with trailing whitespace",
    ),
    (
        {"messages": [{"role": "user", "content": []}]},
        "The content field in the Message object at messages.0 is empty.",
    ),
    (
        {"messages": [{"role": "user", "content": [{"text": " "}]}]},
        "The text field in the ContentBlock object at messages.0.content.0 is blank. Add text to the text field, and",
    ),
    (
        {"messages": [{"role": "user", "content": [{"text": "a"}, {"image": {"format": "png"}}]}]},
        "This model doesn't support the image content block at messages.0.content.1.",
    ),
    (
        {"messages": [{"role": "user", "content": [{}]}]},
        "The ContentBlock object at messages.0.content.0 must set one of the following keys: text, document",
    ),
    (
        {"messages": [{"role": "user", "content": [{"text": "\udfff"}]}]},
        "The text at messages.0.content.0 holds half of a surrogate pair",
    ),
    (
        {"messages": [USER], "system": [{"cachePoint": {}}]},
        "This model doesn't support the cachePoint content block at",
    ),
    ({"messages": [USER], "inferenceConfig": {"maxTokens": 0}}, "The value 0 at inferenceConfig.maxTokens must be"),
    ({"messages": [USER], "inferenceConfig": {"temperature": 1.5}}, "The value at inferenceConfig.temperature must be"),
    ({"messages": [USER], "inferenceConfig": {"topP": -0.1}}, "The value at inferenceConfig.topP must be between 0"),
    (
        {"messages": [USER], "inferenceConfig": {"stopSequences": [""]}},
        "The value at inferenceConfig.stopSequences.0 is",
    ),
    (
        {"messages": [USER], "inferenceConfig": {"stopSequences": ["a"] * 2501}},
        "inferenceConfig.stopSequences has 2501",
    ),
    (with_tools({}), "toolConfig.tools must hold at least one tool."),
    (with_tools({"tools": []}), "toolConfig.tools must hold at least one tool."),
    (
        with_tools({"tools": [{"cachePoint": {}}]}),
        "This model doesn't support the cachePoint field at toolConfig.tools",
    ),
    (
        with_tools({"tools": [tool(name="a b")]}),
        "The value at toolConfig.tools.0.toolSpec.name must match the pattern [a-zA-Z0-9_-]+",
    ),
    (with_tools({"tools": [tool(description="")]}), "toolConfig.tools.0.toolSpec.description must have 1 to"),
    (
        with_tools({"tools": [tool(inputSchema={"json": "x"})]}),
        "The value at toolConfig.tools.0.toolSpec.inputSchema.json must be a JSON schema, an object.",
    ),
    (
        with_tools({"tools": [tool()], "toolChoice": {"auto": {}, "any": {}}}),
        "toolConfig.toolChoice must set one of the following keys: auto, any, tool.",
    ),
    (
        {"messages": [USER], "outputConfig": {"textFormat": {"type": "xml"}}},
        "The value at outputConfig.textFormat.type must be one of the following: json_schema.",
    ),
    (
        {"messages": [USER], "outputConfig": structured("{")},
        "The value at outputConfig.textFormat.structure.jsonSchema.schema is not JSON",
    ),
    (
        {"messages": [USER], "outputConfig": structured("[]")},
        "The value at outputConfig.textFormat.structure.jsonSchema.schema must be a JSON schema, an object.",
    ),
    (
        with_tools({"tools": [tool()], "toolChoice": {"any": {}}}) | {"outputConfig": structured("{}")},
        "outputConfig.textFormat and a toolChoice that forces a tool exclude each other",
    ),
    (
        {"messages": [USER], "additionalModelRequestFields": {"inferenceConfig": {"topP": 1}}},
        "additionalModelRequestFields.inferenceConfig may hold topK and nothing else",
    ),
    ({"messages": [USER], "additionalModelRequestFields": {"k": 1}}, "The additional field k isn't supported"),
    ({"messages": [USER], "additionalModelRequestFields": {"top_k": 0}}, "The value 0 at additionalModelRequestFields"),
    ({"messages": [USER], "additionalModelRequestFields": {"seed": "1"}}, "The value '1' at additionalModelRequestF"),
    ({"messages": [USER], "additionalModelRequestFields": [1]}, "additionalModelRequestFields must be a JSON object."),
    (
        {"messages": [USER], "performanceConfig": {"latency": "optimized"}},
        "performanceConfig.latency 'optimized' is not",
    ),
    ({"messages": [USER], "serviceTier": {"type": "flex"}}, "serviceTier.type 'flex' is not supported here"),
]


@pytest.mark.parametrize(("params", "text"), REFUSED, ids=[text for _, text in REFUSED])
def test_what_breaks_a_rule_is_said_with_its_place(params: dict[str, Any], text: str):
    with pytest.raises(ValidationFailed) as raised:
        read_converse(params)
    assert str(raised.value).startswith(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("guardrailConfig", {"guardrailIdentifier": "g"}),
        ("promptVariables", {"a": {"text": "b"}}),
        ("additionalModelResponseFieldPaths", ["/stop_sequence"]),
    ],
)
def test_a_member_that_is_not_there_yet_is_refused_by_its_name(name: str, value: object):
    with pytest.raises(NotImplementedHere, match=f"doesn't support the {name} field. Remove {name}"):
        read_converse({"messages": [USER], name: value})


def test_settings_that_say_the_normal_thing_are_echoed():
    params = {"performanceConfig": {"latency": "standard"}, "serviceTier": {"type": "default"}}
    assert echoed_settings(params) == params
    assert echoed_settings({}) == {}


@pytest.mark.parametrize(
    ("reason", "stop_reason"),
    [
        (FinishReason.END_TURN, "end_turn"),
        (FinishReason.MAX_TOKENS, "max_tokens"),
        (FinishReason.STOP_SEQUENCE, "stop_sequence"),
        (FinishReason.CONTEXT_FULL, "model_context_window_exceeded"),
        (FinishReason.TOOL_USE, "tool_use"),
    ],
)
def test_an_answer_has_bedrocks_shape(reason: FinishReason, stop_reason: str):
    end = GenerationEnd(
        finish_reason=reason,
        stop_sequence=None,
        input_token_count=7,
        output_token_count=2,
        first_token_ms=4,
        total_ms=9,
    )
    assert converse_output(GenerationResult(text="Hello", end=end)) == {
        "output": {"message": {"role": "assistant", "content": [{"text": "Hello"}]}},
        "stopReason": stop_reason,
        "usage": {"inputTokens": 7, "outputTokens": 2, "totalTokens": 9},
        "metrics": {"latencyMs": 9},
    }
    assert converse_output(GenerationResult(text="", end=end))["output"]["message"]["content"] == []


def events_of(engine: PlacedEngine) -> list[dict[str, Any]]:
    async def story() -> list[dict[str, Any]]:
        return [event async for event in converse_events(engine.generate(asked()))]

    return asyncio.run(story())


def test_a_streams_events_come_in_bedrocks_order():
    assert events_of(PlacedEngine()) == [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"delta": {"text": "Hello"}, "contentBlockIndex": 0}},
        {"contentBlockDelta": {"delta": {"text": " world"}, "contentBlockIndex": 0}},
        {"contentBlockStop": {"contentBlockIndex": 0}},
        {"messageStop": {"stopReason": "end_turn"}},
        {
            "metadata": {
                "usage": {"inputTokens": 7, "outputTokens": 2, "totalTokens": 9},
                "metrics": {"latencyMs": 9},
            }
        },
    ]


def test_an_empty_answer_streams_no_content_block():
    assert [next(iter(event)) for event in events_of(PlacedEngine(words=("",)))] == [
        "messageStart",
        "messageStop",
        "metadata",
    ]


def ended(reason: FinishReason) -> GenerationEnd:
    return GenerationEnd(
        finish_reason=reason,
        stop_sequence=None,
        input_token_count=7,
        output_token_count=2,
        first_token_ms=4,
        total_ms=9,
    )


def test_tool_uses_are_blocks_behind_the_text():
    uses = (ToolUse(id="t1", name="get", input={"a": 1}), ToolUse(id="t2", name="set", input={}))
    output = converse_output(GenerationResult(text="I look.", end=ended(FinishReason.TOOL_USE), tool_uses=uses))
    assert output["output"]["message"]["content"] == [
        {"text": "I look."},
        {"toolUse": {"toolUseId": "t1", "name": "get", "input": {"a": 1}}},
        {"toolUse": {"toolUseId": "t2", "name": "set", "input": {}}},
    ]


def test_a_streamed_tool_use_is_a_block_of_its_own():
    async def answer() -> AsyncGenerator[AnswerEvent]:
        yield GenerationStart(input_token_count=7)
        yield TextDelta(text="I look.", output_token_count=1)
        yield ToolUseStart(id="t1", name="get")
        yield ToolInputDelta(json_text='{"a": ')
        yield ToolInputDelta(json_text="1}")
        yield ToolUseEnd()
        yield ended(FinishReason.TOOL_USE)

    async def story() -> list[dict[str, Any]]:
        return [event async for event in converse_events(answer())]

    start = {"toolUse": {"toolUseId": "t1", "name": "get"}}
    assert asyncio.run(story())[1:-1] == [
        {"contentBlockDelta": {"delta": {"text": "I look."}, "contentBlockIndex": 0}},
        {"contentBlockStop": {"contentBlockIndex": 0}},
        {"contentBlockStart": {"start": start, "contentBlockIndex": 1}},
        {"contentBlockDelta": {"delta": {"toolUse": {"input": '{"a": '}}, "contentBlockIndex": 1}},
        {"contentBlockDelta": {"delta": {"toolUse": {"input": "1}"}}, "contentBlockIndex": 1}},
        {"contentBlockStop": {"contentBlockIndex": 1}},
        {"messageStop": {"stopReason": "tool_use"}},
    ]
