"""To whom a command speaks that is a plain client of Bedrock's API, and what is made of a refusal.

    --endpoint-url URL, or `aws`     that one, with boto3's own chain of credentials
    --data-dir DIR                   the server of that directory, with its root keys
    AWS_ENDPOINT_URL and the like    where boto3 is pointed, as after `eval "$(tanren env)"`
    none of these                    the server of .tanren

AWS itself is spoken to only where it is named: a shell that has real credentials and no endpoint is not a wish to buy.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tanren.domain.errors import AccessDenied, Conflict, ResourceNotFound, ServiceUnavailable, ValidationFailed
from tanren.settings import Settings, read_settings
from tanren.storage.root_keys import RootKeys, read_root_keys

AWS: Final = "aws"
_AWS_DOMAINS: Final = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
_ERRORS: Final = {
    "ValidationException": ValidationFailed,
    "ConflictException": Conflict,
    "ResourceNotFoundException": ResourceNotFound,
    "AccessDeniedException": AccessDenied,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    url: str
    bedrock: Any
    """boto3's client of the control plane."""
    is_aws: bool


def open_endpoint(endpoint_url: str | None, data_dir: Path | None) -> Endpoint:
    """Raises   ValidationFailed where nobody is named and no server has been started."""
    import boto3
    from botocore.exceptions import BotoCoreError

    if endpoint_url is not None and data_dir is not None:
        raise ValidationFailed("--endpoint-url and --data-dir both say whom to ask; give one of them.")
    if endpoint_url is not None and endpoint_url != AWS and not endpoint_url.startswith(("http://", "https://")):
        raise ValidationFailed(f"--endpoint-url is '{endpoint_url}'; give a URL that begins with http:// or https://.")
    try:
        if data_dir is None:
            session = boto3.Session()
            configured: Any = session.client(  # pyright: ignore
                "bedrock",
                endpoint_url=None if endpoint_url == AWS else endpoint_url,
                region_name=session.region_name or read_settings().region,
            )
            url: str = configured.meta.endpoint_url
            if endpoint_url is not None or not _is_aws(url):
                return Endpoint(url=url, bedrock=configured, is_aws=_is_aws(url))
        return _own_server(read_settings(data_dir=data_dir))
    except (BotoCoreError, ValueError) as error:
        raise ValidationFailed(f"boto3 cannot be set up: {error}") from error


@contextmanager
def refusals() -> Generator[None]:
    """An error of the API, or on the way to it, as one of ours: a line and an exit code."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        told = error.response.get("Error", {})
        kind = _ERRORS.get(told.get("Code", ""), ServiceUnavailable)
        raise kind(f"{told.get('Code')}: {told.get('Message')}") from error
    except BotoCoreError as error:
        raise ServiceUnavailable(
            f"{str(error).rstrip('.')}. Is the server running, and are its keys those of this shell? `tanren serve` "
            'starts one, `eval "$(tanren env)"` sets endpoint and keys.'
        ) from error


def _own_server(settings: Settings) -> Endpoint:
    keys = read_root_keys(settings.data_dir)
    if keys is None:
        raise ValidationFailed(
            f"No server has been started in {settings.data_dir} yet, and neither AWS_ENDPOINT_URL nor --endpoint-url "
            f"names another. Start one with `tanren serve`, or say --endpoint-url URL; `--endpoint-url {AWS}` is AWS "
            "itself."
        )
    return Endpoint(url=keys.endpoint, bedrock=_client(keys), is_aws=False)


def _client(keys: RootKeys) -> Any:
    import boto3
    from botocore.config import Config

    session = boto3.Session(
        aws_access_key_id=keys.access_key_id, aws_secret_access_key=keys.secret_access_key, region_name=keys.region
    )
    # These keys and no proxy, whatever the shell holds: a bearer token for Bedrock would win over them.
    config = Config(signature_version="v4", proxies={})
    return session.client("bedrock", endpoint_url=keys.endpoint, verify=keys.ca_bundle or None, config=config)  # pyright: ignore


def _is_aws(url: str) -> bool:
    return (urlsplit(url).hostname or "").endswith(_AWS_DOMAINS)
