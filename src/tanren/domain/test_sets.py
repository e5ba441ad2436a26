"""The tags of a customization job about its evaluation:

    tanren:test-data           a file with which its base is evaluated before the training, and its model beside the
                               base afterwards
    tanren:success-criteria    what the model must reach on it to be called SHIP, stated before the training

Why tags   a script that sets them runs on AWS as well, where they are tags like any other; an unknown hyperparameter
           would be refused there.
"""

import re
from collections.abc import Mapping
from typing import Final

from tanren.domain.errors import ValidationFailed
from tanren.domain.success_criteria import (
    BERTSCORE,
    CORRECTNESS,
    FEW_SHOT_ARM,
    GRADER,
    PREFERENCE,
    SYSTEM_ARM,
    parse_criteria,
)

TEST_DATA_TAG: Final = "tanren:test-data"
TEST_DATA_MEMBER: Final = "testDataS3Uri"
"""Of a job's `request`, where the URI is kept: the tag may be removed while the job runs."""
SUCCESS_CRITERIA_TAG: Final = "tanren:success-criteria"
SUCCESS_CRITERIA_MEMBER: Final = "successCriteria"
"""As `TEST_DATA_MEMBER`."""
TAGS_READ_AT_CREATION: Final = (TEST_DATA_TAG, SUCCESS_CRITERIA_TAG)
_NOT_OF_A_JOB: Final[Mapping[str, str]] = {
    **dict.fromkeys((CORRECTNESS, PREFERENCE), "a judge"),
    GRADER: "a grader",
    BERTSCORE: "an encoder",
    "json_valid": "questions with a schema",
    SYSTEM_ARM: "a system prompt for the base",
}
"""What a criterion may be about, and the evaluation of a job does not have."""
_OBJECT: Final = re.compile(r"s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]/\S*[^/\s]")


def check_test_data(text: str) -> None:
    """Raises ValidationFailed for what is no S3 URI of an object."""
    if not _OBJECT.fullmatch(text):
        raise ValidationFailed(
            f"The tag {TEST_DATA_TAG} is '{text}'; it must be the S3 URI of a JSONL file: s3://bucket/path/test.jsonl"
        )


def check_success_criteria(text: str, *, has_examples: bool = True) -> None:
    """Raises ValidationFailed for what is no criteria, or asks for what a job's own evaluation could never tell.

    Takes    has_examples: whether the training rows are questions with answers, which can be shown to the base.
    """
    try:
        criteria = parse_criteria(text).criteria
    except ValidationFailed as error:
        raise ValidationFailed(f"The tag {SUCCESS_CRITERIA_TAG}: {error}") from error
    without = _NOT_OF_A_JOB if has_examples else {**_NOT_OF_A_JOB, FEW_SHOT_ARM: "examples of plain documents"}
    for criterion in criteria:
        needed = without.get(criterion.subject) or without.get(criterion.arm or "")
        if needed is not None:
            raise ValidationFailed(
                f"The tag {SUCCESS_CRITERIA_TAG}: '{criterion.text}' could never be decided, as a job's own evaluation "
                f"does not have {needed}; leave it out, and ask it of the finished model with `tanren eval run "
                "--criteria`."
            )


def evaluation_members(tags: Mapping[str, str], *, has_examples: bool) -> dict[str, str]:
    """What of a job's tags is kept in its request. Raises ValidationFailed as `check_success_criteria`, and for
    criteria without a test set."""
    criteria = tags.get(SUCCESS_CRITERIA_TAG)
    if criteria is not None:
        if TEST_DATA_TAG not in tags:
            raise ValidationFailed(
                f"The tag {SUCCESS_CRITERIA_TAG} has no effect without {TEST_DATA_TAG}, the file that the model is "
                "measured with; give both in jobTags, or neither."
            )
        check_success_criteria(criteria, has_examples=has_examples)
    kept = {TEST_DATA_MEMBER: tags.get(TEST_DATA_TAG), SUCCESS_CRITERIA_MEMBER: criteria}
    return {member: value for member, value in kept.items() if value is not None}
