"""The gateway process: one port that speaks AWS's protocol. Composition root; it imports no torch.

`main` starts the HTTP server, whose worker process calls `application`.
"""

import asyncio
import gc
import os
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from tanren.assignment import (
    copy_queue,
    custom_model_queue,
    customization_queue,
    evaluation_queue,
    import_queue,
    invocation_queue,
)
from tanren.aws.access_keys import StoredAccessKeys
from tanren.aws.auditing import Auditor
from tanren.aws.authorization import Authorizer, IamMode
from tanren.aws.authorization_neighbours import NeighbourAuthorizer
from tanren.aws.authorization_resources import StoredResources
from tanren.aws.bearer_tokens import BedrockApiKeys
from tanren.aws.chain import build_application
from tanren.aws.context import Handlers
from tanren.aws.exchange import ASGIApp
from tanren.aws.invocation_logs import InvocationLogs, with_invocation_logs
from tanren.aws.neighbourhood import EmbeddedTarget, ExternalTarget, ForwardingNeighbourhood
from tanren.aws.operations.bedrock.custom_model_deployments import custom_model_deployment_handlers
from tanren.aws.operations.bedrock.custom_models import custom_model_handlers
from tanren.aws.operations.bedrock.customization_jobs import customization_job_handlers
from tanren.aws.operations.bedrock.evaluation_jobs import evaluation_job_handlers
from tanren.aws.operations.bedrock.foundation_model_agreements import foundation_model_agreement_handlers
from tanren.aws.operations.bedrock.foundation_models import foundation_model_handlers
from tanren.aws.operations.bedrock.imported_models import imported_model_handlers
from tanren.aws.operations.bedrock.inference_profiles import inference_profile_handlers
from tanren.aws.operations.bedrock.invocation_logging import invocation_logging_handlers
from tanren.aws.operations.bedrock.model_copy_jobs import model_copy_job_handlers
from tanren.aws.operations.bedrock.model_import_jobs import model_import_job_handlers
from tanren.aws.operations.bedrock.model_invocation_jobs import model_invocation_job_handlers
from tanren.aws.operations.bedrock.provisioned_throughputs import provisioned_throughput_handlers
from tanren.aws.operations.bedrock.resource_policies import resource_policy_handlers
from tanren.aws.operations.bedrock.sdk_dialect import sdk_dialect_handlers
from tanren.aws.operations.bedrock.tags import tag_handlers
from tanren.aws.operations.bedrock_runtime import runtime_handlers
from tanren.aws.operations.iam.access_keys import access_key_handlers
from tanren.aws.operations.iam.account import account_handlers
from tanren.aws.operations.iam.identity_policies import identity_policy_handlers
from tanren.aws.operations.iam.managed_policies import managed_policy_handlers
from tanren.aws.operations.iam.roles import role_handlers
from tanren.aws.operations.iam.service_credentials import service_credential_handlers
from tanren.aws.operations.iam.users import user_handlers
from tanren.aws.operations.sts import sts_handlers
from tanren.aws.operations.tanren.audit_events import audit_event_handlers
from tanren.aws.operations.tanren.checkpoint_trials import checkpoint_trial_handlers
from tanren.aws.operations.tanren.dry_runs import dry_run_handlers
from tanren.aws.operations.tanren.job_evaluations import job_evaluation_handlers
from tanren.aws.operations.tanren.job_records import job_record_handlers
from tanren.aws.operations.tanren.job_updates import job_update_handlers
from tanren.aws.operations.tanren.model_lineage import model_lineage_handlers
from tanren.aws.operations.tanren.provisioned_throughputs import provisioned_capacity_handlers
from tanren.aws.operations.tanren.service_status import service_status_handlers
from tanren.aws.operations.tanren.throughput_estimates import throughput_estimate_handlers
from tanren.aws.operations.tanren.usage import usage_handlers
from tanren.aws.server import ServerSettings, end_with_server_process, serve
from tanren.aws.signatures import AccessKey, SigningKey
from tanren.aws.tls import tls_files
from tanren.catalog.weights import WeightsCatalogue
from tanren.console.forwarding import ConsoleForwarding
from tanren.control.access_keys import AccessKeyControl
from tanren.control.audit_events import AuditEventControl
from tanren.control.custom_model_deployments import CustomModelDeploymentControl
from tanren.control.custom_models import CustomModelControl
from tanren.control.customization_evaluations import CustomizationEvaluations
from tanren.control.customization_jobs import CustomizationJobControl
from tanren.control.dry_runs import DryRunControl
from tanren.control.evaluation_jobs import EvaluationJobControl
from tanren.control.foundation_model_agreements import FoundationModelAgreementControl
from tanren.control.identity_policies import IdentityPolicyControl
from tanren.control.imported_models import ImportedModelControl
from tanren.control.invocation_logging import InvocationLoggingControl
from tanren.control.job_evaluations import JobEvaluationControl
from tanren.control.job_records import JobRecordControl
from tanren.control.job_updates import JobUpdateControl
from tanren.control.managed_policies import ManagedPolicyControl
from tanren.control.model_copy_jobs import ModelCopyJobControl
from tanren.control.model_import_jobs import ModelImportJobControl
from tanren.control.model_invocation_jobs import ModelInvocationJobControl
from tanren.control.model_lineage import ModelLineageControl
from tanren.control.price_book import FILE_NAME as PRICE_FILE
from tanren.control.provisioned_throughputs import ProvisionedThroughputControl
from tanren.control.resource_policies import ResourcePolicyControl
from tanren.control.roles import RoleControl
from tanren.control.sdk_dialect import SdkDialectControl
from tanren.control.service_credentials import ServiceCredentialControl
from tanren.control.service_roles import ServiceRoles
from tanren.control.service_status import ServiceStatusControl
from tanren.control.sessions import Judge, SessionControl, note, overlook, refuse
from tanren.control.tags import TagControl
from tanren.control.throughput_estimates import ThroughputEstimateControl
from tanren.control.usage import UsageControl
from tanren.control.users import UserControl
from tanren.domain import arns
from tanren.domain.clock import new_resource_id, utc_now
from tanren.domain.errors import ValidationFailed
from tanren.domain.identities import new_unique_id, root_arn
from tanren.domain.scope import Scope
from tanren.dry_run import DryRunProcess
from tanren.jobs.lifeline import end_with_parent
from tanren.logs import log_to_stderr
from tanren.object_stores import AWS_ITSELF, external_credentials, kept_by_scope, object_store_address
from tanren.openai_api.door import OpenAIDoor
from tanren.openai_api.file_store import FileStore
from tanren.openai_api.files import OpenAIFiles
from tanren.openai_api.fine_tuning_jobs import FineTuningJobs
from tanren.openai_api.fine_tuning_views import FineTuningViews
from tanren.openai_api.models import OpenAIModels
from tanren.openai_api.routes import openai_routes
from tanren.openai_api.training_files import TrainingFiles
from tanren.processes import LOCK_FILE, TLS_FOLDER
from tanren.runtime.checkpoint_trials import CheckpointTrials
from tanren.runtime.inference import Inference
from tanren.runtime.invocation_log_delivery import InvocationLogDelivery
from tanren.runtime.metering import UsageMeter
from tanren.runtime.placement import StoredPlacement
from tanren.settings import Settings, read_settings
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.audit_log import AuditLog
from tanren.storage.custom_model_deployments import CustomModelDeployments
from tanren.storage.custom_models import CustomModels
from tanren.storage.customization_jobs import CustomizationJobs
from tanren.storage.database import Database
from tanren.storage.engine_hosts import EngineHosts
from tanren.storage.evaluation_jobs import EvaluationJobs
from tanren.storage.foundation_model_agreements import FoundationModelAgreements
from tanren.storage.identities import roles as role_rows
from tanren.storage.identities import users as user_rows
from tanren.storage.identity_database import IdentityDatabase
from tanren.storage.imported_models import ImportedModels
from tanren.storage.invocation_log_spool import InvocationLogSpool
from tanren.storage.invocation_logging import InvocationLoggingConfigurations
from tanren.storage.log_groups import LogGroups
from tanren.storage.model_copy_jobs import ModelCopyJobs
from tanren.storage.model_import_jobs import ModelImportJobs
from tanren.storage.model_invocation_jobs import ModelInvocationJobs
from tanren.storage.objects import ObjectStore
from tanren.storage.principals import Principals
from tanren.storage.process_states import read_process_states
from tanren.storage.provisioned_throughputs import ProvisionedThroughputs
from tanren.storage.resource_policies import ResourcePolicies
from tanren.storage.training_records import TrainingRecords
from tanren.storage.usage import UsageRecords

