from datetime import UTC, datetime, timedelta

import pytest

from tanren.domain.usage import Usage
from tanren.storage.usage import UsageRecords

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_sums_of_one_minute_are_added_and_others_are_kept_apart(database, scope, other_scope):
    records = UsageRecords(database)
    place = (scope, "arn:throughput", "arn:model", NOON)
    once = Usage(request_count=1, input_tokens=5, output_tokens=7, generation_seconds=0.5, unit_seconds=2.0)
    records.add({place: once, (other_scope, "arn:throughput", "arn:model", NOON): once})
    records.add({place: once, (scope, "arn:throughput", "arn:model", NOON + MINUTE): once})
    found = records.between(NOON, NOON + MINUTE)
    assert found == {place: once + once, (other_scope, "arn:throughput", "arn:model", NOON): once}
    assert found[place].output_tokens == 14
    assert len(records.between(NOON, NOON + 2 * MINUTE)) == 3


def test_all_of_a_write_is_kept_or_none(database, scope):
    records = UsageRecords(database)
    with pytest.raises(Exception, match="NOT NULL"):
        records.add({(scope, "a", "m", NOON): Usage(request_count=1), (scope, "a", None, NOON): Usage(request_count=1)})
    assert records.between(NOON, NOON + MINUTE) == {}
