"""One audit event for every request that came in: ours, forwarded, refused, unsigned.

The event is written before the first byte of the answer goes out, so whoever has an answer is in the log. Where it
cannot be written, a request that did something is answered 503 instead, later ones are refused before they are looked
at, and the events that wait are written first (`storage/audit_log.py`).

    Bedrock   parameters and, of calls that change something, what was answered; of calls of models the model id alone
    S3        operation, bucket and key
    others    operation, as far as its protocol shows it outside the body

Left out are bodies, streams and documents; hidden are members that the service model calls sensitive, and secrets by
name, of which the models do not mark all.
"""

import math
import uuid
from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, cast

from tanren.aws.context import Members
from tanren.aws.exchange import Exchange
from tanren.aws.s3_operations import S3Call, s3_call
from tanren.aws.service_models import Member, Shape
from tanren.domain.arns import parse_arn
from tanren.domain.audit_events import AuditEvent, Caller, is_reading
from tanren.domain.errors import ServiceUnavailable
from tanren.storage.audit_log import AuditLog

RUNTIME: Final = "bedrock-runtime"
HIDDEN: Final = "HIDDEN_DUE_TO_SECURITY_REASONS"
"""As CloudTrail writes it."""
_SECRETS: Final = frozenset(
    {
        "authenticationcode1",
        "authenticationcode2",
        "newpassword",
        "oldpassword",
        "password",
        "secretaccesskey",
        "serviceapikeyvalue",
        "servicecredentialsecret",
        "servicepassword",
        "sessiontoken",
    }
)
_MOST_RESOURCES: Final = 10
_LONGEST_ARN: Final = 2048
_LONGEST_NAME: Final = 128
"""Of what a caller may write as he likes."""


class Auditor:
    """See `chain.Audit`."""

    def __init__(self, log: AuditLog, *, virtual_hosts: tuple[str, ...] = ("localhost",)) -> None:
        """`virtual_hosts` are the names below which a bucket may stand in Host."""
        self._log = log
        self._virtual_hosts = virtual_hosts

    def check(self) -> None:
        self._log.check()

    def record(self, exchange: Exchange, status: int) -> None:
        try:
            self._log.append(event_of(exchange, status, self._virtual_hosts))
        except ServiceUnavailable:
            # A refusal has done nothing, and is told as it is; its event waits with the others.
            if exchange.fault is None:
                raise


def event_of(exchange: Exchange, status: int, virtual_hosts: tuple[str, ...]) -> AuditEvent:
    """The event of a request that is about to be answered with this HTTP status."""
    operation, credential = exchange.operation, exchange.credential
    s3 = None
    if exchange.service in ("s3", "s3express"):
        s3 = s3_call(exchange.method, exchange.raw_path, exchange.raw_query, exchange.headers, virtual_hosts)
    if operation is not None:
        name, is_read_only = operation.name, is_reading(operation.name)
    else:
        name, is_read_only = _name_outside_the_body(exchange, s3)
    code, message = _error(exchange, status)
    return AuditEvent(
        event_id=str(uuid.uuid4()),
        request_id=exchange.request_id,
        at=exchange.received_at,
        source=_source(exchange),
        name=name,
        region="" if credential is None else credential.region[:_LONGEST_NAME],
        caller=_caller(exchange),
        source_ip=exchange.source_ip,
        user_agent=exchange.headers.get("user-agent", ""),
        parameters=_parameters(exchange) if s3 is None else s3.parameters,
        response=None if is_read_only else _response(exchange),
        error_code=code,
        error_message=message,
        is_read_only=is_read_only,
        is_data=s3 is not None and s3.is_of_objects,
        resources=_bedrock_resources(exchange) if s3 is None else s3.resources(_caller(exchange).account_id),
        additional=_additional(exchange, s3),
    )


def _source(exchange: Exchange) -> str:
    """Both Bedrock services have one source; a request that names no service has none; tanren's own is not AWS's."""
    service = exchange.operation.signing_name if exchange.operation is not None else exchange.service
    if service in ("", "tanren"):
        return service or "unknown"
    return f"{service[:_LONGEST_NAME]}.amazonaws.com"


