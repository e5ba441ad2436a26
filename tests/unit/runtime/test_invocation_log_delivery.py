"""What was invoked arrives, once in S3, however often its delivery had to be tried."""

import gzip
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from tanren.domain.errors import ServiceUnavailable
from tanren.runtime.invocation_log_delivery import InvocationLogDelivery
from tanren.storage.invocation_log_spool import FOLDER, InvocationLogSpool, undelivered, unreadable

CONFIG = {"s3Config": {"bucketName": "logs", "keyPrefix": "p"}}
GROUP = {"logGroupName": "/bedrock", "roleArn": "arn:aws:iam::123456789012:role/logs"}


class Destinations:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.events: list[Any] = []
        self.is_away = False
        self.puts = 0

    def put(self, location: Any, content: bytes, *, content_type: str) -> None:
        self.puts += 1
        if self.is_away:
            raise ServiceUnavailable("S3 is away")
        self.objects[location.uri] = content

    def ensure_stream(self, group: str, stream: str) -> None:
        self.events.append((group, stream))

    def append(self, group: str, stream: str, lines: list[Any]) -> None:
        self.events += lines

    def lines(self) -> list[dict[str, Any]]:
        """The records of all log objects."""
        found = [content for uri, content in self.objects.items() if "/data/" not in uri]
        return [json.loads(line) for content in found for line in gzip.decompress(content).splitlines()]


class Later:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def destinations() -> Destinations:
    return Destinations()


@pytest.fixture
def later() -> Later:
    return Later()


@pytest.fixture
def spool(tmp_path: Path, clock) -> InvocationLogSpool:
    return InvocationLogSpool(tmp_path, clock=clock)


@pytest.fixture
def delivery(spool, destinations, later) -> InvocationLogDelivery:
    return InvocationLogDelivery(
        spool, objects=lambda scope: destinations, streams=lambda scope: destinations, monotonic=later
    )


def record(number: int, *, asked: Any = "hello", answered: Any = "well met") -> dict[str, Any]:
    return {
        "requestId": f"r{number}",
        "timestamp": "2026-11-21T11:59:58Z",
        "input": {"inputBodyJson": asked},
        "output": {"outputBodyJson": answered},
    }


def test_a_minutes_records_are_one_object_of_gzipped_lines(spool, delivery, destinations, clock, scope):
    for number in range(3):
        spool.append(scope, CONFIG, record(number))
    delivery.look()
    assert destinations.objects == {}
    clock.advance(seconds=61)
    delivery.look()
    (uri,) = destinations.objects
    assert uri.startswith("s3://logs/p/AWSLogs/123456789012/BedrockModelInvocationLogs/us-west-2/2026/11/21/12/2026")
    assert [line["requestId"] for line in destinations.lines()] == ["r0", "r1", "r2"]
    delivery.look()
    assert destinations.puts == 1


def test_a_body_over_100_kb_is_an_object_of_its_own(spool, delivery, destinations, clock, scope):
    long = {"messages": ["鍛" * 60_000]}
    spool.append(scope, CONFIG, record(1, asked=long))
    clock.advance(seconds=61)
    delivery.look()
    (line,) = destinations.lines()
    path = line["input"]["inputBodyS3Path"]
    assert path.endswith("us-west-2/2026/11/21/11/data/r1_input.json.gz")
    assert "inputBodyJson" not in line["input"]
    assert json.loads(gzip.decompress(destinations.objects[path])) == long
    assert line["output"] == {"outputBodyJson": "well met"}


def test_a_bucket_that_is_away_is_tried_again_more_and_more_slowly_and_holds_up_no_other(
    spool, delivery, destinations, clock, scope, later, caplog
):
    spool.append(scope, CONFIG, record(1))
    clock.advance(seconds=61)
    destinations.is_away = True
    delivery.look()
    delivery.look()
    assert destinations.puts == 1
    assert "S3 is away" in caplog.text
    assert [each.levelno for each in caplog.records] == [logging.ERROR]
    later.now = 5.1
    delivery.look()
    later.now = 10.2
    delivery.look()
    assert destinations.puts == 2
    destinations.is_away = False
    later.now = 15.3
    delivery.look()
    assert [line["requestId"] for line in destinations.lines()] == ["r1"]