DRAIN_SECONDS = 30
DATA_READY_AFTER_SECONDS = 5.0
"""After the start, which needs the processor itself."""
JUDGES: dict[str, Judge] = {"enforce": refuse, "audit": note, "off": overlook}
"""By the setting `iam`."""


def application() -> ASGIApp:
    """The ASGI application of one HTTP worker, wired."""
    log_to_stderr()
    end_with_server_process()
    settings = read_settings()
    if not settings.access_key:
        raise ValidationFailed("The gateway needs root keys: start it with `tanren serve`, or set TANREN_ACCESS_KEY.")
    database = Database(settings.effective_database_url)
    identities = IdentityDatabase(database)
    principals = Principals(identities)
    access_keys = StoredAccessKeys(_root_key(settings), principals)
    authorizer = _authorizer(settings, database, principals)
    audit_log = AuditLog(settings.data_dir)
    spool = _spool(settings)
    built = build_application(
        handlers={
            **handlers(settings, database, spool),
            **tanren_handlers(settings, database),
            **identity_handlers(identities, principals, judge=JUDGES[settings.iam]),
        },
        access_keys=access_keys,
        bearer_tokens=BedrockApiKeys(access_keys, access_keys, default_region=settings.region),
        neighbourhood=ForwardingNeighbourhood(_neighbourhood_target(settings)),
        default_region=settings.region,
        audit=Auditor(audit_log, virtual_hosts=_virtual_hosts(settings)),
        lifespan=lambda: _deliveries(settings, spool, audit_log),
        authorizer=authorizer,
        neighbour_authorizer=NeighbourAuthorizer(authorizer, virtual_hosts=_virtual_hosts(settings)),
        door=openai_door(settings, database),
    )
    # What is there now, botocore's models above all, stays to the end: the collector need not walk through it again.
    gc.collect()
    gc.freeze()
    # Asked for by a browser, which signs nothing for AWS: before the chain, whose every step is about who signs.
    return ConsoleForwarding(built, settings.console_endpoint) if settings.console_endpoint else built


