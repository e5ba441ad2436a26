"""The rules of the SDK overlay's dialect: jobs asked for as articles about Bedrock write them, made as all others.

`CreateFineTuningJob` and `CreateContinuedPreTrainingJob` become a customization job by the rules of all customization
jobs. What Bedrock requires and the dialect leaves out is filled in here; the job's events say what became of the
request. One customization is the dialect's alone: that of Claude 2 (`dialect_customizations` in the catalogue).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tanren.control.customization_jobs import CustomizationJobControl, NewCustomizationJob
from tanren.domain.customization_jobs import CustomizationJob, CustomizationType
from tanren.domain.errors import ResourceNotFound, ValidationFailed
from tanren.domain.scope import Scope
from tanren.domain.sdk_dialect import DialectRequest, mapped_hyperparameters

DEFAULT_ROLE: Final = "BedrockCustomizationRole"
DEFAULT_OUTPUT: Final = "output/"

CREATE_OPERATIONS: Final = {
    CustomizationType.FINE_TUNING: "CreateFineTuningJob",
    CustomizationType.CONTINUED_PRE_TRAINING: "CreateContinuedPreTrainingJob",
}
DESCRIBE_OPERATIONS: Final = {
    CustomizationType.FINE_TUNING: "DescribeFineTuningJob",
    CustomizationType.CONTINUED_PRE_TRAINING: "DescribeContinuedPreTrainingJob",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDialectJob:
    """What the dialect's create operations ask for, shapes already checked."""

    customization_type: CustomizationType
    model_id: str
    job_name: str
    training_s3_uri: str
    validation_s3_uri: str | None
    hyperparameters: Mapping[str, Any]
    custom_model_name: str | None
    role_arn: str | None
    output_s3_uri: str | None
    client_request_token: str | None


class SdkDialectControl:
    def __init__(self, jobs: CustomizationJobControl) -> None:
        self._jobs = jobs

    def create(self, scope: Scope, new: NewDialectJob) -> CustomizationJob:
        """The job, in the queue."""
        filled_in: dict[str, str] = {}

        def given_or(member: str, given: str | None, default: str) -> str:
            if given is None:
                filled_in[member] = default
            return default if given is None else given

        bucket = new.training_s3_uri.removeprefix("s3://").partition("/")[0]
        role = given_or("roleArn", new.role_arn, f"arn:aws:iam::{scope.account_id}:role/{DEFAULT_ROLE}")
        output = given_or("outputData", new.output_s3_uri, f"s3://{bucket}/{DEFAULT_OUTPUT}")
        model_name = given_or("customModelName", new.custom_model_name, _model_name(new.job_name))
        arn = self._jobs.create(
            scope,
            NewCustomizationJob(
                job_name=new.job_name,
                custom_model_name=model_name,
                role_arn=role,
                base_model_identifier=new.model_id,
                customization_type=new.customization_type,
                training_s3_uri=new.training_s3_uri,
                validation_s3_uris=(new.validation_s3_uri,) if new.validation_s3_uri else (),
                output_s3_uri=output,
                hyperparameters={each.name: each.value for each in mapped_hyperparameters(new.hyperparameters)},
                client_request_token=new.client_request_token,
                dialect=DialectRequest(
                    operation=CREATE_OPERATIONS[new.customization_type],
                    hyperparameters=new.hyperparameters,
                    filled_in=filled_in,
                ),
            ),
        )
        return self._jobs.get(scope, arn)

    def describe(self, scope: Scope, identifier: str, kind: CustomizationType) -> CustomizationJob:
        """A job of this type, by id, name or ARN, whichever way it was asked for."""
        job = self._jobs.get(scope, identifier, or_id=True)
        if job.customization_type is not kind:
            raise ResourceNotFound(
                f"Job '{identifier}' is a {job.customization_type} job; "
                f"{DESCRIBE_OPERATIONS[job.customization_type]} tells of it."
            )
        return job


def _model_name(job_name: str) -> str:
    """Job names may hold more kinds of characters than model names. Raises ValidationFailed."""
    if not job_name.replace("-", "").isalnum() or "--" in job_name:
        raise ValidationFailed(
            f"customModelName is left out, and jobName '{job_name}' cannot be a model's name: that takes letters and "
            "digits, with single hyphens between them. Give customModelName."
        )
    return job_name
