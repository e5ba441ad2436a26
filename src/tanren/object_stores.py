"""Which S3 the settings mean, for whose account. Wiring shared by the composition roots."""

from tanren.domain.errors import ServiceUnavailable
from tanren.domain.scope import Scope
from tanren.settings import Settings
from tanren.storage.objects import ObjectStoreAddress

AWS_ITSELF = "aws"


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
