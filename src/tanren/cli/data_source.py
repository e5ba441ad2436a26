"""Where `tanren data` finds a file: on this machine, or in S3, as the shell or a data directory's server reaches it."""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from tanren.cli.endpoint import open_endpoint, refusals
from tanren.data.containers import pieces_of
from tanren.domain.errors import ResourceNotFound, ValidationFailed

if TYPE_CHECKING:
    from tanren.storage.objects import S3Location

_CHUNK_BYTES: Final = 1 << 20
_MISSING: Final = {"NoSuchKey", "NoSuchBucket", "404", "NotFound"}


def is_s3(name: str) -> bool:
    return name.startswith("s3://")


def location_of(uri: str) -> "S3Location":
    """Raises   ValidationFailed where the URI names no object."""
    # Imported here: it comes with boto3.
    from tanren.storage.objects import parse_s3_uri

    location = parse_s3_uri(uri)
    if not location.bucket or not location.key:
        raise ValidationFailed(f"'{uri}' names no object; write s3://BUCKET/KEY.")
    return location


def pieces_from(name: str, endpoint_url: str | None, data_dir: Path | None) -> Iterator[bytes]:
    """The file's bytes. Raises ResourceNotFound at once where there is no such file."""
    if is_s3(name):
        return _object_pieces(location_of(name), endpoint_url, data_dir)
    path = local_file(name)
    return pieces_of(path)


def local_file(name: str) -> Path:
    """Raises   ResourceNotFound where there is no such file."""
    path = Path(name)
    if path.is_dir():
        raise ValidationFailed(f"{name} is a folder; name a file of it.")
    if not path.exists():
        raise ResourceNotFound(f"There is no file {name}. An object in S3 is named s3://BUCKET/KEY.")
    return path


@contextmanager
def new_file(target: Path) -> Generator[BinaryIO]:
    """A file to write, which takes its name only when the block ends well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = target.with_name(f".{target.name}.{os.getpid()}.writing")
    try:
        with staging.open("wb") as writer:
            yield writer
        staging.replace(target)
    finally:
        staging.unlink(missing_ok=True)


def upload(
    path: Path,
    location: "S3Location",
    endpoint_url: str | None,
    data_dir: Path | None,
    *,
    on_bytes: Callable[[int], None],
) -> str:
    """The endpoint that has the object now; `on_bytes` is told how many more were sent, by several threads."""
    from boto3.exceptions import S3UploadFailedError

    client, url = client_of("s3", endpoint_url, data_dir)
    with refusals():
        try:
            client.upload_file(str(path), location.bucket, location.key, Callback=on_bytes)
        except S3UploadFailedError as error:
            raise ResourceNotFound(f"{error}. Does the bucket exist? aws s3 mb s3://{location.bucket}") from error
    return url


def _object_pieces(location: "S3Location", endpoint_url: str | None, data_dir: Path | None) -> Iterator[bytes]:
    from botocore.exceptions import ClientError

    client, url = client_of("s3", endpoint_url, data_dir)
    with refusals():
        try:
            body = client.get_object(Bucket=location.bucket, Key=location.key)["Body"]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _MISSING:
                raise ResourceNotFound(f"There is no {location.uri} at {url}.") from error
            raise
        yield from body.iter_chunks(_CHUNK_BYTES)


def client_of(service: str, endpoint_url: str | None, data_dir: Path | None) -> tuple[Any, str]:
    """A client of the service where `open_endpoint` finds Bedrock, and its URL: one port serves all.

    `service` may be `tanren`, whose model comes with us.
    """
    client = open_endpoint(endpoint_url, data_dir).client(service)
    return client, client.meta.endpoint_url
