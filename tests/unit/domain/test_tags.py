import pytest

from tanren.domain import arns
from tanren.domain.errors import ValidationFailed
from tanren.domain.tags import MAXIMUM_TAGS, TOKENS_PER_MINUTE_TAG, check_removable, merged_tags
from tanren.domain.test_sets import TEST_DATA_TAG


def test_keys_of_the_service_can_be_set_only_where_they_have_an_effect(scope):
    throughput, deployment = (
        arns.provisioned_model_arn(scope, "a" * 12),
        arns.custom_model_deployment_arn(scope, "a" * 12),
    )
    for arn in (throughput, deployment):
        assert merged_tags(arn, {"a": "b"}, {"tanren:ttl": "2h"}) == {"a": "b", "tanren:ttl": "2h"}
    refused = [
        (arns.model_invocation_job_arn(scope, "a" * 12), "tanren:ttl", "2h", "has no effect on"),
        (throughput, "tanren:ttl", "soon", "from 1 second"),
        (throughput, "tanren:anything", "x", "belongs to the service"),
        (throughput, TOKENS_PER_MINUTE_TAG, "1000000", "belongs to the service"),
    ]
    for arn, key, value, text in refused:
        with pytest.raises(ValidationFailed, match=text):
            merged_tags(arn, {}, {key: value})


def test_a_test_set_is_named_on_customization_jobs_alone(scope):
    job = arns.customization_job_arn(scope, "amazon.titan-text-express-v1", "a" * 12)
    given = {TEST_DATA_TAG: "s3://my-bucket/data/test.jsonl"}
    assert merged_tags(job, {}, given) == given
    for arn, value, text in (
        (arns.evaluation_job_arn(scope, "a" * 12), given[TEST_DATA_TAG], "has no effect on"),
        (job, "test.jsonl", "must be the S3 URI"),
        (job, "s3://my-bucket/data/", "must be the S3 URI"),
        (job, "s3://my-bucket", "must be the S3 URI"),
    ):
        with pytest.raises(ValidationFailed, match=text):
            merged_tags(arn, {}, {TEST_DATA_TAG: value})


def test_what_the_service_has_measured_stays_and_takes_no_callers_place():
    check_removable(["a"])
    with pytest.raises(ValidationFailed, match="measured by the service"):
        check_removable(["a", TOKENS_PER_MINUTE_TAG])
    present = {TOKENS_PER_MINUTE_TAG: "900"}
    added = {f"k{n}": "v" for n in range(MAXIMUM_TAGS)}
    assert len(merged_tags("arn", present, added)) == MAXIMUM_TAGS + 1
