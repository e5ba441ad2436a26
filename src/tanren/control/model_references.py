"""Which model a request means: a foundation model by id or ARN, or a custom model by ARN or name.

Imported models are none of these: as on AWS, they are asked by their own ARN, and nothing else is built on them.
"""

from dataclasses import dataclass

from tanren.catalog.foundation_models import FOUNDATION_MODELS, foundation_model, root_model
from tanren.domain import arns
from tanren.domain.custom_models import CustomModel, CustomModelStatus
from tanren.domain.errors import ResourceNotFound, ValidationFailed
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
    """Raises ResourceNotFound, with what was looked for and where; ValidationFailed for a model that cannot be used."""
    arn = arns.parse_arn(identifier)
    if arn is not None and arn.kind == arns.IMPORTED_MODEL:
        raise ValidationFailed(
            f"{identifier} is an imported model. It is invoked by this ARN, on demand; as on AWS it takes no "
            "provisioned throughput, deployment, customization or batch inference. CreateCustomModel makes a custom "
            "model of the same folder, which takes the first two."
        )
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
    if custom.status is not CustomModelStatus.ACTIVE:
        raise ValidationFailed(
            f"Custom model '{custom.model_name}' is {custom.status}; only a model that is Active can be used."
            + (f" {custom.failure_message}" if custom.failure_message else "")
        )
    return ReferredModel(arn=custom.model_arn, foundation=root_model(custom.foundation_model_id), custom=custom)
