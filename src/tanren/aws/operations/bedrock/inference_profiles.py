"""GetInferenceProfile and ListInferenceProfiles, of the system's own profiles; nobody can make others."""

from typing import Any

from tanren.aws.context import Handler, Members, RequestContext
from tanren.catalog.inference_profiles import InferenceProfile, inference_profile, inference_profiles
from tanren.domain.errors import ValidationFailed

_DEFAULT_PAGE = 100
_SYSTEM_DEFINED = "SYSTEM_DEFINED"


def inference_profile_handlers() -> dict[str, Handler]:
    def get(context: RequestContext, params: Members) -> Members:
        return _details(inference_profile(context.scope, params["inferenceProfileIdentifier"]))

    def list_profiles(context: RequestContext, params: Members) -> Members:
        # The only kind there is; tanren makes no application inference profiles, so the others are none.
        is_wanted = params.get("typeEquals", _SYSTEM_DEFINED) == _SYSTEM_DEFINED
        found = inference_profiles(context.scope) if is_wanted else []
        begin = _begin(params.get("nextToken"), found)
        end = begin + params.get("maxResults", _DEFAULT_PAGE)
        return {
            "inferenceProfileSummaries": [_details(profile) for profile in found[begin:end]],
            # The list is the same at every call, so the last id of a page says where the next begins.
            "nextToken": found[end - 1].profile_id if end < len(found) else None,
        }

    return {"GetInferenceProfile": get, "ListInferenceProfiles": list_profiles}


def _begin(token: Any, profiles: list[InferenceProfile]) -> int:
    if token is None:
        return 0
    places = [place for place, profile in enumerate(profiles) if profile.profile_id == token]
    if not places:
        raise ValidationFailed("The nextToken is not one that ListInferenceProfiles has given.")
    return places[0] + 1


def _details(profile: InferenceProfile) -> Members:
    return {
        "inferenceProfileName": profile.name,
        "inferenceProfileArn": profile.arn,
        "inferenceProfileId": profile.profile_id,
        "description": profile.description,
        "models": [{"modelArn": profile.model_arn}],
        "status": "ACTIVE",
        "type": _SYSTEM_DEFINED,
    }
