"""Tools through the chat templates of the open families: offered, called, answered, and read back in every body.

offered    the request's tools → the template's own `tools`, or stated in the system prompt where it has none
forced     the grammar lets nothing out but a call in the family's own syntax, whose input satisfies its schema
free       what the model writes, in pieces as tokens come, becomes the tool uses of the caller's format; what is no
           call of an offered tool stays text
refused    a family whose template has no place for tools says so
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any, Final

import jsonschema
import numpy as np
import pytest

from tanren.bodies.registry import BODY_FORMATS
from tanren.domain.conversation import Conversation, Message, Role, Tool, ToolResult, ToolUse
from tanren.domain.errors import ValidationFailed
from tanren.domain.generation import (
    FinishReason,
    GenerationEnd,
    GenerationEvent,
    GenerationRequest,
    GenerationResult,
    GenerationStart,
    TextDelta,
)
from tanren.domain.scope import Scope
from tanren.runtime.conversing import converse_events, converse_output, read_converse
from tanren.runtime.inference import Inference, Placed, collected
from tanren.runtime.tool_use import tool_use_reader
from tanren.serving.answer_text import AnswerText
from tanren.serving.grammars import GrammarCompiler
from tanren.serving.protocol import AdapterRef
from tanren.weights.chat_messages import ToolManner
from tests.conformance.family_tokenizers import FAMILIES, NAMES, Family, chat_template, tokenizer

CITY: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "array", "items": {"type": "integer"}}},
    "required": ["city"],
}
TOOLS: Final = (
    Tool(name="get_weather", description="Weather of a town", input_schema=CITY),
    Tool(name="get", description="Gets", input_schema={"type": "object", "properties": {}}),
)
ROME: Final = {"city": "Rome"}
USE: Final = ToolUse(id="tooluse_1", name="get_weather", input=ROME)
ASKED: Final = Conversation(messages=(Message(role=Role.USER, text="Weather in Rome?"),), tools=TOOLS)
CALLED: Final = replace(ASKED, messages=(*ASKED.messages, Message(role=Role.ASSISTANT, text="", tool_uses=(USE,))))
ANSWERED: Final = replace(
    CALLED,
    messages=(
        *CALLED.messages,
        Message(role=Role.USER, text="", tool_results=(ToolResult(tool_use_id="tooluse_1", text="21 degrees"),)),
    ),
)
SCOPE: Final = Scope(account_id="123456789012", region="us-west-2")

WITH_TOOLS: Final = [name for name in NAMES if name not in FAMILIES or FAMILIES[name].tools is not ToolManner.NONE]
NATIVE: Final = [name for name, family in FAMILIES.items() if family.tools is ToolManner.NATIVE]


def family(name: str) -> Family:
    return FAMILIES[name]


def request(*forced: str, conversation: Conversation = ASKED) -> GenerationRequest:
    return GenerationRequest(conversation=conversation, max_new_tokens=400, temperature=0, forced_tools=forced)


def as_answered(name: str, calls: str) -> list[int]:
    """The ids of an answer that a model of the family would write, its control tokens among them."""
    made = chat_template(name)
    ids: list[int] = []
    for piece in made.special_pieces(calls):
        ids += [piece] if isinstance(piece, int) else made._tokens.encode(piece)
    return ids


class Speaking:
    """An engine, and its placement, whose model answers with these tokens, one at a time."""

    def __init__(self, name: str, ids: list[int], reason: FinishReason = FinishReason.END_TURN) -> None:
        self._template = chat_template(name)
        self._ids = ids
        self._reason = reason

    async def place(self, scope: Scope, model_id: str) -> Placed:
        return Placed(engine=self, adapter=None, model_id=model_id, body_format=model_id)

    async def count_input_tokens(self, conversation: Conversation) -> int:
        return len(self._template.prompt_ids(conversation))

    async def generate(
        self, request: GenerationRequest, adapter: AdapterRef | None = None
    ) -> AsyncGenerator[GenerationEvent]:
        count = await self.count_input_tokens(request.conversation)
        yield GenerationStart(input_token_count=count)
        text = AnswerText(lambda ids: self._template.decode(ids, skip_special_tokens=True), request.stop_sequences)
        for number, token in enumerate(self._ids, 1):
            yield TextDelta(text=text.add(token).text, output_token_count=number)
        yield TextDelta(text=text.flush().text, output_token_count=len(self._ids))
        yield GenerationEnd(
            finish_reason=self._reason,
            stop_sequence=None,
            input_token_count=count,
            output_token_count=len(self._ids),
            first_token_ms=1,
            total_ms=2,
        )


def heard(name: str, written: str, *forced: str, reason: FinishReason = FinishReason.END_TURN) -> GenerationResult:
    """What a caller hears of an answer that the family's model writes."""
    asked = request(*forced)

    async def answer() -> AsyncGenerator[Any]:
        read = tool_use_reader(asked, lambda: "tooluse_new")
        async for event in Speaking(name, as_answered(name, written), reason).generate(asked):
            for each in read(event):
                yield each

    return asyncio.run(collected(answer()))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_template_is_asked_for_its_manner_with_tools(name: str):
    assert chat_template(name).tool_manner is family(name).tools


