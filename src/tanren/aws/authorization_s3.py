"""Which permissions an S3 request takes: read off method, path, query and headers, as S3 itself does.

    PUT /bucket/key?tagging        s3:PutObjectTagging on arn:aws:s3:::bucket/key
        ╰ level    ╰ sub-resource

How      a table gives the action for each sub-resource (a query key such as `acl`), level and method. A request that
         names several takes the permissions of all, so that nobody's order of looking at them matters. What the table
         does not have takes `s3:*`: only who may do everything may do what is not known. Copies also read their source,
         and a deletion of many objects is one permission an object, which is why its body is read here. A header may
         stand in the query, as presigning puts it there (`?x-amz-acl=…`), and is then judged as the header it means.
Source   https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
         https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree

from tanren.aws.authorization import Asked, tag_keys
from tanren.aws.errors import WireError
from tanren.domain.policies.templates import ContextValue

ANYTHING: Final = "s3:*"
MOST_DELETED_OBJECTS: Final = 1000
"""Of one request, as in S3."""
LARGEST_DELETION_BYTES: Final = 2 * 1024 * 1024
"""Of a request that deletes many objects: S3 takes a thousand keys of at most 1,024 bytes."""

_BUCKETS: Final[Mapping[str, Mapping[str, str]]] = {
    # Sub-resource → method → action; the empty one is the bucket itself.
    "": {"GET": "ListBucket", "HEAD": "ListBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"},
    "versions": {"GET": "ListBucketVersions"},
    "uploads": {"GET": "ListBucketMultipartUploads"},
    "location": {"GET": "GetBucketLocation"},
    "acl": {"GET": "GetBucketAcl", "PUT": "PutBucketAcl"},
    "policy": {"GET": "GetBucketPolicy", "PUT": "PutBucketPolicy", "DELETE": "DeleteBucketPolicy"},
    "policyStatus": {"GET": "GetBucketPolicyStatus"},
    "versioning": {"GET": "GetBucketVersioning", "PUT": "PutBucketVersioning"},
    "tagging": {"GET": "GetBucketTagging", "PUT": "PutBucketTagging", "DELETE": "PutBucketTagging"},
    "cors": {"GET": "GetBucketCORS", "PUT": "PutBucketCORS", "DELETE": "PutBucketCORS"},
    "lifecycle": {
        "GET": "GetLifecycleConfiguration",
        "PUT": "PutLifecycleConfiguration",
        "DELETE": "PutLifecycleConfiguration",
    },
    "encryption": {
        "GET": "GetEncryptionConfiguration",
        "PUT": "PutEncryptionConfiguration",
        "DELETE": "PutEncryptionConfiguration",
    },
    "notification": {"GET": "GetBucketNotification", "PUT": "PutBucketNotification"},
    "logging": {"GET": "GetBucketLogging", "PUT": "PutBucketLogging"},
    "website": {"GET": "GetBucketWebsite", "PUT": "PutBucketWebsite", "DELETE": "DeleteBucketWebsite"},
    "replication": {
        "GET": "GetReplicationConfiguration",
        "PUT": "PutReplicationConfiguration",
        "DELETE": "PutReplicationConfiguration",
    },
    "requestPayment": {"GET": "GetBucketRequestPayment", "PUT": "PutBucketRequestPayment"},
    "accelerate": {"GET": "GetAccelerateConfiguration", "PUT": "PutAccelerateConfiguration"},
    "ownershipControls": {
        "GET": "GetBucketOwnershipControls",
        "PUT": "PutBucketOwnershipControls",
        "DELETE": "PutBucketOwnershipControls",
    },
    "publicAccessBlock": {
        "GET": "GetBucketPublicAccessBlock",
        "PUT": "PutBucketPublicAccessBlock",
        "DELETE": "PutBucketPublicAccessBlock",
    },
    "object-lock": {"GET": "GetBucketObjectLockConfiguration", "PUT": "PutBucketObjectLockConfiguration"},
    "analytics": {
        "GET": "GetAnalyticsConfiguration",
        "PUT": "PutAnalyticsConfiguration",
        "DELETE": "PutAnalyticsConfiguration",
    },
    "inventory": {
        "GET": "GetInventoryConfiguration",
        "PUT": "PutInventoryConfiguration",
        "DELETE": "PutInventoryConfiguration",
    },
    "metrics": {
        "GET": "GetMetricsConfiguration",
        "PUT": "PutMetricsConfiguration",
        "DELETE": "PutMetricsConfiguration",
    },
    "intelligent-tiering": {
        "GET": "GetIntelligentTieringConfiguration",
        "PUT": "PutIntelligentTieringConfiguration",
        "DELETE": "PutIntelligentTieringConfiguration",
    },
}

_OBJECTS: Final[Mapping[str, Mapping[str, str]]] = {
    "": {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject"},
    "versionId": {"GET": "GetObjectVersion", "HEAD": "GetObjectVersion", "DELETE": "DeleteObjectVersion"},
    "uploads": {"POST": "PutObject"},
    "uploadId": {
        "GET": "ListMultipartUploadParts",
        "PUT": "PutObject",
        "POST": "PutObject",
        "DELETE": "AbortMultipartUpload",
    },
    "partNumber": {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject"},
    "acl": {"GET": "GetObjectAcl", "PUT": "PutObjectAcl"},
    "tagging": {"GET": "GetObjectTagging", "PUT": "PutObjectTagging", "DELETE": "DeleteObjectTagging"},
    "attributes": {"GET": "GetObjectAttributes"},
    "retention": {"GET": "GetObjectRetention", "PUT": "PutObjectRetention"},
    "legal-hold": {"GET": "GetObjectLegalHold", "PUT": "PutObjectLegalHold"},
    "restore": {"POST": "RestoreObject"},
    "select": {"POST": "GetObject"},
    "torrent": {"GET": "GetObjectTorrent"},
}

_NOT_ALONE: Final = frozenset({"versionId", "partNumber"})
"""Say which version or part of what another sub-resource, or none, is asked about."""

_OF_NO_MATTER: Final = frozenset(
    {
        *("list-type", "prefix", "delimiter", "max-keys", "marker", "start-after", "continuation-token", "fetch-owner"),
        *("encoding-type", "key-marker", "version-id-marker", "upload-id-marker", "max-uploads", "max-parts"),
        *("part-number-marker", "x-id", "id", "select-type", "max-buckets", "bucket-region", "delete"),
        *("optional-object-attributes", "expected-bucket-owner"),
    }
)
"""Query keys that choose no operation."""
_RESPONSE_OVERRIDE: Final = "response-"
_AMZ: Final = "x-amz-"
_SIGNING: Final = frozenset(
    {
        *("x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders"),
        *("x-amz-signature", "x-amz-security-token", "awsaccesskeyid", "signature", "expires"),
    }
)
"""Query keys, in lower case, that only sign; all others that begin with `x-amz-` mean the header of that name."""

_NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
_OF_DELETED_OBJECT: Final = frozenset({"Key", "VersionId", "ETag", "LastModifiedTime", "Size"})

_HEADER_ACTIONS: Final[Mapping[str, str]] = {
    # A header of PUT that does what has a permission of its own.
    "x-amz-acl": "PutObjectAcl",
    "x-amz-grant-full-control": "PutObjectAcl",
    "x-amz-grant-read": "PutObjectAcl",
    "x-amz-grant-write": "PutObjectAcl",
    "x-amz-grant-read-acp": "PutObjectAcl",
    "x-amz-grant-write-acp": "PutObjectAcl",
    "x-amz-tagging": "PutObjectTagging",
    "x-amz-object-lock-mode": "PutObjectRetention",
    "x-amz-object-lock-legal-hold": "PutObjectLegalHold",
    "x-amz-bypass-governance-retention": "BypassGovernanceRetention",
}
_BUCKET_HEADER_ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    # The same, of a PUT that makes a bucket.
    **{header: ("PutBucketAcl",) for header, action in _HEADER_ACTIONS.items() if action == "PutObjectAcl"},
    "x-amz-bucket-object-lock-enabled": ("PutBucketVersioning", "PutBucketObjectLockConfiguration"),
    "x-amz-object-ownership": ("PutBucketOwnershipControls",),
}
_BYPASS: Final = "x-amz-bypass-governance-retention"
_HEADER_KEYS: Final = (
    *("x-amz-acl", "x-amz-copy-source", "x-amz-server-side-encryption", "x-amz-storage-class"),
    *("x-amz-server-side-encryption-aws-kms-key-id", "x-amz-content-sha256", "x-amz-metadata-directive"),
)
_QUERY_KEYS: Final = ("prefix", "delimiter", "max-keys")
_SOURCE: Final = re.compile(r"/?(?P<bucket>[^/?]+)/(?P<key>[^?]+)(\?versionId=(?P<version>[^?&=]+))?")
_NO_BUCKET: Final = re.compile(r"v20180820|arn:.*|.*-s3alias|.*--ol-s3|.*\.mrap", re.DOTALL)
"""What stands in a bucket's place and is none: S3's control API, and names of access points."""


def s3_permissions(
    *,
    method: str,
    bucket: str,
    key: str,
    raw_query: str,
    headers: Mapping[str, str],
    deletion: bytes | None,
) -> list[Asked]:
    """Every permission that the request takes. `deletion` is the body of one for which `is_deletion_of_many`.

    Bucket and key are decoded; both are empty for a list of buckets.

    Raises   WireError where a deletion's body is not what S3 defines, or the request says one thing twice.
    """
    query, headers = _with_hoisted(_single_values(raw_query), headers)
    keys = _condition_keys(query, headers)
    if not bucket:
        action = "s3:ListAllMyBuckets" if method in ("GET", "HEAD") and not _subresources(query) else ANYTHING
        return [Asked(action=action, resource=None, keys=keys)]
    if _NO_BUCKET.fullmatch(bucket):
        return [Asked(action=ANYTHING, resource=None, keys=keys)]
    if deletion is not None:
        if _subresources(query):
            return [Asked(action=ANYTHING, resource=f"arn:aws:s3:::{bucket}", keys=keys)]
        return [
            Asked(action=f"s3:{action}", resource=object_arn(bucket, name), keys=keys)
            for name, deleting in _deleted_objects(deletion)
            for action in ((deleting, _HEADER_ACTIONS[_BYPASS]) if _BYPASS in headers else (deleting,))
        ]
    if not key:
        actions = _actions(_BUCKETS, method, query)
        if method == "PUT":
            more = [each for header, found in _BUCKET_HEADER_ACTIONS.items() if header in headers for each in found]
            actions += [f"s3:{action}" for action in more]
        where = f"arn:aws:s3:::{bucket}"
        return [Asked(action=action, resource=where, keys=keys) for action in dict.fromkeys(actions)]
    actions = _actions(_OBJECTS, method, query)
    if method in ("PUT", "POST", "DELETE"):
        actions += [f"s3:{action}" for header, action in _HEADER_ACTIONS.items() if header in headers]
    asked = [Asked(action=action, resource=object_arn(bucket, key), keys=keys) for action in dict.fromkeys(actions)]
    return [*asked, *_reading_of_source(headers, keys)]


def is_deletion_of_many(method: str, bucket: str, key: str, raw_query: str) -> bool:
    return method == "POST" and bool(bucket) and not key and "delete" in dict(parse_qsl(raw_query, True))


def object_arn(bucket: str, key: str) -> str:
    return f"arn:aws:s3:::{bucket}/{key}"


def _single_values(raw_query: str) -> dict[str, str]:
    # Of two values, a policy might be asked about one and S3 act by the other.
    query: dict[str, str] = {}
    for name, value in parse_qsl(raw_query, keep_blank_values=True):
        if name in query:
            raise WireError("InvalidArgument", f"The query gives '{name}' twice; give it once.", status=400)
        query[name] = value
    return query


def _with_hoisted(query: Mapping[str, str], headers: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The query without the headers that stand in it, and the headers with them."""
    kept: dict[str, str] = {}
    merged = dict(headers)
    for name, value in query.items():
        header = name.lower()
        if header in _SIGNING or not header.startswith(_AMZ):
            kept[name] = value
        elif header in merged:
            raise WireError("InvalidArgument", f"'{header}' is given twice, once in the query; drop one.", status=400)
        else:
            merged[header] = value
    return kept, merged


