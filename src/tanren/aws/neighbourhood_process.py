"""The command with which the supervisor starts the embedded neighbourhood, ministack, as a child process.

How: a pure function of values; starting, watching and stopping are the supervisor's. Objects and their metadata are
written as they come (`S3_PERSIST`) and survive kill -9; what the other services keep is written at a clean stop only
(`PERSIST_STATE`, SIGTERM), which is why nothing of ours may depend on it. Listeners beside the one port (SFTP, MQTT)
are off, and that port is bound to loopback: ministack checks no secrets, so only the gateway may reach it.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class MinistackSettings:
    port: int
    directory: Path
    """Where objects (`s3/`), states (`state/`) and temporary files (`tmp/`) live; made by the caller with
    `make_directories`."""
    account_id: str
    """For requests that name none; the gateway names the caller's in each."""
    region: str
    public_host: str = "localhost"
    """The name of the gateway, for buckets in Host and for URLs in answers."""
    log_level: str = "WARNING"


def ministack_command(
    settings: MinistackSettings, *, inherited: Mapping[str, str] | None = None
) -> tuple[list[str], dict[str, str]]:
    """Arguments and whole environment of the child. Of `inherited` only what a process needs to run is kept.

    Why      ministack reads some eighty variables, AWS_ENDPOINT_URL among them, which would point it at the gateway.
    """
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV", "DOCKER_HOST")
    env = {name: value for name, value in (inherited or {}).items() if name in kept}
    env |= {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(settings.port),
        "MINISTACK_HOST": settings.public_host,
        "MINISTACK_ACCOUNT_ID": settings.account_id,
        "MINISTACK_REGION": settings.region,
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(settings.directory / "s3"),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(settings.directory / "state"),
        "TMPDIR": str(settings.directory / "tmp"),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": settings.log_level,
        "PYTHONUNBUFFERED": "1",
    }
    return [sys.executable, "-m", "ministack"], env


def make_directories(settings: MinistackSettings) -> None:
    for name in ("s3", "state", "tmp"):
        (settings.directory / name).mkdir(parents=True, exist_ok=True)
