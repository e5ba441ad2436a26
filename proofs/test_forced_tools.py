"""A hundred forced tool calls, each drawn anew by the packaged nano, each with an input that satisfies a nested schema.

make proofs            the figures go to docs/proofs.md
"""

import json
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.service.servers import BASE_MODEL, REPOSITORY, Server

CALLS = 100
MAX_TOKENS = 200
FIGURES = REPOSITORY / "build" / "proofs" / "forced_tools.json"

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
                    "price": {"type": "number"},
                    "tags": {"type": "array", "minItems": 1, "items": {"enum": ["gift", "fragile", "heavy"]}},
                    "parts": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {"name": {"type": "string"}, "spare": {"type": ["boolean", "null"]}},
                            "required": ["name", "spare"],
                        },
                    },
                },
                "required": ["sku", "quantity", "tags", "parts"],
            },
        },
    },
    "required": ["customer", "lines"],
}
TOOLS = [{"toolSpec": {"name": "place_order", "description": "Orders goods", "inputSchema": {"json": ORDER}}}]
GOODS = ("two red lamps", "a desk", "forty spoons", "five blue cups", "one very long shelf")


@pytest.mark.timeout(3600)
def test_a_hundred_of_a_hundred_forced_calls_satisfy_a_nested_schema(tmp_path: Path):
    server = Server(tmp_path / "data")
    server.start()
    try:
        runtime = server.client("bedrock-runtime")
        started = time.monotonic()
        tokens, whole = 0, 0
        for number in range(CALLS):
            answer = runtime.converse(
                modelId=BASE_MODEL,
                messages=[{"role": "user", "content": [{"text": f"Order {GOODS[number % len(GOODS)]} for me."}]}],
                toolConfig={"tools": TOOLS, "toolChoice": {"any": {}}},
                inferenceConfig={"maxTokens": MAX_TOKENS, "temperature": 1.0},
                additionalModelRequestFields={"seed": number},
            )
            (block,) = answer["output"]["message"]["content"]
            jsonschema.validate(block["toolUse"]["input"], ORDER)
            assert answer["stopReason"] == "tool_use"
            tokens += answer["usage"]["outputTokens"]
            whole += 1
        seconds = time.monotonic() - started
    finally:
        server.stop()
    figures = {"calls": CALLS, "schema_valid": whole, "output_tokens": tokens, "seconds": round(seconds, 1)}
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    FIGURES.write_text(json.dumps(figures, indent=2) + "\n")
    print(figures)