@pytest.mark.parametrize("name", NATIVE)
def test_tools_are_offered_through_the_templates_own_argument(name: str):
    messages = [{"role": "user", "content": "Weather in Rome?"}]
    functions = [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.input_schema},
        }
        for tool in TOOLS
    ]
    made = chat_template(name)
    prompt = made.decode(made.prompt_ids(ASKED))
    if "strftime_now" not in family(name).template:
        plain = tokenizer(name).apply_chat_template(
            messages, tools=functions, add_generation_prompt=True, return_dict=False
        )
        assert prompt == made.decode(plain)
    assert "Weather of a town" in prompt
    assert "You can call these tools" not in prompt


@pytest.mark.parametrize("name", [name for name in WITH_TOOLS if name not in NATIVE])
def test_a_template_without_tools_states_them_in_the_system_prompt(name: str):
    made = chat_template(name)
    assert "You can call these tools:" in made.decode(made.prompt_ids(ASKED))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in WITH_TOOLS])
def test_a_family_without_a_place_for_tools_says_so_in_awss_words(name: str):
    for conversation in (ASKED, ANSWERED):
        with pytest.raises(ValidationFailed, match=r"^This model doesn't support tool use\.$"):
            chat_template(name).prompt_ids(conversation)


@pytest.mark.parametrize("name", WITH_TOOLS)
def test_calls_and_results_of_earlier_turns_reach_the_model(name: str):
    made = chat_template(name)
    prompt = made.decode(made.prompt_ids(ANSWERED))
    for part in ("get_weather", '"city": "Rome"', "21 degrees"):
        assert part in prompt


@pytest.mark.parametrize("name", NATIVE)
def test_the_form_of_a_call_is_the_familys(name: str):
    form = chat_template(name).call_form
    # A family that thinks begins with its empty thought.
    assert form.written("get_weather", '{"city": "Rome"}').removeprefix("<think>\n\n</think>\n\n") == family(name).call


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", WITH_TOOLS)
def test_a_forced_call_is_in_the_familys_syntax_satisfies_its_schema_and_is_read_back(name: str, seed: int):
    made = chat_template(name)
    compiler = GrammarCompiler(
        made.tokenizer_json,
        end_id=made.end_of_turn_id,
        call_form=lambda: made.call_form,
        special_pieces=made.special_pieces,
    )
    asked = request("get_weather")
    constraint = compiler.constraint(asked, 400)
    assert constraint is not None
    random, size = np.random.default_rng(seed), len(tokenizer(name))
    ids: list[int] = []
    while not constraint.is_complete:
        token = int(constraint.mask(random.normal(size=size).astype(np.float32)).argmax())
        constraint.accept(token)
        ids.append(token)
    written = made.decode([token for token in ids if token != made.end_of_turn_id])
    assert written.lstrip().startswith((made.call_form.before + "get_weather" + made.call_form.between).lstrip())

    async def answer() -> AsyncGenerator[Any]:
        read = tool_use_reader(asked, lambda: "tooluse_new")
        async for event in Speaking(name, ids).generate(asked):
            for each in read(event):
                yield each

    result = asyncio.run(collected(answer()))
    (use,) = result.tool_uses
    assert (use.name, result.text, result.end.finish_reason) == ("get_weather", "", FinishReason.TOOL_USE)
    jsonschema.validate(use.input, CITY)


def _body(body_format: str) -> dict[str, Any]:
    function = {"name": "get_weather", "description": "Weather of a town", "parameters": CITY}
    user = [{"role": "user", "content": "Weather in Rome?"}]
    spec = {"name": "get_weather", "description": "Weather of a town", "inputSchema": {"json": CITY}}
    return {
        "anthropic_messages": {
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 99,
            "messages": user,
            "tools": [{"name": "get_weather", "description": "Weather of a town", "input_schema": CITY}],
        },
        "mistral_chat": {"messages": user, "tools": [{"type": "function", "function": function}]},
        "nova_messages": {
            "messages": [{"role": "user", "content": [{"text": "Weather in Rome?"}]}],
            "toolConfig": {"tools": [{"toolSpec": spec}]},
        },
        "openai_chat": {"messages": user, "tools": [{"type": "function", "function": function}]},
    }[body_format]


