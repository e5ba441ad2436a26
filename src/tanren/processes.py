"""How the processes of a server are started, and where the gateway says that it lives.

Apart from them, so that whoever starts or asks for a process does not load what it consists of.
"""

import sys
from typing import Final

HEALTH_PATH: Final = "/_tanren/health"
CONSOLE_HEALTH_PATH: Final = "/console/health"
LOCK_FILE: Final = "lock"
"""In the data directory: held by the supervisor as long as it lives."""
TLS_FOLDER: Final = "tls"
"""In the data directory: the authority and the certificate of `tanren serve --tls`."""


def gateway_command() -> list[str]:
    return [sys.executable, "-m", "tanren.gateway"]


def console_command() -> list[str]:
    return [sys.executable, "-m", "tanren.console_process"]


def worker_command() -> list[str]:
    return [sys.executable, "-m", "tanren.worker"]