@asynccontextmanager
async def _deliveries(settings: Settings, spool: InvocationLogSpool, audit_log: AuditLog) -> AsyncGenerator[None]:
    """What goes on beside the requests, from the first to the last."""
    delivery = InvocationLogDelivery(spool, objects=_objects(settings), streams=_log_groups(settings))
    delivery.start()
    try:
        yield
    finally:
        await asyncio.to_thread(delivery.close)
        audit_log.flush()


def _spool(settings: Settings) -> InvocationLogSpool:
    room_bytes = settings.invocation_log_megabytes * 1_000_000
    return InvocationLogSpool(settings.data_dir, clock=utc_now, room_bytes=room_bytes)


def _objects(settings: Settings) -> Callable[[Scope], ObjectStore]:
    return kept_by_scope(lambda scope: ObjectStore(object_store_address(settings, scope)))


def _log_groups(settings: Settings) -> Callable[[Scope], LogGroups]:
    def groups(scope: Scope) -> LogGroups:
        if settings.aws_endpoint not in ("", AWS_ITSELF):
            raise ValidationFailed(
                f"cloudWatchConfig: beside this server there is an S3 ({settings.aws_endpoint}) and no CloudWatch "
                "Logs. Give s3Config instead."
            )
        return LogGroups(object_store_address(settings, scope))

    return kept_by_scope(groups)


