"""CloudWatch Logs, wherever that is: the embedded neighbour or AWS. Only to append events to a stream of a group."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tanren.domain.errors import JobFailed, ServiceUnavailable
from tanren.storage.objects import ObjectStoreAddress

LARGEST_EVENT_BYTES: Final = 256 * 1024
"""What every version of the service takes."""
_LARGEST_BATCH_BYTES: Final = 1_000_000
_MOST_EVENTS: Final = 10_000
_OVERHEAD_BYTES: Final = 26
"""What the service counts for each event beside its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    at_ms: int
    text: str


class LogGroups:
    def __init__(self, address: ObjectStoreAddress) -> None:
        self._client: Any = boto3.client(  # pyright: ignore[reportUnknownMemberType]
            "logs",
            endpoint_url=address.endpoint_url,
            region_name=address.region,
            aws_access_key_id=address.access_key,
            aws_secret_access_key=address.secret_key,
            config=Config(retries={"max_attempts": 3, "mode": "standard"}, connect_timeout=5, read_timeout=30),
        )

    def ensure_stream(self, group: str, stream: str) -> None:
        """The stream is there. Raises   JobFailed where the group is not, or may not be written to."""
        try:
            self._client.create_log_stream(logGroupName=group, logStreamName=stream)
        except ClientError as error:
            if _code(error) != "ResourceAlreadyExistsException":
                raise _explained(error, group) from error
        except BotoCoreError as error:
            raise ServiceUnavailable(f"CloudWatch Logs did not answer for {group}: {error}") from error

    def append(self, group: str, stream: str, lines: Sequence[LogLine]) -> None:
        """In order of time, which the service demands. Raises as `ensure_stream`."""
        try:
            for batch in _batches(sorted(lines, key=lambda line: line.at_ms)):
                events = [{"timestamp": line.at_ms, "message": line.text} for line in batch]
                self._client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
        except ClientError as error:
            raise _explained(error, group) from error
        except BotoCoreError as error:
            raise ServiceUnavailable(f"CloudWatch Logs did not answer for {group}: {error}") from error


def _batches(lines: Sequence[LogLine]) -> Iterator[list[LogLine]]:
    batch: list[LogLine] = []
    size = 0
    for line in lines:
        added = len(line.text.encode()) + _OVERHEAD_BYTES
        if batch and (size + added > _LARGEST_BATCH_BYTES or len(batch) == _MOST_EVENTS):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += added
    if batch:
        yield batch


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _explained(error: ClientError, group: str) -> JobFailed | ServiceUnavailable:
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
        return ServiceUnavailable(f"CloudWatch Logs answered {_code(error)} for {group}.")
    if _code(error) == "ResourceNotFoundException":
        create = f"aws logs create-log-group --log-group-name {group}"
        return JobFailed(f"There is no log group {group}; create it: {create}")
    return JobFailed(f"CloudWatch Logs answered {_code(error)} for the log group {group}: {error}")
