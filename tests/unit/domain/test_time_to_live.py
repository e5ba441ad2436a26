from datetime import timedelta

import pytest

from tanren.domain.errors import ValidationFailed
from tanren.domain.time_to_live import parse_ttl


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("45m", 2700),
        ("2h", 7200),
        ("2H", 7200),
        ("1d", 86400),
        ("1h30m", 5400),
        ("10s", 10),
        ("PT2H", 7200),
        ("P1DT12H", 129600),
        ("PT90S", 90),
        ("P1W", 604800),
        ("366d", 366 * 86400),
    ],
)
def test_a_time_is_seconds_or_units_or_iso_8601(text, seconds):
    assert parse_ttl(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0h",
        "-1h",
        "2 h",
        "h",
        "30m1h",
        "1.5h",
        "P",
        "PT",
        "P1Y",
        "P1M",
        "367d",
        "9" * 40,
        "9" * 31,
        "٢h",
        "soon",
    ],
)
def test_anything_else_is_refused_with_the_ways_to_write_one(text):
    with pytest.raises(ValidationFailed, match=r"written as seconds \(7200\)"):
        parse_ttl(text)
