"""What the evaluation of a customization job has found about its model."""

from dataclasses import dataclass

from tanren.control.customization_evaluations import CustomizationEvaluations
from tanren.control.customization_jobs import CustomizationJobControl
from tanren.domain.customization_jobs import CustomizationJob
from tanren.domain.errors import ResourceNotFound
from tanren.domain.evaluation_jobs import EvaluationJob
from tanren.domain.scope import Scope
from tanren.domain.test_sets import SUCCESS_CRITERIA_MEMBER, TEST_DATA_MEMBER, TEST_DATA_TAG


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvaluation:
    job: CustomizationJob
    test_data_s3_uri: str
    success_criteria: str | None
    baseline: EvaluationJob | None
    """None where it has not begun, or has been deleted; as `comparison`."""
    comparison: EvaluationJob | None


class JobEvaluationControl:
    def __init__(self, jobs: CustomizationJobControl, evaluations: CustomizationEvaluations) -> None:
        self._jobs = jobs
        self._evaluations = evaluations

    def get(self, scope: Scope, identifier: str) -> JobEvaluation:
        """Raises ResourceNotFound where there is no such job, or it has no test set."""
        job = self._jobs.get(scope, identifier, or_id=True)
        test_data = job.request.get(TEST_DATA_MEMBER)
        if test_data is None:
            raise ResourceNotFound(
                f"The job {job.job_name} has no evaluation: it was created without the tag {TEST_DATA_TAG}. "
                "`tanren eval run`, or CreateEvaluationJob, asks its model now."
            )
        return JobEvaluation(
            job=job,
            test_data_s3_uri=test_data,
            success_criteria=job.request.get(SUCCESS_CRITERIA_MEMBER),
            baseline=self._evaluations.baseline(job),
            comparison=self._evaluations.comparison(job),
        )
