"""The playground: a chat with any model, its base beside it, and a system prompt."""

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Any, Final

from starlette.responses import Response, StreamingResponse

from tanren.console.api import Api, ApiRefusal
from tanren.console.playground_turns import (
    LONGEST_PREVIEW,
    LearnedFrom,
    UnreadableQuestion,
    learned_from,
    read_question,
)
from tanren.console.visits import Visit, texts

_LISTED: Final = 100
_S3: Final = "s3://"


async def show_playground(visit: Visit) -> Response:
    """Models by category, as AWS's console has them; the one in the URL is chosen, with what it learned from."""
    foundation, throughputs, deployments = await asyncio.gather(
        visit.api.ask("bedrock", "ListFoundationModels", byOutputModality="TEXT"),
        visit.api.ask("bedrock", "ListProvisionedModelThroughputs", maxResults=_LISTED, statusEquals="InService"),
        visit.api.ask("bedrock", "ListCustomModelDeployments", maxResults=_LISTED, statusEquals="Active"),
    )
    chosen = visit.request.query_params.get("model", "")
    custom = [
        {"id": row["provisionedModelArn"], "name": row["provisionedModelName"], "model": row["modelArn"]}
        for row in throughputs.get("provisionedModelSummaries", [])
    ]
    custom += [
        {"id": row["customModelDeploymentArn"], "name": row["customModelDeploymentName"], "model": row["modelArn"]}
        for row in deployments.get("modelDeploymentSummaries", [])
    ]
    taught_by = next((row["model"] for row in custom if row["id"] == chosen), None)
    model, learned = await _learned(visit.api, taught_by)
    return visit.page(
        "playground.html",
        title=visit.words.text("Chat"),
        foundation=foundation.get("modelSummaries", []),
        custom=custom,
        chosen=chosen,
        model=model,
        base=None if model is None else model["baseModelArn"],
        learned=learned,
        few_shot=[turn for each in learned.examples for turn in (each.prompt, each.completion)],
    )


async def answer_question(visit: Visit) -> Response:
    """The answer of one column as it is made: lines of JSON, `text` pieces and at last `end` or `refused`."""
    given = texts(await visit.request.form())
    try:
        request = read_question(given)
    except UnreadableQuestion as error:
        return Response(f"The field {error} is not what the page sends.", status_code=400, media_type="text/plain")
    return StreamingResponse(_answer(visit.api, request.operation, request.params), media_type="application/x-ndjson")


async def _answer(api: Api, operation: str, params: Mapping[str, Any]) -> AsyncGenerator[str]:
    """Stops reading when the browser has left: the model's work is then given up, too."""
    try:
        events = await api.open_stream("bedrock-runtime", operation, "stream", **params)
    except ApiRefusal as refusal:
        yield _line(refused=str(refusal), report=refusal.report)
        return
    pieces: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    has_left = threading.Event()
    reading = threading.Thread(target=_read, args=(events, pieces, loop, has_left), name="answer", daemon=True)
    reading.start()
    try:
        while (piece := await pieces.get()) is not None:
            yield _line(**piece)
    finally:
        has_left.set()


def _read(
    events: Iterator[Mapping[str, Any]],
    pieces: "asyncio.Queue[dict[str, Any] | None]",
    loop: asyncio.AbstractEventLoop,
    has_left: threading.Event,
) -> None:
    end: dict[str, Any] = {}

    def put(piece: dict[str, Any] | None) -> None:
        loop.call_soon_threadsafe(pieces.put_nowait, piece)

    try:
        for event in events:
            if has_left.is_set():
                return
            if text := event.get("contentBlockDelta", {}).get("delta", {}).get("text"):
                put({"text": text})
            if "messageStop" in event:
                end["stop"] = event["messageStop"].get("stopReason")
            if "metadata" in event:
                end["usage"] = event["metadata"].get("usage", {})
                end["latency"] = event["metadata"].get("metrics", {}).get("latencyMs")
        put({"end": end})
    except ApiRefusal as refusal:
        put({"refused": str(refusal), "report": refusal.report})
    finally:
        close = getattr(events, "close", None)
        if close is not None:
            close()
        put(None)


def _line(**piece: Any) -> str:
    return json.dumps(piece, ensure_ascii=False) + "\n"


async def _learned(api: Api, model_arn: str | None) -> tuple[dict[str, Any] | None, LearnedFrom]:
    """A custom model, and what the beginning of its training data says; nothing of data that is gone."""
    if model_arn is None:
        return None, LearnedFrom()
    model = await api.ask("bedrock", "GetCustomModel", modelIdentifier=model_arn)
    uri: str = model.get("trainingDataConfig", {}).get("s3Uri", "")
    bucket, _, key = uri.removeprefix(_S3).partition("/")
    if not uri.startswith(_S3) or not key:
        return model, LearnedFrom()
    try:
        return model, learned_from(await api.beginning_of(bucket, key, size_bytes=LONGEST_PREVIEW))
    except ApiRefusal:
        return model, LearnedFrom()
