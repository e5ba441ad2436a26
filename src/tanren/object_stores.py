"""Which S3 the settings mean, for whose account. Wiring shared by the composition roots."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeVar

from tanren.domain.errors import ServiceUnavailable, ValidationFailed
from tanren.domain.scope import Scope
from tanren.settings import Settings
from tanren.storage.objects import ObjectStoreAddress

AWS_ITSELF = "aws"
CLIENTS_KEPT: Final = 64
"""Of one sort. A client of boto3's takes about a megabyte, and there is no end to the regions that one may sign for."""

Client = TypeVar("Client")


def kept_by_scope(make: Callable[[Scope], Client]) -> Callable[[Scope], Client]:
    """`make`, which is called once for a scope, as long as the scope is among the last that were asked for."""
    return lru_cache(CLIENTS_KEPT)(make)


def object_store_address(settings: Settings, scope: Scope) -> ObjectStoreAddress:
    """The embedded S3 takes the account id for an access key; elsewhere boto3's own chain of credentials signs."""
    if settings.aws_endpoint:
        url = None if settings.aws_endpoint == AWS_ITSELF else settings.aws_endpoint
        return ObjectStoreAddress(endpoint_url=url, region=scope.region, access_key=None, secret_key=None)
    if not settings.embedded_endpoint:
        raise ServiceUnavailable("No S3 is set: start with `tanren serve`, or set TANREN_AWS_ENDPOINT.")
    return ObjectStoreAddress(
        endpoint_url=settings.embedded_endpoint,
        region=scope.region,
        access_key=scope.account_id,
        secret_key="embedded",
    )


def require_credentials(settings: Settings) -> None:
    """Raises ValidationFailed if an endpoint outside is set and boto3's chain of credentials finds none for it."""
    if settings.aws_endpoint:
        external_credentials(settings)


def external_credentials(settings: Settings) -> tuple[str, str, str | None]:
    """Access key, secret key and session token for the endpoint outside, as they are now.

    Raises   ValidationFailed, if there are none, or if they have expired and cannot be renewed.
    """
    # Imported here: the supervisor needs it only with such an endpoint.
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        found = boto3.Session().get_credentials()
        frozen = None if found is None else found.get_frozen_credentials()
    except BotoCoreError as error:
        raise ValidationFailed(f"--aws-endpoint {settings.aws_endpoint} needs credentials: {error}") from error
    if frozen is None or not frozen.access_key or not frozen.secret_key:
        raise ValidationFailed(
            f"--aws-endpoint {settings.aws_endpoint} needs credentials, and boto3 finds none: set AWS_ACCESS_KEY_ID "
            "and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run it where there is a role."
        )
    return frozen.access_key, frozen.secret_key, frozen.token
