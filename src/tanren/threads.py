"""Where blocking work runs beside an event loop: a pool of threads for each sort of it, so that none waits for another.

    ANSWERS     operations of ours: rows are read and written, a few milliseconds each
    LOGS        records of invocations, made and written to disk
    WAITING     what waits for others, for up to a minute: S3, CloudWatch Logs, the process of a dry run
    DOCUMENTS   documents of a conversation, which a process of their own reads

What is left to asyncio's own pool is short: where a model id leads, and permissions where an answer takes no thread.

Why      in one pool a handful of callers who wait for a slow S3 would hold every thread, and until they let go nobody
         would get an answer, not even that they may not do this.
"""

import asyncio
import contextvars
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """A pool; its threads start when they are first needed."""

    def __init__(self, name: str, most: int) -> None:
        self._pool = ThreadPoolExecutor(most, thread_name_prefix=name)

    async def run(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `asyncio.to_thread`, in this pool. Work that has begun goes on where the caller is cancelled."""
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, partial(context.run, work, *args, **kwargs))


_FOR_THE_PROCESSOR: Final = min(32, (os.cpu_count() or 1) + 4)
"""As many as asyncio's own pool has: more would only take turns."""
_FOR_THE_INTERPRETER: Final = 3
"""Rows are read in a hundred short steps, and at each the interpreter passes to a thread that waits for it: six threads
took a third more of the processor for the same answers, two and three the same as one."""

ANSWERS: Final = Threads("answers", _FOR_THE_INTERPRETER)
LOGS: Final = Threads("invocation-logs", 4)
WAITING: Final = Threads("waiting", 32)
DOCUMENTS: Final = Threads("documents", _FOR_THE_PROCESSOR)
