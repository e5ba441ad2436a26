"""Tags on resources.

Tags that begin with `tanren:` belong to the service, as those with `aws:` do on AWS: `tanren:ttl` and
`tanren:test-data` may be set where they have an effect, `tanren:tokens-per-minute` is only ever read.

Source   TagList and TooManyTagsException in the service model; 50 a resource by the text of that error.
"""

from collections.abc import Collection, Mapping

from tanren.domain.arns import CUSTOM_MODEL_DEPLOYMENT, CUSTOMIZATION_JOB, PROVISIONED_MODEL, parse_arn
from tanren.domain.errors import TooManyTags, ValidationFailed
from tanren.domain.test_sets import TEST_DATA_TAG, check_test_data
from tanren.domain.time_to_live import TTL_TAG, parse_ttl

MAXIMUM_TAGS = 50

RESERVED_PREFIX = "tanren:"

TOKENS_PER_MINUTE_TAG = "tanren:tokens-per-minute"
"""On a provisioned throughput: what its engine has been measured to make, once it is in service."""

_CAN_EXPIRE = (PROVISIONED_MODEL, CUSTOM_MODEL_DEPLOYMENT)


def merged_tags(arn: str, present: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """Both, the added winning.

    Raises   TooManyTags past 50; ValidationFailed for a tag of ours that has no effect there, or is not to be set.
    """
    for key, value in added.items():
        _check_reserved(arn, key, value)
    merged = {**present, **added}
    count = len(merged.keys() - {TOKENS_PER_MINUTE_TAG})
    if count > MAXIMUM_TAGS:
        raise TooManyTags(f"{arn} would have {count} tags; a resource takes at most {MAXIMUM_TAGS}.", arn)
    return merged


def check_removable(keys: Collection[str]) -> None:
    """Raises ValidationFailed for a tag that is only read."""
    if TOKENS_PER_MINUTE_TAG in keys:
        raise ValidationFailed(f"The tag {TOKENS_PER_MINUTE_TAG} is measured by the service and cannot be removed.")


def _check_reserved(arn: str, key: str, value: str) -> None:
    if not key.startswith(RESERVED_PREFIX):
        return
    parsed = parse_arn(arn)
    if key == TEST_DATA_TAG:
        if parsed is None or parsed.kind != CUSTOMIZATION_JOB:
            raise ValidationFailed(
                f"The tag {TEST_DATA_TAG} has no effect on {arn}; it is for the jobTags of a customization job."
            )
        check_test_data(value)
        return
    if key != TTL_TAG:
        raise ValidationFailed(
            f"The tag key {key} begins with {RESERVED_PREFIX}, which belongs to the service; of these, only {TTL_TAG} "
            f"and {TEST_DATA_TAG} can be set."
        )
    if parsed is None or parsed.kind not in _CAN_EXPIRE:
        raise ValidationFailed(
            f"The tag {TTL_TAG} has no effect on {arn}; provisioned throughputs and custom model deployments can "
            "delete themselves."
        )
    parse_ttl(value)