def handlers(settings: Settings, database: Database, spool: InvocationLogSpool | None = None) -> Handlers:
    """Every operation that tanren has, by service and name. `spool` takes the logs of invocations to their delivery."""
    jobs = CustomizationJobs(database)
    models = CustomModels(database)
    invocation_jobs = ModelInvocationJobs(database)
    throughputs = ProvisionedThroughputs(database)
    deployments = CustomModelDeployments(database)
    import_jobs = ModelImportJobs(database)
    imported_models = ImportedModels(database)
    artifacts = ArtifactStore(settings.data_dir / "artifacts")
    weights = WeightsCatalogue(settings.data_dir)
    placement = _placement(settings, database)
    job_control = CustomizationJobControl(
        jobs, models, weights, clock=utc_now, new_id=new_resource_id, quotas=settings.quotas
    )
    hosts = EngineHosts(database)
    model_control = CustomModelControl(
        models,
        jobs,
        throughputs,
        deployments,
        artifacts,
        hosts,
        clock=utc_now,
        new_id=new_resource_id,
        quotas=settings.quotas,
    )
    throughput_control = ProvisionedThroughputControl(
        throughputs, models, clock=utc_now, new_id=new_resource_id, quotas=settings.quotas
    )
    deployment_control = CustomModelDeploymentControl(
        deployments, models, clock=utc_now, new_id=new_resource_id, quotas=settings.quotas
    )
    invocation_control = ModelInvocationJobControl(
        invocation_jobs, models, deployments, clock=utc_now, new_id=new_resource_id, quotas=settings.quotas
    )
    evaluation_jobs = EvaluationJobs(database)
    evaluation_control = EvaluationJobControl(
        evaluation_jobs,
        models,
        imported_models,
        throughputs,
        deployments,
        clock=utc_now,
        new_id=new_resource_id,
        quotas=settings.quotas,
    )
    policies = ResourcePolicies(database)
    copy_control = ModelCopyJobControl(
        ModelCopyJobs(database), models, policies, clock=utc_now, new_id=new_resource_id, quotas=settings.quotas
    )
    agreement_control = FoundationModelAgreementControl(FoundationModelAgreements(database), weights, clock=utc_now)
    import_control = ModelImportJobControl(
        import_jobs, imported_models, clock=utc_now, new_id=new_resource_id, quotas=settings.quotas
    )
    logging_configurations = InvocationLoggingConfigurations(database)
    logging_control = InvocationLoggingControl(
        logging_configurations, objects=_objects(settings), streams=_log_groups(settings), clock=utc_now
    )
    logs = InvocationLogs(logging_configurations, spool or _spool(settings))
    return {
        "bedrock": {
            **foundation_model_handlers(weights),
            **customization_job_handlers(job_control),
            **sdk_dialect_handlers(SdkDialectControl(job_control)),
            **custom_model_handlers(model_control, weights),
            **provisioned_throughput_handlers(throughput_control),
            **custom_model_deployment_handlers(deployment_control),
            **model_invocation_job_handlers(invocation_control),
            **evaluation_job_handlers(evaluation_control),
            **model_import_job_handlers(import_control),
            **model_copy_job_handlers(copy_control),
            **resource_policy_handlers(ResourcePolicyControl(policies, models, clock=utc_now)),
            **foundation_model_agreement_handlers(agreement_control),
            **inference_profile_handlers(),
            **imported_model_handlers(ImportedModelControl(imported_models, artifacts, hosts)),
            **invocation_logging_handlers(logging_control),
            **tag_handlers(
                TagControl(
                    database,
                    [
                        jobs,
                        models,
                        throughputs,
                        deployments,
                        invocation_jobs,
                        evaluation_jobs,
                        import_jobs,
                        imported_models,
                    ],
                    clock=utc_now,
                )
            ),
        },
        "bedrock-runtime": with_invocation_logs(runtime_handlers(Inference(placement)), logs),
    }


def openai_door(settings: Settings, database: Database) -> OpenAIDoor:
    """The same jobs and models in the shape of OpenAI's API: docs/openai.md."""
    jobs = CustomizationJobs(database)
    models = CustomModels(database)
    records = TrainingRecords(database)
    placement = _placement(settings, database)
    job_control = CustomizationJobControl(
        jobs,
        models,
        WeightsCatalogue(settings.data_dir),
        clock=utc_now,
        new_id=new_resource_id,
        quotas=settings.quotas,
    )
    store = FileStore(settings.data_dir, clock=utc_now)
    training_files = TrainingFiles(store, jobs, _objects(settings))
    return OpenAIDoor(
        openai_routes(
            Inference(placement),
            OpenAIModels(database, placement),
            OpenAIFiles(store, training_files),
            FineTuningJobs(
                job_control, models, records, training_files, FineTuningViews(records), new_id=new_resource_id
            ),
        )
    )


