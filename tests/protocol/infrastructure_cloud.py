"""What infrastructure tools are given: clients of a server, and the passing of time while its workers work.

The sequences (`terraform_sequences.py`, `airflow_sequences.py`) are asked of the gateway in this process, where a
`PlayedWorker` does in rows what a worker does with weights, and in proofs/test_infrastructure.py of a whole server.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tanren.domain.arns import custom_model_arn, imported_model_arn
from tanren.domain.clock import utc_now
from tanren.domain.custom_model_deployments import DeploymentStatus, UpdateStatus
from tanren.domain.custom_models import CustomModel, CustomModelStatus
from tanren.domain.customization_jobs import CustomizationJob, JobStatus
from tanren.domain.evaluation_jobs import EvaluationJobStatus
from tanren.domain.imported_models import ImportedModel
from tanren.domain.model_copy_jobs import CopyJobStatus
from tanren.domain.model_import_jobs import ImportJobStatus, ModelImportJob
from tanren.domain.model_invocation_jobs import InvocationJobStatus
from tanren.domain.provisioned_throughputs import ProvisionedStatus
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.custom_model_deployments import CustomModelDeployments
from tanren.storage.custom_models import CustomModels
from tanren.storage.customization_jobs import CustomizationJobs
from tanren.storage.database import Database
from tanren.storage.evaluation_jobs import EvaluationJobs
from tanren.storage.imported_models import ImportedModels
from tanren.storage.model_copy_jobs import ModelCopyJobs
from tanren.storage.model_import_jobs import ModelImportJobs
from tanren.storage.model_invocation_jobs import ModelInvocationJobs
from tanren.storage.provisioned_throughputs import ProvisionedThroughputs
from tanren.storage.tags import replace_tags

MOST_LOOKS = 3_000
SHA256 = "0" * 64
NO_SUCH_THING = ("ResourceNotFoundException", "NoSuchEntity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    client: Callable[..., Any]
    """`client(service, region=…)`: boto3's."""
    role_arn: str
    """Of a role that the service may assume, and that may read and write the bucket."""
    bucket: str
    """It has `train.jsonl`, `validation.jsonl`, `in.jsonl`, and below `model/` a model."""
    let_time_pass: Callable[[], None]

    def poll(self, status: Callable[[], str], *, pending: tuple[str, ...], target: str) -> None:
        """As Terraform's StateChangeConf does: until `target`; any status that is not pending is a failure."""
        for _ in range(MOST_LOOKS):
            found = status()
            if found == target:
                return
            assert found in pending, f"{found}, neither {target} nor {pending}"
            self.let_time_pass()
        raise AssertionError(f"not {target} after {MOST_LOOKS} looks")


def assert_told(
    told: Mapping[str, Any], sent: Mapping[str, Any], names: Mapping[str, str | None] | None = None
) -> None:
    """Every member that was sent is told, under its own name or under that in `names`; None: it is told elsewhere."""
    for member, value in sent.items():
        name = (names or {}).get(member, member)
        if name is not None:
            assert told.get(name) == value, f"{member}: sent {value!r}, told {told.get(name)!r}"


def is_gone(call: Callable[..., Any], /, **params: Any) -> bool:
    """Whether it answers that there is no such thing, by the code that tools look for."""
    try:
        call(**params)
    except ClientError as error:
        return error.response["Error"]["Code"] in NO_SUCH_THING
    return False


def code_of(call: Callable[..., Any], /, **params: Any) -> str:
    """The code of the error that the call ends in."""
    try:
        call(**params)
    except ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError("no error")


def tag_list(tags: Mapping[str, str], key: str = "key", value: str = "value") -> list[dict[str, str]]:
    return [{key: name, value: text} for name, text in sorted(tags.items())]


def tags_in(told: list[dict[str, str]], key: str = "key", value: str = "value") -> dict[str, str]:
    return {tag[key]: tag[value] for tag in told}


