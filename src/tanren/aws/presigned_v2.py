"""The older presigned URLs of S3 (`AWSAccessKeyId`, `Signature`, `Expires`), which boto3 still makes by default.

How: HMAC-SHA1 over the method, a few headers, the expiry and the resource. Which bucket a Host names is not known here,
so each reading of it is tried: none (the path names the bucket), then each leading part of Host as the bucket. All
readings are of this very request, so none lets a signature stand for another.

Source   https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html, botocore's HmacV1QueryAuth
"""

import base64
import hmac
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import unquote, unquote_plus

PARAMETERS: Final = frozenset({"AWSAccessKeyId", "Signature", "Expires", "x-amz-security-token"})
"""What presigning adds to the query."""

_SUBRESOURCES: Final = frozenset(
    {
        "accelerate",
        "acl",
        "analytics",
        "cors",
        "defaultObjectAcl",
        "delete",
        "inventory",
        "lifecycle",
        "location",
        "logging",
        "metrics",
        "notification",
        "object-lock",
        "partNumber",
        "policy",
        "replication",
        "requestPayment",
        "response-cache-control",
        "response-content-disposition",
        "response-content-encoding",
        "response-content-language",
        "response-content-type",
        "response-expires",
        "restore",
        "select",
        "select-type",
        "storageClass",
        "tagging",
        "torrent",
        "uploadId",
        "uploads",
        "versionId",
        "versioning",
        "versions",
        "website",
    }
)


def expected_signatures(
    *, method: str, raw_path: str, raw_query: str, headers: Mapping[str, str], secret_access_key: str
) -> Iterator[str]:
    """The signature of the request for each reading of its Host."""
    pairs = [(unquote(name), value) for name, _, value in (pair.partition("=") for pair in raw_query.split("&"))]
    query = {name: unquote_plus(value) for name, value in pairs}
    amz = {name: value for name, value in headers.items() if name.startswith("x-amz-")}
    amz |= {name: value for name, value in query.items() if name.startswith("x-amz-")}
    lines = [method]
    lines += [headers.get(name, query.get(name, "")) for name in ("content-md5", "content-type")]
    lines += [query.get("Expires", ""), *(f"{name}:{value.strip()}" for name, value in sorted(amz.items()))]
    wanted = sorted((name, value) for name, value in pairs if name in _SUBRESOURCES)
    subresources = "&".join(f"{name}={unquote(value)}" if value else name for name, value in wanted)
    for bucket in ("", *_buckets(headers.get("host", ""))):
        resource = f"{bucket}{raw_path}" + (f"?{subresources}" if subresources else "")
        text = "\n".join((*lines, resource))
        digest = hmac.digest(secret_access_key.encode(), text.encode(), "sha1")
        yield base64.b64encode(digest).decode()


def _buckets(host: str) -> Iterator[str]:
    labels = host.partition(":")[0].split(".")
    for count in range(1, min(len(labels), 8)):
        yield "/" + ".".join(labels[:count])
