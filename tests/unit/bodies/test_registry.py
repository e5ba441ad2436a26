"""Bodies in and out, against golden files; and the choice of a format by what the body's keys say."""

import json
from pathlib import Path
from typing import Any

import pytest

from tanren.bodies.registry import BODY_FORMATS, _spoken, decode_body
from tanren.domain.conversation import user_turn
from tanren.domain.errors import ValidationFailed
from tests.unit.bodies.golden_cases import FOLDER, computed, golden_files

MESSAGES = (
    b'{"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}'
)


@pytest.mark.parametrize("file", golden_files(), ids=lambda file: file.stem)
def test_a_body_is_read_and_answered_as_its_golden_file_says(file: Path):
    case = json.loads(file.read_text("utf-8"))
    assert computed(case) == case


@pytest.mark.parametrize("file", golden_files(), ids=lambda file: file.stem)
def test_chunks_carry_the_whole_answer_and_metrics_in_the_last_only(file: Path):
    case = json.loads(file.read_text("utf-8"))
    metrics = [chunk.get("amazon-bedrock-invocationMetrics") for chunk in case["chunks"]]
    assert metrics[-1] is not None
    assert metrics[:-1] == [None] * (len(metrics) - 1)
    made = "".join(frame["delta"]["text"] for frame in case["events"] if "delta" in frame)
    if not file.stem.endswith("_tool_use"):  # there, it is read out of the text
        assert "".join(_text_of(chunk) for chunk in case["chunks"]) == made


def _text_of(chunk: dict[str, Any]) -> str:
    """Of a chunk of any format."""
    for name in ("outputText", "completion", "generation", "text"):
        if name in chunk:
            return chunk[name]
    if "outputs" in chunk:
        return chunk["outputs"][0]["text"]
    if "choices" in chunk:
        choice = chunk["choices"][0]
        if "text" in choice:
            return choice["text"]
        return choice.get("delta", choice.get("message", {})).get("content", "")
    return chunk.get("contentBlockDelta", chunk).get("delta", {}).get("text", "")


def test_every_format_has_golden_files_for_each_way_to_end():
    for name in BODY_FORMATS:
        reasons = {
            json.loads(file.read_text("utf-8"))["events"][-1]["end"]["finish_reason"]
            for file in golden_files()
            if file.stem.startswith(name)
        }
        assert reasons == {"end_turn", "max_tokens", "stop_sequence", "context_full"}


@pytest.mark.parametrize("name", ["anthropic_messages", "mistral_chat", "nova_messages", "openai_chat"])
def test_formats_with_tools_have_golden_files_of_a_forced_and_a_free_call(name: str):
    for choice in ("forced", "free"):
        case = json.loads((FOLDER / f"{name}_{choice}_tool_use.json").read_text("utf-8"))
        assert "tool_use" in json.dumps(case["response"]) or "tool_calls" in json.dumps(case["response"])


FUNCTION = {"type": "function", "function": {"name": "get", "parameters": {"type": "object"}}}
SPOKEN: list[tuple[str, dict[str, Any]]] = [
    ("titan_text", {"inputText": "hi"}),
    ("anthropic_messages", json.loads(MESSAGES)),
    ("anthropic_text", {"prompt": "hi", "max_tokens_to_sample": 5}),
    ("anthropic_text", {"prompt": "hi", "max_tokens_to_sample": 5, "anthropic_version": "bedrock-2023-05-31"}),
    ("meta_llama", {"prompt": "hi", "max_gen_len": 5, "temperature": 0.5, "top_p": 0.9}),
    ("cohere_command", {"prompt": "hi", "max_tokens": 5, "p": 0.5}),
    ("cohere_command", {"prompt": "hi", "return_likelihoods": "NONE"}),
    ("mistral_text", {"prompt": "hi", "max_tokens": 5, "top_p": 0.5}),
    ("mistral_text", {"prompt": "hi", "stop": []}),
    ("nova_messages", {"messages": [{"role": "user", "content": [{"text": "hi"}]}], "inferenceConfig": {}}),
    ("openai_chat", {"messages": [{"role": "user", "content": "hi"}], "max_completion_tokens": 5}),
    ("mistral_chat", {"messages": [{"role": "user", "content": "hi"}], "tools": [FUNCTION], "tool_choice": "any"}),
    ("nova_messages", {"schemaVersion": "messages-v1", "messages": [{"role": "user", "content": [{"text": "hi"}]}]}),
]


