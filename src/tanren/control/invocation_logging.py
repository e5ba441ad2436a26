"""The rules of logging configurations: one an account and region, whose destinations can be written to when put."""

from collections.abc import Callable
from typing import Any, Protocol

from tanren.control.service_roles import check_service_role
from tanren.domain.clock import Clock
from tanren.domain.errors import JobFailed, ValidationFailed
from tanren.domain.invocation_logging import LOG_STREAM, S3Destination, check_names, read_logging_config
from tanren.domain.scope import Scope
from tanren.storage.invocation_logging import InvocationLoggingConfigurations
from tanren.storage.objects import S3Location


class Objects(Protocol):
    """S3, of which a permission check needs one call. Raises JobFailed, ServiceUnavailable."""

    def put(self, location: S3Location, content: bytes, *, content_type: str) -> None: ...


class Streams(Protocol):
    """CloudWatch Logs, of which a permission check needs one call. Raises JobFailed, ServiceUnavailable."""

    def ensure_stream(self, group: str, stream: str) -> None: ...


class InvocationLoggingControl:
    def __init__(
        self,
        configurations: InvocationLoggingConfigurations,
        *,
        objects: Callable[[Scope], Objects],
        streams: Callable[[Scope], Streams],
        clock: Clock,
    ) -> None:
        self._configurations = configurations
        self._objects = objects
        self._streams = streams
        self._clock = clock

    def put(self, scope: Scope, config: dict[str, Any]) -> None:
        """From the next invocation on; another server over the same database follows within a second.

        How      as AWS does, an empty object is written below each S3 destination, and stays there.
        Raises   ValidationFailed for no destination, or one that cannot be written to.
        """
        logging = read_logging_config(config)
        if logging.s3 is None and logging.log_group is None:
            raise ValidationFailed(
                "loggingConfig names no destination; give s3Config, cloudWatchConfig, or both. To end logging, call "
                "DeleteModelInvocationLoggingConfiguration."
            )
        check_names(logging)
        if logging.s3 is not None:
            self._check_bucket(scope, logging.s3, "s3Config")
        if logging.log_group is not None:
            check_service_role(scope, logging.log_group.role_arn)
            try:
                self._streams(scope).ensure_stream(logging.log_group.log_group, LOG_STREAM)
            except JobFailed as error:
                # AWS's words first: Terraform's provider knows by them that a new role may not be there yet.
                raise ValidationFailed(
                    f"Failed to validate permissions for log group: {logging.log_group.log_group}, with role: "
                    f"{logging.log_group.role_arn}. Verify the IAM role permissions are correct. {error}"
                ) from error
            if logging.log_group.large_data is not None:
                place = "cloudWatchConfig.largeDataDeliveryS3Config"
                self._check_bucket(scope, logging.log_group.large_data, place)
        self._configurations.put(scope, config, at=self._clock())

    def get(self, scope: Scope) -> dict[str, Any] | None:
        return self._configurations.get(scope)

    def delete(self, scope: Scope) -> None:
        """What was invoked until now is still delivered. Without a configuration nothing happens."""
        self._configurations.delete(scope)

    def _check_bucket(self, scope: Scope, destination: S3Destination, place: str) -> None:
        key = destination.permission_check_key(scope)
        try:
            self._objects(scope).put(
                S3Location(bucket=destination.bucket, key=key), b"", content_type="application/octet-stream"
            )
        except JobFailed as error:
            raise ValidationFailed(f"Failed to validate permissions for {place}: {error}") from error
