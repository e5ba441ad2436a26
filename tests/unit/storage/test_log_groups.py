import time

import pytest

from tanren.domain.errors import JobFailed
from tanren.storage.log_groups import LogGroups, LogLine, _batches


def test_a_batch_holds_no_more_than_the_service_takes():
    lines = [LogLine(at_ms=number, text="x" * 200_000) for number in range(12)]
    batches = list(_batches(lines))
    assert [len(batch) for batch in batches] == [4, 4, 4]
    assert [line for batch in batches for line in batch] == lines
    many = [LogLine(at_ms=number, text="") for number in range(10_001)]
    assert [len(batch) for batch in _batches(many)] == [10_000, 1]
    assert list(_batches([])) == []


def test_lines_are_in_the_stream_in_order_of_time(neighbours):
    logs = neighbours.client("logs")
    logs.create_log_group(logGroupName="/bedrock")
    groups = LogGroups(neighbours.address)
    for _ in range(2):
        groups.ensure_stream("/bedrock", "invocations")
    now = round(time.time() * 1000)
    groups.append("/bedrock", "invocations", [LogLine(at_ms=now, text="later"), LogLine(at_ms=now - 5, text="earlier")])
    found = logs.get_log_events(logGroupName="/bedrock", logStreamName="invocations", startFromHead=True)["events"]
    assert [(event["timestamp"], event["message"]) for event in found] == [(now - 5, "earlier"), (now, "later")]


def test_a_group_that_is_not_there_is_named_with_what_would_make_it(neighbours):
    with pytest.raises(JobFailed, match="aws logs create-log-group --log-group-name /none"):
        LogGroups(neighbours.address).ensure_stream("/none", "invocations")
