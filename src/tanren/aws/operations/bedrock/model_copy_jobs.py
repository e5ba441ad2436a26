"""CreateModelCopyJob, Get, List: request members in, control, response members out. The call is made where the copy is
to be. The list's filter by name is `outputModelNameContains` on the wire, `targetModelNameContains` in every SDK."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.aws.operations.bedrock.lists import list_filter, page_request, tag_map
from tanren.control.model_copy_jobs import MODEL_TAGS_MEMBER, ModelCopyJobControl, NewModelCopyJob
from tanren.domain.model_copy_jobs import ModelCopyJob


def model_copy_job_handlers(control: ModelCopyJobControl) -> dict[str, Handler]:
    def create(context: RequestContext, params: Members) -> Members:
        new = NewModelCopyJob(
            source_model_arn=params["sourceModelArn"],
            target_model_name=params["targetModelName"],
            client_request_token=params.get("clientRequestToken"),
            tags=tag_map(params.get("targetModelTags")),
            unsupported=("modelKmsKeyId",) if params.get("modelKmsKeyId") else (),
        )
        return {"jobArn": control.create(context.scope, new, principal_arn=context.principal.arn)}

    def get(context: RequestContext, params: Members) -> Members:
        return _details(control.get(context.scope, params["jobArn"]))

    def list_jobs(context: RequestContext, params: Members) -> Members:
        if "targetModelNameContains" in params:
            params["nameContains"] = params["targetModelNameContains"]
        columns = {
            "statusEquals": "status",
            "sourceAccountEquals": "source_account_id",
            "sourceModelArnEquals": "source_model_arn",
        }
        page = control.page(context.scope, page_request(params), list_filter(params, columns))
        return {"modelCopyJobSummaries": [_details(job) for job in page.items], "nextToken": page.next_token}

    return {"CreateModelCopyJob": create, "GetModelCopyJob": get, "ListModelCopyJobs": list_jobs}


def _details(job: ModelCopyJob) -> Members:
    """Get and List show the same members."""
    tags = job.request.get(MODEL_TAGS_MEMBER, {})
    return {
        "jobArn": job.job_arn,
        "status": job.status,
        "creationTime": job.created_at,
        "targetModelArn": job.target_model_arn,
        "targetModelName": job.target_model_name,
        "sourceAccountId": job.source_account_id,
        "sourceModelArn": job.source_model_arn,
        "sourceModelName": job.source_model_name,
        "targetModelTags": [{"key": key, "value": value} for key, value in tags.items()] or None,
        "failureMessage": job.failure_message,
    }
