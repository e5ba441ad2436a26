"""CreateModelCustomizationJob, Get, List, Stop: request members in, control, response members out."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.aws.operations.bedrock.lists import list_filter, page_request, tag_map
from tanren.control.customization_jobs import CustomizationJobControl, NewCustomizationJob
from tanren.domain.customization_jobs import CustomizationJob, CustomizationJobSummary, CustomizationType
from tanren.domain.errors import ValidationFailed

_UNSUPPORTED = ("vpcConfig", "customizationConfig", "customModelKmsKeyId")


def customization_job_handlers(control: CustomizationJobControl) -> dict[str, Handler]:
    def create(context: RequestContext, params: Members) -> Members:
        training = params["trainingDataConfig"]
        unsupported = [member for member in _UNSUPPORTED if params.get(member)]
        if "invocationLogsConfig" in training:
            unsupported.append("trainingDataConfig.invocationLogsConfig")
        new = NewCustomizationJob(
            job_name=params["jobName"],
            custom_model_name=params["customModelName"],
            role_arn=params["roleArn"],
            base_model_identifier=params["baseModelIdentifier"],
            # AWS takes a request without a type for fine-tuning.
            customization_type=params.get("customizationType", CustomizationType.FINE_TUNING),
            training_s3_uri=training.get("s3Uri"),
            validation_s3_uris=validation_uris(params.get("validationDataConfig")),
            output_s3_uri=params["outputDataConfig"]["s3Uri"],
            hyperparameters=params.get("hyperParameters", {}),
            client_request_token=params.get("clientRequestToken"),
            job_tags=tag_map(params.get("jobTags")),
            model_tags=tag_map(params.get("customModelTags")),
            unsupported=tuple(unsupported),
        )
        return {"jobArn": control.create(context.scope, new)}

    def get(context: RequestContext, params: Members) -> Members:
        return _details(control.get(context.scope, params["jobIdentifier"]))

    def list_jobs(context: RequestContext, params: Members) -> Members:
        wanted = list_filter(params, {"statusEquals": "status"})
        page = control.summaries(context.scope, page_request(params), wanted)
        return {
            "modelCustomizationJobSummaries": [_summary(job) for job in page.items],
            "nextToken": page.next_token,
        }

    def stop(context: RequestContext, params: Members) -> Members:
        control.stop(context.scope, params["jobIdentifier"])
        return {}

    return {
        "CreateModelCustomizationJob": create,
        "GetModelCustomizationJob": get,
        "ListModelCustomizationJobs": list_jobs,
        "StopModelCustomizationJob": stop,
    }


def validation_uris(config: Members | None) -> tuple[str, ...]:
    """Of the `validators`, or of the one `s3Uri` that the SDK overlay lets through.

    Raises   ValidationFailed for neither, in AWS's words, and for both.
    """
    if config is None:
        return ()
    if ("s3Uri" in config) == ("validators" in config):
        raise ValidationFailed(
            "validationDataConfig has both validators and s3Uri; give the file among the validators."
            if config
            else "1 validation error detected: Value null at 'validationDataConfig.validators' failed to satisfy "
            "constraint: Member must not be null"
        )
    return (config["s3Uri"],) if "s3Uri" in config else tuple(each["s3Uri"] for each in config["validators"])


def data_configs(training_s3_uri: str, validation_s3_uris: tuple[str, ...], output_s3_uri: str) -> Members:
    """The three data members as jobs and models both echo them."""
    return {
        "trainingDataConfig": {"s3Uri": training_s3_uri},
        "validationDataConfig": {"validators": [{"s3Uri": uri} for uri in validation_s3_uris]},
        "outputDataConfig": {"s3Uri": output_s3_uri},
    }


def metrics(training_loss: float | None, validation_losses: tuple[float, ...]) -> Members:
    """Absent until they have been computed."""
    return {
        "trainingMetrics": None if training_loss is None else {"trainingLoss": training_loss},
        "validationMetrics": [{"validationLoss": loss} for loss in validation_losses] or None,
    }


def _details(job: CustomizationJob) -> Members:
    return {
        "jobArn": job.job_arn,
        "jobName": job.job_name,
        "outputModelName": job.output_model_name,
        "outputModelArn": job.output_model_arn,
        "clientRequestToken": job.client_request_token,
        "roleArn": job.role_arn,
        "status": job.status,
        "statusDetails": job.phases,
        "failureMessage": job.failure_message,
        "creationTime": job.created_at,
        "lastModifiedTime": job.updated_at,
        "endTime": job.ended_at,
        "baseModelArn": job.base_model_arn,
        "hyperParameters": job.hyperparameters,
        "customizationType": job.customization_type,
        **data_configs(job.training_s3_uri, job.validation_s3_uris, job.output_s3_uri),
        **metrics(job.training_loss, job.validation_losses),
    }


def _summary(job: CustomizationJobSummary) -> Members:
    return {
        "jobArn": job.job_arn,
        "baseModelArn": job.base_model_arn,
        "jobName": job.job_name,
        "status": job.status,
        "statusDetails": job.phases,
        "lastModifiedTime": job.updated_at,
        "creationTime": job.created_at,
        "endTime": job.ended_at,
        "customModelArn": job.output_model_arn,
        "customModelName": job.output_model_name,
        "customizationType": job.customization_type,
    }
