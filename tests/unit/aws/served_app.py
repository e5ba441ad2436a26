"""An application for tests of the real server: a streaming and a plain operation, and what the wire looked like.

Started by `python -m tests.unit.aws.served_app PORT [TARGET URL]` from the repository's root.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any

from tanren.aws.chain import build_application
from tanren.aws.context import Members, Reply, RequestContext
from tanren.aws.exchange import ASGIApp
from tanren.aws.neighbourhood import EmbeddedTarget, ForwardingNeighbourhood
from tanren.aws.server import ServerSettings, serve
from tanren.domain.errors import ModelFailed
from tests.protocol.loopback import OneKey

WORDS = ("Hello", " from", " tanren", "!")
closed: list[str] = []
"""Request ids whose stream was closed before its end."""


def invoke_model(context: RequestContext, params: Members) -> Reply:
    seen = {
        "modelId": params["modelId"],
        "body": params["body"].decode(),
        "source_ip": context.source_ip,
        "closed": closed,
    }
    return Reply(
        members={"body": json.dumps(seen).encode(), "contentType": "application/json"},
        extra_headers={"x-amzn-bedrock-input-token-count": "3"},
    )


async def invoke_stream(context: RequestContext, params: Members) -> Members:
    request = json.loads(params["body"])
    return {"body": _chunks(context, request.get("inputText", "")), "contentType": "application/json"}


async def _chunks(context: RequestContext, text: str) -> AsyncIterator[Mapping[str, Members]]:
    finished = False
    try:
        for index, word in enumerate(WORDS):
            yield {"chunk": {"bytes": json.dumps({"outputText": word, "index": index}).encode()}}
            if text == "break":
                raise ModelFailed("the engine went away")
        while text == "forever":
            await asyncio.sleep(0.01)
            yield {"chunk": {"bytes": b"{}"}}
        finished = True
    finally:
        if not finished:
            closed.append(context.request_id)


async def converse_stream(context: RequestContext, params: Members) -> Members:
    async def events() -> AsyncIterator[Mapping[str, Members]]:
        yield {"messageStart": {"role": "assistant"}}
        for word in WORDS:
            yield {"contentBlockDelta": {"delta": {"text": word}, "contentBlockIndex": 0}}
        yield {"messageStop": {"stopReason": "end_turn"}}

    return {"stream": events()}


def list_models(context: RequestContext, params: Members) -> Members:
    return {"modelSummaries": []}


HANDLERS: dict[str, dict[str, Any]] = {
    "bedrock": {"ListFoundationModels": list_models},
    "bedrock-runtime": {
        "InvokeModel": invoke_model,
        "InvokeModelWithResponseStream": invoke_stream,
        "ConverseStream": converse_stream,
    },
}


def application() -> ASGIApp:
    target = sys.argv[2] if len(sys.argv) > 2 else None
    neighbourhood = ForwardingNeighbourhood(EmbeddedTarget(endpoint_url=target)) if target else None
    return build_application(handlers=HANDLERS, access_keys=OneKey(), neighbourhood=neighbourhood)


if __name__ == "__main__":
    serve(ServerSettings(factory="tests.unit.aws.served_app:application", host="127.0.0.1", port=int(sys.argv[1])))
