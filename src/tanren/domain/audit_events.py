"""One audited call as CloudTrail writes it: who asked for what, from where, when, and what came of it.

No prompt, no answer, no object and no secret is part of it; what a request's parameters may show is decided where the
service model is known (`aws/auditing.py`).

Source   https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
         and the fact sheet §7. Calls of models are management events, as on AWS; those of S3 are data events.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from tanren.domain.arns import parse_arn

EVENT_VERSION: Final = "1.08"
LARGEST_PART_BYTES: Final = 100 * 1024
"""Of `requestParameters` and of `responseElements`, as JSON; larger ones are left out, as CloudTrail does."""
LARGEST_TEXT_CHARACTERS: Final = 1024
"""Of the error message and of the user agent, which a caller may make as long as he likes."""

_READING: Final = (
    "Get",
    "List",
    "Describe",
    "Head",
    "Count",
    "Invoke",
    "Converse",
    "Validate",
    "Examine",
    "Estimate",
    "Watch",
    "Try",
)
"""AWS marks calls of models as read-only too: they change nothing that is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asked, as far as the request proved it."""

    principal_arn: str | None = None
    """None where nothing was proved: no signature, a wrong one, an unknown key."""
    account_id: str | None = None
    access_key_id: str | None = None
    """What the request named; of an unproved caller no more than a claim."""

    def to_json(self) -> dict[str, Any]:
        """`userIdentity`."""
        if self.principal_arn is None:
            return {"type": "Unknown"} | _present(accessKeyId=self.access_key_id)
        arn = parse_arn(self.principal_arn)
        kind, path = ("", "") if arn is None else (arn.kind, arn.path)
        identity = _present(accountId=self.account_id, accessKeyId=self.access_key_id)
        if kind == "user":
            return {"type": "IAMUser", "arn": self.principal_arn, "userName": path.rsplit("/", 1)[-1], **identity}
        if kind == "assumed-role":
            role = path.split("/")[0]
            issuer = {
                "type": "Role",
                "arn": f"arn:aws:iam::{self.account_id}:role/{role}",
                "accountId": self.account_id,
                "userName": role,
            }
            session = {"sessionContext": {"sessionIssuer": issuer}}
            return {"type": "AssumedRole", "arn": self.principal_arn, **identity, **session}
        named = "Root" if kind == "root" else "Unknown"
        return {"type": named, "principalId": self.account_id, "arn": self.principal_arn, **identity}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    event_id: str
    request_id: str
    at: datetime
    """When the request came in."""
    source: str
    """`bedrock.amazonaws.com`, of both Bedrock services."""
    name: str
    """The operation; for a request that is none, its method and the first part of its path."""
    region: str
    caller: Caller
    source_ip: str
    user_agent: str
    parameters: Mapping[str, Any] | None = None
    response: Mapping[str, Any] | None = None
    """Of calls that change something."""
    error_code: str | None = None
    error_message: str | None = None
    is_read_only: bool
    is_data: bool = False
    """Whether it is a data event, which a trail takes only on demand."""
    resources: tuple[Mapping[str, str], ...] = ()
    additional: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def to_json(self) -> dict[str, Any]:
        """The event as CloudTrail writes it."""
        optional = _present(
            errorCode=self.error_code,
            errorMessage=None if self.error_message is None else self.error_message[:LARGEST_TEXT_CHARACTERS],
            resources=[dict(each) for each in self.resources] or None,
            additionalEventData=dict(self.additional) or None,
            recipientAccountId=self.caller.account_id,
        )
        return {
            "eventVersion": EVENT_VERSION,
            "userIdentity": self.caller.to_json(),
            "eventTime": self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": self.source,
            "eventName": self.name,
            "awsRegion": self.region,
            "sourceIPAddress": self.source_ip,
            "userAgent": self.user_agent[:LARGEST_TEXT_CHARACTERS],
            "requestParameters": _small_enough(self.parameters),
            "responseElements": _small_enough(self.response),
            "requestID": self.request_id,
            "eventID": self.event_id,
            "readOnly": self.is_read_only,
            "eventType": "AwsApiCall",
            "managementEvent": not self.is_data,
            "eventCategory": "Data" if self.is_data else "Management",
            **optional,
        }


def is_reading(operation: str) -> bool:
    """Whether an operation of this name changes nothing."""
    return operation.startswith(_READING)


def _present(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _small_enough(part: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not part:
        return None
    # Of a character JSON makes six at most, so what is this short need not be written twice.
    if 6 * len(str(part)) <= LARGEST_PART_BYTES:
        return dict(part)
    size = len(json.dumps(part, default=str))
    return dict(part) if size <= LARGEST_PART_BYTES else {"omitted": f"{size} bytes of JSON, more than 100 KB"}
