"""CreateModelImportJob, Get, List: request members in, control, response members out."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.aws.operations.bedrock.lists import list_filter, page_request, tag_map
from tanren.control.model_import_jobs import ModelImportJobControl, NewModelImportJob
from tanren.domain.errors import NotImplementedHere
from tanren.domain.model_import_jobs import ModelImportJob

_UNSUPPORTED = ("vpcConfig", "importedModelKmsKeyId")


def model_import_job_handlers(control: ModelImportJobControl) -> dict[str, Handler]:
    def create(context: RequestContext, params: Members) -> Members:
        new = NewModelImportJob(
            job_name=params["jobName"],
            imported_model_name=params["importedModelName"],
            role_arn=params["roleArn"],
            source_s3_uri=s3_source_uri(params["modelDataSource"], "modelDataSource"),
            client_request_token=params.get("clientRequestToken"),
            job_tags=tag_map(params.get("jobTags")),
            model_tags=tag_map(params.get("importedModelTags")),
            unsupported=tuple(member for member in _UNSUPPORTED if params.get(member)),
        )
        return {"jobArn": control.create(context.scope, new)}

    def get(context: RequestContext, params: Members) -> Members:
        job = control.get(context.scope, params["jobIdentifier"])
        return {
            **_summary(job),
            "roleArn": job.role_arn,
            "modelDataSource": s3_source(job.source_s3_uri),
            "failureMessage": job.failure_message,
        }

    def list_jobs(context: RequestContext, params: Members) -> Members:
        page = control.page(context.scope, page_request(params), list_filter(params, {"statusEquals": "status"}))
        return {"modelImportJobSummaries": [_summary(job) for job in page.items], "nextToken": page.next_token}

    return {"CreateModelImportJob": create, "GetModelImportJob": get, "ListModelImportJobs": list_jobs}


def s3_source(uri: str) -> Members:
    """A ModelDataSource."""
    return {"s3DataSource": {"s3Uri": uri}}


def s3_source_uri(source: Members, member: str) -> str:
    """Of a ModelDataSource, a union that has no other member today. Raises NotImplementedHere for one it may get."""
    if "s3DataSource" not in source:
        raise NotImplementedHere(f"{member} must be s3DataSource; tanren has no other.")
    return source["s3DataSource"]["s3Uri"]


def _summary(job: ModelImportJob) -> Members:
    return {
        "jobArn": job.job_arn,
        "jobName": job.job_name,
        "importedModelName": job.imported_model_name,
        "importedModelArn": job.imported_model_arn,
        "status": job.status,
        "creationTime": job.created_at,
        "lastModifiedTime": job.updated_at,
        "endTime": job.ended_at,
    }
