"""What lies in S3, as a part of a dialog: buckets, folders, files, and the first rows of the one that may be taken."""

from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from tanren.console.api import ApiRefusal
from tanren.console.data_files import is_data
from tanren.console.data_preview import PREVIEW_BYTES, Preview, preview_of
from tanren.console.visits import Visit

PATH: Final = "/console/pick-file"
_MOST_LISTED: Final = 200
_NOTHING: Final = Preview(rows=(), is_text=True)


async def pick_file(visit: Visit) -> Response:
    """`wanted` in the query: `data`, a file that can be trained on, or `folder`, a place for results."""
    query = visit.request.query_params
    wanted = "folder" if query.get("wanted") == "folder" else "data"
    bucket, prefix, key = query.get("bucket", ""), query.get("prefix", ""), query.get("key", "")
    link = partial(_link, wanted)
    values: dict[str, Any] = {"folders": [], "objects": [], "further": False, "size": 0, "preview": _NOTHING}
    refusal = None
    try:
        if key:
            values |= await _file(visit, bucket, key)
        elif bucket:
            values |= await _folder(visit, bucket, prefix, wanted)
        else:
            buckets = (await visit.api.ask("s3", "ListBuckets")).get("Buckets", [])
            values["folders"] = [(each["Name"], link(bucket=each["Name"])) for each in buckets]
    except ApiRefusal as told:
        refusal = told
    return visit.fragment(
        "picked_files.html",
        wanted=wanted,
        bucket=bucket,
        prefix=prefix,
        key=key,
        trail=_trail(wanted, bucket, key.rpartition("/")[0] + "/" if "/" in key else prefix),
        link=link,
        most=_MOST_LISTED,
        refusal=refusal,
        **values,
    )


async def _file(visit: Visit, bucket: str, key: str) -> dict[str, Any]:
    size: int = (await visit.api.ask("s3", "HeadObject", Bucket=bucket, Key=key))["ContentLength"]
    beginning = await visit.api.beginning_of(bucket, key, size_bytes=PREVIEW_BYTES) if size else b""
    return {"size": size, "preview": preview_of(beginning, is_whole=size <= PREVIEW_BYTES)}


async def _folder(visit: Visit, bucket: str, prefix: str, wanted: str) -> dict[str, Any]:
    """One level of a bucket. Where a folder is wanted, no file is shown."""
    answer = await visit.api.ask(
        "s3", "ListObjectsV2", Bucket=bucket, Prefix=prefix, Delimiter="/", MaxKeys=_MOST_LISTED
    )
    link = partial(_link, wanted, bucket=bucket)
    folders = [each["Prefix"] for each in answer.get("CommonPrefixes", [])]
    files = [each for each in answer.get("Contents", []) if wanted == "data" and is_data(each["Key"])]
    return {
        "folders": [(folder.removeprefix(prefix), link(prefix=folder)) for folder in folders],
        "objects": [(each["Key"].removeprefix(prefix), link(key=each["Key"]), each["Size"]) for each in files],
        "further": bool(answer.get("IsTruncated")),
    }


def _trail(wanted: str, bucket: str, prefix: str) -> list[tuple[str, str]]:
    """The folders that lead to where one is, each with its link."""
    if not bucket:
        return []
    trail = [(bucket, _link(wanted, bucket=bucket))]
    path = ""
    for part in prefix.split("/")[:-1]:
        path += f"{part}/"
        trail.append((part, _link(wanted, bucket=bucket, prefix=path)))
    return trail


def _link(wanted: str, **place: str) -> str:
    return f"{PATH}?{urlencode({'wanted': wanted, **place})}"
