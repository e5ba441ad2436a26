"""Serves an ASGI application with Granian: HTTP/1.1 and HTTP/2 with prior knowledge on one port, or both over TLS.

How: Granian spawns one worker process, which imports the factory by its string and builds the application there; one
event loop (uvloop), so that caches and connections are the process's own. SIGTERM stops accepting, waits for the
requests under way up to `drain_seconds`, then ends. The number of requests in flight is bounded by
`concurrent_requests`; more wait in the listen queue, where a client sees latency and no error.

Cost: Granian's Rust threads parse HTTP; a request costs the event loop about 0.1 ms before the application begins.
"""

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, cast

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops, RuntimeModes, SSLProtocols
from granian.http import HTTP1Settings, HTTP2Settings
from granian.log import LogLevels

_ORPHAN_POLL_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    factory: str
    """Import string of a function without arguments that returns the ASGI application: `tanren.gateway:application`."""
    host: str
    port: int
    concurrent_requests: int = 512
    """Streams are long: an answer of a minute holds its place for a minute."""
    drain_seconds: int = 30
    """How long a stop waits for the requests under way."""
    certificate: Path | None = None
    """PEM; with it and `key` the port speaks TLS 1.2 and 1.3 and nothing else."""
    key: Path | None = None


class Server(Protocol):
    def serve(self) -> None: ...


def serve(settings: ServerSettings) -> None:
    """Serves until SIGTERM or SIGINT; returns after the drain. Must run in the main thread."""
    server(settings).serve()


def end_with_server_process() -> None:
    """For the factory: the HTTP worker ends when the server process that spawned it does, also by kill -9."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_ORPHAN_POLL_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="orphan-watch", daemon=True).start()


def server(settings: ServerSettings) -> Server:
    # Granian's class is chosen at import, by the kind of Python that runs; hence the cast.
    return cast("type[Any]", Granian)(
        settings.factory,
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=1,
        runtime_mode=RuntimeModes.st,
        loop=Loops.uvloop,
        http=HTTPModes.auto,
        websockets=False,
        backlog=1024,
        backpressure=settings.concurrent_requests,
        # Header lines of an AWS request: a presigned URL with a session token is about 2 KiB.
        http1_settings=HTTP1Settings(max_buffer_size=512 * 1024),
        http2_settings=HTTP2Settings(
            adaptive_window=True,
            max_concurrent_streams=settings.concurrent_requests,
            max_headers_size=256 * 1024,
        ),
        workers_kill_timeout=settings.drain_seconds,
        ssl_cert=settings.certificate,
        ssl_key=settings.key,
        ssl_protocol_min=SSLProtocols.tls12,
        log_access=False,
        log_level=LogLevels.warning,
    )
