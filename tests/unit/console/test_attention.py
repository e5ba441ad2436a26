"""Which states need somebody, and which do not yet."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tanren.console.attention import SETTLED, SHORT_WAIT, InService, Running, what_needs_attention
from tanren.console.languages import Language, Words

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


def test_a_training_that_goes_badly_is_told_of_in_the_readers_language():
    parts = [
        {
            "template": "Diverged: training loss rose from {first} to {last}",
            "values": {"first": "2.000", "last": "9.000"},
        },
        {"template": "; try a learning rate below {rate}", "values": {"rate": "0.01"}},
        {"template": ".", "values": {}},
    ]
    english = "Diverged: training loss rose from 2.000 to 9.000; try a learning rate below 0.01."
    bad = replace(job(SHORT_WAIT), diagnosis=english, diagnosis_parts=parts)

    def detail(language: Language) -> str:
        (found,) = what_needs_attention(Words(language), [bad], [], [], {}, knows_usage=True, now=NOW)
        return found.detail

    assert detail("en") == english
    assert (
        detail("ja")
        == "発散: トレーニング損失が 2.000 から 9.000 に上がりました。学習率を 0.01 より下げてみてください。"
    )


def test_a_throughput_is_idle_only_when_it_had_time_to_be_asked_and_nobody_did():
    assert told(in_service=(throughput(SETTLED * 2),)) == 1
    assert told(in_service=(throughput(SETTLED / 2),)) == 0
    assert told(in_service=(throughput(SETTLED * 2, requests=1),)) == 0
    # A deployment takes no memory of its own and costs nothing while nobody asks.
    assert told(in_service=(throughput(SETTLED * 2, units=None),)) == 0


def test_whoever_may_not_see_the_usage_is_told_of_no_idleness():
    assert told(in_service=(throughput(SETTLED * 2),), knows_usage=False) == 0
