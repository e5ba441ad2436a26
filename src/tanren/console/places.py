"""Whether the places in S3 that a form names are there: asked before it is sent, since a job would find it out later.

Asked with the user's own keys. What they may not look at is no fault: the role of the job may.
"""

import asyncio
import re
from typing import Final

from tanren.console.api import Api, ApiRefusal
from tanren.console.data_files import bucket_and_key
from tanren.console.languages import Words

_BUCKET: Final = re.compile(r"s3://([^/]+)")


async def faults_of_places(
    api: Api, words: Words, *, files: tuple[str, ...] = (), folders: tuple[str, ...] = ()
) -> list[str]:
    """In the user's language, of those URIs that are written as such; files first, in the order given."""
    faults = await asyncio.gather(
        *(_fault_of_file(api, words, uri) for uri in files), *(_fault_of_folder(api, words, uri) for uri in folders)
    )
    return [fault for fault in faults if fault is not None]


async def _fault_of_file(api: Api, words: Words, uri: str) -> str | None:
    place = bucket_and_key(uri)
    if place is None or not await _is_absent(api, "HeadObject", Bucket=place[0], Key=place[1]):
        return None
    return words.text("{uri} is not there, or you may not know of it. Choose a file of yours.", uri=uri)


async def _fault_of_folder(api: Api, words: Words, uri: str) -> str | None:
    bucket = _BUCKET.match(uri)
    if bucket is None or not await _is_absent(api, "HeadBucket", Bucket=bucket[1]):
        return None
    return words.text(
        "There is no bucket “{bucket}” for the output. Make it under Data, or choose another place.", bucket=bucket[1]
    )


async def _is_absent(api: Api, operation: str, **params: str) -> bool:
    try:
        await api.ask("s3", operation, **params)
    except ApiRefusal as refusal:
        return refusal.is_absence
    return False
