"""From a document to training data: a model asks and answers, a person corrects, the rows go to S3."""

import asyncio
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import JSONResponse, Response, StreamingResponse

from tanren.console.api import ApiRefusal
from tanren.console.data_files import document_format
from tanren.console.document_pairs import LARGEST_DOCUMENT, MOST_PAIRS, PairsWanted, pair_lines
from tanren.console.training_rows import UnreadableRows, jsonl, read_rows, row_shape, split_rows
from tanren.console.visits import Visit, texts
from tanren.domain.documents import DocumentFormat

_LISTED: Final = 100
_SMALL: Final = "tanren.nano"
"""A model whose answers have to be sentences of the document."""


async def show_wizard(visit: Visit) -> Response:
    bucket, key = visit.request.path_params["bucket"], visit.request.query_params.get("key", "")
    head, foundation, throughputs = await asyncio.gather(
        visit.api.ask("s3", "HeadObject", Bucket=bucket, Key=key),
        visit.api.ask("bedrock", "ListFoundationModels", byOutputModality="TEXT"),
        visit.api.ask("bedrock", "ListProvisionedModelThroughputs", maxResults=_LISTED, statusEquals="InService"),
    )
    stem = key.rpartition("/")[2].rpartition(".")[0]
    return visit.page(
        "document_pairs.html",
        title=visit.words.text("Pairs from {name}", name=key.rpartition("/")[2]),
        bucket=bucket,
        key=key,
        size=head["ContentLength"],
        is_document=document_format(key) is not None,
        formats=", ".join(DocumentFormat),
        is_too_large=head["ContentLength"] > LARGEST_DOCUMENT,
        largest=LARGEST_DOCUMENT,
        foundation=foundation.get("modelSummaries", []),
        custom=throughputs.get("provisionedModelSummaries", []),
        small=_SMALL,
        most_pairs=MOST_PAIRS,
        target=key.rpartition("/")[0] + ("/" if "/" in key else "") + f"{stem}-pairs/",
    )


async def make_pairs(visit: Visit) -> Response:
    """The pairs as they are made: lines of JSON."""
    bucket = visit.request.path_params["bucket"]
    given = texts(await visit.request.form())
    kind = document_format(given.get("key", ""))
    count = given.get("count", "")
    if kind is None or not given.get("model") or not (count.isascii() and count.isdigit() and len(count) < 4):
        return Response("A field is not what the page sends.", status_code=400, media_type="text/plain")
    wanted = PairsWanted(
        model_id=given["model"],
        order=given.get("order") or visit.words.text("Write questions about this document, with their answers."),
        count=min(max(1, int(count)), MOST_PAIRS),
        is_extractive=given.get("extractive") == "on",
    )
    try:
        content = await visit.api.beginning_of(bucket, given["key"], size_bytes=LARGEST_DOCUMENT)
    except ApiRefusal as refusal:
        return Response(str(refusal), status_code=400, media_type="text/plain")
    return StreamingResponse(pair_lines(visit.api, content, kind, wanted), media_type="application/x-ndjson")


async def save_pairs(visit: Visit) -> Response:
    """The pairs, as they stand in the page, into training data and, where wanted, validation data."""
    bucket = visit.request.path_params["bucket"]
    given = texts(await visit.request.form())
    try:
        rows = read_rows(given.get("rows", ""))
    except UnreadableRows:
        rows = ()
    if not rows:
        return JSONResponse({"refused": visit.words.text("There is no row to save.")}, status_code=400)
    held_out = given.get("held_out", "0")
    training, validation = split_rows(rows, percent=int(held_out) if held_out.isascii() and held_out.isdigit() else 0)
    shape = row_shape(rows, given.get("shape", ""))
    folder = given.get("target", "").strip("/")
    prefix = f"{folder}/" if folder else ""
    files = {f"{prefix}train.jsonl": training} | ({f"{prefix}validation.jsonl": validation} if validation else {})
    try:
        for key, part in files.items():
            body: Any = jsonl(part, shape)
            await visit.api.ask("s3", "PutObject", Bucket=bucket, Key=key, Body=body, ContentType="application/jsonl")
    except ApiRefusal as refusal:
        return JSONResponse({"refused": str(refusal)}, status_code=400)
    return JSONResponse({"page": f"/console/data/{quote(bucket)}/object?key={quote(prefix)}train.jsonl"})
