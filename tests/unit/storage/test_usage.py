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


def test_minutes_are_summed_up_by_resource_and_model_in_one_scope(database, scope, other_scope):
    records = UsageRecords(database)
    once = Usage(request_count=1, input_tokens=5, output_tokens=7, generation_seconds=0.5, unit_seconds=2.0)
    for minute in range(3):
        records.add(
            {
                (each, "arn:throughput", model, NOON + minute * MINUTE): once
                for each in (scope, other_scope)
                for model in ("arn:model-1", "arn:model-2")
            }
        )
    found = records.sums(scope, NOON, NOON + 2 * MINUTE)
    assert found == {("arn:throughput", "arn:model-1"): once + once, ("arn:throughput", "arn:model-2"): once + once}
    assert records.sums(scope, NOON + 3 * MINUTE, NOON + 9 * MINUTE) == {}


def test_all_of_a_write_is_kept_or_none(database, scope):
    records = UsageRecords(database)
    with pytest.raises(Exception, match=r"(?i)not.null"):
        records.add({(scope, "a", "m", NOON): Usage(request_count=1), (scope, "a", None, NOON): Usage(request_count=1)})
    assert records.between(NOON, NOON + MINUTE) == {}
