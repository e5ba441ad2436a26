"""What an account used, summed up by resource and model, and what provisioned throughput costs by the price book."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tanren.control.price_book import PriceBook, read_price_book
from tanren.domain import arns
from tanren.domain.clock import Clock
from tanren.domain.errors import ValidationFailed
from tanren.domain.scope import Scope
from tanren.domain.usage import Usage
from tanren.storage.usage import UsageRecords

_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageLine:
    resource_arn: str
    model_arn: str
    used: Usage
    cost: float | None
    """Of the hours of model units; None of what has none, or has no price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReport:
    start: datetime
    end: datetime | None
    """None: up to now."""
    lines: tuple[UsageLine, ...]
    prices: PriceBook | None


class UsageControl:
    def __init__(self, records: UsageRecords, *, price_file: Path, clock: Clock) -> None:
        self._records = records
        self._price_file = price_file
        self._clock = clock

    def between(self, scope: Scope, start: datetime | None, end: datetime | None) -> UsageReport:
        """From the minute that holds `start` on; without it, from the beginning of the month.

        Raises   ValidationFailed for an end before the start; ServiceUnavailable for a price book that is wrong.
        """
        until = end or self._clock()
        start = start or until.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        if until < start:
            raise ValidationFailed(f"endTime {until.isoformat()} is before startTime {start.isoformat()}.")
        prices = read_price_book(self._price_file)
        sums = self._records.sums(scope, start.replace(second=0, microsecond=0), until)
        return UsageReport(start=start, end=end, lines=_lines(sums, prices), prices=prices)


def _lines(sums: Mapping[tuple[str, str], Usage], prices: PriceBook | None) -> tuple[UsageLine, ...]:
    return tuple(
        UsageLine(resource_arn=resource, model_arn=model, used=used, cost=_cost(model, used, prices))
        for (resource, model), used in sums.items()
    )


def _cost(model_arn: str, used: Usage, prices: PriceBook | None) -> float | None:
    price = None if prices is None else prices.per_unit_hour.get(_foundation_model_id(model_arn))
    if price is None or not used.unit_seconds:
        return None
    return used.unit_seconds / _SECONDS_PER_HOUR * price


def _foundation_model_id(model_arn: str) -> str:
    """That a model is, or was trained from: a custom model's path is <foundation model>/<id>."""
    arn = arns.parse_arn(model_arn)
    if arn is None:
        return ""
    return arn.path.rpartition("/")[0] if arn.kind == arns.CUSTOM_MODEL else arn.path
