"""Amazon Resource Names of the resources that tanren keeps: made here, read here, nowhere else.

Source   botocore service model `bedrock/2023-04-20`, patterns of the *Arn shapes. A base model id inside an ARN has
         exactly one dot, else the model's own patterns refuse it.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from tanren.domain.scope import Scope

CUSTOMIZATION_JOB = "model-customization-job"
CUSTOM_MODEL = "custom-model"
PROVISIONED_MODEL = "provisioned-model"
CUSTOM_MODEL_DEPLOYMENT = "custom-model-deployment"
FOUNDATION_MODEL = "foundation-model"
MODEL_INVOCATION_JOB = "model-invocation-job"
MODEL_IMPORT_JOB = "model-import-job"
MODEL_COPY_JOB = "model-copy-job"
EVALUATION_JOB = "evaluation-job"
IMPORTED_MODEL = "imported-model"
INFERENCE_PROFILE = "inference-profile"

IMPORTED = "imported"
"""In place of the base model's id, in the ARN of a custom model that no job of tanren's has trained."""

_ARN = re.compile(
    r"arn:(?P<partition>aws(?:-[^:]+)?):(?P<service>[a-z0-9-]+):(?P<region>[a-z0-9-]*):(?P<account>[0-9]{12}|):(?P<rest>.+)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arn:
    service: str
    region: str
    account_id: str
    """Empty for a foundation model, which belongs to no account."""
    kind: str
    """The resource type, for example `custom-model`."""
    path: str
    """What follows the first slash, for example `amazon.titan-text-express-v1/abcdefghijkl`."""

    @property
    def resource_id(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    def is_in(self, scope: Scope) -> bool:
        return (self.account_id, self.region) == (scope.account_id, scope.region)


def parse_arn(text: str) -> Arn | None:
    """The parts of an ARN, or None where the text is none. Percent-encoded text is decoded first."""
    found = _ARN.fullmatch(unquote(text))
    if found is None:
        return None
    kind, _, path = found["rest"].partition("/")
    return Arn(service=found["service"], region=found["region"], account_id=found["account"], kind=kind, path=path)


def bedrock_arn(scope: Scope, kind: str, path: str) -> str:
    return f"arn:aws:bedrock:{scope.region}:{scope.account_id}:{kind}/{path}"


def customization_job_arn(scope: Scope, base_model_id: str, job_id: str) -> str:
    return bedrock_arn(scope, CUSTOMIZATION_JOB, f"{base_model_id}/{job_id}")


def custom_model_arn(scope: Scope, base_model_id: str, model_id: str) -> str:
    return bedrock_arn(scope, CUSTOM_MODEL, f"{base_model_id}/{model_id}")


def provisioned_model_arn(scope: Scope, provisioned_id: str) -> str:
    return bedrock_arn(scope, PROVISIONED_MODEL, provisioned_id)


def custom_model_deployment_arn(scope: Scope, deployment_id: str) -> str:
    return bedrock_arn(scope, CUSTOM_MODEL_DEPLOYMENT, deployment_id)


def model_invocation_job_arn(scope: Scope, job_id: str) -> str:
    return bedrock_arn(scope, MODEL_INVOCATION_JOB, job_id)


def model_import_job_arn(scope: Scope, job_id: str) -> str:
    return bedrock_arn(scope, MODEL_IMPORT_JOB, job_id)


def model_copy_job_arn(scope: Scope, job_id: str) -> str:
    return bedrock_arn(scope, MODEL_COPY_JOB, job_id)


def evaluation_job_arn(scope: Scope, job_id: str) -> str:
    return bedrock_arn(scope, EVALUATION_JOB, job_id)


def imported_model_arn(scope: Scope, model_id: str) -> str:
    return bedrock_arn(scope, IMPORTED_MODEL, model_id)


def inference_profile_arn(scope: Scope, profile_id: str) -> str:
    return bedrock_arn(scope, INFERENCE_PROFILE, profile_id)


def foundation_model_arn(region: str, model_id: str) -> str:
    return f"arn:aws:bedrock:{region}::{FOUNDATION_MODEL}/{model_id}"
