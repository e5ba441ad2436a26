"""What callers use, counted where it is made: tokens and seconds, by account, resource and model.

    engine ──▶ MeteredEngine: counts the events that pass ──▶ UsageMeter: sums in memory ──▶ one write a second

No request waits for it. A process that is killed loses the last second's sums, and never counts anything twice.
"""

import atexit
import logging
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tanren.domain.clock import Clock
from tanren.domain.conversation import Conversation
from tanren.domain.generation import GenerationEnd, GenerationEvent, GenerationRequest, GenerationStart, TextDelta
from tanren.domain.scope import Scope
from tanren.domain.usage import Usage
from tanren.runtime.inference import ServingEngine
from tanren.serving.protocol import AdapterRef
from tanren.storage.usage import UsageRecords

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageKey:
    scope: Scope
    resource_arn: str
    """What was asked: a throughput, a deployment, a model."""
    model_arn: str
    """What answered."""


class Meter(Protocol):
    def note(self, key: UsageKey, used: Usage) -> None:
        """Must not block; called at the end of every answer."""
        ...


class MeteredEngine:
    """An engine that tells a meter what each generation used, also of one that the client left or that broke."""

    def __init__(self, engine: ServingEngine, meter: Meter, key: UsageKey) -> None:
        self._engine = engine
        self._meter = meter
        self._key = key

    async def generate(
        self, request: GenerationRequest, adapter: AdapterRef | None = None
    ) -> AsyncGenerator[GenerationEvent]:
        began = time.monotonic()
        input_tokens = output_tokens = 0
        has_begun = False
        try:
            async with aclosing(self._engine.generate(request, adapter)) as events:
                async for event in events:
                    match event:
                        case GenerationStart():
                            has_begun, input_tokens = True, event.input_token_count
                        case TextDelta():
                            output_tokens = event.output_token_count
                        case GenerationEnd():
                            input_tokens, output_tokens = event.input_token_count, event.output_token_count
                    yield event
        finally:
            # A request that was refused has used nothing.
            if has_begun:
                used = Usage(
                    request_count=1,
                    input_tokens=input_tokens,
                    output_tokens=output_tokens,
                    generation_seconds=time.monotonic() - began,
                )
                self._meter.note(self._key, used)

    async def count_input_tokens(self, conversation: Conversation) -> int:
        return await self._engine.count_input_tokens(conversation)


class UsageMeter:
    """Sums by minute; its thread begins with the first use."""

    def __init__(self, records: UsageRecords, *, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._sums: dict[tuple[UsageKey, datetime], Usage] = {}
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, key: UsageKey, used: Usage) -> None:
        minute = self._clock().replace(second=0, microsecond=0)
        with self._lock:
            self._sums[key, minute] = self._sums.get((key, minute), Usage()) + used
            if self._thread is None and not self._is_over.is_set():
                self._thread = threading.Thread(target=self._write, name="usage-meter", daemon=True)
                self._thread.start()
                atexit.register(self.close)

    def close(self) -> None:
        """Everything noted so far is in the store."""
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()
            atexit.unregister(self.close)
        self.flush()

    def flush(self) -> None:
        with self._lock:
            sums, self._sums = self._sums, {}
        if not sums:
            return
        try:
            self._records.add(
                {(key.scope, key.resource_arn, key.model_arn, minute): used for (key, minute), used in sums.items()}
            )
        except Exception:
            # Kept for the next time, as when another writer holds the database too long.
            with self._lock:
                for each, used in sums.items():
                    self._sums[each] = self._sums.get(each, Usage()) + used
            raise

    def _write(self) -> None:
        while not self._is_over.wait(FLUSH_SECONDS):
            try:
                self.flush()
            except Exception:
                logger.exception("usage could not be written; it is tried again")
