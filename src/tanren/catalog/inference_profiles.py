"""System-defined inference profiles: ids such as `us.amazon.nova-lite-v1:0`, under which AWS routes over regions.

Here a profile leads to the foundation model of its name, in the caller's region: there is one machine and no routing.
Which prefixes a region has is AWS's; a profile of another geography is unknown there, as on AWS.

Source   https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html. AWS has profiles for some
         models only; here every model has them that is not tanren's own, and not a variant of a context length.
"""

import re
from dataclasses import dataclass
from typing import Final

from tanren.catalog.foundation_models import FOUNDATION_MODELS
from tanren.domain import arns
from tanren.domain.errors import ResourceNotFound
from tanren.domain.foundation_models import FoundationModel
from tanren.domain.scope import Scope

_GEOGRAPHIES: Final = (
    (re.compile(r"us-gov-.*"), ("us-gov",)),
    (re.compile(r"us-.*"), ("us", "global")),
    (re.compile(r"ca-.*"), ("ca", "us", "global")),
    (re.compile(r"eu-.*"), ("eu", "global")),
    (re.compile(r"ap-northeast-[13]"), ("jp", "apac", "global")),
    (re.compile(r"ap-southeast-[24]"), ("au", "apac", "global")),
    (re.compile(r"ap-.*"), ("apac", "global")),
)
"""Region → prefixes; the first that fits. A region of no geography has `global` alone."""
_WITH_CONTEXT_LENGTH: Final = re.compile(r".+:\d+:\d+k")
_NOT_IN_A_NAME: Final = re.compile(r"[^0-9A-Za-z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceProfile:
    profile_id: str
    arn: str
    name: str
    """Letters and digits with single spaces, which is all that the service model takes."""
    description: str
    model_arn: str
    model_id: str
    """Of the foundation model that answers."""


def inference_profiles(scope: Scope) -> list[InferenceProfile]:
    """All that a region has, in the order of their ids."""
    models = [model for model in FOUNDATION_MODELS.values() if _has_profiles(model)]
    return sorted(
        (_profile(scope, prefix, model) for prefix in _prefixes(scope.region) for model in models),
        key=lambda profile: profile.profile_id,
    )


def find_inference_profile(scope: Scope, identifier: str) -> InferenceProfile | None:
    """By id or ARN; None where the region has no such profile."""
    arn = arns.parse_arn(identifier)
    if arn is not None and (arn.kind != arns.INFERENCE_PROFILE or not arn.is_in(scope)):
        return None
    prefix, _, model_id = (identifier if arn is None else arn.path).partition(".")
    model = FOUNDATION_MODELS.get(model_id)
    if model is None or prefix not in _prefixes(scope.region) or not _has_profiles(model):
        return None
    return _profile(scope, prefix, model)


def inference_profile(scope: Scope, identifier: str) -> InferenceProfile:
    """As `find_inference_profile`. Raises ResourceNotFound."""
    found = find_inference_profile(scope, identifier)
    if found is None:
        prefixes = ", ".join(f"{prefix}." for prefix in _prefixes(scope.region))
        raise ResourceNotFound(
            f"There is no inference profile '{identifier}' in account {scope.account_id}, region {scope.region}. Ids "
            f"are {prefixes} before the id of a base model; ListInferenceProfiles lists them."
        )
    return found


def _prefixes(region: str) -> tuple[str, ...]:
    return next((prefixes for pattern, prefixes in _GEOGRAPHIES if pattern.fullmatch(region)), ("global",))


def _has_profiles(model: FoundationModel) -> bool:
    return model.is_stand_in and _WITH_CONTEXT_LENGTH.fullmatch(model.model_id) is None


def _profile(scope: Scope, prefix: str, model: FoundationModel) -> InferenceProfile:
    shown = _NOT_IN_A_NAME.sub(" ", model.product_name).strip()
    profile_id = f"{prefix}.{model.model_id}"
    return InferenceProfile(
        profile_id=profile_id,
        arn=arns.inference_profile_arn(scope, profile_id),
        name=f"{prefix.upper() if prefix != 'global' else 'Global'} {shown}"[:64].rstrip(),
        description=f"Routes requests to {shown} in {scope.region}.",
        model_arn=arns.foundation_model_arn(scope.region, model.model_id),
        model_id=model.model_id,
    )
