"""A model id and a body become an answer in the caller's format; errors come before a stream, not in it."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from tanren.bodies.registry import BODY_FORMATS
from tanren.domain.conversation import Conversation, Message, Role, Tool, user_turn, written_prompt
from tanren.domain.documents import AttachedDocument, DocumentFormat, EnclosedDocument
from tanren.domain.errors import ModelFailed, NotImplementedHere, ResourceNotFound, Throttled, ValidationFailed
from tanren.domain.generation import FinishReason, GenerationEvent, TextDelta
from tanren.domain.scope import Scope
from tanren.runtime.conversing import ConverseInput
from tanren.runtime.inference import Inference, Placed, collected
from tests.unit.runtime.placed_engine import ADAPTER, PlacedEngine

TITAN = b'{"inputText": "say it", "textGenerationConfig": {"maxTokenCount": 9, "temperature": 0}}'
MESSAGES = json.dumps(
    {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
).encode()
CONVERSE = ConverseInput(conversation=user_turn("hi"))


async def listed(items: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in items]


def test_an_answer_comes_in_the_callers_format_with_its_counts(scope: Scope):
    engine = PlacedEngine()
    reply = asyncio.run(Inference(engine).invoke(scope, "tuned", TITAN))
    assert json.loads(reply.body)["results"][0]["outputText"] == "Hello world"
    assert reply.content_type == "application/json"
    assert (reply.input_token_count, reply.output_token_count, reply.latency_ms) == (7, 2, 9)
    request, adapter = engine.asked[0]
    assert (request.conversation, request.max_new_tokens, request.temperature) == (user_turn("say it"), 9, 0.0)
    assert adapter == ADAPTER


def test_a_body_of_another_family_is_answered_in_that_familys_format(scope: Scope):
    reply = asyncio.run(Inference(PlacedEngine()).invoke(scope, "titan", MESSAGES))
    body = json.loads(reply.body)
    assert (body["type"], body["model"], body["content"]) == (
        "message",
        "titan",
        [{"type": "text", "text": "Hello world"}],
    )


def test_a_stream_gives_a_chunk_for_each_piece_as_it_is_made(scope: Scope):
    async def story() -> list[bytes]:
        return await listed(await Inference(PlacedEngine()).invoke_stream(scope, "titan", TITAN))

    chunks = [json.loads(chunk) for chunk in asyncio.run(story())]
    assert [chunk["outputText"] for chunk in chunks] == ["Hello", " world", ""]
    assert chunks[-1]["amazon-bedrock-invocationMetrics"]["inputTokenCount"] == 7


@pytest.mark.parametrize(
    ("model_id", "body", "refusal", "error"),
    [
        ("unknown", TITAN, None, ResourceNotFound),
        ("titan", b"{}", None, ValidationFailed),
        ("titan", TITAN, Throttled("Too many requests"), Throttled),
    ],
)
def test_what_can_be_refused_is_refused_before_a_stream_is_returned(
    scope: Scope, model_id: str, body: bytes, refusal: Throttled | None, error: type[Exception]
):
    engine = PlacedEngine(refusal=refusal)
    with pytest.raises(error):
        asyncio.run(Inference(engine).invoke_stream(scope, model_id, body))
    with pytest.raises(error):
        asyncio.run(Inference(engine).invoke(scope, model_id, body))
    if body == TITAN:
        with pytest.raises(error):
            asyncio.run(Inference(engine).converse_stream(scope, model_id, CONVERSE))


def test_an_engine_that_breaks_midway_breaks_the_answer(scope: Scope):
    engine = PlacedEngine(breakage=ModelFailed("the engine host ended"))
    with pytest.raises(ModelFailed, match="host ended"):
        asyncio.run(Inference(engine).invoke(scope, "titan", TITAN))

    async def story() -> None:
        chunks = await Inference(engine).invoke_stream(scope, "titan", TITAN)
        assert [json.loads(await anext(chunks))["outputText"] for _ in range(2)] == ["Hello", " world"]
        with pytest.raises(ModelFailed, match="host ended"):
            await anext(chunks)

    asyncio.run(story())


def test_leaving_a_stream_cancels_the_generation(scope: Scope):
    engine = PlacedEngine()

    async def story() -> None:
        chunks = await Inference(engine).invoke_stream(scope, "titan", TITAN)
        await anext(chunks)
        await chunks.aclose()
        assert engine.closed_early == 1
        events = await Inference(engine).converse_stream(scope, "titan", CONVERSE)
        await anext(events)
        await events.aclose()
        assert engine.closed_early == 2

    asyncio.run(story())


@pytest.mark.parametrize("model_id", ["titan", "claude"])
def test_a_converse_without_settings_takes_the_familys_own(scope: Scope, model_id: str):
    engine = PlacedEngine()
    result = asyncio.run(Inference(engine).converse(scope, model_id, CONVERSE))
    assert result.text == "Hello world"
    request, _ = engine.asked[0]
    body_format = {"titan": "titan_text", "claude": "anthropic_messages"}[model_id]
    defaults = BODY_FORMATS[body_format].defaults
    assert (request.max_new_tokens, request.temperature, request.top_p) == (
        defaults.max_new_tokens,
        defaults.temperature,
        defaults.top_p,
    )


def test_tokens_are_counted_alike_for_a_body_and_a_conversation(scope: Scope):
    async def story() -> None:
        inference = Inference(PlacedEngine())
        assert await inference.count_body_tokens(scope, "titan", b'{"inputText": "one two three"}') == 3
        assert await inference.count_conversation_tokens(scope, "titan", user_turn("one two three")) == 3

    asyncio.run(story())


WEATHER = (Tool(name="get", input_schema={"type": "object", "properties": {"city": {"type": "string"}}}),)


def with_tools(*forced: str) -> ConverseInput:
    conversation = replace(user_turn("Weather?"), tools=WEATHER)
    return ConverseInput(conversation=conversation, forced_tools=forced, stop_sequences=("!",))


def test_a_tool_that_the_model_calls_is_read_out_of_its_answer(scope: Scope):
    engine = PlacedEngine(words=('{"name": "get", ', '"arguments": {"city": "Rome"}}'))
    for forced in ((), ("get",)):
        result = asyncio.run(Inference(engine).converse(scope, "titan", with_tools(*forced)))
        assert [(use.name, use.input) for use in result.tool_uses] == [("get", {"city": "Rome"})]
        assert (result.text, result.end.finish_reason) == ("", FinishReason.TOOL_USE)


def test_stop_sequences_end_text_and_no_forced_call(scope: Scope):
    engine = PlacedEngine()
    asyncio.run(Inference(engine).converse(scope, "titan", with_tools()))
    asyncio.run(Inference(engine).converse(scope, "titan", with_tools("get")))
    assert [request.stop_sequences for request, _ in engine.asked] == [("!",), ()]


def test_a_model_without_tool_use_says_so_in_awss_words(scope: Scope):
    async def place(scope: Scope, model_id: str) -> Placed:
        placed = await PlacedEngine().place(scope, model_id)
        return replace(placed, has_tool_use=False)

    engine = PlacedEngine()
    engine.place = place  # type: ignore[method-assign]
    for story in (
        Inference(engine).converse(scope, "titan", with_tools()),
        Inference(engine).count_conversation_tokens(scope, "titan", with_tools().conversation),
    ):
        with pytest.raises(NotImplementedHere, match=r"^This model doesn't support tool use\.$"):
            asyncio.run(story)


class Imported(PlacedEngine):
    """The model has no chat template."""

    async def place(self, scope: Scope, model_id: str) -> Placed:
        return Placed(
            engine=self,
            adapter=None,
            model_id=model_id,
            body_format="openai_chat",
            is_imported=True,
            takes_conversations=False,
        )


def test_a_model_without_a_chat_template_completes_prompts_as_they_are_written(scope: Scope):
    engine = Imported()
    body = b'{"prompt": "[INST] hi [/INST]", "max_gen_len": 4}'
    reply = asyncio.run(Inference(engine).invoke(scope, "mine", body))
    assert json.loads(reply.body)["generation"] == "Hello world"
    assert engine.asked[0][0].conversation == written_prompt("[INST] hi [/INST]")


def test_a_model_without_a_chat_template_refuses_conversations_in_awss_words(scope: Scope):
    inference = Inference(Imported())
    body = b'{"messages": [{"role": "user", "content": "hi"}]}'
    for asked in (
        inference.converse(scope, "mine", CONVERSE),
        inference.converse_stream(scope, "mine", CONVERSE),
        inference.invoke(scope, "mine", body),
        inference.count_conversation_tokens(scope, "mine", user_turn("hi")),
    ):
        with pytest.raises(ValidationFailed, match=r"^This action doesn't support the model that you provided"):
            asyncio.run(asked)


def test_prompts_are_cached_for_their_own_account_only(scope: Scope):
    engine = PlacedEngine()
    asyncio.run(Inference(engine).invoke(scope, "titan", TITAN))
    asyncio.run(Inference(engine).converse(scope, "titan", CONVERSE))
    assert [request.cache_scope for request, _ in engine.asked] == [scope.account_id] * 2


def test_the_engine_is_told_whether_anybody_reads_along(scope: Scope):
    engine = PlacedEngine()
    inference = Inference(engine)

    async def story() -> None:
        await inference.invoke(scope, "titan", TITAN)
        await inference.converse(scope, "titan", CONVERSE)
        for stream in (
            await inference.invoke_stream(scope, "titan", TITAN),
            await inference.converse_stream(scope, "titan", CONVERSE),
        ):
            async for _ in stream:
                pass

    asyncio.run(story())
    assert [request.is_streamed for request, _ in engine.asked] == [False, False, True, True]


def test_documents_are_read_before_the_engine_is_asked(scope: Scope):
    document = EnclosedDocument(name="notes", format=DocumentFormat.TXT, content=b"Rome")
    message = Message(role=Role.USER, text="sum up", enclosed=(document,))
    engine = PlacedEngine()
    asked = ConverseInput(conversation=Conversation(messages=(message,)))
    asyncio.run(Inference(engine).converse(scope, "titan", asked))
    (message,) = engine.asked[0][0].conversation.messages
    assert message.documents == (AttachedDocument(name="notes", text="Rome"),)


def test_an_answer_without_an_end_is_an_error():
    async def broken() -> Any:
        event: GenerationEvent = TextDelta(text="a", output_token_count=1)
        yield event

    with pytest.raises(ModelFailed, match="without an end"):
        asyncio.run(collected(broken()))
