"""Where a server listens, where clients and its own processes reach it, and whether something answers there."""

import http.client
import socket
import ssl
import urllib.error
import urllib.request

from tanren.domain.errors import Conflict
from tanren.settings import Settings


def check_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise Conflict(
                f"Port {settings.port} of {settings.host} cannot be used: {error.strerror}. Give another --port."
            ) from error


def endpoint(settings: Settings) -> str:
    """As clients are told: by the first name that was given, which the certificate has."""
    names = (name for name in settings.more_tls_names if not name.startswith("*"))
    host = next(names, reachable(settings.host))
    return f"{settings.scheme}://{host}:{settings.port}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def reachable(host: str) -> str:
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def answers(url: str) -> bool:
    """Whether a service of this machine answers; asked directly, whatever proxies the environment names."""
    # Only whether it answers is asked, and of a certificate that may be for another name.
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=unverified)
    )
    try:
        with opener.open(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True  # an HTTP error is an answer
    except (OSError, http.client.HTTPException):
        return False
