"""Which bases stay in memory: those of provisioned throughput always, others as long as somebody asks for them.

    bought    the base of each throughput is asked for, so it is loaded when the server comes back, before any request
    unused    a base that nobody has asked for through the idle time is let go, once its engine has nothing to do

Letting go is one guarded delete: whoever asks in that moment either keeps the base, or finds it gone and asks anew. The
next request loads it again, and waits as long as `engine_wait_seconds` says before it is told to come back.
"""

import logging
from datetime import timedelta

from tanren.domain.clock import Clock
from tanren.domain.errors import TanrenError
from tanren.domain.provisioned_throughputs import ProvisionedStatus
from tanren.runtime.placement import StoredPlacement
from tanren.serving.client import EngineClient
from tanren.storage.engine_hosts import EngineHost, EngineHosts, EngineHostStatus
from tanren.storage.provisioned_throughputs import ProvisionedThroughputs

logger = logging.getLogger(__name__)

DESCRIBE_SECONDS = 5.0
"""An engine that does not say within this time whether it is busy, is left alone."""


class IdleEngines:
    def __init__(
        self,
        hosts: EngineHosts,
        throughputs: ProvisionedThroughputs,
        placement: StoredPlacement,
        *,
        idle: timedelta | None,
        clock: Clock,
    ) -> None:
        """`idle`: None lets nothing go."""
        self._hosts = hosts
        self._throughputs = throughputs
        self._placement = placement
        self._idle = idle
        self._clock = clock

    async def look(self) -> list[str]:
        """One round; the base folders that have been let go."""
        bought = self._bought()
        for folder in bought:
            self._hosts.want(folder, at=self._clock())
        if self._idle is None:
            return []
        since = self._clock() - self._idle
        unused = [
            host
            for host in self._hosts.every()
            if host.status is EngineHostStatus.READY and host.used_at < since and host.base_folder not in bought
        ]
        gone = [
            host.base_folder
            for host in unused
            if not await self._is_busy(host) and self._hosts.forget_unused(host.base_folder, since=since)
        ]
        for folder in gone:
            logger.info("the engine of %s is unloaded: nobody has asked for it in %s", folder, self._idle)
        return gone

    def _bought(self) -> set[str]:
        """Base folders of the throughputs that are in service or are to be."""
        status = self._throughputs.table.c.status
        folders: set[str] = set()
        for throughput in self._throughputs.every(status != ProvisionedStatus.FAILED):
            for model_arn in {throughput.model_arn, throughput.desired_model_arn}:
                try:
                    folders.add(str(self._placement.base_folder(throughput.scope, model_arn)))
                except TanrenError as error:
                    logger.debug("the base of %s is not known: %s", model_arn, error)
        return folders

    async def _is_busy(self, host: EngineHost) -> bool:
        try:
            description = await EngineClient(host.socket_path, silence_seconds=DESCRIBE_SECONDS).describe()
        except TanrenError:
            return True
        if description.active_count or description.queued_count:
            # A long answer is use as well: the idle time begins when it has ended.
            self._hosts.want(host.base_folder, at=self._clock())
            return True
        return False
