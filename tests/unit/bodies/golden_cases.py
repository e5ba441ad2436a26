"""Golden files of body formats: what was asked, what the engine made, and what the caller then reads.

    python -m tests.unit.bodies.golden_cases       computes decoded, response and chunks anew, for a reviewed change

A file holds `format`, `model_id`, `request` and `events`, written by hand; the rest is computed. Events are those of an
engine: where the request has tools, the calls are read out of their text, as on the way to a caller.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

from tanren.bodies.anthropic_messages import AnthropicMessages
from tanren.bodies.base import BodyFormat
from tanren.bodies.cohere_command import CohereCommand
from tanren.bodies.openai_chat import OpenAIChat
from tanren.bodies.openai_completion import OpenAICompletion
from tanren.bodies.registry import BODY_FORMATS
from tanren.domain.generation import AnswerEvent
from tanren.runtime.inference import collected
from tanren.runtime.tool_use import tool_use_reader
from tanren.serving.wire import event_from_frame, request_to_json

FOLDER = Path(__file__).parent / "golden"
FORMATS: Mapping[str, BodyFormat] = {
    **BODY_FORMATS,
    "anthropic_messages": AnthropicMessages(new_message_id=lambda: "msg_bdrk_01TheSameEveryTime0000"),
    "openai_chat": OpenAIChat(new_id=lambda: "chatcmpl-TheSameEveryTime", now=lambda: 1_800_000_000),
    "openai_completion": OpenAICompletion(new_id=lambda: "cmpl-TheSameEveryTime", now=lambda: 1_800_000_000),
    "cohere_command": CohereCommand(new_id=lambda: "00000000-0000-4000-8000-000000000000"),
}


def computed(case: dict[str, Any]) -> dict[str, Any]:
    """The case with everything that follows from its request and its events."""
    body_format = FORMATS[case["format"]]
    request = body_format.decode(case["request"])
    read = tool_use_reader(request, lambda: "tooluse_TheSameEveryTime000000")
    events = [answer for frame in case["events"] for answer in read(event_from_frame(frame))]
    encoder = body_format.stream_encoder(case["model_id"])
    decoded = request_to_json(request)
    decoded.pop("cache_scope", None)  # filled in later, with the account
    return {
        **{name: case[name] for name in ("format", "model_id", "request", "events")},
        "decoded": decoded,
        "response": body_format.encode(asyncio.run(collected(_replayed(events))), case["model_id"], case["request"]),
        "chunks": [chunk for event in events for chunk in encoder.chunks(event)],
    }


async def _replayed(events: list[AnswerEvent]) -> AsyncGenerator[AnswerEvent]:
    for event in events:
        yield event


def golden_files() -> list[Path]:
    return sorted(FOLDER.glob("*.json"))


def refresh() -> None:
    for file in golden_files():
        case = computed(json.loads(file.read_text("utf-8")))
        file.write_text(json.dumps(case, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    refresh()

OF_IMPORTED_MODELS = ("bedrock_completion", "openai_completion")
"""Formats that only imported models speak, whose own is OpenAI's chat. Their prompt is the model's whole input, so no
conversation can be written in them."""


def own_format(name: str) -> str:
    """The format in the catalogue of a model that speaks this one."""
    if name in OF_IMPORTED_MODELS:
        return "openai_chat"
    return "mistral_text" if name == "mistral_chat" else name
