"""Which model a request means: a foundation model by id or ARN, or a custom model by ARN or name."""

from dataclasses import dataclass

from tanren.catalog.foundation_models import FOUNDATION_MODELS, foundation_model
from tanren.domain import arns
from tanren.domain.custom_models import CustomModel
from tanren.domain.errors import ResourceNotFound
from tanren.domain.foundation_models import FoundationModel
from tanren.domain.scope import Scope
from tanren.storage.custom_models import CustomModels


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferredModel:
    arn: str
    foundation: FoundationModel
    custom: CustomModel | None
    """None: the foundation model itself."""


def refer(models: CustomModels, scope: Scope, identifier: str) -> ReferredModel:
    """Raises ResourceNotFound, with what was looked for and where."""
    arn = arns.parse_arn(identifier)
    if arn is not None and arn.kind == arns.FOUNDATION_MODEL:
        foundation = foundation_model(arn.path)
        return ReferredModel(
            arn=arns.foundation_model_arn(scope.region, foundation.model_id), foundation=foundation, custom=None
        )
    if arn is None and identifier in FOUNDATION_MODELS:
        return ReferredModel(
            arn=arns.foundation_model_arn(scope.region, identifier),
            foundation=FOUNDATION_MODELS[identifier],
            custom=None,
        )
    if arn is None and "." in identifier:
        foundation_model(identifier)
    custom = models.get(scope, models.name_or_arn(scope, identifier))
    if custom is None:
        raise ResourceNotFound(
            f"There is no model '{identifier}' in account {scope.account_id}, region {scope.region}. "
            "List yours with ListCustomModels, the base models with ListFoundationModels."
        )
    return ReferredModel(arn=custom.model_arn, foundation=FOUNDATION_MODELS[custom.foundation_model_id], custom=custom)
