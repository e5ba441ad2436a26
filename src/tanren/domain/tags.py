"""Tags on resources.

Tags that begin with `tanren:` belong to the service, as those with `aws:` do on AWS: `tanren:ttl` and
those of `domain/test_sets.py` may be set where they have an effect. The service sets none itself: to a tool that keeps
tags as they were declared, such a tag is drift, which it removes.

Source   TagList and TooManyTagsException in the service model; 50 a resource by the text of that error.
"""

from collections.abc import Mapping

from tanren.domain.arns import CUSTOM_MODEL_DEPLOYMENT, CUSTOMIZATION_JOB, PROVISIONED_MODEL, parse_arn
from tanren.domain.errors import TooManyTags, ValidationFailed
from tanren.domain.test_sets import (
    SUCCESS_CRITERIA_TAG,
    TAGS_READ_AT_CREATION,
    TEST_DATA_TAG,
    check_success_criteria,
    check_test_data,
)
from tanren.domain.time_to_live import TTL_TAG, parse_ttl

MAXIMUM_TAGS = 50

RESERVED_PREFIX = "tanren:"

_CAN_EXPIRE = (PROVISIONED_MODEL, CUSTOM_MODEL_DEPLOYMENT)


def merged_tags(arn: str, present: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """Both, the added winning.

    Raises   TooManyTags past 50; ValidationFailed for a tag of ours that has no effect there, or is not to be set.
    """
    for key, value in added.items():
        _check_reserved(arn, key, value)
    merged = {**present, **added}
    if len(merged) > MAXIMUM_TAGS:
        raise TooManyTags(f"{arn} would have {len(merged)} tags; a resource takes at most {MAXIMUM_TAGS}.", arn)
    return merged


def _check_reserved(arn: str, key: str, value: str) -> None:
    if not key.startswith(RESERVED_PREFIX):
        return
    parsed = parse_arn(arn)
    if key in TAGS_READ_AT_CREATION:
        if parsed is None or parsed.kind != CUSTOMIZATION_JOB:
            raise ValidationFailed(
                f"The tag {key} has no effect on {arn}; it is for the jobTags of a customization job."
            )
        check = check_test_data if key == TEST_DATA_TAG else check_success_criteria
        check(value)
        return
    if key != TTL_TAG:
        raise ValidationFailed(
            f"The tag key {key} begins with {RESERVED_PREFIX}, which belongs to the service; of these, only {TTL_TAG}, "
            f"{TEST_DATA_TAG} and {SUCCESS_CRITERIA_TAG} can be set."
        )
    if parsed is None or parsed.kind not in _CAN_EXPIRE:
        raise ValidationFailed(
            f"The tag {TTL_TAG} has no effect on {arn}; provisioned throughputs and custom model deployments can "
            "delete themselves."
        )
    parse_ttl(value)
