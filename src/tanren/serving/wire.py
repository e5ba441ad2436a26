"""The language between the gateway and an engine host: lines of JSON over a Unix socket.

A connection carries one request at a time. The client writes one line and leaves its side open; the host answers with
lines; after the last of them the client may write the next request. A client that closes before has cancelled. No
multiplexing: the end of a connection is the one cancellation signal that also arrives when the client is killed.

    → {"operation": "generate", "request": {…}, "adapter": {"folder": …, "sha256": …} | null}
    ← {"start": {"input_token_count": 17}}
    ← {"delta": {"text": "The", "output_token_count": 1}}
    ← {"end": {"finish_reason": "end_turn", …}}

    → {"operation": "load_adapter" | "unload_adapter", "adapter": {…}}    ← {"done": {}}
    → {"operation": "count_tokens", "conversation": {…}}                  ← {"done": {"input_token_count": 17}}
    → {"operation": "describe"}                                           ← {"done": {"engine": "reference", …}}
    → {"operation": "ping"}                                               ← {"done": {}}

In place of any answer: {"error": {"kind": "Throttled", "message": "…"}}, raised by the client as the same domain error.
"""

import json
from dataclasses import asdict
from typing import Any, Final, cast

from tanren.domain import errors
from tanren.domain.conversation import Conversation
from tanren.domain.errors import ModelFailed, TanrenError
from tanren.domain.generation import (
    FinishReason,
    GenerationEnd,
    GenerationEvent,
    GenerationRequest,
    GenerationStart,
    TextDelta,
)
from tanren.serving.protocol import AdapterRef, EngineDescription

Frame = dict[str, Any]
"""One line, parsed."""

FRAME_LIMIT_BYTES: Final = 256 * 1024 * 1024
"""The longest line either side reads: above ten times the largest request body, in JSON's longest escapes."""

ERROR_KINDS: Final[dict[str, type[TanrenError]]] = {
    kind.__name__: kind
    for kind in (
        errors.ValidationFailed,
        errors.NotImplementedHere,
        errors.Throttled,
        errors.ModelNotReady,
        errors.ModelTimeout,
        errors.ModelFailed,
        errors.ServiceUnavailable,
    )
}
"""What an engine host raises. Anything else is a fault inside the host and crosses as ModelFailed."""


_encoded: Final = json.JSONEncoder(separators=(",", ":")).encode
"""Made once: `json.dumps` would make an encoder for each frame."""


def encode_frame(frame: Frame) -> bytes:
    return _encoded(frame).encode("ascii") + b"\n"


def decode_frame(line: bytes) -> Frame:
    """Raises   ModelFailed where the line is no JSON object: the other side does not speak this language."""
    try:
        frame = json.loads(line)
    except ValueError as error:
        raise ModelFailed(f"the engine host's socket carried a line that is not JSON: {error}") from error
    if not isinstance(frame, dict):
        raise ModelFailed("the engine host's socket carried a line that is not a JSON object")
    return cast("Frame", frame)


def request_to_json(request: GenerationRequest) -> Frame:
    """Constraints on the answer are left out where there are none, and that it is streamed where it is."""
    gathered = {} if request.is_streamed else {"is_streamed": False}
    forced = {"forced_tools": list(request.forced_tools)} if request.forced_tools else {}
    schema = {"answer_schema": request.answer_schema} if request.answer_schema is not None else {}
    return {
        "conversation": request.conversation.to_json(),
        "max_new_tokens": request.max_new_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "stop_sequences": list(request.stop_sequences),
        "seed": request.seed,
        "cache_scope": request.cache_scope,
        **gathered,
        **forced,
        **schema,
    }


def request_from_json(value: Frame) -> GenerationRequest:
    conversation = Conversation.from_json(value["conversation"])
    tuples = {name: tuple(value.get(name, ())) for name in ("stop_sequences", "forced_tools")}
    members: Frame = {**value, **tuples, "conversation": conversation}
    return GenerationRequest(**members)


def adapter_to_json(adapter: AdapterRef | None) -> Frame | None:
    return None if adapter is None else {"folder": adapter.folder, "sha256": adapter.sha256}


def adapter_from_json(value: Frame | None) -> AdapterRef | None:
    return None if value is None else AdapterRef(folder=value["folder"], sha256=value["sha256"])


def event_to_frame(event: GenerationEvent | TanrenError) -> Frame:
    match event:
        case GenerationStart():
            return {"start": asdict(event)}
        case TextDelta():
            return {"delta": {"text": event.text, "output_token_count": event.output_token_count}}
        case GenerationEnd():
            return {"end": asdict(event)}
        case TanrenError():
            return error_to_frame(event)


def event_from_frame(frame: Frame) -> GenerationEvent:
    """Raises   the error that the frame carries."""
    raise_carried_error(frame)
    if "delta" in frame:
        return TextDelta(**frame["delta"])
    if "start" in frame:
        return GenerationStart(**frame["start"])
    if "end" in frame:
        members: Frame = {**frame["end"], "finish_reason": FinishReason(frame["end"]["finish_reason"])}
        return GenerationEnd(**members)
    raise ModelFailed(f"the engine host answered with an unknown frame: {', '.join(frame)}")


def error_to_frame(error: TanrenError) -> Frame:
    kind = type(error).__name__
    return {"error": {"kind": kind if kind in ERROR_KINDS else ModelFailed.__name__, "message": str(error)}}


def raise_carried_error(frame: Frame) -> None:
    error = frame.get("error")
    if error is not None:
        raise ERROR_KINDS.get(error["kind"], ModelFailed)(error["message"])


def description_to_json(description: EngineDescription) -> Frame:
    return asdict(description)


def description_from_json(value: Frame) -> EngineDescription:
    members: Frame = {**value, "resident_adapters": tuple(value["resident_adapters"])}
    return EngineDescription(**members)
