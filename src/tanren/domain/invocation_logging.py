"""Logging of model invocations: where an account's calls of models in a region are written, and under which names.

Source   LoggingConfig in the service model; the fact sheet §7; names of objects as they lie in buckets of AWS users:
         AWSLogs/⟨account⟩/BedrockModelInvocationLogs/⟨region⟩/YYYY/MM/DD/HH/⟨time⟩_⟨16 hex⟩.json.gz, large bodies in
         data/ beside them.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from tanren.domain.errors import ValidationFailed
from tanren.domain.scope import Scope

LARGEST_INLINE_BODY_BYTES: Final = 100 * 1024
"""Of a body as JSON; a larger one becomes an object of its own."""
LOG_STREAM: Final = "aws/bedrock/modelinvocations"
PERMISSION_CHECK: Final = "amazon-bedrock-logs-permission-check"
"""An empty object that AWS writes when a configuration is put, and leaves there."""


_BUCKET_NAME = re.compile(r"[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]")
_KEY_PREFIX = re.compile(r"[-!_*'().a-zA-Z0-9/=+@:,$& ]*")
_LOG_GROUP_NAME = re.compile(r"[-._/#A-Za-z0-9]{1,512}")

MOST_METADATA_PAIRS: Final = 16
_METADATA_TEXT: Final = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,\-.]{0,256}")


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Destination:
    bucket: str
    key_prefix: str = ""

    def folder(self, scope: Scope) -> str:
        """Ends with a slash."""
        prefix = self.key_prefix.strip("/")
        return f"{prefix}{'/' if prefix else ''}AWSLogs/{scope.account_id}/BedrockModelInvocationLogs/"

    def permission_check_key(self, scope: Scope) -> str:
        return self.folder(scope) + PERMISSION_CHECK

    def log_key(self, scope: Scope, begun_at: datetime, digits: str) -> str:
        moment = f"{begun_at:%Y%m%dT%H%M%S}{begun_at.microsecond // 1000:03d}Z"
        return f"{self._hour(scope, begun_at)}{moment}_{digits}.json.gz"

    def body_key(self, scope: Scope, at: datetime, request_id: str, which: str) -> str:
        """`which` is `input` or `output`."""
        return f"{self._hour(scope, at)}data/{request_id}_{which}.json.gz"

    def _hour(self, scope: Scope, at: datetime) -> str:
        return f"{self.folder(scope)}{scope.region}/{at:%Y/%m/%d/%H}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGroupDestination:
    log_group: str
    role_arn: str
    large_data: S3Destination | None
    """Where bodies over 100 KB go; without it they are left out, as CloudWatch takes no larger events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationLogging:
    s3: S3Destination | None
    log_group: LogGroupDestination | None
    delivers_text: bool
    """Whether bodies are part of the records; else the counts alone are."""
    delivers_images: bool
    """Whether images and documents inside a conversation are part of its body; else their bytes are left out."""

    @property
    def large_data(self) -> S3Destination | None:
        """Where a body over 100 KB goes."""
        return self.s3 or (None if self.log_group is None else self.log_group.large_data)


def read_logging_config(config: Mapping[str, Any]) -> InvocationLogging:
    """Of the members of LoggingConfig, shapes already checked.

    Why      a kind of data that is not mentioned is delivered: what AWS takes for absent members is not documented, and
             Terraform's resource says true.
    """
    group: Mapping[str, Any] | None = config.get("cloudWatchConfig")
    return InvocationLogging(
        s3=_destination(config.get("s3Config")),
        log_group=None
        if group is None
        else LogGroupDestination(
            log_group=group["logGroupName"],
            role_arn=group["roleArn"],
            large_data=_destination(group.get("largeDataDeliveryS3Config")),
        ),
        delivers_text=config.get("textDataDeliveryEnabled", True),
        delivers_images=config.get("imageDataDeliveryEnabled", True),
    )


def check_names(logging: InvocationLogging) -> None:
    """Raises ValidationFailed for a name that no bucket, prefix or log group can have; the model has no patterns."""
    group = logging.log_group
    places = {
        "s3Config": logging.s3,
        "cloudWatchConfig.largeDataDeliveryS3Config": None if group is None else group.large_data,
    }
    for place, destination in places.items():
        if destination is None:
            continue
        if _BUCKET_NAME.fullmatch(destination.bucket) is None:
            raise ValidationFailed(
                f"{place}.bucketName is {destination.bucket!r}; a bucket's name is 3 to 63 lower-case letters, digits, "
                "dots and hyphens, and begins and ends with a letter or digit."
            )
        if _KEY_PREFIX.fullmatch(destination.key_prefix) is None:
            raise ValidationFailed(
                f"{place}.keyPrefix is {destination.key_prefix!r}; it may have letters, digits, spaces and "
                "-!_*'().=+@:,$& between slashes."
            )
    if group is not None and _LOG_GROUP_NAME.fullmatch(group.log_group) is None:
        raise ValidationFailed(
            f"cloudWatchConfig.logGroupName is {group.log_group!r}; a log group's name is 1 to 512 letters, digits and "
            "any of _-/.#"
        )


def _destination(config: Mapping[str, Any] | None) -> S3Destination | None:
    if config is None:
        return None
    return S3Destination(bucket=config["bucketName"], key_prefix=config.get("keyPrefix", ""))


def read_request_metadata(text: str) -> dict[str, str]:
    """The pairs that InvokeModel is given as the text of a JSON object; Converse takes them as they are.

    Raises   ValidationFailed, by the rules that Converse's own shape has.
    """
    try:
        value: Any = json.loads(text)
    except ValueError as error:
        raise ValidationFailed(f"requestMetadata is not JSON: {error}.") from error
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in cast("dict[str, Any]", value).values()):
        raise ValidationFailed('requestMetadata is no JSON object of texts, such as {"team": "support"}.')
    pairs = cast("dict[str, str]", value)
    if not 1 <= len(pairs) <= MOST_METADATA_PAIRS:
        raise ValidationFailed(f"requestMetadata has {len(pairs)} pairs; 1 to {MOST_METADATA_PAIRS} are allowed.")
    for name, said in pairs.items():
        if not name or _METADATA_TEXT.fullmatch(name) is None or _METADATA_TEXT.fullmatch(said) is None:
            raise ValidationFailed(
                f"requestMetadata: the pair {name!r}: {said!r} breaks the rule {_METADATA_TEXT.pattern} for each of "
                "name and value; a name has a character at least."
            )
    return pairs
