"""The tag `tanren:ttl`: how long after the tag was set a provisioned throughput or a deployment deletes itself.

90        seconds
45m, 2h, 1d, 1h30m
PT2H, P1DT12H, PT90S        ISO 8601, without years and months, whose length is not fixed
"""

import re
from datetime import timedelta
from typing import Final

from tanren.domain.errors import ValidationFailed

TTL_TAG: Final = "tanren:ttl"
LONGEST_TTL: Final = timedelta(days=366)

_SECONDS = re.compile(r"(?P<seconds>\d+)")
_SHORT = re.compile(r"(?:(?P<days>\d+)d)?(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+)s)?", re.I)
_ISO = re.compile(
    r"P(?:(?P<weeks>\d+)W|(?:(?P<days>\d+)D)?(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?)",
    re.I,
)
_LONGEST_TEXT = 32


def parse_ttl(text: str) -> timedelta:
    """Raises ValidationFailed, with the ways to write one."""
    for pattern in (_SECONDS, _SHORT, _ISO):
        found = pattern.fullmatch(text) if len(text) <= _LONGEST_TEXT and text.isascii() else None
        parts = {} if found is None else {name: int(value) for name, value in found.groupdict().items() if value}
        # A number of more digits is past the longest time, and past what a timedelta holds.
        if parts and max(parts.values()) < 10**9 and timedelta() < (span := timedelta(**parts)) <= LONGEST_TTL:
            return span
    raise ValidationFailed(
        f"The tag {TTL_TAG} is '{text}'; it must be a time from 1 second to {LONGEST_TTL.days} days, written as "
        "seconds (7200), as 2h, 45m, 1d or 1h30m, or as an ISO 8601 duration without years and months (PT2H)."
    )
