"""Objects in S3, wherever that is: the embedded neighbour, another S3, or AWS. The only S3 client of the service.

Errors name bucket, key and what to do, as `failureMessage` gives them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tanren.domain.errors import JobFailed, ServiceUnavailable

_CHUNK_BYTES = 1 << 20
_MISSING_KEY = {"NoSuchKey", "404", "NotFound"}
_MISSING_BUCKET = {"NoSuchBucket"}
_COME_BACK = {"SlowDown", "RequestTimeout", "Throttling", "ThrottlingException", "RequestTimeTooSkewed", "ExpiredToken"}
_DENIED = {"AccessDenied", "403", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStoreAddress:
    endpoint_url: str | None
    """None: AWS itself."""
    region: str
    access_key: str | None
    """None: boto3's own chain of credentials."""
    secret_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Location:
    bucket: str
    key: str

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def parse_s3_uri(uri: str) -> S3Location:
    parts = urlsplit(uri)
    return S3Location(bucket=parts.netloc, key=uri.removeprefix(f"s3://{parts.netloc}").removeprefix("/"))


def child_of(uri: str, relative_key: str) -> S3Location:
    """A key below an output location, whether or not that ends in a slash."""
    base = parse_s3_uri(uri)
    prefix = base.key if not base.key or base.key.endswith("/") else base.key + "/"
    return S3Location(bucket=base.bucket, key=prefix + relative_key)


class ObjectStore:
    def __init__(self, address: ObjectStoreAddress) -> None:
        self._client: Any = boto3.client(  # pyright: ignore[reportUnknownMemberType]
            "s3",
            endpoint_url=address.endpoint_url,
            region_name=address.region,
            aws_access_key_id=address.access_key,
            aws_secret_access_key=address.secret_key,
            config=Config(
                retries={"max_attempts": 5, "mode": "standard"},
                s3={"addressing_style": "path"} if address.endpoint_url else {},
                connect_timeout=5,
                read_timeout=60,
            ),
        )

    def chunks(self, location: S3Location) -> Iterator[bytes]:
        """The object's content in pieces. Raises JobFailed where it cannot be read, ServiceUnavailable in an outage."""
        try:
            yield from self._client.get_object(Bucket=location.bucket, Key=location.key)["Body"].iter_chunks(
                _CHUNK_BYTES
            )
        except (ClientError, BotoCoreError) as error:
            raise _explained(error, "GetObject", location) from error

    def put(self, location: S3Location, content: bytes, *, content_type: str) -> None:
        try:
            self._client.put_object(Bucket=location.bucket, Key=location.key, Body=content, ContentType=content_type)
        except (ClientError, BotoCoreError) as error:
            raise _explained(error, "PutObject", location) from error

    def put_file(self, location: S3Location, path: Path, *, content_type: str) -> None:
        """As `put`, from a file, which is read in pieces."""
        try:
            with path.open("rb") as body:
                self._client.put_object(Bucket=location.bucket, Key=location.key, Body=body, ContentType=content_type)
        except (ClientError, BotoCoreError) as error:
            raise _explained(error, "PutObject", location) from error

    def below(self, folder: S3Location) -> Iterator[S3Location]:
        """Every object whose key begins with the folder's, in the order of keys. Raises as `chunks`."""
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=folder.bucket, Prefix=folder.key)
            for page in pages:
                for found in page.get("Contents", ()):
                    yield S3Location(bucket=folder.bucket, key=found["Key"])
        except (ClientError, BotoCoreError) as error:
            raise _explained(error, "ListObjectsV2", folder) from error

    def delete(self, location: S3Location) -> None:
        try:
            self._client.delete_object(Bucket=location.bucket, Key=location.key)
        except (ClientError, BotoCoreError) as error:
            raise _explained(error, "DeleteObject", location) from error


def _explained(error: ClientError | BotoCoreError, action: str, location: S3Location) -> JobFailed | ServiceUnavailable:
    """What AWS says first (the fact sheet §1.3), then what is wrong and how to put it right."""
    if not isinstance(error, ClientError):
        return ServiceUnavailable(f"S3 did not answer for {location.uri}: {error}")
    code = str(error.response.get("Error", {}).get("Code", ""))
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500 or code in _COME_BACK:
        return ServiceUnavailable(f"S3 answered {code} for {location.uri}; the same request may succeed later.")
    first = (
        f"Could not validate {action} permissions to access Amazon S3 bucket: {location.bucket} at key {location.key}"
        if action in ("GetObject", "ListObjectsV2")
        else f"Amazon S3 perms missing ({action}): Could not validate {action} permissions to access S3 bucket: "
        f"{location.bucket} at key {location.key}"
    )
    if code in _MISSING_BUCKET:
        return JobFailed(f"{first}. The bucket does not exist; create it: aws s3 mb s3://{location.bucket}")
    if code in _MISSING_KEY:
        return JobFailed(f"{first}. There is no such object; upload it: aws s3 cp FILE {location.uri}")
    if code in _DENIED:
        return JobFailed(f"{first}. Access is denied ({code}); the role needs s3:{action} on it.")
    return JobFailed(f"{first}. S3 answered {code}: {error}")
