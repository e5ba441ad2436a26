"""Tool uses are read out of an answer's text, however it is cut; what is no call of an offered tool stays text."""

import asyncio
import json
from collections.abc import AsyncGenerator
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanren.domain.conversation import Conversation, Message, Role, Tool
from tanren.domain.errors import ValidationFailed
from tanren.domain.generation import (
    AnswerEvent,
    FinishReason,
    GenerationEnd,
    GenerationEvent,
    GenerationRequest,
    GenerationResult,
    GenerationStart,
    TextDelta,
    ToolInputDelta,
    ToolUseStart,
)
from tanren.runtime.inference import collected
from tanren.runtime.tool_use import check_tools, new_tool_use_id, tool_use_reader, with_tool_uses

CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS = (Tool(name="get_weather", description="Weather", input_schema=CITY), Tool(name="stop", input_schema=CITY))
CALL = '{"name": "get_weather", "arguments": {"city": "R\\"o}m\\\\e"}}'
INPUT = {"city": 'R"o}m\\e'}


def request(*forced: str, tools: tuple[Tool, ...] = TOOLS, **more: Any) -> GenerationRequest:
    conversation = Conversation(messages=(Message(role=Role.USER, text="Weather?"),), tools=tools)
    return GenerationRequest(conversation=conversation, max_new_tokens=50, temperature=0, forced_tools=forced, **more)


def ending(reason: FinishReason = FinishReason.END_TURN) -> GenerationEnd:
    return GenerationEnd(
        finish_reason=reason,
        stop_sequence=None,
        input_token_count=3,
        output_token_count=9,
        first_token_ms=1,
        total_ms=2,
    )


def read(asked: GenerationRequest, *pieces: str, reason: FinishReason = FinishReason.END_TURN) -> list[AnswerEvent]:
    """What a caller hears of an answer that comes in these pieces."""
    numbers = count(1)
    reader = tool_use_reader(asked, lambda: f"t{next(numbers)}")
    texts = [TextDelta(text=piece, output_token_count=number) for number, piece in enumerate(pieces, 1)]
    events: list[GenerationEvent] = [GenerationStart(input_token_count=3), *texts, ending(reason)]
    return [answer for event in events for answer in reader(event)]


def whole(events: list[AnswerEvent]) -> GenerationResult:
    async def replayed() -> AsyncGenerator[AnswerEvent]:
        for event in events:
            yield event

    return asyncio.run(collected(replayed()))


def cut(text: str, places: list[int]) -> list[str]:
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


cuts = st.lists(st.integers(0, 500), max_size=8)


@given(cuts)
def test_a_forced_call_is_the_same_however_its_text_is_cut(places: list[int]):
    result = whole(read(request("get_weather"), *cut(f"<tool_call>\n{CALL}\n</tool_call>", places)))
    (use,) = result.tool_uses
    assert (use.id, use.name, use.input, result.text) == ("t1", "get_weather", INPUT, "")
    assert result.end.finish_reason is FinishReason.TOOL_USE


@given(cuts)
def test_a_free_call_is_the_same_however_its_text_is_cut(places: list[int]):
    result = whole(read(request(), *cut(f"I look. <tool_call>{CALL}</tool_call>", places)))
    assert ([use.input for use in result.tool_uses], result.text) == ([INPUT], "I look. ")
    bare = whole(read(request(), *cut(f" {CALL}\n", places)))
    assert ([use.input for use in bare.tool_uses], bare.text) == ([INPUT], "")


@given(st.text(alphabet='<tool_cal>{"[ab ', max_size=30), cuts)
def test_text_that_is_no_call_goes_on_whole(text: str, places: list[int]):
    result = whole(read(request(), *cut(text, places)))
    assert (result.text, result.tool_uses, result.end.finish_reason) == (text, (), FinishReason.END_TURN)


def test_the_input_of_a_forced_call_is_passed_on_as_it_comes():
    events = read(request("get_weather"), '{"name": "get_weather", "arguments": ', '{"city": "', "Rome", '"}}')
    assert [event.json_text for event in events if isinstance(event, ToolInputDelta)] == ['{"city": "', "Rome", '"}']


def test_text_before_a_tagged_call_is_not_held_back():
    reader = tool_use_reader(request(), lambda: "t")
    assert reader(TextDelta(text="Let me see. <to", output_token_count=1)) == [
        TextDelta(text="Let me see. ", output_token_count=1)
    ]


