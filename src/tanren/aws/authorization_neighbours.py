"""Permissions of requests to services that are not ours: S3, and whatever else the neighbourhood has.

    s3                         each operation and object (`authorization_s3.py`)
    services with a target     `X-Amz-Target: DynamoDB_20120810.PutItem` is dynamodb:PutItem
    services with an Action    `Action=Publish` of a form or of the query, signed for sns, is sns:Publish
    all others                 `lambda:*`: what is asked for is not known here, so only who may do everything may ask

How      outside S3 the resource is not read off the request: a policy must allow the action on `*`, and a deny of the
         action on any resource denies, because it might be this one. The neighbour finds its service by target and
         host before it looks at the signature, so a target of another service than the one that was signed for is
         refused, and so are host names that could mean another service. It also has its own order of looking for the
         name of the operation, so that stands in one place, or the request is refused.
Cost     a form is read, up to 1 MiB, and of a deletion of many objects the body.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import parse_qsl, unquote

from tanren.aws.authorization import Asked, Authorizer, Circumstances, is_root
from tanren.aws.authorization_s3 import LARGEST_DELETION_BYTES, is_deletion_of_many, s3_permissions
from tanren.aws.errors import WireError
from tanren.aws.signing_names import iam_prefix_of

logger = logging.getLogger(__name__)

LARGEST_FORM_BYTES: Final = 1024 * 1024
"""Of a form whose Action is read; a longer one takes the permission for everything."""

_TARGETS: Final[Mapping[str, tuple[str, ...]]] = {
    # Signing name → what X-Amz-Target may begin with.
    "athena": ("AmazonAthena",),
    "cloudtrail": ("CloudTrail_20131101", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"),
    "cognito-idp": ("AWSCognitoIdentityProviderService",),
    "dynamodb": ("DynamoDB_20120810", "DynamoDBStreams_20120810"),
    "ecr": ("AmazonEC2ContainerRegistry_V20150921",),
    "ecs": ("AmazonEC2ContainerServiceV20141113",),
    "events": ("AWSEvents", "AmazonEventBridge"),
    "firehose": ("Firehose_20150804",),
    "glue": ("AWSGlue",),
    "kinesis": ("Kinesis_20131202",),
    "kms": ("TrentService",),
    "logs": ("Logs_20140328",),
    "monitoring": ("GraniteServiceVersion20100801",),
    "secretsmanager": ("secretsmanager",),
    "sqs": ("AmazonSQS",),
    "ssm": ("AmazonSSM",),
    "states": ("AWSStepFunctions",),
    "tagging": ("ResourceGroupsTaggingAPI_20170126",),
}

_WITH_ACTION: Final = frozenset(
    {
        *("autoscaling", "cloudformation", "ec2", "elasticache", "elasticloadbalancing", "iam"),
        *("monitoring", "rds", "ses", "sns", "sqs", "sts"),
    }
)
"""Services of the query protocol, by signing name; of all others an Action means nothing."""
_S3_CONTROL: Final = "/v20180820/"
_FORM: Final = "application/x-www-form-urlencoded"

_TAKEN_BY_PATH: Final = (
    # Paths that the neighbour serves before it looks at what a request is signed for → who alone may ask for them.
    (re.compile(_S3_CONTROL), "s3"),
    (re.compile(r"/v2/email"), "ses"),
    (re.compile(r"/v2/.*/(blobs|manifests|tags)/"), "ecr"),
    (re.compile(r"/(Execute|BatchExecute|(Begin|Commit|Rollback)Transaction)$"), "rds-data"),
    (re.compile(r"/iceberg/"), None),
    (re.compile(r"/restapis/[^/]+/[^/]+/_user_request_"), None),
)

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ADDRESS: Final = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-f:.]+\]|[^.]+")
_OTHER_SERVICE: Final = re.compile(
    r"(^|\.)(execute-api|lambda-url|alb|elb|emr|efs|elasticache|s3-control|s3-website|appsync-api|appsync-realtime-api"
    r"|iot|cloudfront|docdb|documentdb)(\.|-|$)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourRequest:
    """As much of a forwarded request as its permissions depend on."""

    service: str
    """The signing name."""
    method: str
    raw_path: str
    raw_query: str
    headers: Mapping[str, str]
    """By lower-case name."""
    read_body: Callable[[int], Awaitable[bytes | None]]
    """The whole body, which can be read again afterwards; None where it is longer than so many bytes."""


class NeighbourAuthorizer:
    def __init__(self, authorizer: Authorizer, *, virtual_hosts: tuple[str, ...] = ("localhost",)) -> None:
        """`virtual_hosts` are the names below which a bucket may stand in Host."""
        self._authorizer = authorizer
        self._virtual_hosts = virtual_hosts

    async def authorize(self, circumstances: Circumstances, request: NeighbourRequest) -> None:
        """Returns if the request may go on.

        Raises   AccessDenied; WireError where it cannot be told what the request asks for.
        """
        if not self._authorizer.is_in_force or is_root(circumstances.principal.arn):
            return
        try:
            _check_path(request)
            asked = await (self._of_s3(request) if request.service == "s3" else self._of_other(request))
        except WireError as error:
            if self._authorizer.is_enforcing:
                raise
            caller = circumstances.principal.arn
            logger.warning("iam=audit: a request of %s to %s would be refused: %s", caller, request.service, error)
            return
        await self._authorizer.authorize_all(circumstances, asked)

    async def _of_s3(self, request: NeighbourRequest) -> list[Asked]:
        bucket, key = self._bucket_and_key(request)
        if unquote(request.raw_path).startswith(_S3_CONTROL):
            # Also where Host names a bucket.
            bucket, key = _S3_CONTROL.strip("/"), ""
        deletion = None
        if is_deletion_of_many(request.method, bucket, key, request.raw_query):
            deletion = await request.read_body(LARGEST_DELETION_BYTES)
            if deletion is None:
                raise WireError(
                    "MalformedXML",
                    f"A deletion of many objects has at most {LARGEST_DELETION_BYTES} bytes.",
                    status=400,
                )
        ask = partial(
            s3_permissions,
            method=request.method,
            bucket=bucket,
            key=key,
            raw_query=request.raw_query,
            headers=request.headers,
            deletion=deletion,
        )
        # A deletion may be two megabytes of XML, which others should not wait for.
        return ask() if deletion is None else await asyncio.to_thread(ask)

    def _bucket_and_key(self, request: NeighbourRequest) -> tuple[str, str]:
        if "x-amz-target" in request.headers:
            raise _unclear("S3 takes no X-Amz-Target header.")
        path = unquote(request.raw_path).removeprefix("/")
        if path.startswith("/"):
            raise _unclear("The path begins with two slashes, so it names no bucket.")
        bucket = _bucket_in_host(request.headers.get("host", ""), self._virtual_hosts)
        if bucket is not None:
            return bucket, path
        bucket, _, key = path.partition("/")
        return bucket, key

    async def _of_other(self, request: NeighbourRequest) -> list[Asked]:
        _bucket_in_host(request.headers.get("host", ""), self._virtual_hosts)
        prefix = iam_prefix_of(request.service)
        action = await _action_of(request)
        return [Asked(action=f"{prefix}:{action}", resource=None, keys={}, is_any_resource=True)]


def _check_path(request: NeighbourRequest) -> None:
    path = unquote(request.raw_path)
    for pattern, owner in _TAKEN_BY_PATH:
        if pattern.match(path) and owner != request.service:
            whose = "served to root alone" if owner is None else f"of {owner}, and the request is signed for another"
            raise _unclear(f"The path {path[:64]!a} is {whose}.")


async def _action_of(request: NeighbourRequest) -> str:
    """`*` where the request does not say it in a way that is known here.

    Raises   WireError where it says it twice, or for another service.
    """
    is_at_root = request.raw_path in ("", "/")
    named = _actions_in(request.raw_query)
    target = request.headers.get("x-amz-target")
    if target is not None:
        service, _, operation = target.rpartition(".")
        if service not in _TARGETS.get(request.service, ()) or not _is_name(operation):
            raise _unclear(f"X-Amz-Target is '{target}', which is no operation of {request.service}.")
        if named or not is_at_root:
            raise _unclear("Besides X-Amz-Target there is an Action in the query, or a path other than '/'.")
        return operation
    if request.service not in _WITH_ACTION or not is_at_root:
        return "*"
    body = await request.read_body(LARGEST_FORM_BYTES)
    if body is None:
        return "*"
    if body and request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise _unclear(f"{request.service} takes its parameters as {_FORM}; set Content-Type to it.")
    named += _actions_in(body.decode("utf-8", "replace"))
    if len(named) > 1:
        raise _unclear(f"Action is given {len(named)} times; give it once, in the query or in the form.")
    return named[0] if named and _is_name(named[0]) else "*"


def _actions_in(form: str) -> list[str]:
    return [value for name, value in parse_qsl(form, keep_blank_values=True) if name == "Action"]


def _is_name(text: str) -> bool:
    return text.isascii() and text.isalnum()


def _bucket_in_host(host: str, virtual_hosts: tuple[str, ...]) -> str | None:
    """The bucket that stands in Host; None where it is only the server's name.

    Raises   WireError for a name that the neighbour could take for another service or bucket.
    """
    name = re.sub(r":\d+$", "", host.strip().lower())
    if _ADDRESS.fullmatch(name) or name in virtual_hosts:
        return None
    if _OTHER_SERVICE.search(name):
        raise _unclear(f"The host name {name} could mean another service.")
    for virtual in virtual_hosts:
        found = re.fullmatch(rf"({_LABEL})(?:\.s3)?\.{re.escape(virtual)}", name)
        if found is not None and found[1] != "s3":
            return found[1]
        if name == f"s3.{virtual}":
            return None
        if name.endswith(f".{virtual}"):
            raise _unclear(f"The host name {name} names no bucket; write bucket.{virtual}, or the bucket in the path.")
    second = name.split(".")[1]
    if second == "s3" or second.startswith(("s3-", "s3express-")):
        raise _unclear(f"The host name {name} could mean a bucket; write the bucket in the path.")
    return None


def _unclear(reason: str) -> WireError:
    return WireError("AccessDeniedException", f"It cannot be told what this request asks for. {reason}", status=403)
