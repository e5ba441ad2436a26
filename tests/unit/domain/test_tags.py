import pytest

from tanren.domain import arns
from tanren.domain.errors import ValidationFailed
from tanren.domain.tags import merged_tags
from tanren.domain.test_sets import SUCCESS_CRITERIA_TAG, TEST_DATA_TAG


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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rougeL much better", "'rougeL much better' is no criterion"),
        ("correctness at least 7", "does not have a judge"),
        ("f1 at least base+system + 0.1", "does not have a system prompt for the base"),
        ("json_valid at least 0.9", "does not have questions with a schema"),
    ],
)
def test_criteria_that_no_job_could_decide_are_refused_with_the_reason(scope, text, said):
    job = arns.customization_job_arn(scope, "amazon.titan-text-express-v1", "a" * 12)
    with pytest.raises(ValidationFailed, match=f"{SUCCESS_CRITERIA_TAG}: .*{said}"):
        merged_tags(job, {}, {SUCCESS_CRITERIA_TAG: text})
