"""The console's process: pages for a browser, over the API that everybody else speaks. Composition root.

It has no database and no keys of its own: where the API is, it is told; whose keys are used, whoever signs in says. The
gateway passes on to it what is asked below `/console`; it listens on loopback alone.
"""

import os
import signal
from pathlib import Path
from urllib.parse import urlsplit

from tanren.aws.sdk_overlay import MODELS_FOLDER
from tanren.aws.server import ServerSettings, end_with_server_process, serve
from tanren.aws.tls import tls_files
from tanren.console.api import ApiClients, ApiEndpoint
from tanren.console.application import ASGIApp, Console
from tanren.console.sealed_sessions import SealedSessions
from tanren.domain.errors import ValidationFailed
from tanren.jobs.lifeline import end_with_parent
from tanren.logs import log_to_stderr
from tanren.object_stores import AWS_ITSELF
from tanren.processes import TLS_FOLDER
from tanren.settings import Settings, read_settings

DRAIN_SECONDS = 2
"""Pages are short, and live ones never end by themselves; a browser comes back to either."""


def application() -> ASGIApp:
    """The ASGI application, wired."""
    log_to_stderr()
    end_with_server_process()
    settings = read_settings()
    endpoint = api_endpoint(settings)
    return Console(
        ApiClients(endpoint),
        SealedSessions(settings.data_dir / "console" / "sessions"),
        endpoint_url=endpoint.url or AWS_ITSELF,
        default_region=settings.region,
        is_https=settings.tls != "off",
    ).application()


def api_endpoint(settings: Settings) -> ApiEndpoint:
    """The API that the setting names. Our own authority vouches for our own gateway alone."""
    if settings.console_api == AWS_ITSELF:
        return ApiEndpoint(url=None)
    if not settings.console_api:
        raise ValidationFailed("The console needs to know its API: start it with `tanren serve`, or set console_api.")
    is_own = urlsplit(settings.console_api).port == settings.port and settings.tls == "local"
    authority: Path | None = tls_files(settings.data_dir / TLS_FOLDER).authority if is_own else None
    return ApiEndpoint(
        url=settings.console_api,
        ca_bundle=None if authority is None else str(authority),
        models_folder=MODELS_FOLDER,
    )


def main() -> None:
    log_to_stderr()
    settings = read_settings()
    end_with_parent(lambda: os.kill(os.getpid(), signal.SIGTERM))
    listening = urlsplit(settings.console_endpoint)
    if listening.hostname is None or listening.port is None:
        raise ValidationFailed(f"console_endpoint is '{settings.console_endpoint}'; give http://127.0.0.1: and a port.")
    serve(
        ServerSettings(
            factory="tanren.console_process:application",
            host=listening.hostname,
            port=listening.port,
            drain_seconds=DRAIN_SECONDS,
        )
    )


if __name__ == "__main__":
    main()
