"""What a model unit is worth here: measured on this machine, for each throughput once it is in service.

One model unit is one answer being made. A throughput of n units is measured with n answers side by side, as far as that
tells something, on the engine that serves it and with its own adapter; what the engine then makes in a minute is
told by `GetProvisionedCapacity` of the service `tanren`. It is a measurement and not a limit: a caller may have more
when the engine has nothing else to do, and gets less when others share it.

Cost     at most `MEASURED_SECONDS` of one engine, and only while nobody else asks it for anything.
"""

import asyncio
import logging
import time
from contextlib import aclosing
from typing import Protocol

from tanren.domain.conversation import user_turn
from tanren.domain.errors import TanrenError
from tanren.domain.generation import GenerationEnd, GenerationRequest, TextDelta
from tanren.domain.provisioned_throughputs import ProvisionedStatus, ProvisionedThroughput
from tanren.runtime.inference import ServingEngine
from tanren.runtime.placement import StoredPlacement
from tanren.serving.protocol import AdapterRef, EngineDescription
from tanren.storage.provisioned_throughputs import ProvisionedThroughputs

logger = logging.getLogger(__name__)

MEASURED_SECONDS = 5.0
MEASURED_TOKENS = 48
"""Of each answer; a fast engine is done before the time is over."""
MOST_ANSWERS = 16
"""Side by side; an engine that makes these together makes hardly more tokens with more of them."""
LEAST_TOKENS = 8
"""Below it there is nothing to divide by."""


class DescribedEngine(ServingEngine, Protocol):
    async def describe(self) -> EngineDescription: ...


async def measured_tokens_per_minute(
    engine: DescribedEngine, adapter: AdapterRef | None, *, answers: int
) -> int | None:
    """Output tokens a minute with so many answers side by side; None where others used the engine meanwhile, or where
    too few tokens were made. Raises   what the engine raises."""
    if not _is_idle(await engine.describe()):
        return None
    made = [0] * answers
    began = time.monotonic()

    async def answer(number: int) -> None:
        request = GenerationRequest(
            conversation=user_turn(f"Tell a long story about a smith and {number + 1} blades."),
            max_new_tokens=MEASURED_TOKENS,
            # Not greedy: an answer that ends at once would measure nothing.
            temperature=1.0,
            seed=number,
        )
        async with aclosing(engine.generate(request, adapter)) as events:
            async for event in events:
                if isinstance(event, TextDelta | GenerationEnd):
                    made[number] = event.output_token_count

    tasks = [asyncio.create_task(answer(number)) for number in range(answers)]
    try:
        done, _ = await asyncio.wait(tasks, timeout=MEASURED_SECONDS)
        seconds = time.monotonic() - began
        tokens = sum(made)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if tokens < LEAST_TOKENS or (len(done) == answers and not _is_idle(await engine.describe())):
        return None
    return round(60 * tokens / seconds)


class CapacityMeasurements:
    """Finds the throughputs that have no measurement yet, and gives them one."""

    def __init__(self, throughputs: ProvisionedThroughputs, placement: StoredPlacement) -> None:
        self._throughputs = throughputs
        self._placement = placement

    async def look(self) -> None:
        """One round; a throughput whose engine is busy, or away, is looked at again in the next."""
        columns = self._throughputs.table.c
        in_service = columns.status == ProvisionedStatus.IN_SERVICE
        for throughput in self._throughputs.every(in_service, columns.tokens_per_minute.is_(None)):
            try:
                await self._measure(throughput)
            except TanrenError as error:
                logger.debug("%s cannot be measured now: %s", throughput.provisioned_arn, error)

    async def _measure(self, throughput: ProvisionedThroughput) -> None:
        arn = throughput.provisioned_arn
        _, engine, adapter = await self._placement.locate(throughput.scope, throughput.model_arn)
        answers = min(throughput.model_units, MOST_ANSWERS)
        rate = await measured_tokens_per_minute(engine, adapter, answers=answers)
        if rate is None:
            return
        measured = self._throughputs.table.c.model_arn == throughput.model_arn
        with self._throughputs.database.writing() as connection:
            if not self._throughputs.change(connection, arn, measured, tokens_per_minute=rate):
                return
        logger.info(
            "%s: %d model unit(s) make %d tokens a minute on this machine (%d answers side by side)",
            arn,
            throughput.model_units,
            rate,
            answers,
        )


def _is_idle(description: EngineDescription) -> bool:
    return description.active_count == 0 and description.queued_count == 0