def test_half_a_surrogate_pair_arrives_as_it_was_said(spool, delivery, destinations, clock, scope):
    asked = {"prompt": "鍛 \ud800"}
    spool.append(scope, {**CONFIG, "cloudWatchConfig": GROUP}, record(1, asked=asked))
    spool.append(scope, CONFIG, record(2, asked=["\udfff" * 60_000]))
    clock.advance(seconds=61)
    delivery.look()
    first, second = sorted(destinations.lines(), key=lambda line: line["requestId"])
    assert first["input"]["inputBodyJson"] == asked
    large = destinations.objects[second["input"]["inputBodyS3Path"]]
    assert json.loads(gzip.decompress(large)) == ["\udfff" * 60_000]
    (_, event) = destinations.events
    assert json.loads(event.text.encode())["input"]["inputBodyJson"] == asked


def test_a_batch_of_which_nothing_can_be_made_holds_up_no_other(
    tmp_path, spool, delivery, destinations, clock, scope, other_scope, caplog
):
    spool.append(scope, {"s3Config": "no structure"}, record(1))
    clock.advance(seconds=1)
    spool.append(other_scope, CONFIG, record(2))
    clock.advance(seconds=61)
    delivery.look()
    delivery.look()
    assert [line["requestId"] for line in destinations.lines()] == ["r2"]
    assert caplog.text.count("were not delivered") == 1
    (waiting,) = undelivered(tmp_path)
    assert waiting.scope == scope
    assert waiting.failure


def test_records_that_cannot_be_read_are_kept_aside_and_the_others_arrive(
    tmp_path, spool, delivery, destinations, clock, scope, caplog
):
    spool.append(scope, CONFIG, record(1))
    spool.end_due(all_of_them=True)
    (batch,) = spool.ready()
    damaged = [b'{"requestId": "r2", "inp\n', b"[" * 100_000 + b"\n", b'"no record"\n']
    with batch.path.open("ab") as file:
        file.writelines(damaged)
    spool.append(scope, CONFIG, record(3))
    clock.advance(seconds=61)
    delivery.look()
    assert [line["requestId"] for line in destinations.lines()] == ["r1", "r3"]
    (path,) = unreadable(tmp_path)
    assert path.read_bytes().splitlines(keepends=True)[1:] == damaged
    assert path.stat().st_mode & 0o777 == 0o600
    assert f"3 invocation logs cannot be read; they are kept in {path}" in caplog.text
    assert undelivered(tmp_path) == []


def test_a_delivery_that_is_repeated_doubles_nothing(tmp_path, spool, delivery, destinations, clock, scope):
    spool.append(scope, CONFIG, record(1, asked="x" * 200_000))
    clock.advance(seconds=61)
    spool.end_due()
    (path,) = (tmp_path / FOLDER).glob("*.ready")
    content = path.read_bytes()
    delivery.look()
    first = dict(destinations.objects)
    # As after a kill between the last put and the end of the file.
    path.write_bytes(content)
    delivery.look()
    assert destinations.objects == first
    assert len(destinations.lines()) == 1


def test_what_an_earlier_life_left_is_delivered(tmp_path, delivery, destinations, clock, scope):
    earlier = InvocationLogSpool(tmp_path, clock=clock)
    earlier.append(scope, CONFIG, record(1))
    earlier.end_due(all_of_them=True)
    delivery.look()
    assert len(destinations.lines()) == 1


def test_log_events_hold_the_records_and_no_body_that_is_too_large(spool, delivery, destinations, clock, scope):
    config = {"cloudWatchConfig": GROUP}
    spool.append(scope, config, record(1))
    spool.append(scope, config, record(2, asked="x" * 200_000))
    clock.advance(seconds=61)
    delivery.look()
    (stream, *events) = destinations.events
    assert stream == ("/bedrock", "aws/bedrock/modelinvocations")
    first, second = (json.loads(event.text) for event in events)
    assert (first, second["input"]) == (record(1), {})
    assert events[0].at_ms == 1795262398000
    assert destinations.objects == {}


def test_at_its_end_everything_is_delivered(spool, delivery, destinations, scope):
    delivery.start()
    spool.append(scope, CONFIG, record(1))
    delivery.close()
    assert len(destinations.lines()) == 1