@pytest.mark.parametrize(
    "answer",
    [
        '{"name": "unknown", "arguments": {"city": "Rome"}}',
        '{"name": "get_weather", "arguments": {"city": 7}}',
        '{"name": "get_weather", "arguments": {"city": "Rome", "days": 2}}',
        '{"name": "get_weather", "arguments": {"city": "Rome"}',
        f"[{CALL}, 1]",
    ],
)
def test_a_call_of_no_tool_or_with_a_wrong_input_stays_text(answer: str):
    result = whole(read(request(), answer))
    assert (result.text, result.tool_uses, result.end.finish_reason) == (answer, (), FinishReason.END_TURN)


def test_several_calls_are_several_tool_uses_with_ids_of_their_own():
    events = read(request(), f"[{CALL}, {CALL}]")
    assert [event.id for event in events if isinstance(event, ToolUseStart)] == ["t1", "t2"]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (FinishReason.END_TURN, FinishReason.MAX_TOKENS),
        (FinishReason.MAX_TOKENS, FinishReason.MAX_TOKENS),
        (FinishReason.CONTEXT_FULL, FinishReason.CONTEXT_FULL),
    ],
)
def test_a_forced_call_that_had_no_room_is_no_tool_use(reason: FinishReason, said: FinishReason):
    for text in ("", '{"name": "get_w', CALL[:-6]):
        result = whole(read(request("get_weather"), text, reason=reason))
        assert (result.text, result.tool_uses, result.end.finish_reason) == ("", (), said)


def test_without_tools_json_is_text():
    assert whole(read(request(tools=()), CALL)).text == CALL


def test_leaving_the_answer_early_leaves_the_engine():
    closed: list[bool] = []

    async def engine() -> AsyncGenerator[GenerationEvent]:
        try:
            yield GenerationStart(input_token_count=1)
            yield ending()
        finally:
            closed.append(True)

    async def story() -> None:
        events = with_tool_uses(engine(), request())
        await anext(events)
        await events.aclose()

    asyncio.run(story())
    assert closed == [True]


def test_ids_are_bedrocks_and_new_each_time():
    made = {new_tool_use_id() for _ in range(100)}
    assert len(made) == 100
    assert all(id.startswith("tooluse_") and len(id) == 30 for id in made)


def test_what_is_right_passes():
    check_tools(request("get_weather"))
    check_tools(request(answer_schema=CITY))


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (request("other"), "The tool 'other' that toolChoice names is not among the tools: get_weather, stop."),
        (request(tools=(*TOOLS, TOOLS[0])), "The tool name get_weather is given twice"),
        (request(tools=(Tool(name='a"b', input_schema=CITY),)), """The tool name 'a"b' must match the pattern"""),
        (request(tools=TOOLS * 200), "The request has 400 tools; at most 256"),
        (
            request(tools=(Tool(name="a", input_schema={"type": "array"}),)),
            "The value at toolConfig.tools.0.toolSpec.inputSchema.json.type must be one of the following: object.",
        ),
        (
            request("a", tools=(Tool(name="a", input_schema={**CITY, "not": {"required": ["x"]}}),)),
            "The JSON schema at toolConfig.tools.0.toolSpec.inputSchema.json cannot be enforced: Unimplemented",
        ),
        (request(answer_schema={"type": "object", "if": True, "then": True}), "The JSON schema at the answer's schema"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(asked: GenerationRequest, text: str):
    with pytest.raises(ValidationFailed) as raised:
        check_tools(asked)
    assert str(raised.value).startswith(text)


def test_a_keyword_that_no_grammar_holds_is_refused_only_where_the_tool_is_forced():
    check_tools(request(tools=(Tool(name="a", input_schema={**CITY, "not": {"required": ["x"]}}),)))


def test_a_forced_call_cannot_go_on_from_a_prefill():
    messages = (Message(role=Role.USER, text="a"), Message(role=Role.ASSISTANT, text="b"))
    asked = GenerationRequest(
        conversation=Conversation(messages=messages, tools=TOOLS),
        max_new_tokens=5,
        temperature=0,
        forced_tools=("stop",),
    )
    with pytest.raises(ValidationFailed, match="cannot go on from a beginning"):
        check_tools(asked)


def test_inputs_are_json_text_as_it_is():
    (use,) = whole(read(request(), '{"name": "get_weather", "arguments": {"city": "東京"}}')).tool_uses
    assert json.loads(use.input_json) == {"city": "東京"}
