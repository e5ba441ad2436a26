"""Brings spooled records of invocations to S3 and CloudWatch Logs, and tries again until they are there.

    every second: files that are due → bodies over 100 KB as objects of their own → one gzip of JSON lines, log events

At least once: a gateway that is killed in between repeats the file under the same names, which replaces what is in S3
and doubles events in CloudWatch. A destination that refuses, or a record of which nothing can be made, holds up no
other; it is told in the log at every try, and the records stay on the disk until they are taken.
"""

import gzip
import json
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from tanren.domain.errors import TanrenError
from tanren.domain.invocation_logging import (
    LARGEST_INLINE_BODY_BYTES,
    LOG_STREAM,
    InvocationLogging,
    S3Destination,
    read_logging_config,
)
from tanren.domain.scope import Scope
from tanren.storage.invocation_log_spool import Batch, InvocationLogSpool
from tanren.storage.log_groups import LARGEST_EVENT_BYTES, LogLine
from tanren.storage.objects import S3Location

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
FIRST_PAUSE_SECONDS: Final = 5.0
LONGEST_PAUSE_SECONDS: Final = 300.0
_CONTENT_TYPE: Final = "application/gzip"


class Objects(Protocol):
    """S3. Raises JobFailed, ServiceUnavailable."""

    def put(self, location: S3Location, content: bytes, *, content_type: str) -> None: ...


class Streams(Protocol):
    """CloudWatch Logs. Both raise JobFailed, ServiceUnavailable."""

    def ensure_stream(self, group: str, stream: str) -> None: ...

    def append(self, group: str, stream: str, lines: list[LogLine]) -> None: ...


@dataclass(slots=True, kw_only=True)
class _Pause:
    until: float
    seconds: float


class InvocationLogDelivery:
    def __init__(
        self,
        spool: InvocationLogSpool,
        *,
        objects: Callable[[Scope], Objects],
        streams: Callable[[Scope], Streams],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spool = spool
        self._objects = objects
        self._streams = streams
        self._monotonic = monotonic
        self._pauses: dict[str, _Pause] = {}
        """By file name, of deliveries that failed."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_often, name="invocation-logs", daemon=True)

    def start(self) -> None:
        """What an earlier life left is delivered first."""
        self._thread.start()

    def close(self) -> None:
        """What is there is tried once more; the rest waits for the next start."""
        self._over.set()
        self._thread.join()
        self._spool.end_due(all_of_them=True)
        self._pauses.clear()
        self.look()

    def look(self) -> None:
        """Delivers what is due."""
        self._spool.end_due()
        batches = self._spool.ready()
        there = {batch.path.name for batch in batches}
        self._pauses = {name: pause for name, pause in self._pauses.items() if name in there}
        for batch in batches:
            pause = self._pauses.get(batch.path.name)
            if pause is not None and self._monotonic() < pause.until:
                continue
            try:
                self._deliver(batch)
                self._spool.remove(batch)
            except Exception as error:
                # Whatever it is: the batches of others wait behind this one.
                is_expected = isinstance(error, TanrenError | OSError)
                reason = str(error) if is_expected else f"{type(error).__name__}: {error}"
                seconds = FIRST_PAUSE_SECONDS if pause is None else min(2 * pause.seconds, LONGEST_PAUSE_SECONDS)
                self._pauses[batch.path.name] = _Pause(until=self._monotonic() + seconds, seconds=seconds)
                with suppress(OSError):
                    self._spool.note_failure(batch, reason)
                logger.error(
                    "invocation logs of %s in %s, begun %s, were not delivered; next try in %d s; they wait in %s: %s",
                    batch.scope.account_id,
                    batch.scope.region,
                    batch.begun_at.isoformat(),
                    seconds,
                    batch.path,
                    reason,
                    exc_info=not is_expected,
                )

    def _deliver(self, batch: Batch) -> None:
        logging_config = read_logging_config(batch.config)
        contents = batch.contents()
        if contents.unreadable:
            kept = self._spool.put_aside(batch, contents.unreadable)
            logger.error("%d invocation logs cannot be read; they are kept in %s", len(contents.unreadable), kept)
        records = [self._with_large_bodies_away(batch, record, logging_config) for record in contents.records]
        if not records:
            return
        lines = [_json(record) for record in records]
        if logging_config.s3 is not None:
            key = logging_config.s3.log_key(batch.scope, batch.begun_at, batch.digits)
            self._put(batch.scope, logging_config.s3, key, "".join(line + "\n" for line in lines))
        if logging_config.log_group is not None:
            group = logging_config.log_group.log_group
            streams = self._streams(batch.scope)
            streams.ensure_stream(group, LOG_STREAM)
            events = [
                LogLine(at_ms=round(_moment(record).timestamp() * 1000), text=_small_enough(record, line))
                for record, line in zip(records, lines, strict=True)
            ]
            streams.append(group, LOG_STREAM, events)

    def _with_large_bodies_away(
        self, batch: Batch, record: dict[str, Any], logging_config: InvocationLogging
    ) -> dict[str, Any]:
        """The record, with the place of a body over 100 KB instead of the body."""
        for which in ("input", "output"):
            part: dict[str, Any] | None = record.get(which)
            body = None if part is None else part.get(f"{which}BodyJson")
            if part is None or body is None:
                continue
            text = _json(body)
            if len(text.encode()) <= LARGEST_INLINE_BODY_BYTES:
                continue
            del part[f"{which}BodyJson"]
            destination = logging_config.large_data
            if destination is not None:
                key = destination.body_key(batch.scope, _moment(record), record["requestId"], which)
                self._put(batch.scope, destination, key, text)
                part[f"{which}BodyS3Path"] = f"s3://{destination.bucket}/{key}"
        return record

    def _put(self, scope: Scope, destination: S3Destination, key: str, text: str) -> None:
        # Without a time in its header the same text is the same object.
        content = gzip.compress(text.encode(), mtime=0)
        location = S3Location(bucket=destination.bucket, key=key)
        self._objects(scope).put(location, content, content_type=_CONTENT_TYPE)

    def _look_often(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            try:
                self.look()
            except Exception:
                logger.exception("invocation logs could not be looked after; it is tried again")


def _json(value: Any) -> str:
    """Its JSON, which can be encoded: half a surrogate pair, which JSON may name and UTF-8 cannot hold, stays named."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    # In JSON only a string can hold one, and Python's escape of it is JSON's.
    return text.encode(errors="backslashreplace").decode()


def _moment(record: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(record["timestamp"])


def _small_enough(record: dict[str, Any], line: str) -> str:
    """The line, or where even bodies below 100 KB make it too large for an event, the record without them."""
    if len(line.encode()) <= LARGEST_EVENT_BYTES:
        return line
    parts = {
        which: {name: value for name, value in record[which].items() if not name.endswith("BodyJson")}
        for which in ("input", "output")
        if which in record
    }
    return _json({**record, **parts})
