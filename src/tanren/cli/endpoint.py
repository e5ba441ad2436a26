"""To whom a command speaks that is a plain client of Bedrock's API, and what is made of a refusal.

    --endpoint-url URL, or `aws`     that one, with boto3's own chain of credentials
    --data-dir DIR                   the server of that directory, with its root keys
    AWS_ENDPOINT_URL and the like    where boto3 is pointed, as after `eval "$(tanren env)"`
    none of these                    the server of .tanren

AWS itself is spoken to only where it is named: a shell that has real credentials and no endpoint is not a wish to buy.
Where the own server does not run, what only reads is answered from its store (`stopped_server.py`).
"""

import shlex
import socket
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from tanren.cli.exit_codes import RequestRefused
from tanren.cli.language import say
from tanren.domain.errors import (
    AccessDenied,
    Conflict,
    QuotaExceeded,
    ResourceNotFound,
    ServiceUnavailable,
    TanrenError,
    Throttled,
    ValidationFailed,
)
from tanren.settings import Settings, read_settings
from tanren.storage.root_keys import RootKeys, read_root_keys

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Of the server. Default .tanren.")]
EndpointUrl = Annotated[
    str | None,
    typer.Option("--endpoint-url", help="Of any Bedrock, or `aws`. Default AWS_ENDPOINT_URL, else the own server."),
]

