"""Which objects in S3 are data, which are documents, and those that a user can see."""

import asyncio
import re
from typing import Final

from tanren.console.api import Api, ApiRefusal
from tanren.domain.documents import DocumentFormat

DATA_SUFFIXES: Final = (".jsonl", ".json", ".csv", ".parquet", ".txt", ".gz")
_KEY_OF_JOBS: Final = re.compile(r"[-!_*'().a-z0-9A-Z]+(/[-!_*'().a-z0-9A-Z]+)*")
"""S3 has no such rule; jobs take their files by S3Uri, and the service model writes it so."""
_LISTED_BUCKETS: Final = 10
_LISTED_OBJECTS: Final = 200
_OTHER_SUFFIXES: Final = {"htm": "html", "markdown": "md"}
_S3: Final = "s3://"


def is_data(key: str) -> bool:
    """Whether it may be training data, by its name."""
    return key.lower().endswith(DATA_SUFFIXES)


def can_be_named_by_a_job(key: str) -> bool:
    return _KEY_OF_JOBS.fullmatch(key) is not None


def document_format(key: str) -> DocumentFormat | None:
    """None for a name of no kind that a model or the reader of documents takes."""
    suffix = key.rpartition(".")[2].lower()
    try:
        return DocumentFormat(_OTHER_SUFFIXES.get(suffix, suffix))
    except ValueError:
        return None


def bucket_and_key(uri: str) -> tuple[str, str] | None:
    """None where it is no S3 URI of an object."""
    bucket, _, key = uri.removeprefix(_S3).partition("/")
    return (bucket, key) if uri.startswith(_S3) and bucket and key else None


async def known_uris(api: Api) -> list[str]:
    """S3 URIs of data files that this user can see, for fields to suggest; none where they may list nothing."""
    try:
        buckets = [bucket["Name"] for bucket in (await api.ask("s3", "ListBuckets")).get("Buckets", [])]
    except ApiRefusal:
        return []
    answers = await asyncio.gather(
        *(api.ask("s3", "ListObjectsV2", Bucket=name, MaxKeys=_LISTED_OBJECTS) for name in buckets[:_LISTED_BUCKETS]),
        return_exceptions=True,
    )
    uris: list[str] = []
    for name, answer in zip(buckets, answers, strict=False):
        if isinstance(answer, ApiRefusal):
            continue
        if isinstance(answer, BaseException):
            raise answer
        uris += [f"{_S3}{name}/{found['Key']}" for found in answer.get("Contents", []) if is_data(found["Key"])]
    return uris
