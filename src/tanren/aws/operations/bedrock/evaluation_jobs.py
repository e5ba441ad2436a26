"""CreateEvaluationJob, Get, List, Stop, BatchDelete: request members in, control, response members out."""

from collections.abc import Iterator

from tanren.aws.context import Handler, Members, RequestContext
from tanren.aws.errors import codes_of
from tanren.aws.operations.bedrock.lists import list_filter, page_request, tag_map
from tanren.control.evaluation_jobs import EvaluationJobControl, NewEvaluationJob
from tanren.domain.evaluation_jobs import ApplicationType, EvaluationJob, EvaluationJobStatus

_ECHOED = ("jobDescription", "evaluationConfig", "inferenceConfig", "outputDataConfig")
_AUTOMATED = "Automated"


def evaluation_job_handlers(control: EvaluationJobControl) -> dict[str, Handler]:
    def create(context: RequestContext, params: Members) -> Members:
        new = NewEvaluationJob(
            job_name=params["jobName"],
            role_arn=params["roleArn"],
            application_type=params.get("applicationType", ApplicationType.MODEL_EVALUATION),
            request={name: params[name] for name in _ECHOED if name in params},
            client_request_token=params.get("clientRequestToken"),
            tags=tag_map(params.get("jobTags")),
            unsupported=tuple(_unsupported(params)),
        )
        return {"jobArn": control.create(context.scope, new)}

    def get(context: RequestContext, params: Members) -> Members:
        job = control.get(context.scope, params["jobIdentifier"])
        return {
            "jobName": job.job_name,
            "status": job.status,
            "jobArn": job.job_arn,
            "roleArn": job.role_arn,
            "jobType": _AUTOMATED,
            "applicationType": job.application_type,
            **job.request,
            "creationTime": job.created_at,
            "lastModifiedTime": job.updated_at,
            "failureMessages": list(job.failure_messages) or None,
        }

    def list_jobs(context: RequestContext, params: Members) -> Members:
        wanted = list_filter(params, {"statusEquals": "status", "applicationTypeEquals": "application_type"})
        page = control.page(context.scope, page_request(params), wanted)
        return {"jobSummaries": [_summary(job) for job in page.items], "nextToken": page.next_token}

    def stop(context: RequestContext, params: Members) -> Members:
        control.stop(context.scope, params["jobIdentifier"])
        return {}

    def delete(context: RequestContext, params: Members) -> Members:
        done = control.delete(context.scope, params["jobIdentifiers"])
        return {
            "errors": [
                {"jobIdentifier": identifier, "code": codes_of(error, None)[0], "message": str(error)}
                for identifier, error in done.refused.items()
            ],
            "evaluationJobs": [
                {"jobIdentifier": identifier, "jobStatus": EvaluationJobStatus.DELETING} for identifier in done.deleted
            ],
        }

    return {
        "CreateEvaluationJob": create,
        "GetEvaluationJob": get,
        "ListEvaluationJobs": list_jobs,
        "StopEvaluationJob": stop,
        "BatchDeleteEvaluationJob": delete,
    }


def _unsupported(params: Members) -> Iterator[str]:
    if params.get("applicationType") == ApplicationType.RAG_EVALUATION:
        yield "applicationType RagEvaluation"
    if params.get("customerEncryptionKeyId"):
        yield "customerEncryptionKeyId"
    if "human" in params["evaluationConfig"]:
        yield "evaluationConfig.human"
    if "ragConfigs" in params["inferenceConfig"]:
        yield "inferenceConfig.ragConfigs"
    for model in params["inferenceConfig"].get("models", ()):
        performance = model.get("bedrockModel", {}).get("performanceConfig", {})
        if performance.get("latency", "standard") != "standard":
            yield "performanceConfig.latency optimized"


def _summary(job: EvaluationJob) -> Members:
    plan = job.plan
    asked = [model.identifier for model in plan.models if not model.is_precomputed]
    brought = [model.identifier for model in plan.models if model.is_precomputed]
    return {
        "jobArn": job.job_arn,
        "jobName": job.job_name,
        "status": job.status,
        "creationTime": job.created_at,
        "jobType": _AUTOMATED,
        "evaluationTaskTypes": list(dict.fromkeys(dataset.task_type for dataset in plan.datasets)),
        "modelIdentifiers": asked,
        "ragIdentifiers": [],
        "evaluatorModelIdentifiers": [plan.judge] if plan.judge else [],
        "customMetricsEvaluatorModelIdentifiers": [plan.custom_judge] if plan.custom_judge else [],
        "inferenceConfigSummary": {
            "modelConfigSummary": {
                "bedrockModelIdentifiers": asked,
                "precomputedInferenceSourceIdentifiers": brought,
            }
        },
        "applicationType": job.application_type,
    }