def _subresources(query: Mapping[str, str]) -> list[str]:
    return [
        name
        for name in query
        if name not in _OF_NO_MATTER and name.lower() not in _SIGNING and not name.startswith(_RESPONSE_OVERRIDE)
    ]


def _actions(table: Mapping[str, Mapping[str, str]], method: str, query: Mapping[str, str]) -> list[str]:
    named = _subresources(query)
    alone = [name for name in named if name not in _NOT_ALONE]
    # A version of a tag set is a tag set; only where nothing else is named does the version itself count.
    asked = alone or [name for name in named if method in table.get(name, {})] or [""]
    found = [table.get(name, {}).get(method) for name in asked]
    return [ANYTHING if action is None else f"s3:{action}" for action in found]


def _condition_keys(query: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, ContextValue]:
    keys: dict[str, ContextValue] = {f"s3:{name}": query[name] for name in _QUERY_KEYS if name in query}
    keys |= {f"s3:{name}": headers[name] for name in _HEADER_KEYS if name in headers}
    if "versionId" in query:
        keys["s3:versionid"] = query["versionId"]
    tags = dict(parse_qsl(headers.get("x-amz-tagging", ""), keep_blank_values=True))
    if tags:
        keys |= {**tag_keys("s3:requestobjecttag/", tags), "s3:requestobjecttagkeys": tuple(tags)}
    return keys


