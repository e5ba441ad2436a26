"""Which S3 operation a request is, read off its method, path and query, as CloudTrail names it.

Why    S3 tells its operations apart by query parameters (`?acl`, `?uploadId=`), and its model in botocore takes longer
       to load than the whole gateway. Only for names: what is forwarded is not touched.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

_VERBS: Final = {"GET": "Get", "PUT": "Put", "DELETE": "Delete", "HEAD": "Head", "POST": "Post"}
_OF_BUCKETS: Final = {
    "accelerate": "BucketAccelerateConfiguration",
    "acl": "BucketAcl",
    "cors": "BucketCors",
    "encryption": "BucketEncryption",
    "lifecycle": "BucketLifecycleConfiguration",
    "location": "BucketLocation",
    "logging": "BucketLogging",
    "notification": "BucketNotificationConfiguration",
    "object-lock": "ObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "policyStatus": "BucketPolicyStatus",
    "publicAccessBlock": "PublicAccessBlock",
    "replication": "BucketReplication",
    "requestPayment": "BucketRequestPayment",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
    "website": "BucketWebsite",
}
_OF_OBJECTS: Final = {
    "acl": "ObjectAcl",
    "attributes": "ObjectAttributes",
    "legal-hold": "ObjectLegalHold",
    "retention": "ObjectRetention",
    "tagging": "ObjectTagging",
    "torrent": "ObjectTorrent",
}
_LISTS_OF_OBJECTS: Final = frozenset({"ListObjects", "ListObjectsV2", "ListObjectVersions", "DeleteObjects"})
_LONGEST_BUCKET: Final = 255
_LONGEST_KEY: Final = 1024
"""S3's own bounds; what is longer is refused there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Call:
    operation: str
    bucket: str
    """Empty where none is named: ListBuckets."""
    key: str
    host: str
    """As the request has it: what bucket and key were read off, with the path."""

    @property
    def is_of_objects(self) -> bool:
        """Whether CloudTrail has it as a data event."""
        return bool(self.key) or self.operation in _LISTS_OF_OBJECTS

    @property
    def parameters(self) -> dict[str, str]:
        named = (("bucketName", self.bucket), ("key", self.key), ("Host", self.host))
        return {name: value for name, value in named if value}

    def resources(self, account_id: str | None) -> tuple[dict[str, str], ...]:
        """The object, then its bucket, which is said to be the caller's: what a bucket is shared for is not seen."""
        bucket = {"type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{self.bucket}"}
        if account_id is not None:
            bucket["accountId"] = account_id
        if not self.bucket:
            return ()
        of_object = {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{self.bucket}/{self.key}"}
        return (of_object, bucket) if self.key else (bucket,)


def s3_call(
    method: str, raw_path: str, raw_query: str, headers: Mapping[str, str], virtual_hosts: tuple[str, ...]
) -> S3Call:
    """`virtual_hosts` are the names below which a bucket may stand in Host."""
    host = headers.get("host", "")
    bucket, key = _bucket_and_key(raw_path, host, virtual_hosts)
    asked = {part.partition("=")[0] for part in raw_query.split("&")}
    # A presigned URL may have its headers in the query.
    copies = "x-amz-copy-source" in headers or any(unquote(name).lower() == "x-amz-copy-source" for name in asked)
    verb = _VERBS.get(method, method.title())
    if key:
        name = _object_operation(method, verb, asked, copies)
    elif bucket:
        name = _bucket_operation(method, verb, asked, "list-type=2" in raw_query.split("&"))
    else:
        name = "ListBuckets"
    return S3Call(operation=name, bucket=bucket[:_LONGEST_BUCKET], key=key[:_LONGEST_KEY], host=host[:_LONGEST_BUCKET])


def _bucket_and_key(raw_path: str, host: str, virtual_hosts: tuple[str, ...]) -> tuple[str, str]:
    path = unquote(raw_path).removeprefix("/")
    name = (host.rpartition(":")[0] or host).lower()
    for virtual in virtual_hosts:
        bucket = name.removesuffix(f".{virtual}").removesuffix(".s3")
        if name.endswith(f".{virtual}") and bucket != "s3":
            return bucket, path
    bucket, _, key = path.partition("/")
    return bucket, key


def _object_operation(method: str, verb: str, asked: set[str], copies: bool) -> str:
    if "uploadId" in asked:
        part = "UploadPartCopy" if copies else "UploadPart"
        named = {"PUT": part, "POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload", "GET": "ListParts"}
        return named.get(method, f"{verb}Object")
    if method == "POST":
        special = {"uploads": "CreateMultipartUpload", "select": "SelectObjectContent", "restore": "RestoreObject"}
        return next((name for parameter, name in special.items() if parameter in asked), "PostObject")
    part_of_it = next((name for parameter, name in _OF_OBJECTS.items() if parameter in asked), None)
    if part_of_it is not None:
        return verb + part_of_it
    return "CopyObject" if copies and method == "PUT" else f"{verb}Object"


def _bucket_operation(method: str, verb: str, asked: set[str], is_second_list: bool) -> str:
    if method == "POST":
        return "DeleteObjects" if "delete" in asked else "PostObject"
    part_of_it = next((name for parameter, name in _OF_BUCKETS.items() if parameter in asked), None)
    if part_of_it is not None:
        return verb + part_of_it
    if method == "GET":
        if "versions" in asked:
            return "ListObjectVersions"
        if "uploads" in asked:
            return "ListMultipartUploads"
        return "ListObjectsV2" if is_second_list else "ListObjects"
    return "CreateBucket" if method == "PUT" else f"{verb}Bucket"