@pytest.mark.parametrize("default", sorted(BODY_FORMATS))
@pytest.mark.parametrize(("name", "body"), SPOKEN)
def test_the_callers_own_format_is_spoken_whatever_the_models_is(name: str, body: dict[str, Any], default: str):
    assert decode_body(json.dumps(body).encode(), default).body_format.name == name


@pytest.mark.parametrize(("name", "body"), SPOKEN)
def test_a_body_with_keys_of_its_own_is_of_one_format_only(name: str, body: dict[str, Any]):
    assert [key for key, body_format in BODY_FORMATS.items() if body_format.matches(body)] == [name]


@pytest.mark.parametrize("name", ["meta_llama", "mistral_text", "cohere_command"])
def test_a_bare_prompt_is_in_the_models_own_format(name: str):
    assert decode_body(b'{"prompt": "hi"}', name).body_format.name == name


CHATS = {"anthropic_messages": "anthropic_messages", "nova_messages": "nova_messages"}
MISTRALS = {"mistral_chat": "mistral_chat", "mistral_text": "mistral_chat"}


@pytest.mark.parametrize("own", sorted(BODY_FORMATS))
def test_messages_without_a_mark_are_the_familys_or_openais(own: str):
    user = {"role": "user", "content": "hi"}
    assert _spoken({"messages": [user]}, own) == {**CHATS, **MISTRALS}.get(own, "openai_chat")
    # Neither Anthropic nor Nova has messages of the system.
    assert _spoken({"messages": [{"role": "system", "content": "a"}, user]}, own) == MISTRALS.get(own, "openai_chat")
    assert _spoken({"messages": [user], "max_completion_tokens": 5}, own) == "openai_chat"


@pytest.mark.parametrize("default", sorted(BODY_FORMATS))
def test_a_loose_completion_is_the_models_own_or_claudes_with_its_answer_in_completion(default: str):
    spoken = decode_body(b'{"prompt": "hi", "max_tokens": 500, "temperature": 0.7}', default)
    own = {"cohere_command": "cohere_command", "mistral_text": "mistral_text"}
    assert spoken.body_format.name == own.get(default, "anthropic_text")
    assert (spoken.request.max_new_tokens, spoken.request.temperature) == (500, 0.7)
    assert spoken.request.conversation == user_turn("hi")


def test_both_spellings_of_a_number_of_tokens_at_once_are_one_too_many():
    with pytest.raises(ValidationFailed, match=r"extraneous key \[max_tokens_to_sample\]"):
        decode_body(b'{"prompt": "hi", "max_tokens": 5, "max_tokens_to_sample": 5}', "anthropic_text")


@pytest.mark.parametrize("name", sorted(BODY_FORMATS))
def test_a_format_is_registered_under_its_name(name: str):
    assert BODY_FORMATS[name].name == name


def test_a_body_of_no_format_is_told_what_the_models_own_needs():
    with pytest.raises(ValidationFailed, match=r"required key \[inputText\] not found"):
        decode_body(b'{"prompt": "hi"}', "titan_text")
    with pytest.raises(ValidationFailed, match=r"required key \[anthropic_version\] not found"):
        decode_body(b'{"messages": []}', "anthropic_messages")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not valid JSON"),
        (b"hello", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b'{"inputText": NaN}', "NaN is not a JSON number"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[1]", "expected type: JSONObject, found: JSONArray"),
        (b'"text"', "expected type: JSONObject, found: String"),
        (b"null", "expected type: JSONObject, found: Null"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(body: bytes, reason: str):
    with pytest.raises(ValidationFailed, match=f"^Malformed input request: .*{reason}.*try again.$"):
        decode_body(body, "titan_text")


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"prompt": "hi", "max_gen_len": 5}, "bedrock_completion"),
        ({"prompt": "hi", "max_tokens": 5}, "openai_completion"),
        ({"prompt": "hi", "max_tokens": 5, "top_p": 0.5}, "openai_completion"),
        ({"prompt": "hi"}, "openai_completion"),
        ({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 5}, "openai_chat"),
        ({"inputText": "hi"}, "titan_text"),
    ],
)
def test_an_imported_model_has_three_formats_told_apart_by_their_keys(body: dict[str, Any], name: str):
    decoded = decode_body(json.dumps(body).encode(), "openai_chat", is_imported=True)
    assert decoded.body_format.name == name
    assert decoded.request.conversation.prompt == body.get("prompt")
