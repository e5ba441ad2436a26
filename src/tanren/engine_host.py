"""The engine host process: one base model in memory behind a Unix socket. Composition root.

    python -m tanren.engine_host --base-folder F --socket S [--engine auto|native|vllm|torch|reference] [--threads N]

The options of vLLM are settings (`TANREN_VLLM_…`), which the supervisor hands on in the environment.

The socket appears when the first request can be answered, not before. The process ends on SIGTERM, and when the pipe at
its standard input closes (its parent is gone); answers under way then have DRAIN_SECONDS to finish.
"""

import argparse
import asyncio
import logging
import os
import signal
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import uvloop

from tanren.domain.errors import TanrenError
from tanren.jobs.lifeline import end_with_parent, exit_at_once
from tanren.logs import log_to_stderr
from tanren.serving.engines.choice import EngineChoice, Wanted, open_engine
from tanren.serving.engines.vllm_options import VllmOptions
from tanren.serving.host import EngineHost
from tanren.serving.protocol import Engine, EngineLimits
from tanren.settings import read_settings

logger = logging.getLogger(__name__)

DRAIN_SECONDS: Final = 10.0

SWITCH_SECONDS: Final = 0.0005
"""How long the engine's thread may keep the interpreter while a token waits to be sent; Python's default is ten times
as long, which a reader of the stream would notice."""


class _Ending:
    """Whether the process has been asked to end; before it serves there is nothing to drain, and it ends at once."""

    def __init__(self) -> None:
        self._wake: Callable[[], object] = exit_at_once

    def ask(self) -> None:
        """From any thread."""
        self._wake()

    def listen(self) -> asyncio.Event:
        """Set when the process is asked to end, from now on; it has then time to drain."""
        loop, asked = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: loop.call_soon_threadsafe(asked.set)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, asked.set)
        return asked


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tanren.engine_host", description=__doc__)
    limits = EngineLimits()
    parser.add_argument("--base-folder", required=True, type=Path, help="a Hugging Face causal language model")
    parser.add_argument("--socket", required=True, type=Path, help="where to listen; at most about 90 bytes")
    choices = [each.value for each in EngineChoice]
    parser.add_argument("--engine", choices=choices, default="auto", help="auto: the fastest that can serve it here")
    parser.add_argument("--threads", type=int, default=0, help="of the model's arithmetic; 0 for what fits its size")
    parser.add_argument("--key-value-megabytes", type=int, help="memory for keys and values; a quarter of what is free")
    parser.add_argument("--max-active", type=int, default=limits.max_active, help="answers made side by side")
    parser.add_argument("--max-queued", type=int, default=limits.max_queued, help="requests that may wait")
    parser.add_argument("--max-adapters", type=int, default=limits.max_resident_adapters, help="adapters in memory")
    given = parser.parse_args(arguments)
    log_to_stderr()
    ending = _Ending()
    if _is_pipe(sys.stdin.fileno()):
        end_with_parent(ending.ask)
    started_at = time.monotonic()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        limits = EngineLimits(
            max_active=given.max_active,
            max_queued=given.max_queued,
            max_resident_adapters=given.max_adapters,
            key_value_megabytes=given.key_value_megabytes,
        )
        settings = read_settings()
        vllm = VllmOptions(
            command=settings.vllm_command,
            dtype=settings.vllm_dtype,
            gpu_share=settings.vllm_gpu_share,
            max_lora_rank=settings.vllm_max_lora_rank,
            batched_adapters=settings.vllm_batched_adapters,
            context_length=settings.vllm_context_length,
            check_gigabytes=settings.vllm_check_gigabytes,
            start_seconds=settings.vllm_start_seconds,
        )
        wanted = Wanted(choice=EngineChoice(given.engine), limits=limits, threads=given.threads, vllm=vllm)
        engine = open_engine(given.base_folder, wanted)
    except TanrenError as error:
        logger.error("the base model in %s cannot be served: %s", given.base_folder, error)
        return 1
    logger.info("the base model in %s is loaded after %.1f s", given.base_folder, time.monotonic() - started_at)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(engine, given.socket, ending))
    engine.close()
    return 0


async def _serve(engine: Engine, socket_path: Path, ending: _Ending) -> None:
    asked_to_end = ending.listen()
    host = EngineHost(engine, socket_path)
    await host.start()
    logger.info("ready at %s", socket_path)
    await asked_to_end.wait()
    await host.drain(DRAIN_SECONDS)
    logger.info("ended")


def _is_pipe(descriptor: int) -> bool:
    """A terminal, a file or the null device is no lifeline: nobody holds its other end for us."""
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


if __name__ == "__main__":
    sys.exit(main())
