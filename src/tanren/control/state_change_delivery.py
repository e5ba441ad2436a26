"""Announces changes of the state of jobs on the event bus: at least once, and never in a job's way.

A change waits in the database until the bus has taken it. A bus that does not is asked again, more and more slowly; a
change that no bus took for a day is given up, as EventBridge does, and the log says so. Two workers may both announce a
change; and where one of ten is refused, those after it arrive before it. Both are EventBridge's own promises.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from tanren.domain.clock import Clock
from tanren.domain.errors import TanrenError
from tanren.domain.scope import Scope
from tanren.domain.state_change_events import JobEvent, StateChange, batch_job_event, customization_job_event
from tanren.storage.customization_jobs import CustomizationJobs
from tanren.storage.model_invocation_jobs import ModelInvocationJobs
from tanren.storage.state_changes import StateChanges

logger = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 500
GIVEN_UP_AFTER: Final = timedelta(hours=24)
FIRST_PAUSE_SECONDS: Final = 2.0
LONGEST_PAUSE_SECONDS: Final = 60.0
_MOST_IN_ONE_CALL: Final = 10


class Bus(Protocol):
    """One account's bus in one region; `storage/event_bus.py` has it."""

    def put(self, events: list[JobEvent]) -> list[str | None]:
        """For each of at most ten why it was refused, or None. Raises ServiceUnavailable where none was taken."""
        ...


@dataclass(slots=True, kw_only=True)
class _Pause:
    until: float
    seconds: float


class StateChangeDelivery:
    def __init__(
        self,
        changes: StateChanges,
        customization_jobs: CustomizationJobs,
        invocation_jobs: ModelInvocationJobs,
        *,
        bus: Callable[[Scope], Bus] | None,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Without a `bus` there is nobody to tell, and changes are forgotten."""
        self._changes = changes
        self._customization_jobs = customization_jobs
        self._invocation_jobs = invocation_jobs
        self._bus = bus
        self._clock = clock
        self._monotonic = monotonic
        self._pauses: dict[Scope, _Pause] = {}

    def deliver(self) -> None:
        """What is there and due. Trouble of the bus is logged and waits for the next time."""
        found = self._changes.oldest(most=MOST_AT_ONCE)
        if self._bus is None:
            self._changes.remove(found)
            return
        by_scope: dict[Scope, list[tuple[StateChange, JobEvent]]] = {}
        for change in found:
            event = self._event(change)
            by_scope.setdefault(event.scope, []).append((change, event))
        for scope, announced in by_scope.items():
            pause = self._pauses.get(scope)
            if pause is None or self._monotonic() >= pause.until:
                self._announce(self._bus, scope, announced)

    def _announce(
        self, bus: Callable[[Scope], Bus], scope: Scope, announced: list[tuple[StateChange, JobEvent]]
    ) -> None:
        trouble: str | None = None
        left = announced
        try:
            for start in range(0, len(announced), _MOST_IN_ONE_CALL):
                some = announced[start : start + _MOST_IN_ONE_CALL]
                refusals = bus(scope).put([event for _, event in some])
                taken = [change for (change, _), refusal in zip(some, refusals, strict=True) if refusal is None]
                self._changes.remove(taken)
                left = [each for each in left if each[0] not in taken]
                trouble = trouble or next((refusal for refusal in refusals if refusal is not None), None)
        except TanrenError as error:
            trouble = str(error)
        if trouble is None:
            self._pauses.pop(scope, None)
        else:
            self._pause(scope, trouble)
            self._give_up([change for change, _ in left])

    def _event(self, change: StateChange) -> JobEvent:
        if change.job_table == self._customization_jobs.table.name:
            return customization_job_event(self._customization_jobs.by_arn(change.job_arn), change)
        return batch_job_event(self._invocation_jobs.by_arn(change.job_arn), change)

    def _pause(self, scope: Scope, trouble: str) -> None:
        before = self._pauses.get(scope)
        seconds = FIRST_PAUSE_SECONDS if before is None else min(2 * before.seconds, LONGEST_PAUSE_SECONDS)
        self._pauses[scope] = _Pause(until=self._monotonic() + seconds, seconds=seconds)
        logger.warning(
            "job events of %s in %s were not taken; next try in %d s: %s",
            scope.account_id,
            scope.region,
            seconds,
            trouble,
        )

    def _give_up(self, changes: list[StateChange]) -> None:
        too_old = [change for change in changes if self._clock() - change.changed_at > GIVEN_UP_AFTER]
        for change in too_old:
            logger.error("the event that %s is %s was not taken for a day: given up", change.job_arn, change.status)
        self._changes.remove(too_old)
