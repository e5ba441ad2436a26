"""Records of a batch job put to a model, many at a time; what cannot be answered is an answer, too.

    records ──▶ as many under way as the pace allows ──▶ the operation that online callers use ──▶ answers, as they come

An error that is about the record (a bad body, a prompt that is too long, an engine that breaks on it every time)
becomes the record's output. One that is about the moment (an engine that is starting, restarting or full) is waited
out. One that is about the job (the model is gone, its engine cannot be started) ends it. Nothing here knows files or
the store.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from tanren.data.batch_rows import MODEL_INPUT, RECORD_ID, BatchRecord
from tanren.domain.errors import (
    EngineFailed,
    ModelFailed,
    ModelNotReady,
    ModelTimeout,
    ResourceNotFound,
    ServiceUnavailable,
    TanrenError,
    Throttled,
)
from tanren.runtime.batch_pace import Pace

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
"""Between two looks at the engine's queue, and between two calls of `on_round`."""
TRIES = 3
"""Of a record on which the engine breaks, before that is its answer."""
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
_COME_BACK = (ModelNotReady, ServiceUnavailable, Throttled)
_BROKE = (ModelFailed, ModelTimeout)
_ABOUT_THE_JOB = (EngineFailed, ResourceNotFound)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOutput:
    body: dict[str, Any]
    input_token_count: int
    output_token_count: int


class RecordOperation(Protocol):
    """InvokeModel or Converse as an online caller has it; `aws/batch_operations.py` wraps both.

    Why a port: bodies and errors of records are the wire's, and only `aws/` knows them.
    """

    async def answer(self, model_input: dict[str, Any]) -> ModelOutput:
        """Raises   what the operation raises, as domain errors."""
        ...

    def error(self, error: TanrenError) -> dict[str, Any]:
        """The `error` member of the output line: `errorCode`, an HTTP status, and `errorMessage`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAnswer:
    line: int
    output: dict[str, Any]
    """The output line: recordId and modelInput as they came, then modelOutput or error."""
    is_error: bool
    input_token_count: int = 0
    output_token_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineLoad:
    active_count: int
    queued_count: int


class BatchRun:
    """One pass over records that are still to be answered."""

    def __init__(
        self,
        operation: RecordOperation,
        pace: Pace,
        *,
        engine_load: Callable[[], Awaitable[EngineLoad]],
        on_answer: Callable[[int, RecordAnswer], None],
        on_round: Callable[[], Awaitable[None]],
    ) -> None:
        """`on_answer` is given the file's number and the answer, and must not block; `on_round` is called all the time,
        and raises what is to end the run. Both are called from one task, one at a time."""
        self._operation = operation
        self._pace = pace
        self._engine_load = engine_load
        self._on_answer = on_answer
        self._on_round = on_round
        self._looked_at = float("-inf")

    async def answer_all(self, records: Iterator[tuple[int, BatchRecord]]) -> None:
        """Every record has been handed to `on_answer` when this returns. What is under way when it raises is dropped.

        Takes    records with the number of their file, read one at a time.
        Raises   ResourceNotFound, EngineFailed; whatever `on_round` raises.
        """
        under_way: dict[asyncio.Task[RecordAnswer], int] = {}
        has_more = True
        try:
            while has_more or under_way:
                while has_more and len(under_way) < self._pace.allowed:
                    following = next(records, None)
                    if following is None:
                        has_more = False
                    else:
                        number, record = following
                        under_way[asyncio.create_task(self._answer(record))] = number
                if under_way:
                    done, _ = await asyncio.wait(under_way, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        self._on_answer(under_way.pop(task), task.result())
                await self._look(len(under_way))
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _look(self, under_way: int) -> None:
        now = time.monotonic()
        if now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        await self._on_round()
        try:
            load = await self._engine_load()
        except (*_COME_BACK, *_BROKE) as error:
            logger.debug("the engine's load is not known: %s", error)
            return
        self._pace.observe(active_count=load.active_count, queued_count=load.queued_count, under_way=under_way)

    async def _answer(self, record: BatchRecord) -> RecordAnswer:
        named = {RECORD_ID: record.record_id, MODEL_INPUT: record.model_input}
        try:
            output = await self._tried(record)
        except _ABOUT_THE_JOB:
            raise
        except TanrenError as error:
            return RecordAnswer(
                line=record.line, output={**named, "error": self._operation.error(error)}, is_error=True
            )
        return RecordAnswer(
            line=record.line,
            output={**named, "modelOutput": output.body},
            is_error=False,
            input_token_count=output.input_token_count,
            output_token_count=output.output_token_count,
        )

    async def _tried(self, record: BatchRecord) -> ModelOutput:
        tries, pause = 0, FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._operation.answer(record.model_input)
            except _ABOUT_THE_JOB:
                raise
            except _COME_BACK as error:
                if isinstance(error, Throttled):
                    self._pace.refused()
            except _BROKE as error:
                tries += 1
                if tries == TRIES:
                    raise
                logger.info("record on line %d is tried again: %s", record.line, error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