def _reading_of_source(headers: Mapping[str, str], keys: Mapping[str, ContextValue]) -> list[Asked]:
    given = headers.get("x-amz-copy-source")
    if given is None:
        return []
    found = _SOURCE.fullmatch(given)
    if found is None or _NO_BUCKET.fullmatch(unquote(found["bucket"])):
        # An access point, or what S3 would not take or take in another way.
        return [Asked(action=ANYTHING, resource=None, keys=keys)]
    action = "s3:GetObject" if found["version"] is None else "s3:GetObjectVersion"
    return [Asked(action=action, resource=object_arn(unquote(found["bucket"]), unquote(found["key"])), keys=keys)]


def _deleted_objects(body: bytes) -> Sequence[tuple[str, str]]:
    """Key and action of each object.

    Why      the neighbour takes the first of several keys, and passes over names of other namespaces: what could be
             read in two ways is refused, as the schema has it.
    """
    # A zero byte is the mark of an encoding in which the search for a document type finds nothing.
    if b"<!DOCTYPE" in body.upper() or b"\0" in body:
        raise _malformed()
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise _malformed() from error
    # One namespace for all names: S3's, or none, which S3 takes as well.
    prefix = f"{{{_NAMESPACE}}}" if root.tag.startswith("{") else ""
    if root.tag != f"{prefix}Delete" or len(root) > MOST_DELETED_OBJECTS + 1:
        raise _malformed()
    found = [_deleted_object(child, prefix) for child in root if child.tag != f"{prefix}Quiet"]
    if not 0 < len(found) <= MOST_DELETED_OBJECTS:
        raise _malformed()
    return found


def _deleted_object(element: ElementTree.Element, prefix: str) -> tuple[str, str]:
    said: dict[str, str] = {}
    for child in element:
        name = child.tag.removeprefix(prefix)
        if name not in _OF_DELETED_OBJECT or name in said or len(child):
            raise _malformed()
        said[name] = child.text or ""
    if element.tag != f"{prefix}Object" or not said.get("Key"):
        raise _malformed()
    return said["Key"], "DeleteObjectVersion" if said.get("VersionId") else "DeleteObject"


def _malformed() -> WireError:
    return WireError(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
        status=400,
    )
