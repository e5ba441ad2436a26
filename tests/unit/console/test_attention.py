"""Which states need somebody, and which do not yet."""

from datetime import UTC, datetime, timedelta

import pytest

from tanren.console.attention import SETTLED, SHORT_WAIT, InService, Running, what_needs_attention
from tanren.console.languages import Words

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def job(age: timedelta) -> Running:
    return Running(name="tuning", path="/", kind="FINE_TUNING", status="InProgress", created_at=NOW - age)


def throughput(age: timedelta, *, units: int | None = 1, requests: int = 0) -> InService:
    return InService(
        name="faq",
        path="/",
        arn="arn",
        model_arn="arn",
        status="InService",
        created_at=NOW - age,
        units=units,
        used={"requestCount": requests},
    )


def told(
    *,
    running: tuple[Running, ...] = (),
    in_service: tuple[InService, ...] = (),
    knows_usage: bool = True,
    waiting: int = 1,
) -> int:
    status = {"queues": [{"waiting": waiting, "running": 0}]}
    return len(what_needs_attention(Words("ja"), running, [], in_service, status, knows_usage=knows_usage, now=NOW))


@pytest.mark.parametrize(
    ("age", "waiting", "count"), [(SHORT_WAIT * 2, 1, 1), (SHORT_WAIT / 2, 1, 0), (SHORT_WAIT * 2, 0, 0)]
)
def test_a_job_that_has_just_come_may_wait(age: timedelta, waiting: int, count: int):
    assert told(running=(job(age),), waiting=waiting) == count


def test_a_throughput_is_idle_only_when_it_had_time_to_be_asked_and_nobody_did():
    assert told(in_service=(throughput(SETTLED * 2),)) == 1
    assert told(in_service=(throughput(SETTLED / 2),)) == 0
    assert told(in_service=(throughput(SETTLED * 2, requests=1),)) == 0
    # A deployment takes no memory of its own and costs nothing while nobody asks.
    assert told(in_service=(throughput(SETTLED * 2, units=None),)) == 0


def test_whoever_may_not_see_the_usage_is_told_of_no_idleness():
    assert told(in_service=(throughput(SETTLED * 2),), knows_usage=False) == 0