def _name_outside_the_body(exchange: Exchange, s3: S3Call | None) -> tuple[str, bool]:
    """Name of an operation that is not ours, and whether it only reads, from what is seen of it."""
    reads = exchange.method in ("GET", "HEAD")
    if s3 is not None:
        return s3.operation, reads
    target = exchange.headers.get("x-amz-target", "").rpartition(".")[2]
    if target:
        return target[:_LONGEST_NAME], is_reading(target)
    first_part = "/".join(exchange.raw_path.split("/")[:2])
    return f"{exchange.method} {first_part}"[:_LONGEST_NAME], reads


def _caller(exchange: Exchange) -> Caller:
    key = None if exchange.signature is None else exchange.signature.key
    if key is not None:
        return Caller(
            principal_arn=key.principal_arn, account_id=key.account_id, access_key_id=key.access_key_id or None
        )
    claimed = None if exchange.credential is None else exchange.credential.access_key_id[:_LONGEST_NAME]
    return Caller(access_key_id=claimed)


def _error(exchange: Exchange, status: int) -> tuple[str | None, str | None]:
    fault = exchange.fault
    if fault is None:
        # A neighbour's error: its code is in a body that is not read.
        return (HTTPStatus(status).phrase.replace(" ", ""), None) if status >= 400 else (None, None)
    may_quote_a_prompt = exchange.service == RUNTIME and fault.code == "ValidationException"
    return fault.code, None if may_quote_a_prompt else fault.message


def _parameters(exchange: Exchange) -> dict[str, Any] | None:
    operation, params = exchange.operation, exchange.params
    if operation is None or operation.input is None or not params:
        return None
    if operation.service == RUNTIME:
        params = {name: params[name] for name, member in operation.input.members.items() if _is_label(member, params)}
    return visible(operation.input, params)


def _is_label(member: Member, params: Members) -> bool:
    return member.location == "uri" and member.name in params


def _response(exchange: Exchange) -> dict[str, Any] | None:
    operation, reply = exchange.operation, exchange.reply
    if operation is None or operation.output is None or operation.service == RUNTIME or not reply:
        return None
    return visible(operation.output, reply)


def visible(shape: Shape, value: Any) -> Any:
    """The value as plain JSON, without what may not be shown: blobs, documents, streams; secrets are hidden."""
    if shape.kind == "structure" and isinstance(value, dict):
        members = cast("Members", value)
        return {
            name: HIDDEN if _is_secret(member) else visible(member.shape, members[name])
            for name, member in shape.members.items()
            if members.get(name) is not None and _can_be_shown(member.shape)
        }
    if shape.kind == "list" and shape.element is not None and isinstance(value, list):
        return [_element(shape.element, each) for each in cast("list[Any]", value)]
    if shape.kind == "map" and shape.element is not None and isinstance(value, dict):
        return {str(key): _element(shape.element, each) for key, each in cast("Members", value).items()}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _element(shape: Shape, value: Any) -> Any:
    return HIDDEN if shape.is_sensitive or not _can_be_shown(shape) else visible(shape, value)


def _can_be_shown(shape: Shape) -> bool:
    return shape.kind != "blob" and not shape.is_document and not shape.is_event_stream


def _is_secret(member: Member) -> bool:
    return member.is_sensitive or member.shape.is_sensitive or member.name.lower() in _SECRETS


def _bedrock_resources(exchange: Exchange) -> tuple[dict[str, str], ...]:
    """Bedrock's resources that the request or its answer names by ARN, each once."""
    found = dict.fromkeys([*_top_level_arns(exchange.params), *_top_level_arns(exchange.reply)])
    resources: list[dict[str, str]] = []
    for text in found:
        arn = parse_arn(text)
        if arn is not None and arn.service == "bedrock":
            resources.append({"ARN": text} | ({"accountId": arn.account_id} if arn.account_id else {}))
    return tuple(resources[:_MOST_RESOURCES])


def _top_level_arns(members: Members | None) -> Iterator[str]:
    texts = (value for value in (members or {}).values() if isinstance(value, str))
    return (text for text in texts if text.startswith("arn:") and len(text) <= _LONGEST_ARN)


def _additional(exchange: Exchange, s3: S3Call | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if exchange.signature is not None and exchange.signature.bearer_token_type is not None:
        found["callWithBearerToken"] = True
    if s3 is not None and exchange.credential is not None:
        found["SignatureVersion"] = f"SigV{exchange.credential.version}"
        found["AuthenticationMethod"] = "QueryString" if exchange.credential.is_presigned else "AuthHeader"
    return found