WITH_TOOLS_IN_BODY: Final = ("anthropic_messages", "mistral_chat", "nova_messages", "openai_chat")


def test_every_body_format_either_has_tools_here_or_has_none_at_all():
    for name, body_format in BODY_FORMATS.items():
        if name not in WITH_TOOLS_IN_BODY:
            with pytest.raises(ValidationFailed, match=r"extraneous key \[tools\]"):
                body_format.decode({"prompt": "a", "inputText": "a", "max_tokens_to_sample": 5, "tools": []})


@pytest.mark.parametrize("body_format", WITH_TOOLS_IN_BODY)
@pytest.mark.parametrize("name", NATIVE)
def test_a_native_call_comes_back_as_a_tool_use_in_every_body_whole_and_streamed(name: str, body_format: str):
    call = family(name).call
    assert call is not None
    inference = Inference(Speaking(name, as_answered(name, call)))
    body = json.dumps(_body(body_format)).encode()

    async def story() -> tuple[dict[str, Any], list[dict[str, Any]]]:
        whole = await inference.invoke(SCOPE, body_format, body)
        assert whole.input_token_count == await inference.count_body_tokens(SCOPE, body_format, body)
        stream = await inference.invoke_stream(SCOPE, body_format, body)
        return json.loads(whole.body), [json.loads(chunk) async for chunk in stream]

    whole, chunks = asyncio.run(story())
    assert _use_of(body_format, whole) == ("get_weather", ROME)
    assert _streamed_use_of(body_format, chunks) == ("get_weather", ROME)
    assert chunks[-1]["amazon-bedrock-invocationMetrics"]["inputTokenCount"] > 0


def _use_of(body_format: str, whole: dict[str, Any]) -> tuple[str, Any]:
    match body_format:
        case "anthropic_messages":
            assert whole["stop_reason"] == "tool_use"
            (block,) = whole["content"]
            return block["name"], block["input"]
        case "nova_messages":
            assert whole["stopReason"] == "tool_use"
            (block,) = whole["output"]["message"]["content"]
            return block["toolUse"]["name"], block["toolUse"]["input"]
        case _:
            (choice,) = whole["choices"]
            assert choice.get("finish_reason", choice.get("stop_reason")) == "tool_calls"
            (call,) = choice["message"]["tool_calls"]
            return call["function"]["name"], json.loads(call["function"]["arguments"])


def _streamed_use_of(body_format: str, chunks: list[dict[str, Any]]) -> tuple[str, Any]:
    match body_format:
        case "anthropic_messages":
            (name,) = [each["content_block"]["name"] for each in chunks if each["type"] == "content_block_start"]
            pieces = [each["delta"]["partial_json"] for each in chunks if each["type"] == "content_block_delta"]
        case "nova_messages":
            starts = [each["contentBlockStart"]["start"] for each in chunks if "contentBlockStart" in each]
            deltas = [each["contentBlockDelta"]["delta"] for each in chunks if "contentBlockDelta" in each]
            (name,) = [start["toolUse"]["name"] for start in starts]
            pieces = [delta["toolUse"]["input"] for delta in deltas]
        case _:
            choices = [chunk["choices"][0] for chunk in chunks]
            messages = [choice.get("delta", choice.get("message", {})) for choice in choices]
            functions = [call["function"] for message in messages for call in message.get("tool_calls", ())]
            (name,) = [function["name"] for function in functions if "name" in function]
            pieces = [function["arguments"] for function in functions]
    return name, json.loads("".join(pieces))


@pytest.mark.parametrize("name", NATIVE)
def test_a_native_call_comes_back_as_a_tool_use_in_converse(name: str):
    call = family(name).call
    assert call is not None
    spec = {"name": "get_weather", "description": "Weather of a town", "inputSchema": {"json": CITY}}
    asked = read_converse(
        {
            "messages": [{"role": "user", "content": [{"text": "Weather in Rome?"}]}],
            "toolConfig": {"tools": [{"toolSpec": spec}]},
        }
    )
    inference = Inference(Speaking(name, as_answered(name, call)))

    async def story() -> tuple[dict[str, Any], list[dict[str, Any]], int]:
        whole = converse_output(await inference.converse(SCOPE, "titan_text", asked))
        events = converse_events(await inference.converse_stream(SCOPE, "titan_text", asked))
        counted = await inference.count_conversation_tokens(SCOPE, "titan_text", asked.conversation)
        return whole, [event async for event in events], counted

    whole, events, counted = asyncio.run(story())
    assert _use_of("nova_messages", whole) == ("get_weather", ROME)
    assert _streamed_use_of("nova_messages", events) == ("get_weather", ROME)
    assert whole["usage"]["inputTokens"] == events[-1]["metadata"]["usage"]["inputTokens"] == counted


