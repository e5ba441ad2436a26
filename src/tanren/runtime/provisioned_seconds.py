"""How long each throughput was in service, times its model units: what AWS bills by the hour, used or not."""

from datetime import datetime, timedelta

from tanren.domain.clock import Clock
from tanren.domain.provisioned_throughputs import ProvisionedStatus
from tanren.domain.usage import Usage
from tanren.runtime.metering import Meter, UsageKey
from tanren.storage.provisioned_throughputs import ProvisionedThroughputs

LONGEST_TICK = timedelta(seconds=10)
"""A longer time between two looks is one in which this process stood still, and nothing was in service for sure."""


class ProvisionedSeconds:
    def __init__(self, throughputs: ProvisionedThroughputs, meter: Meter, *, clock: Clock) -> None:
        self._throughputs = throughputs
        self._meter = meter
        self._clock = clock
        self._looked_at: datetime | None = None
        self._seen: set[str] = set()
        """ARNs of those that were in service at the last look."""

    def look(self) -> None:
        """Notes the time since the last look for every throughput that was in service then and is now."""
        now = self._clock()
        elapsed = timedelta() if self._looked_at is None else now - self._looked_at
        status = self._throughputs.table.c.status
        answering = self._throughputs.every(status.in_([ProvisionedStatus.IN_SERVICE, ProvisionedStatus.UPDATING]))
        for throughput in answering:
            if throughput.provisioned_arn in self._seen and elapsed <= LONGEST_TICK:
                self._meter.note(
                    UsageKey(
                        scope=throughput.scope,
                        resource_arn=throughput.provisioned_arn,
                        model_arn=throughput.model_arn,
                    ),
                    Usage(unit_seconds=throughput.model_units * elapsed.total_seconds()),
                )
        self._looked_at = now
        self._seen = {throughput.provisioned_arn for throughput in answering}
