"""What crosses the socket comes out as it went in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanren.domain import errors
from tanren.domain.conversation import Conversation, Message, Role
from tanren.domain.errors import ModelFailed, Throttled
from tanren.domain.generation import FinishReason, GenerationEnd, GenerationRequest, GenerationStart, TextDelta
from tanren.serving import wire
from tanren.serving.protocol import AdapterRef, EngineDescription

requests = st.builds(
    GenerationRequest,
    conversation=st.builds(
        Conversation,
        system=st.none() | st.text(),
        messages=st.lists(st.builds(Message, role=st.sampled_from(Role), text=st.text()), max_size=3).map(tuple),
    ),
    max_new_tokens=st.integers(1, 10**6),
    temperature=st.floats(0, 2),
    top_p=st.floats(0, 1),
    top_k=st.none() | st.integers(1, 500),
    stop_sequences=st.lists(st.text(), max_size=3).map(tuple),
    seed=st.none() | st.integers(0, 2**64),
    cache_scope=st.text(),
    is_streamed=st.booleans(),
)
counts = st.integers(0, 10**6)
events = (
    st.builds(GenerationStart, input_token_count=counts)
    | st.builds(TextDelta, text=st.text(), output_token_count=counts)
    | st.builds(
        GenerationEnd,
        finish_reason=st.sampled_from(FinishReason),
        stop_sequence=st.none() | st.text(),
        input_token_count=counts,
        output_token_count=counts,
        first_token_ms=counts,
        total_ms=counts,
    )
)


def crossed(frame: wire.Frame) -> wire.Frame:
    line = wire.encode_frame(frame)
    assert line.index(b"\n") == len(line) - 1
    return wire.decode_frame(line)


@given(requests)
def test_a_request_crosses_unchanged(request: GenerationRequest):
    assert wire.request_from_json(crossed(wire.request_to_json(request))) == request


@given(events)
def test_an_event_crosses_unchanged(event: GenerationStart | TextDelta | GenerationEnd):
    assert wire.event_from_frame(crossed(wire.event_to_frame(event))) == event


@given(st.builds(AdapterRef, folder=st.text(), sha256=st.text()))
def test_an_adapter_crosses_unchanged(adapter: AdapterRef):
    assert wire.adapter_from_json(crossed({"adapter": wire.adapter_to_json(adapter)})["adapter"]) == adapter
    assert wire.adapter_from_json(wire.adapter_to_json(None)) is None


def test_a_description_crosses_unchanged():
    description = EngineDescription(
        engine="native (AVX512-BF16)",
        engine_note="chosen",
        base_folder="/bases/nano",
        base_sha256="abc",
        parameter_count=3,
        context_length=5,
        weight_bytes=12,
        adapter_bytes=7,
        resident_adapters=("a", "b"),
        active_count=1,
        queued_count=0,
        block_count=100,
        used_block_count=7,
        kept_block_count=20,
        prompt_token_count=900,
        reused_prompt_token_count=320,
    )
    assert wire.description_from_json(crossed(wire.description_to_json(description))) == description


@pytest.mark.parametrize("kind", wire.ERROR_KINDS.values())
def test_an_error_is_raised_again_as_what_it_was(kind: type[errors.TanrenError]):
    with pytest.raises(kind, match=r"^what happened$") as raised:
        wire.event_from_frame(crossed(wire.event_to_frame(kind("what happened"))))
    assert type(raised.value) is kind


def test_an_error_that_no_engine_raises_crosses_as_a_failed_model():
    with pytest.raises(ModelFailed, match="no such table"):
        wire.event_from_frame(crossed(wire.error_to_frame(errors.JobFailed("no such table"))))
    with pytest.raises(ModelFailed):
        wire.event_from_frame({"error": {"kind": "Unheard", "message": "of"}})


@pytest.mark.parametrize("line", [b"HTTP/1.1 400 Bad Request\r\n", b"[1]\n", json.dumps("text").encode(), b"\xff\n"])
def test_a_line_in_another_language_is_an_error(line: bytes):
    with pytest.raises(ModelFailed, match="socket"):
        wire.decode_frame(line)


def test_an_unknown_event_is_an_error():
    with pytest.raises(ModelFailed, match="unknown frame: surprise"):
        wire.event_from_frame({"surprise": {}})
    with pytest.raises(Throttled):
        wire.raise_carried_error({"error": {"kind": "Throttled", "message": "later"}})
