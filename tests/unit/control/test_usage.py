"""What an account used, and what it costs by the price book."""

from datetime import UTC, datetime, timedelta

import pytest

from tanren.control.usage import UsageControl
from tanren.domain.errors import ValidationFailed
from tanren.domain.usage import Usage
from tanren.storage.usage import UsageRecords

NOW = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
THROUGHPUT = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghijkl"
MODEL = "arn:aws:bedrock:us-east-1:123456789012:custom-model/tanren.nano-v1:0/abcdefghijkl"
BASE = "arn:aws:bedrock:us-east-1::foundation-model/tanren.nano-v1:0"
HALF_AN_HOUR = Usage(request_count=3, input_tokens=30, output_tokens=60, unit_seconds=1800.0)


@pytest.fixture
def records(database) -> UsageRecords:
    return UsageRecords(database)


@pytest.fixture
def control(records, tmp_path) -> UsageControl:
    return UsageControl(records, price_file=tmp_path / "prices.toml", clock=lambda: NOW)


def minutes_ago(count: int) -> datetime:
    return NOW.replace(second=0) - timedelta(minutes=count)


def test_without_times_it_is_the_month_so_far(scope, records, control):
    last_month = datetime(2026, 10, 31, 23, 59, tzinfo=UTC)
    records.add({(scope, THROUGHPUT, MODEL, minutes_ago(5)): HALF_AN_HOUR})
    records.add({(scope, THROUGHPUT, MODEL, last_month): HALF_AN_HOUR})
    report = control.between(scope, None, None)
    assert (report.start, report.end) == (datetime(2026, 11, 1, tzinfo=UTC), None)
    assert [line.used for line in report.lines] == [HALF_AN_HOUR]


def test_a_minute_that_has_begun_is_counted_whole(scope, records, control):
    records.add({(scope, THROUGHPUT, MODEL, minutes_ago(1)): HALF_AN_HOUR})
    assert len(control.between(scope, minutes_ago(1) + timedelta(seconds=20), None).lines) == 1


def test_hours_of_model_units_cost_what_the_price_book_says_of_the_foundation_model(scope, records, control, tmp_path):
    (tmp_path / "prices.toml").write_text('currency = "USD"\n[provisioned-per-unit-hour]\n"tanren.nano-v1:0" = 7.0\n')
    records.add({(scope, THROUGHPUT, MODEL, minutes_ago(1)): HALF_AN_HOUR})
    records.add({(scope, THROUGHPUT, BASE, minutes_ago(1)): HALF_AN_HOUR})
    records.add({(scope, MODEL, MODEL, minutes_ago(1)): Usage(request_count=1)})
    costs = {(line.resource_arn, line.model_arn): line.cost for line in control.between(scope, None, None).lines}
    assert costs == {(THROUGHPUT, MODEL): 3.5, (THROUGHPUT, BASE): 3.5, (MODEL, MODEL): None}


def test_without_a_price_nothing_is_taken_for_free(scope, records, control):
    records.add({(scope, THROUGHPUT, MODEL, minutes_ago(1)): HALF_AN_HOUR})
    report = control.between(scope, None, None)
    assert (report.prices, report.lines[0].cost) == (None, None)


def test_an_end_before_the_start_is_refused(scope, control):
    with pytest.raises(ValidationFailed, match="endTime"):
        control.between(scope, NOW, NOW - timedelta(seconds=1))
