"""Golden files of body formats: what was asked, what the engine made, and what the caller then reads.

    python -m tests.unit.bodies.golden_cases       computes decoded, response and chunks anew, for a reviewed change

A file holds `format`, `model_id`, `request` and `events`, written by hand; the rest is computed.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tanren.bodies.anthropic_messages import AnthropicMessages
from tanren.bodies.base import BodyFormat
from tanren.bodies.cohere_command import CohereCommand
from tanren.bodies.registry import BODY_FORMATS
from tanren.domain.generation import GenerationEnd, GenerationResult, TextDelta
from tanren.serving.wire import event_from_frame, request_to_json

FOLDER = Path(__file__).parent / "golden"
FORMATS: Mapping[str, BodyFormat] = {
    **BODY_FORMATS,
    "anthropic_messages": AnthropicMessages(new_message_id=lambda: "msg_bdrk_01TheSameEveryTime0000"),
    "cohere_command": CohereCommand(new_id=lambda: "00000000-0000-4000-8000-000000000000"),
}


def computed(case: dict[str, Any]) -> dict[str, Any]:
    """The case with everything that follows from its request and its events."""
    body_format = FORMATS[case["format"]]
    events = [event_from_frame(frame) for frame in case["events"]]
    end = events[-1]
    assert isinstance(end, GenerationEnd)
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    encoder = body_format.stream_encoder(case["model_id"])
    return {
        **{name: case[name] for name in ("format", "model_id", "request", "events")},
        "decoded": request_to_json(body_format.decode(case["request"])),
        "response": body_format.encode(GenerationResult(text=text, end=end), case["model_id"], case["request"]),
        "chunks": [chunk for event in events for chunk in encoder.chunks(event)],
    }


def golden_files() -> list[Path]:
    return sorted(FOLDER.glob("*.json"))


def refresh() -> None:
    for file in golden_files():
        case = computed(json.loads(file.read_text("utf-8")))
        file.write_text(json.dumps(case, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    refresh()