class PlayedWorker:
    """At each look whatever is under way is one step further, over all accounts and regions; no weights are made."""

    def __init__(self, database: Database, artifacts: ArtifactStore) -> None:
        self._database = database
        self._artifacts = artifacts
        self._jobs = CustomizationJobs(database)
        self._models = CustomModels(database)
        self._throughputs = ProvisionedThroughputs(database)
        self._deployments = CustomModelDeployments(database)
        self._import_jobs = ModelImportJobs(database)
        self._imported = ImportedModels(database)
        self._copies = ModelCopyJobs(database)
        self._batches = ModelInvocationJobs(database)
        self._evaluations = EvaluationJobs(database)

    def go_on(self) -> None:
        for job in self._jobs.every():
            if job.status is JobStatus.STOPPING:
                with self._database.writing() as connection:
                    self._jobs.move(connection, job.job_arn, JobStatus.STOPPED, at=utc_now())
            elif job.status is JobStatus.IN_PROGRESS:
                self._complete(job)
        for job in self._import_jobs.every():
            if job.status is ImportJobStatus.IN_PROGRESS:
                self._import(job)
        self._finish_models()
        self._finish_copies()
        self._finish_batches()
        self._stop_evaluations()
        self._provision()

    def _complete(self, job: CustomizationJob) -> None:
        model_id = hashlib.sha256(job.job_arn.encode()).hexdigest()[:12]
        path = self._artifacts.custom_model_path(job.scope, model_id, 1)
        model = CustomModel(
            scope=job.scope,
            model_id=model_id,
            model_arn=custom_model_arn(job.scope, job.foundation_model_id, model_id),
            model_name=job.output_model_name,
            status=CustomModelStatus.ACTIVE,
            job_arn=job.job_arn,
            job_name=job.job_name,
            base_model_arn=job.base_model_arn,
            foundation_model_id=job.foundation_model_id,
            customization_type=job.customization_type,
            hyperparameters=job.hyperparameters,
            request={
                "training_s3_uri": job.training_s3_uri,
                "validation_s3_uris": list(job.validation_s3_uris),
                "output_s3_uri": job.output_s3_uri,
            },
            artifact_path=path,
            artifact_sha256=SHA256,
            training_loss=1.5,
            validation_losses=tuple(2.5 for _ in job.validation_s3_uris),
            created_at=utc_now(),
        )
        with self._database.writing() as connection:
            self._jobs.move(
                connection,
                job.job_arn,
                JobStatus.COMPLETED,
                at=utc_now(),
                output_model_arn=model.model_arn,
                training_loss=model.training_loss,
                validation_losses=list(model.validation_losses),
            )
            self._models.add(connection, job.scope, model)
            replace_tags(connection, model.model_arn, job.request.get("customModelTags", {}))
        folder = self._artifacts.resolve(path)
        folder.mkdir(parents=True)
        (folder / "adapter_config.json").write_text("{}")

    def _import(self, job: ModelImportJob) -> None:
        model_id = hashlib.sha256(job.job_arn.encode()).hexdigest()[:12]
        path = self._artifacts.imported_model_path(job.scope, model_id, 1)
        model = ImportedModel(
            scope=job.scope,
            model_id=model_id,
            model_arn=imported_model_arn(job.scope, model_id),
            model_name=job.imported_model_name,
            job_arn=job.job_arn,
            job_name=job.job_name,
            source_s3_uri=job.source_s3_uri,
            architecture="LlamaForCausalLM",
            parameter_count=1_000_000,
            context_length=64,
            size_bytes=10,
            has_chat_template=True,
            artifact_path=path,
            weights_sha256=SHA256,
            created_at=utc_now(),
        )
        with self._database.writing() as connection:
            self._import_jobs.move(
                connection,
                job.job_arn,
                ImportJobStatus.COMPLETED,
                at=utc_now(),
                imported_model_arn=model.model_arn,
            )
            self._imported.add(connection, job.scope, model)
            replace_tags(connection, model.model_arn, job.request.get("importedModelTags", {}))
        self._artifacts.resolve(path).mkdir(parents=True)

    def _finish_models(self) -> None:
        creating = self._models.table.c.status == CustomModelStatus.CREATING
        for model in self._models.every(creating):
            with self._database.writing() as connection:
                self._models.change(connection, model.model_arn, creating, status=CustomModelStatus.ACTIVE)

    def _finish_copies(self) -> None:
        for job in self._copies.every(self._copies.table.c.status == CopyJobStatus.IN_PROGRESS):
            source = self._models.by_arn(job.source_model_arn)
            model = CustomModel(
                scope=job.scope,
                model_id=job.target_model_arn.rpartition("/")[2],
                model_arn=job.target_model_arn,
                model_name=job.target_model_name,
                status=CustomModelStatus.ACTIVE,
                job_arn=source.job_arn,
                job_name=source.job_name,
                base_model_arn=source.base_model_arn,
                foundation_model_id=source.foundation_model_id,
                customization_type=source.customization_type,
                hyperparameters=source.hyperparameters,
                request=source.request,
                artifact_path=self._artifacts.custom_model_path(job.scope, job.target_model_arn[-12:], 1),
                artifact_sha256=SHA256,
                training_loss=source.training_loss,
                validation_losses=source.validation_losses,
                created_at=utc_now(),
            )
            with self._database.writing() as connection:
                self._copies.move(connection, job.job_arn, CopyJobStatus.COMPLETED, at=utc_now())
                self._models.add(connection, job.scope, model)
                replace_tags(connection, model.model_arn, job.request.get("targetModelTags", {}))

    def _finish_batches(self) -> None:
        next_status = {
            InvocationJobStatus.SUBMITTED: InvocationJobStatus.VALIDATING,
            InvocationJobStatus.VALIDATING: InvocationJobStatus.SCHEDULED,
            InvocationJobStatus.SCHEDULED: InvocationJobStatus.IN_PROGRESS,
            InvocationJobStatus.IN_PROGRESS: InvocationJobStatus.COMPLETED,
            InvocationJobStatus.STOPPING: InvocationJobStatus.STOPPED,
        }
        for job in self._batches.every():
            if job.status in next_status:
                with self._database.writing() as connection:
                    self._batches.move(connection, job.job_arn, next_status[job.status], at=utc_now())

    def _stop_evaluations(self) -> None:
        for job in self._evaluations.every(self._evaluations.table.c.status == EvaluationJobStatus.STOPPING):
            with self._database.writing() as connection:
                self._evaluations.move(connection, job.job_arn, EvaluationJobStatus.STOPPED, at=utc_now())

    def _provision(self) -> None:
        for throughput in self._throughputs.every():
            if throughput.status in (ProvisionedStatus.CREATING, ProvisionedStatus.UPDATING):
                with self._database.writing() as connection:
                    self._throughputs.change(
                        connection,
                        throughput.provisioned_arn,
                        status=ProvisionedStatus.IN_SERVICE,
                        model_arn=throughput.desired_model_arn,
                    )
        for deployment in self._deployments.every():
            changes: dict[str, Any] = {}
            if deployment.status is DeploymentStatus.CREATING:
                changes = {"status": DeploymentStatus.ACTIVE}
            elif deployment.update_status is UpdateStatus.UPDATING:
                changes = {"model_arn": deployment.update_model_arn, "update_status": UpdateStatus.COMPLETED}
            if changes:
                with self._database.writing() as connection:
                    self._deployments.change(connection, deployment.deployment_arn, **changes)