AWS: Final = "aws"
_AWS_DOMAINS: Final = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
_READ_SECONDS: Final = 300
"""A model that writes much takes its time."""
_CONNECT_SECONDS: Final = 1.0
_HEALTH_SECONDS: Final = 2.0
_ERRORS: Final[Mapping[str, type[TanrenError]]] = {
    "ValidationException": RequestRefused,
    "ConflictException": Conflict,
    "ResourceInUseException": Conflict,
    "ResourceNotFoundException": ResourceNotFound,
    "NoSuchBucket": ResourceNotFound,
    "NoSuchKey": ResourceNotFound,
    "AccessDeniedException": AccessDenied,
    "AccessDenied": AccessDenied,
    "ExpiredTokenException": AccessDenied,
    "InvalidSignatureException": AccessDenied,
    "UnrecognizedClientException": AccessDenied,
    "ServiceQuotaExceededException": QuotaExceeded,
    "ThrottlingException": Throttled,
    "ModelNotReadyException": Throttled,
    "TooManyTagsException": QuotaExceeded,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    url: str
    bedrock: Any
    """boto3's client of the control plane."""
    is_aws: bool
    open_client: Callable[[str], Any] | None = None
    """boto3's client of another service at the same place, `tanren` among them."""
    is_own: bool = False
    """The server of a data directory: tanren, and this user's."""

    def client(self, service: str) -> Any:
        if service == "bedrock" or self.open_client is None:
            return self.bedrock
        return self.open_client(service)

    @property
    def is_tanren(self) -> bool:
        """Asked of the server where nothing else says it."""
        return self.is_own or (not self.is_aws and answers_as_tanren(self.url))


def open_endpoint(endpoint_url: str | None, data_dir: Path | None) -> Endpoint:
    """Raises   ValidationFailed where nobody is named and no server has been started."""
    meant = whom(endpoint_url, data_dir)
    return meant if isinstance(meant, Endpoint) else own_server(meant)


def whom(endpoint_url: str | None, data_dir: Path | None) -> Endpoint | Settings:
    """The endpoint that options and shell name, or the settings of the own server, where they name none."""
    from botocore.exceptions import BotoCoreError

    if endpoint_url is not None and data_dir is not None:
        raise ValidationFailed(say("--endpoint-url and --data-dir both say whom to ask; give one of them."))
    if endpoint_url is not None and endpoint_url != AWS and not endpoint_url.startswith(("http://", "https://")):
        raise ValidationFailed(
            say("--endpoint-url is '{url}'; give a URL that begins with http:// or https://.", url=endpoint_url)
        )
    if data_dir is None:
        try:
            configured = _configured(endpoint_url)
        except (BotoCoreError, ValueError) as error:
            raise ValidationFailed(say("boto3 cannot be set up: {error}", error=error)) from error
        if endpoint_url is not None or not configured.is_aws:
            return configured
    return read_settings(data_dir=data_dir)


@contextmanager
def refusals() -> Generator[None]:
    """An error of the API, or on the way to it, as one of ours: a line and an exit code."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError

    try:
        yield
    except ClientError as error:
        told = error.response.get("Error", {})
        text = f"{told.get('Code')}: {told.get('Message')}"
        kind = _ERRORS.get(told.get("Code", ""), ServiceUnavailable)
        raise kind(text) from error
    except ParamValidationError as error:
        raise ValidationFailed(str(error)) from error
    except NoCredentialsError as error:
        raise AccessDenied(
            say(
                "There are no credentials for this endpoint: `aws configure`, or for the own server "
                'eval "$(tanren env)".'
            )
        ) from error
    except BotoCoreError as error:
        raise ServiceUnavailable(
            say(
                "{error}. Is the server running, and are its keys those of this shell? `tanren serve` starts one, "
                '`eval "$(tanren env)"` sets endpoint and keys.',
                error=str(error).rstrip("."),
            )
        ) from error


@cache
def answers_as_tanren(url: str) -> bool:
    """By the page of health that every tanren server has; asked directly, with the trust that boto3 has."""
    import ssl
    import urllib.request

    import botocore.session

    from tanren.processes import HEALTH_PATH

    bundle: str | None = botocore.session.Session().get_config_variable("ca_bundle")
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    try:
        if url.startswith("https:"):
            handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=bundle)))
        with urllib.request.build_opener(*handlers).open(url.rstrip("/") + HEALTH_PATH, timeout=_HEALTH_SECONDS):
            return True
    except (OSError, ValueError, HTTPException):
        return False


def is_listening(url: str) -> bool:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=_CONNECT_SECONDS):
            return True
    except OSError:
        return False


def not_running(settings: Settings) -> ServiceUnavailable:
    return ServiceUnavailable(
        say(
            "The server of {folder} does not run, and this needs it. Start it: tanren serve --data-dir {quoted}",
            folder=settings.data_dir,
            quoted=shlex.quote(str(settings.data_dir)),
        )
    )


def own_server(settings: Settings) -> Endpoint:
    """Raises   ValidationFailed where none has been started."""
    keys = read_root_keys(settings.data_dir)
    if keys is None:
        raise ValidationFailed(
            say(
                "No server has been started in {folder} yet, and neither AWS_ENDPOINT_URL nor --endpoint-url names "
                "another. Start one with `tanren serve`, or say --endpoint-url URL; `--endpoint-url aws` is AWS "
                "itself.",
                folder=settings.data_dir,
            )
        )
    return Endpoint(
        url=keys.endpoint,
        bedrock=_own_client(keys, "bedrock"),
        is_aws=False,
        open_client=lambda service: _own_client(keys, service),
        is_own=True,
    )


def _configured(endpoint_url: str | None) -> Endpoint:
    """Where boto3 is pointed, by its own files and variables."""
    import boto3

    session = boto3.Session()
    region = session.region_name or read_settings().region
    url = None if endpoint_url == AWS else endpoint_url

    def open_client(service: str) -> Any:
        config = {"config": _config(service, is_aws)} if service != "bedrock" else {}
        # AWS has no service `tanren`, whose model comes with us; nor does boto3 know where it would be.
        where = bedrock_url if url is None and not is_aws else url
        return _session_with_overlay(service).client(service, endpoint_url=where, region_name=region, **config)

    bedrock: Any = session.client("bedrock", endpoint_url=url, region_name=region)  # pyright: ignore
    bedrock_url: str = bedrock.meta.endpoint_url
    is_aws = _is_aws(bedrock_url)
    return Endpoint(url=bedrock_url, bedrock=bedrock, is_aws=is_aws, open_client=open_client)


def _own_client(keys: RootKeys, service: str) -> Any:
    # These keys, whatever the shell holds: a bearer token for Bedrock would win over them.
    return _session_with_overlay(
        service,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        region_name=keys.region,
    ).client(
        service,
        endpoint_url=keys.endpoint,
        verify=keys.ca_bundle or None,
        config=_config(service, is_aws=False, signature_version="s3v4" if service == "s3" else "v4", proxies={}),
    )


def _session_with_overlay(service: str, **values: Any) -> Any:
    import boto3

    if service != "tanren":
        return boto3.Session(**values)  # pyright: ignore
    import botocore.session

    from tanren.aws.sdk_overlay import MODELS_FOLDER

    core = botocore.session.Session()
    core.set_config_variable("data_path", str(MODELS_FOLDER))
    return boto3.Session(botocore_session=core, **values)  # pyright: ignore


def _config(service: str, is_aws: bool, **values: Any) -> Any:
    from botocore.config import Config

    # Paths, not host names: a bucket of a server at an address has no name of its own.
    addressing = {"s3": {"addressing_style": "path"}} if service == "s3" and not is_aws else {}
    return Config(read_timeout=_READ_SECONDS, **addressing, **values)


def _is_aws(url: str) -> bool:
    return (urlsplit(url).hostname or "").endswith(_AWS_DOMAINS)
