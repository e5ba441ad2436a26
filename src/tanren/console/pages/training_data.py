"""Data: buckets and their objects, files on their way into them, and what is found in one before it trains.

A file goes from the browser to S3 by a URL that is signed for this one object; it does not pass through the console.
"""

from typing import Final
from urllib.parse import quote

from starlette.responses import JSONResponse, Response

from tanren.console.api import ApiRefusal
from tanren.console.data_preview import PREVIEW_BYTES, preview_of
from tanren.console.visits import Visit, next_page, texts

PAGE_SIZE: Final = 50
UPLOAD_SECONDS: Final = 900
_CHECKED_FOR: Final = "tanren.nano-v1:0"


async def list_buckets(visit: Visit) -> Response:
    answer = await visit.api.ask("s3", "ListBuckets")
    return visit.page("buckets.html", title=visit.words.text("Buckets"), buckets=answer.get("Buckets", []))


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
    key = given.get("prefix", "") + name
    url = await visit.api.presigned("PutObject", seconds=UPLOAD_SECONDS, Bucket=bucket, Key=key)
    return JSONResponse({"url": url, "page": f"/console/data/{quote(bucket)}/object?key={quote(key)}"})


async def show_object(visit: Visit) -> Response:
    """The first rows of an object, as text whatever they hold, and where to go with it."""
    bucket, key = visit.request.path_params["bucket"], visit.request.query_params.get("key", "")
    head = await visit.api.ask("s3", "HeadObject", Bucket=bucket, Key=key)
    size: int = head["ContentLength"]
    beginning = b""
    if size:
        beginning = await visit.api.beginning_of(bucket, key, size_bytes=PREVIEW_BYTES)
    models = await visit.api.ask("bedrock", "ListFoundationModels", byCustomizationType="FINE_TUNING")
    return visit.page(
        "object.html",
        title=key.rpartition("/")[2] or key,
        bucket=bucket,
        key=key,
        uri=f"s3://{bucket}/{key}",
        size=size,
        changed_at=head.get("LastModified"),
        preview=preview_of(beginning, is_whole=size <= PREVIEW_BYTES),
        models=models.get("modelSummaries", []),
        chosen=_CHECKED_FOR,
    )


async def check_object(visit: Visit) -> Response:
    """What the trainer's own validator says of every row, for one base model."""
    bucket = visit.request.path_params["bucket"]
    given = texts(await visit.request.form())
    request = {
        "baseModelIdentifier": given.get("base_model", ""),
        "customizationType": given.get("customization_type") or "FINE_TUNING",
        "trainingDataConfig": {"s3Uri": f"s3://{bucket}/{given.get('key', '')}"},
    }
    report, estimate, refusal = None, None, None
    try:
        report = await visit.api.ask("tanren", "ValidateTrainingData", **request)
        estimate = await visit.api.ask("tanren", "EstimateCustomizationJob", **request)
    except ApiRefusal as told:
        refusal = told
    return visit.fragment("data_check.html", refusal=refusal, report=report, estimate=estimate)
