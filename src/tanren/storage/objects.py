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
from tanren.domain.sentences import Sentence, joined, sentence

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
    ca_bundle: str | None = None
    """File with the authority that the endpoint's certificate is from; None: those that boto3 trusts anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Location:
    bucket: str
    key: str

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedObject:
    location: S3Location
    size_bytes: int
    etag: str
    """Changes with the content."""


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
            verify=address.ca_bundle,
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

    def listed(self, folder: S3Location) -> Iterator[ListedObject]:
        """The objects directly in a folder, whose key ends in a slash, with what a listing says of each. Raises as
        `chunks`."""
        listing = self._client.get_paginator("list_objects_v2")
        try:
            for page in listing.paginate(Bucket=folder.bucket, Prefix=folder.key, Delimiter="/"):
                for found in page.get("Contents", ()):
                    location = S3Location(bucket=folder.bucket, key=found["Key"])
                    yield ListedObject(location=location, size_bytes=int(found["Size"]), etag=found["ETag"])
        except (ClientError, BotoCoreError) as error:
            raise _explained(error, "ListObjectsV2", folder) from error

    def make_bucket(self, bucket: str) -> None:
        """The account's own bucket is there afterwards, whether it was or not. Raises as `put`."""
        region = self._client.meta.region_name
        # S3 takes every region's name but that of its first.
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        try:
            self._client.create_bucket(Bucket=bucket, **place)
        except self._client.exceptions.BucketAlreadyOwnedByYou:
            return
        except (ClientError, BotoCoreError) as error:
            raise _explained(error, "CreateBucket", S3Location(bucket=bucket, key="")) from error

    def delete(self, location: S3Location) -> None:
        try:
            self._client.delete_object(Bucket=location.bucket, Key=location.key)
        except (ClientError, BotoCoreError) as error:
            raise _explained(error, "DeleteObject", location) from error


def lacking_permission(action: str, location: S3Location) -> Sentence:
    """AWS's sentence for a job that may not do this (the fact sheet §1.3), without the full stop."""
    if action in ("GetObject", "ListBucket", "ListObjectsV2"):
        return sentence(
            "Could not validate {action} permissions to access Amazon S3 bucket: {bucket} at key {key}",
            action=action,
            bucket=location.bucket,
            key=location.key,
        )
    return sentence(
        "Amazon S3 perms missing ({action}): Could not validate {action} permissions to access S3 bucket: {bucket} at "
        "key {key}",
        action=action,
        bucket=location.bucket,
        key=location.key,
    )


def _explained(error: ClientError | BotoCoreError, action: str, location: S3Location) -> JobFailed | ServiceUnavailable:
    """What AWS says first (the fact sheet §1.3), then what is wrong and how to put it right."""
    if not isinstance(error, ClientError):
        return ServiceUnavailable(f"S3 did not answer for {location.uri}: {error}")
    code = str(error.response.get("Error", {}).get("Code", ""))
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500 or code in _COME_BACK:
        return ServiceUnavailable(f"S3 answered {code} for {location.uri}; the same request may succeed later.")
    first = lacking_permission(action, location)
    if code in _MISSING_BUCKET:
        why = sentence(". The bucket does not exist; create it: aws s3 mb s3://{bucket}", bucket=location.bucket)
    elif code in _MISSING_KEY:
        why = sentence(". There is no such object; upload it: aws s3 cp FILE {uri}", uri=location.uri)
    elif code in _DENIED:
        why = sentence(". Access is denied ({code}); the role needs s3:{action} on it.", code=code, action=action)
    else:
        why = sentence(". S3 answered {code}: {error}", code=code, error=error)
    return JobFailed(joined(first, why))