@pytest.mark.parametrize("name", WITH_TOOLS)
def test_text_before_a_call_is_text_and_the_call_a_call_where_the_syntax_has_a_beginning(name: str):
    """Tags begin a call anywhere; JSON without tags is a call only where it is all of the answer."""
    form = chat_template(name).call_form
    call = form.written("get_weather", '{"city": "Rome"}')
    result = heard(name, "Let me look. " + call)
    if "<tool_call>" in call:
        assert ([use.input for use in result.tool_uses], result.text.split("<think>")[0]) == ([ROME], "Let me look. ")
        assert result.end.finish_reason is FinishReason.TOOL_USE
    else:
        assert (result.tool_uses, result.end.finish_reason) == ((), FinishReason.END_TURN)
        assert result.text.startswith("Let me look. ")
        assert '"city": "Rome"' in result.text


@pytest.mark.parametrize("name", WITH_TOOLS)
def test_an_unfinished_call_is_text_and_the_answer_ends_as_it_ended(name: str):
    form = chat_template(name).call_form
    broken = form.before + "get_weather" + form.between + '{"city": "Ro'
    result = heard(name, broken, reason=FinishReason.MAX_TOKENS)
    assert (result.tool_uses, result.end.finish_reason) == ((), FinishReason.MAX_TOKENS)
    assert result.text.endswith('{"city": "Ro')
    forced = heard(name, broken, "get_weather", reason=FinishReason.MAX_TOKENS)
    assert (forced.tool_uses, forced.end.finish_reason) == ((), FinishReason.MAX_TOKENS)


@pytest.mark.parametrize("name", WITH_TOOLS)
@pytest.mark.parametrize(
    ("called", "given"),
    [("get_wether", '{"city": "Rome"}'), ("get_weather", '{"town": "Rome"}'), ("get_weather", '{"city": 7}')],
)
def test_a_call_of_no_offered_tool_or_with_an_input_of_another_shape_is_text(name: str, called: str, given: str):
    result = heard(name, chat_template(name).call_form.written(called, given))
    assert (result.tool_uses, result.end.finish_reason) == ((), FinishReason.END_TURN)
    assert called in result.text
    assert given in result.text


@pytest.mark.parametrize("name", NATIVE)
def test_two_calls_are_two_tool_uses_in_their_order(name: str):
    one, two = '{"city": "Rome"}', '{"city": "Oslo"}'
    form = chat_template(name).call_form
    written = [form.written("get_weather", each) for each in (one, two)]
    if family(name).call == written[0] and "[{" in written[0]:
        both = written[0].removesuffix("]") + ", " + written[1].removeprefix("[TOOL_CALLS] [")
    elif "<tool_call>" in written[0]:
        both = written[0] + "\n" + written[1].removeprefix("<think>\n\n</think>\n\n")
    elif "[ARGS]" in written[0]:
        both = "".join(written)
    else:
        # Llama's template has one call at a time; a list of them is understood all the same.
        both = f"[{', '.join(written)}]"
    result = heard(name, both)
    assert [use.input for use in result.tool_uses] == [json.loads(one), json.loads(two)]
    assert (result.text, result.end.finish_reason) == ("", FinishReason.TOOL_USE)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_thought_is_no_part_of_an_answer(name: str):
    asked = GenerationRequest(conversation=replace(ASKED, tools=()), max_new_tokens=9, temperature=0)

    def said(written: str) -> str:
        async def answer() -> AsyncGenerator[Any]:
            read = tool_use_reader(asked, lambda: "")
            async for event in Speaking(name, as_answered(name, written)).generate(asked):
                for each in read(event):
                    yield each

        return asyncio.run(collected(answer())).text.strip()

    assert said("<think>\n\n</think>\n\nParis.") == "Paris."
    assert said("<think>\nIt is") == "<think>\nIt is"
    assert said("<think>hm</think> a") == "<think>hm</think> a"
    assert said("<thin") == "<thin"
    assert said("a <think></think>b") == "a <think></think>b"
