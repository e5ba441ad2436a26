"""GetJobEvaluation."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.control.job_evaluations import JobEvaluationControl
from tanren.domain.evaluation_jobs import EvaluationJob


def job_evaluation_handlers(control: JobEvaluationControl) -> dict[str, Handler]:
    def get(context: RequestContext, params: Members) -> Members:
        found = control.get(context.scope, params["jobIdentifier"])
        return {
            "jobArn": found.job.job_arn,
            "testDataS3Uri": found.test_data_s3_uri,
            "successCriteria": found.success_criteria,
            "baseline": _run(found.baseline),
            "comparison": _run(found.comparison),
            "findings": found.comparison.findings if found.comparison is not None else None,
        }

    return {"GetJobEvaluation": get}


def _run(job: EvaluationJob | None) -> Members | None:
    if job is None:
        return None
    return {"evaluationJobArn": job.job_arn, "status": job.status, "failureMessages": list(job.failure_messages)}
