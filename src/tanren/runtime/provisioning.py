"""Brings provisioned throughputs and deployments into service: nothing is `InService` before it has answered.

For each resource that waits: its engine host is asked for, the adapter loaded there and its digest verified, a canary
prompt answered. Then, and only then, the status changes, guarded by the status it had. What cannot be loaded is
`Failed`, with the reason. The state is all in the rows: a provisioner that dies is simply followed by the next.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import aclosing
from functools import partial

from tanren.domain.clock import Clock
from tanren.domain.conversation import user_turn
from tanren.domain.custom_model_deployments import CustomModelDeployment, DeploymentStatus, UpdateStatus
from tanren.domain.errors import (
    EngineFailed,
    ModelFailed,
    ModelNotReady,
    ModelTimeout,
    ServiceUnavailable,
    TanrenError,
    Throttled,
)
from tanren.domain.generation import GenerationEnd, GenerationRequest
from tanren.domain.provisioned_throughputs import ProvisionedStatus, ProvisionedThroughput
from tanren.domain.scope import Scope
from tanren.runtime.placement import StoredPlacement
from tanren.storage.custom_model_deployments import CustomModelDeployments
from tanren.storage.provisioned_throughputs import ProvisionedThroughputs

logger = logging.getLogger(__name__)

CANARY = GenerationRequest(conversation=user_turn("Hello."), max_new_tokens=4, temperature=0.0)
ANSWER_SECONDS = 60.0
"""Longest that loading and answering may take; then it is tried again."""
TRIES = 5
"""Of a model whose engine answers and breaks, before it counts as broken itself."""
_COME_BACK = (ModelNotReady, ServiceUnavailable, Throttled)
"""The engine host is starting, or busy, or has just died and is being restarted: not the model's fault."""


class Provisioner:
    def __init__(
        self,
        throughputs: ProvisionedThroughputs,
        deployments: CustomModelDeployments,
        placement: StoredPlacement,
        *,
        clock: Clock,
    ) -> None:
        self._throughputs = throughputs
        self._deployments = deployments
        self._placement = placement
        self._clock = clock
        self._under_way: dict[str, asyncio.Task[None]] = {}
        """By ARN: a resource that takes long keeps no other waiting."""
        self._failed_tries: dict[str, int] = {}
        """By model ARN."""
        self.has_waiting = False
        """Whether the last round found anything that waits: it is tried again, whoever writes or not."""

    def begin_round(self) -> None:
        """Begins to settle whatever waits and is not being settled; returns at once."""
        self._under_way = {arn: task for arn, task in self._under_way.items() if not task.done()}
        self.has_waiting = False
        for arn, work in self._waiting():
            self.has_waiting = True
            if arn not in self._under_way:
                self._under_way[arn] = asyncio.create_task(self._tried(arn, work))

    def close(self) -> None:
        """Lets go of what is under way; the next provisioner begins it anew."""
        for task in self._under_way.values():
            task.cancel()

    def _waiting(self) -> Iterator[tuple[str, Callable[[], Coroutine[None, None, None]]]]:
        status = self._throughputs.table.c.status
        for throughput in self._throughputs.every(status.in_([ProvisionedStatus.CREATING, ProvisionedStatus.UPDATING])):
            yield throughput.provisioned_arn, partial(self._settle_throughput, throughput)
        columns = self._deployments.table.c
        waits = (columns.status == DeploymentStatus.CREATING) | (columns.update_status == UpdateStatus.UPDATING)
        for deployment in self._deployments.every(waits):
            yield deployment.deployment_arn, partial(self._settle_deployment, deployment)

    async def _tried(self, arn: str, work: Callable[[], Coroutine[None, None, None]]) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await work()
        except _COME_BACK as error:
            logger.debug("%s waits: %s", arn, error)
        except Exception:
            logger.exception("%s could not be settled; it is tried again", arn)

    async def _settle_throughput(self, found: ProvisionedThroughput) -> None:
        failure = await self._try_out(found.scope, found.desired_model_arn)
        values: dict[str, object] = {"updated_at": self._clock(), "failure_message": failure}
        if failure is None:
            # With another model it is measured again.
            measured = found.tokens_per_minute if found.desired_model_arn == found.model_arn else None
            values |= {
                "status": ProvisionedStatus.IN_SERVICE,
                "model_arn": found.desired_model_arn,
                "tokens_per_minute": measured,
            }
        elif found.status is ProvisionedStatus.UPDATING:
            # The old model still answers, so the throughput stays in service with it, and says why.
            values |= {"status": ProvisionedStatus.IN_SERVICE, "desired_model_arn": found.model_arn}
        else:
            values |= {"status": ProvisionedStatus.FAILED}
        with self._throughputs.database.writing() as connection:
            columns = self._throughputs.table.c
            self._throughputs.change(
                connection,
                found.provisioned_arn,
                columns.status == found.status,
                columns.desired_model_arn == found.desired_model_arn,
                **values,
            )

    async def _settle_deployment(self, found: CustomModelDeployment) -> None:
        is_update = found.status is not DeploymentStatus.CREATING
        wanted = found.update_model_arn if is_update and found.update_model_arn else found.model_arn
        failure = await self._try_out(found.scope, wanted)
        values: dict[str, object] = {"updated_at": self._clock(), "failure_message": failure}
        if is_update:
            values |= {"update_status": UpdateStatus.COMPLETED if failure is None else UpdateStatus.FAILED}
            values |= {"model_arn": wanted} if failure is None else {}
        else:
            values |= {"status": DeploymentStatus.ACTIVE if failure is None else DeploymentStatus.FAILED}
        with self._deployments.database.writing() as connection:
            columns = self._deployments.table.c
            self._deployments.change(
                connection,
                found.deployment_arn,
                columns.status == found.status,
                columns.update_status.is_not_distinct_from(found.update_status),
                columns.update_model_arn.is_not_distinct_from(found.update_model_arn),
                **values,
            )

    async def _try_out(self, scope: Scope, model_arn: str) -> str | None:
        """None when the model has answered, else the reason why it cannot. Raises what is in `_COME_BACK`."""
        try:
            _, engine, adapter = await self._placement.locate(scope, model_arn)
            if adapter is not None:
                await engine.load_adapter(adapter)
            async with aclosing(engine.generate(CANARY, adapter)) as events:
                async for event in events:
                    if isinstance(event, GenerationEnd):
                        self._failed_tries.pop(model_arn, None)
                        return None
        except _COME_BACK:
            raise
        except EngineFailed as error:
            return str(error)[:2048]
        except (ModelFailed, ModelTimeout) as error:
            # The host may have died under it and be back in a moment; a model that breaks every time is broken.
            self._failed_tries[model_arn] = self._failed_tries.get(model_arn, 0) + 1
            if self._failed_tries[model_arn] < TRIES:
                raise ServiceUnavailable(str(error)) from error
            return str(error)[:2048]
        except TanrenError as error:
            return str(error)[:2048]
        return "The canary prompt was not answered."