def _placement(settings: Settings, database: Database) -> StoredPlacement:
    return StoredPlacement(
        CustomModels(database),
        ProvisionedThroughputs(database),
        CustomModelDeployments(database),
        EngineHosts(database),
        ArtifactStore(settings.data_dir / "artifacts"),
        WeightsCatalogue(settings.data_dir),
        clock=utc_now,
        patience_seconds=settings.engine_wait_seconds,
        meter=UsageMeter(UsageRecords(database), clock=utc_now),
    )


def tanren_handlers(settings: Settings, database: Database) -> Handlers:
    """The service `tanren`: what Bedrock has no operation for."""
    jobs = CustomizationJobs(database)
    models = CustomModels(database)
    imported_models = ImportedModels(database)
    other_jobs = [
        ModelInvocationJobs(database),
        EvaluationJobs(database),
        ModelImportJobs(database),
        ModelCopyJobs(database),
    ]
    records = TrainingRecords(database)
    hosts = EngineHosts(database)
    artifacts = ArtifactStore(settings.data_dir / "artifacts")
    weights = WeightsCatalogue(settings.data_dir)
    queues = {
        "ModelCustomization": customization_queue(database, settings),
        "ModelInvocation": invocation_queue(database, settings),
        "ModelEvaluation": evaluation_queue(database, settings),
        "ModelImport": import_queue(database, settings),
        "CustomModelCreation": custom_model_queue(database, settings),
        "ModelCopy": copy_queue(database, settings),
    }
    job_control = CustomizationJobControl(jobs, models, weights, clock=utc_now, new_id=new_resource_id)
    evaluations = CustomizationEvaluations(EvaluationJobs(database), clock=utc_now)
    throughputs = ProvisionedThroughputs(database)
    throughput_control = ProvisionedThroughputControl(throughputs, models, clock=utc_now, new_id=new_resource_id)
    model_control = CustomModelControl(
        models,
        jobs,
        throughputs,
        CustomModelDeployments(database),
        artifacts,
        hosts,
        clock=utc_now,
        new_id=new_resource_id,
    )
    dry_run_process = DryRunProcess()
    if settings.console_endpoint and settings.ready_children:
        dry_run_process.stand_ready(after_seconds=DATA_READY_AFTER_SECONDS)
    dry_runs = DryRunControl(
        jobs,
        models,
        records,
        weights,
        artifacts,
        price_file=settings.data_dir / PRICE_FILE,
        run=dry_run_process.run,
    )
    status = ServiceStatusControl(
        queues,
        hosts,
        weights,
        artifacts,
        models,
        imported_models,
        processes=lambda: read_process_states(settings.data_dir, settings.data_dir / LOCK_FILE),
    )
    return {
        "tanren": {
            **job_record_handlers(JobRecordControl(job_control, other_jobs, records, artifacts)),
            **checkpoint_trial_handlers(
                CheckpointTrials(partial(job_control.get, or_id=True), _placement(settings, database), artifacts)
            ),
            **job_evaluation_handlers(JobEvaluationControl(job_control, evaluations)),
            **job_update_handlers(JobUpdateControl(job_control, jobs, records), clock=utc_now),
            **dry_run_handlers(dry_runs),
            **model_lineage_handlers(ModelLineageControl(model_control, models, jobs, weights)),
            **provisioned_capacity_handlers(throughput_control),
            **throughput_estimate_handlers(
                ThroughputEstimateControl(models, weights, artifacts, hosts, price_file=settings.data_dir / PRICE_FILE)
            ),
            **service_status_handlers(status, engine=settings.engine),
            **audit_event_handlers(AuditEventControl(settings.data_dir)),
            **usage_handlers(
                UsageControl(UsageRecords(database), price_file=settings.data_dir / PRICE_FILE, clock=utc_now)
            ),
        }
    }


