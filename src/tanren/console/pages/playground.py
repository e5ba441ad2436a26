"""The playground: a chat with any model, its base beside it, a system prompt, documents; judged answers become data."""

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from starlette.datastructures import FormData, UploadFile
from starlette.responses import JSONResponse, Response, StreamingResponse

from tanren.console.api import Api, ApiRefusal
from tanren.console.data_files import bucket_and_key, document_format
from tanren.console.playground_turns import (
    LONGEST_PREVIEW,
    MOST_DOCUMENTS,
    LearnedFrom,
    UnreadableQuestion,
    document_name,
    learned_from,
    read_question,
)
from tanren.console.training_rows import UnreadableRows, jsonl, read_rows, row_shape
from tanren.console.visits import Visit, texts
from tanren.domain.arns import CUSTOM_MODEL, CUSTOM_MODEL_DEPLOYMENT, PROVISIONED_MODEL, parse_arn
from tanren.domain.clock import utc_now
from tanren.domain.documents import DocumentFormat, EnclosedDocument

PATH: Final = "/console/playground"
_LISTED: Final = 100


async def show_playground(visit: Visit) -> Response:
    """Models by category, as AWS's console has them; the one in the URL is chosen, with what it learned from.

    A custom model may be named by its own name or ARN: whatever serves it answers.
    """
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
    unserved = None
    if chosen and taught_by is None and _may_be_custom(chosen):
        model = await visit.api.ask("bedrock", "GetCustomModel", modelIdentifier=chosen)
        serving = next((row["id"] for row in custom if row["model"] == model["modelArn"]), None)
        if serving is not None:
            return visit.go(PATH, model=serving)
        chosen, unserved = "", model
    is_gone = _is_provisioned(chosen) and taught_by is None
    model, learned = await _learned(visit.api, taught_by)
    uri = (model or {}).get("trainingDataConfig", {}).get("s3Uri", "")
    return visit.page(
        "playground.html",
        title=visit.words.text("Chat"),
        foundation=foundation.get("modelSummaries", []),
        custom=custom,
        chosen="" if is_gone else chosen,
        unserved=unserved,
        is_gone=is_gone,
        model=model,
        base=None if model is None else model["baseModelArn"],
        learned=learned,
        few_shot=[turn for each in learned.examples for turn in (each.prompt, each.completion)],
        rows_folder=uri.rpartition("/")[0] + "/judged/" if uri else "",
        document_suffixes=",".join(f".{each}" for each in DocumentFormat),
    )


def _may_be_custom(model: str) -> bool:
    """A custom model's ARN, or its name, which has no point and no colon as every foundation model's id has."""
    arn = parse_arn(model)
    return arn.kind == CUSTOM_MODEL if arn is not None else "." not in model and ":" not in model


def _is_provisioned(model: str) -> bool:
    arn = parse_arn(model)
    return arn is not None and arn.kind in (PROVISIONED_MODEL, CUSTOM_MODEL_DEPLOYMENT)


async def answer_question(visit: Visit) -> Response:
    """The answer of one column as it is made: lines of JSON, `text` pieces and at last `end` or `refused`."""
    try:
        # Closed at once: a file that came with it may lie on the disk.
        async with visit.request.form() as form:
            request = read_question(texts(form), await _documents(form))
    except UnreadableQuestion as error:
        return Response(f"The field {error} is not what the page sends.", status_code=400, media_type="text/plain")
    except UnreadableDocument as error:
        message = visit.words.text(
            "{name} cannot be sent: at most {count} documents of {formats}.",
            name=str(error),
            count=MOST_DOCUMENTS,
            formats=", ".join(DocumentFormat),
        )
        return Response(message, status_code=400, media_type="text/plain")
    return StreamingResponse(_answer(visit.api, request.operation, request.params), media_type="application/x-ndjson")


class UnreadableDocument(ValueError):
    """`str(error)` is the name of a file that is no document."""


async def _documents(form: FormData) -> list[EnclosedDocument]:
    found: list[EnclosedDocument] = []
    for file in form.getlist("documents"):
        if not isinstance(file, UploadFile) or not file.filename:
            continue
        kind = document_format(file.filename)
        if kind is None or len(found) == MOST_DOCUMENTS:
            raise UnreadableDocument(file.filename)
        found.append(EnclosedDocument(name=document_name(file.filename), format=kind, content=await file.read()))
    names = [each.name for each in found]
    # Converse refuses two of one name.
    return [
        replace(each, name=f"{each.name} {index}") if names.count(each.name) > 1 else each
        for index, each in enumerate(found, 1)
    ]


async def save_rows(visit: Visit) -> Response:
    """What was judged, as rows of training data: a new object in S3, or a file for the browser to keep."""
    given = texts(await visit.request.form())
    try:
        rows = read_rows(given.get("rows", ""))
    except UnreadableRows:
        return JSONResponse({"refused": visit.words.text("There is no row to save.")}, status_code=400)
    content = jsonl(rows, row_shape(rows, given.get("shape", "")))
    if given.get("download") == "on":
        return Response(content, media_type="application/jsonl")
    place = bucket_and_key(given.get("folder", "").rstrip("/") + "/")
    if place is None or not rows:
        message = visit.words.text("Give a folder in S3, such as s3://bucket/judged/, and at least one row.")
        return JSONResponse({"refused": message}, status_code=400)
    bucket, folder = place
    # A new object each time: two tabs that add to one would lose each other's rows.
    key = f"{folder}rows-{utc_now():%Y%m%d-%H%M%S}.jsonl"
    try:
        await visit.api.ask("s3", "PutObject", Bucket=bucket, Key=key, Body=content, ContentType="application/jsonl")
    except ApiRefusal as refusal:
        return JSONResponse({"refused": str(refusal)}, status_code=400)
    page = f"/console/data/{quote(bucket)}/object?key={quote(key)}"
    return JSONResponse({"uri": f"s3://{bucket}/{key}", "page": page})


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
    place = bucket_and_key(model.get("trainingDataConfig", {}).get("s3Uri", ""))
    if place is None:
        return model, LearnedFrom()
    try:
        return model, learned_from(await api.beginning_of(*place, size_bytes=LONGEST_PREVIEW))
    except ApiRefusal:
        return model, LearnedFrom()
