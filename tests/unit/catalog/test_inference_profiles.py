import re

import pytest

from tanren.catalog.foundation_models import FOUNDATION_MODELS
from tanren.catalog.inference_profiles import find_inference_profile, inference_profile, inference_profiles
from tanren.domain.errors import ResourceNotFound
from tanren.domain.scope import Scope

NOVA = "amazon.nova-lite-v1:0"


@pytest.mark.parametrize(
    ("region", "prefixes"),
    [
        ("us-west-2", {"us", "global"}),
        ("us-gov-west-1", {"us-gov"}),
        ("eu-central-1", {"eu", "global"}),
        ("ap-northeast-1", {"jp", "apac", "global"}),
        ("ap-southeast-2", {"au", "apac", "global"}),
        ("ap-south-1", {"apac", "global"}),
        ("ca-central-1", {"ca", "us", "global"}),
        ("sa-east-1", {"global"}),
    ],
)
def test_a_region_has_the_profiles_of_its_geography_and_no_others(region: str, prefixes: set[str]):
    scope = Scope(account_id="123456789012", region=region)
    assert {profile.profile_id.partition(".")[0] for profile in inference_profiles(scope)} == prefixes
    for prefix in ("us", "us-gov", "eu", "apac", "jp", "au", "ca", "global"):
        found = find_inference_profile(scope, f"{prefix}.{NOVA}")
        assert (found is not None) == (prefix in prefixes)


def test_every_profile_leads_to_a_base_model_and_satisfies_the_service_models_patterns(scope):
    for profile in inference_profiles(scope):
        assert profile.model_id in FOUNDATION_MODELS
        assert (
            find_inference_profile(scope, profile.arn) == find_inference_profile(scope, profile.profile_id) == profile
        )
        assert re.fullmatch(r"([0-9a-zA-Z][ _-]?)+", profile.name)
        assert len(profile.name) <= 64
        assert re.fullmatch(r"([0-9a-zA-Z:.][ _-]?)+", profile.description)
        assert re.fullmatch(r"[a-zA-Z0-9-:.]{1,64}", profile.profile_id)


@pytest.mark.parametrize(
    "identifier",
    [
        "us.tanren.nano-v1:0",
        "us.amazon.no-such-v1",
        "us.amazon.nova-lite-v1:0:300k",
        NOVA,
        f"arn:aws:bedrock:us-west-2:999999999999:inference-profile/us.{NOVA}",
        f"arn:aws:bedrock:us-west-2:123456789012:application-inference-profile/us.{NOVA}",
    ],
)
def test_what_is_no_profile_of_the_account_and_region_is_not_found(scope, identifier: str):
    with pytest.raises(ResourceNotFound, match="ListInferenceProfiles lists them"):
        inference_profile(scope, identifier)
