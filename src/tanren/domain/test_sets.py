"""The tag `tanren:test-data` of a customization job: a file with which its base is evaluated before the training, and
its model beside the base afterwards.

Why a tag   a script that sets it runs on AWS as well, where it is a tag like any other; an unknown hyperparameter would
            be refused there.
"""

import re
from typing import Final

from tanren.domain.errors import ValidationFailed

TEST_DATA_TAG: Final = "tanren:test-data"
TEST_DATA_MEMBER: Final = "testDataS3Uri"
"""Of a job's `request`, where the URI is kept: the tag may be removed while the job runs."""
_OBJECT: Final = re.compile(r"s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]/\S*[^/\s]")


def check_test_data(text: str) -> None:
    """Raises ValidationFailed for what is no S3 URI of an object."""
    if not _OBJECT.fullmatch(text):
        raise ValidationFailed(
            f"The tag {TEST_DATA_TAG} is '{text}'; it must be the S3 URI of a JSONL file: s3://bucket/path/test.jsonl"
        )