def identity_handlers(identities: IdentityDatabase, principals: Principals, *, judge: Judge) -> Handlers:
    """Users, roles, policies, keys and sessions: the part of IAM and STS that is ours."""
    users = UserControl(identities, clock=utc_now, new_id=new_unique_id)
    roles = RoleControl(identities, clock=utc_now, new_id=new_unique_id)
    policies = ManagedPolicyControl(identities, clock=utc_now, new_id=new_unique_id)
    of_users = IdentityPolicyControl(identities, user_rows(), noun="user")
    of_roles = IdentityPolicyControl(identities, role_rows(), noun="role")
    access_keys = AccessKeyControl(identities, clock=utc_now, new_id=new_unique_id)
    api_keys = ServiceCredentialControl(identities, clock=utc_now, new_id=new_unique_id)
    sessions = SessionControl(identities, principals, judge=judge, clock=utc_now, new_id=new_unique_id)
    return {
        "iam": {
            **account_handlers(identities),
            **user_handlers(users),
            **role_handlers(roles),
            **identity_policy_handlers(of_users, "User"),
            **identity_policy_handlers(of_roles, "Role"),
            **managed_policy_handlers(policies),
            **access_key_handlers(access_keys),
            **service_credential_handlers(api_keys),
        },
        "sts": {**sts_handlers(sessions, principals)},
    }


def _authorizer(settings: Settings, database: Database, principals: Principals) -> Authorizer:
    named = {
        arns.CUSTOMIZATION_JOB: CustomizationJobs(database),
        arns.CUSTOM_MODEL: CustomModels(database),
        arns.PROVISIONED_MODEL: ProvisionedThroughputs(database),
        arns.CUSTOM_MODEL_DEPLOYMENT: CustomModelDeployments(database),
        arns.MODEL_IMPORT_JOB: ModelImportJobs(database),
        arns.IMPORTED_MODEL: ImportedModels(database),
        arns.MODEL_INVOCATION_JOB: ModelInvocationJobs(database),
        arns.EVALUATION_JOB: EvaluationJobs(database),
    }
    return Authorizer(
        policies=principals,
        service_roles=ServiceRoles(principals),
        facts=StoredResources(database, named),
        resource_policies=ResourcePolicies(database),
        mode=IamMode(settings.iam),
    )


def _virtual_hosts(settings: Settings) -> tuple[str, ...]:
    """Below which a bucket may stand in Host: ministack knows `localhost` alone."""
    return ("localhost", settings.host) if settings.aws_endpoint else ("localhost",)


def _root_key(settings: Settings) -> AccessKey:
    return AccessKey(
        access_key_id=settings.access_key,
        secret_access_key=settings.secret_key,
        session_token=None,
        account_id=settings.account,
        principal_arn=root_arn(settings.account),
    )


def _neighbourhood_target(settings: Settings) -> EmbeddedTarget | ExternalTarget:
    """The embedded ministack, AWS itself, or another S3; requests to these two are signed anew, as boto3 would.

    The credentials are read once, here: temporary ones are not renewed while this process lives.
    """
    if not settings.aws_endpoint:
        return EmbeddedTarget(endpoint_url=settings.embedded_endpoint)
    access_key_id, secret_access_key, session_token = external_credentials(settings)
    urls = {"*": "https://{service}.{region}.amazonaws.com"}
    return ExternalTarget(
        endpoint_urls=urls if settings.aws_endpoint == AWS_ITSELF else {"s3": settings.aws_endpoint},
        signing_key=SigningKey(
            access_key_id=access_key_id, secret_access_key=secret_access_key, session_token=session_token
        ),
        public_hosts=_virtual_hosts(settings),
    )


def _certificate_and_key(settings: Settings) -> tuple[Path, Path] | tuple[None, None]:
    if settings.tls == "off":
        return None, None
    if settings.tls == "files":
        return Path(settings.tls_certificate), Path(settings.tls_key)
    files = tls_files(settings.data_dir / TLS_FOLDER)
    return files.certificate, files.key


def main() -> None:
    log_to_stderr()
    settings = read_settings()
    end_with_parent(lambda: os.kill(os.getpid(), signal.SIGTERM))
    certificate, key = _certificate_and_key(settings)
    serve(
        ServerSettings(
            factory="tanren.gateway:application",
            host=settings.host,
            port=settings.port,
            drain_seconds=DRAIN_SECONDS,
            certificate=certificate,
            key=key,
        )
    )


if __name__ == "__main__":
    main()
