"""CreateFineTuningJob, DescribeFineTuningJob, the same for continued pre-training: the SDK overlay's, not AWS's."""

from typing import Any, cast

from tanren.aws.authorization import is_root
from tanren.aws.context import Handler, Members, RequestContext
from tanren.aws.operations.bedrock.customization_jobs import metrics
from tanren.control.sdk_dialect import CREATE_OPERATIONS, DESCRIBE_OPERATIONS, NewDialectJob, SdkDialectControl
from tanren.domain.arns import FOUNDATION_MODEL, parse_arn
from tanren.domain.customization_jobs import CustomizationJob, CustomizationType
from tanren.domain.errors import ValidationFailed
from tanren.domain.sdk_dialect import DIALECT_MEMBER, DialectRequest, mapped_hyperparameters


def sdk_dialect_handlers(control: SdkDialectControl) -> dict[str, Handler]:
    def create(kind: CustomizationType) -> Handler:
        def handler(context: RequestContext, params: Members) -> Members:
            new = NewDialectJob(
                customization_type=kind,
                model_id=params["modelId"],
                job_name=params["jobName"],
                training_s3_uri=params["trainingData"]["s3Uri"],
                validation_s3_uri=params.get("validationData", {}).get("s3Uri"),
                hyperparameters=_object(params.get("hyperParameters", {})),
                custom_model_name=params.get("customModelName"),
                role_arn=_role(context, params),
                output_s3_uri=params.get("outputData", {}).get("s3Uri"),
                client_request_token=params.get("clientRequestToken"),
            )
            job = control.create(context.scope, new)
            return {"jobId": job.job_id, "jobArn": job.job_arn}

        return handler

    def describe(kind: CustomizationType) -> Handler:
        def handler(context: RequestContext, params: Members) -> Members:
            return _details(control.describe(context.scope, params["jobId"], kind))

        return handler

    return {
        **{operation: create(kind) for kind, operation in CREATE_OPERATIONS.items()},
        **{operation: describe(kind) for kind, operation in DESCRIBE_OPERATIONS.items()},
    }


def _role(context: RequestContext, params: Members) -> str | None:
    """None: the default. Raises   ValidationFailed where the caller would pass it without being asked for leave."""
    role = params.get("roleArn")
    if role is None and not is_root(context.principal.arn):
        raise ValidationFailed(
            f"roleArn is left out, which only root may do; {context.principal.arn} passes a role to the job, and takes "
            "iam:PassRole for it: give roleArn."
        )
    return role


def _object(hyperparameters: Any) -> dict[str, Any]:
    """The model lets any JSON pass. Raises   ValidationFailed where it is no object."""
    if not isinstance(hyperparameters, dict):
        raise ValidationFailed('hyperParameters must be an object of names and numbers, such as {"epochs": 3}.')
    return cast("dict[str, Any]", hyperparameters)


def _details(job: CustomizationJob) -> Members:
    noted = job.request.get(DIALECT_MEMBER)
    asked = job.hyperparameters if noted is None else DialectRequest.from_json(noted).hyperparameters
    base = parse_arn(job.base_model_arn)
    return {
        "jobId": job.job_id,
        "jobArn": job.job_arn,
        "jobName": job.job_name,
        "status": job.status,
        "failureMessage": job.failure_message,
        "modelId": base.path if base is not None and base.kind == FOUNDATION_MODEL else job.base_model_arn,
        "customModelName": job.output_model_name,
        "outputModelArn": job.output_model_arn,
        "roleArn": job.role_arn,
        "trainingData": {"s3Uri": job.training_s3_uri},
        "validationData": {"s3Uri": job.validation_s3_uris[0]} if job.validation_s3_uris else None,
        "outputData": {"s3Uri": job.output_s3_uri},
        "hyperParameters": dict(asked),
        "hyperParameterMapping": [
            {"given": each.given, "name": each.name, "value": each.value} for each in mapped_hyperparameters(asked)
        ],
        "effectiveHyperParameters": job.hyperparameters,
        **metrics(job.training_loss, job.validation_losses),
        "creationTime": job.created_at,
        "lastModifiedTime": job.updated_at,
        "endTime": job.ended_at,
    }
