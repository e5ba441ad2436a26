import pytest

from tanren.control.customization_evaluations import CustomizationEvaluations
from tanren.control.job_evaluations import JobEvaluationControl
from tanren.domain.errors import ResourceNotFound

TEST_DATA = "s3://my-bucket/data/test.jsonl"


def test_what_the_evaluation_of_a_job_has_found_is_told_as_far_as_it_is_there(plane, scope, new_job, clock):
    evaluations = CustomizationEvaluations(plane.evaluation_rows, clock=clock)
    control = JobEvaluationControl(plane.jobs, evaluations)
    without = plane.jobs.create(scope, new_job(job_name="without", custom_model_name="w"))
    with pytest.raises(ResourceNotFound, match="created without the tag tanren:test-data"):
        control.get(scope, without)
    arn = plane.jobs.create(scope, new_job(job_tags={"tanren:test-data": TEST_DATA}))
    found = control.get(scope, arn.rpartition("/")[2])
    assert (found.test_data_s3_uri, found.success_criteria, found.baseline) == (TEST_DATA, None, None)
    evaluations.begin_baseline(found.job)
    assert control.get(scope, arn).baseline.status == "InProgress"
