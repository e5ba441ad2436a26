"""CreateModelInvocationJob, Get, List, Stop (batch inference): request members in, control, response members out."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.aws.operations.bedrock.lists import list_filter, page_request, tag_map
from tanren.control.model_invocation_jobs import ModelInvocationJobControl, NewModelInvocationJob
from tanren.domain.errors import NotImplementedHere
from tanren.domain.model_invocation_jobs import InvocationType, ModelInvocationJob

_INPUT, _OUTPUT = "inputDataConfig", "outputDataConfig"
_S3_INPUT, _S3_OUTPUT = "s3InputDataConfig", "s3OutputDataConfig"


def model_invocation_job_handlers(control: ModelInvocationJobControl) -> dict[str, Handler]:
    def create(context: RequestContext, params: Members) -> Members:
        source, target = _only(params, _INPUT, _S3_INPUT), _only(params, _OUTPUT, _S3_OUTPUT)
        unsupported = ["vpcConfig"] if params.get("vpcConfig") else []
        if target.get("s3EncryptionKeyId"):
            unsupported.append(f"{_OUTPUT}.{_S3_OUTPUT}.s3EncryptionKeyId")
        new = NewModelInvocationJob(
            job_name=params["jobName"],
            role_arn=params["roleArn"],
            model_identifier=params["modelId"],
            invocation_type=params.get("modelInvocationType", InvocationType.INVOKE_MODEL),
            input_s3_uri=source["s3Uri"],
            output_s3_uri=target["s3Uri"],
            bucket_owners=tuple(each["s3BucketOwner"] for each in (source, target) if "s3BucketOwner" in each),
            timeout_hours=params.get("timeoutDurationInHours"),
            client_request_token=params.get("clientRequestToken"),
            echoed={_INPUT: params[_INPUT], _OUTPUT: params[_OUTPUT]},
            tags=tag_map(params.get("tags")),
            unsupported=tuple(unsupported),
        )
        return {"jobArn": control.create(context.scope, new)}

    def get(context: RequestContext, params: Members) -> Members:
        return _details(control.get(context.scope, params["jobIdentifier"]))

    def list_jobs(context: RequestContext, params: Members) -> Members:
        wanted = list_filter(params, {"statusEquals": "status"}, times="submitTime")
        page = control.page(context.scope, page_request(params), wanted)
        return {"invocationJobSummaries": [_details(job) for job in page.items], "nextToken": page.next_token}

    def stop(context: RequestContext, params: Members) -> Members:
        control.stop(context.scope, params["jobIdentifier"])
        return {}

    return {
        "CreateModelInvocationJob": create,
        "GetModelInvocationJob": get,
        "ListModelInvocationJobs": list_jobs,
        "StopModelInvocationJob": stop,
    }


def _only(params: Members, union: str, member: str) -> Members:
    """The S3 member of a union that has no other today. Raises NotImplementedHere for one that it may get."""
    if member not in params[union]:
        raise NotImplementedHere(f"{union} must be {member}; tanren has no other.")
    return params[union][member]


def _details(job: ModelInvocationJob) -> Members:
    """Get and List show the same members."""
    return {
        "jobArn": job.job_arn,
        "jobName": job.job_name,
        "modelId": job.model_id,
        "clientRequestToken": job.client_request_token,
        "roleArn": job.role_arn,
        "status": job.status,
        "message": job.message,
        "submitTime": job.created_at,
        "lastModifiedTime": job.updated_at,
        "endTime": job.ended_at,
        **job.request,
        "timeoutDurationInHours": round(job.timeout.total_seconds() / 3600),
        "jobExpirationTime": job.expires_at,
        "modelInvocationType": job.invocation_type,
        "totalRecordCount": job.counts.total,
        "processedRecordCount": job.counts.processed,
        "successRecordCount": job.counts.succeeded,
        "errorRecordCount": job.counts.failed,
    }
