"""Data: buckets and their objects, files on their way into them, and what is found in one before it trains.

A file goes from the browser to S3 by a URL that is signed for this one object; it does not pass through the console.
"""

import asyncio
import time
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import JSONResponse, Response

from tanren.console.api import Api, ApiRefusal
from tanren.console.data_advice import advice_on
from tanren.console.data_files import can_be_named_by_a_job, document_format, is_data, known_uris
from tanren.console.data_preview import PREVIEW_BYTES, customization_of, preview_of
from tanren.console.job_form import TYPES
from tanren.console.token_histogram import token_histogram
from tanren.console.visits import Visit, next_page, texts

PAGE_SIZE: Final = 50
UPLOAD_SECONDS: Final = 900
RECORDS_SHOWN: Final = 3
"""At a time, token by token."""
TURN_SECONDS: Final = 20.0
"""For so long an examination waits for those before it."""
ASK_AGAIN_SECONDS: Final = 0.3
_CHECKED_FOR: Final = "tanren.nano-v1:0"


async def list_buckets(visit: Visit) -> Response:
    answer = await visit.api.ask("s3", "ListBuckets")
    return visit.page("buckets.html", title=visit.words.text("Buckets"), buckets=answer.get("Buckets", []))


async def make_bucket(visit: Visit) -> Response:
    name = texts(await visit.request.form()).get("name", "")
    region = visit.user.credentials.region
    # AWS: us-east-1 is where a bucket is made without a place, and may not be named as one.
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    await visit.api.ask("s3", "CreateBucket", Bucket=name, **place)
    return visit.go(f"/console/data/{quote(name)}")


async def list_objects(visit: Visit) -> Response:
    """One level of a bucket: its folders, and a page of its objects."""
    bucket, prefix = visit.request.path_params["bucket"], visit.request.query_params.get("prefix", "")
    paging = {"MaxKeys": PAGE_SIZE, "Prefix": prefix, "Delimiter": "/"}
    if token := visit.request.query_params.get("page"):
        paging["ContinuationToken"] = token
    answer = await visit.api.ask("s3", "ListObjectsV2", Bucket=bucket, **paging)
    return visit.page(
        "objects.html",
        title=bucket,
        bucket=bucket,
        prefix=prefix,
        folders=[each["Prefix"] for each in answer.get("CommonPrefixes", [])],
        objects=[each for each in answer.get("Contents", []) if each["Key"] != prefix],
        following=next_page(visit.request, answer.get("NextContinuationToken")),
    )


async def permit_upload(visit: Visit) -> Response:
    """A URL by which the browser may put one object there, for a quarter of an hour."""
    bucket = visit.request.path_params["bucket"]
    given = texts(await visit.request.form())
    # What a browser calls a file is a name, and never a path: only its last part is used.
    name = given.get("name", "").replace("\\", "/").rpartition("/")[2]
    if not name:
        return JSONResponse({"refused": visit.words.text("The file has no name.")}, status_code=400)
    folder = "".join(f"{part}/" for part in given.get("prefix", "").split("/") if part)
    key = folder + name
    url = await visit.api.presigned("PutObject", seconds=UPLOAD_SECONDS, Bucket=bucket, Key=key)
    place = f"/console/data/{quote(bucket)}"
    return JSONResponse(
        {"url": url, "page": f"{place}/object?key={quote(key)}", "list": f"{place}?prefix={quote(folder)}"}
    )


