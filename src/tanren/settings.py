"""Settings: the only reader of the environment. Read once by a composition root, then passed as values.

Every field has a default, a help line and a check; an error names variable, value and what is allowed.
A flag of `tanren serve` wins over the environment variable, which wins over the default.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tanren.domain.errors import ValidationFailed
from tanren.domain.scope import ACCOUNT_ID, REGION

PREFIX = "TANREN_"


def _setting(default: Any, help_line: str) -> Any:
    return field(default=default, metadata={"help": help_line})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    host: str = _setting("127.0.0.1", "Address that the gateway listens on.")
    port: int = _setting(4500, "Port of the gateway: the one endpoint of every service.")
    data_dir: Path = _setting(Path(".tanren"), "Directory of everything that must survive: database, objects, models.")
    region: str = _setting("us-east-1", "Region printed by `tanren env`; any other is served as well.")
    account: str = _setting("123456789012", "Account id of the root keys: twelve digits.")
    access_key: str = _setting("", "Root access key; empty makes a random one at the first start.")
    secret_key: str = _setting("", "Root secret key; goes with the access key.")
    database_url: str = _setting("", "SQLAlchemy URL; empty means SQLite in the data directory.")
    aws_endpoint: str = _setting(
        "",
        "Endpoint of S3 and its neighbours instead of the embedded one: real AWS (`aws`) or the URL of any S3. boto3's "
        "chain of credentials is asked for keys once, at the start: temporary keys (SSO, an assumed role) stop working "
        "when they expire, and the server must then be started again.",
    )
    embedded_endpoint: str = _setting("", "Where the embedded S3 listens; the supervisor sets it for its children.")
    lease_seconds: float = _setting(30.0, "A worker that has not renewed its lease for this long loses its job.")
    job_slots: int = _setting(1, "Jobs that the worker runs at the same time.")
    worker_threads: int = _setting(0, "Threads of a training process; 0 takes all cores.")
    checkpoint_seconds: float = _setting(30.0, "Longest time between two checkpoints of a training run.")
    token_cache_gigabytes: float = _setting(
        20.0,
        "Room for data sets as tokens, which later jobs on the same data take up; 0 keeps none beyond its job.",
    )

    def __post_init__(self) -> None:
        if not 1 <= self.port <= 65535:
            raise _refused("port", self.port, "1 to 65535")
        if ACCOUNT_ID.fullmatch(self.account) is None:
            raise _refused("account", self.account, "twelve digits")
        if REGION.fullmatch(self.region) is None:
            raise _refused("region", self.region, "a region name such as us-east-1")
        if bool(self.access_key) != bool(self.secret_key):
            raise ValidationFailed("access_key and secret_key go together; give both or neither.")
        if self.aws_endpoint not in ("", "aws") and not self.aws_endpoint.startswith(("http://", "https://")):
            raise _refused("aws_endpoint", self.aws_endpoint, "aws, or a URL that begins with http:// or https://")
        if self.lease_seconds < 1:
            raise _refused("lease_seconds", self.lease_seconds, "1 or more")
        if self.job_slots < 1:
            raise _refused("job_slots", self.job_slots, "1 or more")
        if self.worker_threads < 0:
            raise _refused("worker_threads", self.worker_threads, "0 or more")
        if self.checkpoint_seconds <= 0:
            raise _refused("checkpoint_seconds", self.checkpoint_seconds, "more than 0")
        if not 0 <= self.token_cache_gigabytes < float("inf"):
            raise _refused("token_cache_gigabytes", self.token_cache_gigabytes, "0 or more")

    @property
    def effective_database_url(self) -> str:
        """The one that was given, or that of the file in the data directory.

        Why      quoted, since SQLAlchemy 2.1 reads the part after `sqlite:///` percent-encoded; a `?` in the path
                 would otherwise begin the query.
        """
        return self.database_url or f"sqlite:///{quote(str(self.data_dir.absolute() / 'tanren.db'))}"


def read_settings(environ: Mapping[str, str] | None = None, **flags: Any) -> Settings:
    """Settings from `TANREN_*` variables, overridden by the flags that are not None."""
    source = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for spec in fields(Settings):
        text = source.get(PREFIX + spec.name.upper())
        if text is not None:
            values[spec.name] = _read(spec.name, text, type(spec.default))
    values.update({name: value for name, value in flags.items() if value is not None})
    settings = Settings(**values)
    return replace(settings, data_dir=settings.data_dir.expanduser().absolute())


def to_environment(settings: Settings) -> dict[str, str]:
    """The variables that make a child process read equal settings."""
    return {PREFIX + spec.name.upper(): str(getattr(settings, spec.name)) for spec in fields(Settings)}


def _read(name: str, text: str, kind: type[Any]) -> Any:
    try:
        return kind(text)
    except ValueError as error:
        raise _refused(name, text, f"a value of type {kind.__name__}") from error


def _refused(name: str, value: object, allowed: str) -> ValidationFailed:
    return ValidationFailed(f"setting {name} ({PREFIX}{name.upper()}) is {value!r}; allowed: {allowed}.")