async def show_object(visit: Visit) -> Response:
    """The first rows of an object, as text whatever they hold; data are examined as soon as the page is there."""
    bucket, key = visit.request.path_params["bucket"], visit.request.query_params.get("key", "")
    (head, beginning), models, uris = await asyncio.gather(
        _head_and_beginning(visit.api, bucket, key),
        _models(visit.api),
        known_uris(visit.api),
    )
    size: int = head["ContentLength"]
    uri = f"s3://{bucket}/{key}"
    preview = preview_of(beginning, is_whole=size <= PREVIEW_BYTES)
    return visit.page(
        "object.html",
        title=key.rpartition("/")[2] or key,
        bucket=bucket,
        key=key,
        uri=uri,
        size=size,
        changed_at=head.get("LastModified"),
        preview=preview,
        kinds=TYPES,
        customization=customization_of(preview),
        is_data=is_data(key),
        is_document=document_format(key) is not None,
        models=models,
        chosen=_CHECKED_FOR,
        uris=[other for other in uris if other != uri],
        validation_uri=_validation_beside(uri, uris),
    )


async def _head_and_beginning(api: Api, bucket: str, key: str) -> tuple[dict[str, Any], bytes]:
    head = await api.ask("s3", "HeadObject", Bucket=bucket, Key=key)
    # S3 has no part of an object that is empty.
    beginning = await api.beginning_of(bucket, key, size_bytes=PREVIEW_BYTES) if head["ContentLength"] else b""
    return head, beginning


async def _models(api: Api) -> list[dict[str, Any]]:
    """None for a user who may not list them: the rows are theirs to see all the same."""
    try:
        answer = await api.ask("bedrock", "ListFoundationModels", byCustomizationType="FINE_TUNING")
    except ApiRefusal:
        return []
    return answer.get("modelSummaries", [])


def _validation_beside(uri: str, uris: list[str]) -> str:
    """A file in the same folder that is called validation; nothing where there is none, or where it is this one."""
    folder, _, name = uri.rpartition("/")
    if "valid" in name:
        return ""
    found = (other for other in uris if other.rpartition("/")[0] == folder and "valid" in other.rpartition("/")[2])
    return next(found, "")


async def examine_object(visit: Visit) -> Response:
    """What the trainer's own validator says of every row, and what the file would teach one base model."""
    bucket = visit.request.path_params["bucket"]
    given = texts(await visit.request.form())
    wanted = given.get("first_record", "")
    first = int(wanted) if wanted.isascii() and wanted.isdigit() else 0
    if not can_be_named_by_a_job(key := given.get("key", "")):
        return visit.fragment("data_name_refused.html")
    request: dict[str, Any] = {
        "baseModelIdentifier": given.get("base_model", ""),
        "customizationType": given.get("customization_type") or "FINE_TUNING",
        "trainingDataConfig": {"s3Uri": f"s3://{bucket}/{key}"},
    }
    if validation_uri := given.get("validation_uri"):
        request["validationDataConfig"] = {"validators": [{"s3Uri": validation_uri}]}
    report, refusal = None, None
    try:
        report = await _examined(visit, {**request, "firstRecord": first, "recordCount": RECORDS_SHOWN})
    except ApiRefusal as told:
        refusal = told
    tokens = (report or {}).get("tokens") or {}
    return visit.fragment(
        "data_check.html",
        bucket=bucket,
        refusal=refusal,
        report=report,
        tokens=tokens,
        bars=token_histogram(tokens.get("histogram", [])),
        advice_on=advice_on,
        earlier=max(0, first - RECORDS_SHOWN) if first else None,
        later=first + RECORDS_SHOWN if report and first + RECORDS_SHOWN < report["examinedRecordCount"] else None,
    )


async def _examined(visit: Visit, request: dict[str, Any]) -> dict[str, Any]:
    """Waits for its turn, as an account has one examination at a time, unless the browser has gone on meanwhile."""
    deadline = time.monotonic() + TURN_SECONDS
    while True:
        try:
            return await visit.api.ask("tanren", "ExamineTrainingData", **request)
        except ApiRefusal as refusal:
            has_no_turn = refusal.code == "ThrottlingException" and time.monotonic() < deadline
            if not has_no_turn or await visit.request.is_disconnected():
                raise
        await asyncio.sleep(ASK_AGAIN_SECONDS)
