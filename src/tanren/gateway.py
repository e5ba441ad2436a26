"""The gateway process: one port that speaks AWS's protocol. Composition root; it imports no torch.

`main` starts the HTTP server, whose worker process calls `application`.
"""

import gc
import os
import signal
import sys
import threading
import time

from tanren.aws.chain import ASGIApp, build_application
from tanren.aws.context import Handlers
from tanren.aws.neighbourhood import EmbeddedTarget, ExternalTarget, ForwardingNeighbourhood
from tanren.aws.operations.bedrock.custom_model_deployments import custom_model_deployment_handlers
from tanren.aws.operations.bedrock.custom_models import custom_model_handlers
from tanren.aws.operations.bedrock.customization_jobs import customization_job_handlers
from tanren.aws.operations.bedrock.foundation_models import foundation_model_handlers
from tanren.aws.operations.bedrock.model_invocation_jobs import model_invocation_job_handlers
from tanren.aws.operations.bedrock.provisioned_throughputs import provisioned_throughput_handlers
from tanren.aws.operations.bedrock.tags import tag_handlers
from tanren.aws.operations.bedrock_runtime import runtime_handlers
from tanren.aws.server import ServerSettings, serve
from tanren.aws.signatures import AccessKey, SigningKey
from tanren.catalog.weights import WeightsCatalogue
from tanren.control.custom_model_deployments import CustomModelDeploymentControl
from tanren.control.custom_models import CustomModelControl
from tanren.control.customization_jobs import CustomizationJobControl
from tanren.control.model_invocation_jobs import ModelInvocationJobControl
from tanren.control.provisioned_throughputs import ProvisionedThroughputControl
from tanren.control.tags import TagControl
from tanren.domain.clock import new_resource_id, utc_now
from tanren.domain.errors import ValidationFailed
from tanren.jobs.lifeline import end_with_parent
from tanren.logs import log_to_stderr
from tanren.object_stores import AWS_ITSELF, external_credentials
from tanren.runtime.inference import Inference
from tanren.runtime.metering import UsageMeter
from tanren.runtime.placement import StoredPlacement
from tanren.settings import Settings, read_settings
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.custom_model_deployments import CustomModelDeployments
from tanren.storage.custom_models import CustomModels
from tanren.storage.customization_jobs import CustomizationJobs
from tanren.storage.database import Database
from tanren.storage.engine_hosts import EngineHosts
from tanren.storage.model_invocation_jobs import ModelInvocationJobs
from tanren.storage.provisioned_throughputs import ProvisionedThroughputs
from tanren.storage.usage import UsageRecords

HEALTH_PATH = "/_tanren/health"
DRAIN_SECONDS = 30
_ORPHAN_POLL_SECONDS = 0.5


class RootKey:
    """The root key pair, the only one until users and roles are ours."""

    def __init__(self, settings: Settings) -> None:
        self._key = AccessKey(
            access_key_id=settings.access_key,
            secret_access_key=settings.secret_key,
            session_token=None,
            account_id=settings.account,
            principal_arn=f"arn:aws:iam::{settings.account}:root",
        )

    def find(self, access_key_id: str) -> AccessKey | None:
        return self._key if access_key_id == self._key.access_key_id else None


def application() -> ASGIApp:
    """The ASGI application of one HTTP worker, wired."""
    log_to_stderr()
    _end_with_server_process()
    settings = read_settings()
    if not settings.access_key:
        raise ValidationFailed("The gateway needs root keys: start it with `tanren serve`, or set TANREN_ACCESS_KEY.")
    built = build_application(
        handlers=handlers(settings, Database(settings.effective_database_url)),
        access_keys=RootKey(settings),
        neighbourhood=ForwardingNeighbourhood(_neighbourhood_target(settings)),
        default_region=settings.region,
    )
    # What is there now, botocore's models above all, stays to the end: the collector need not walk through it again.
    gc.collect()
    gc.freeze()
    return built


def handlers(settings: Settings, database: Database) -> Handlers:
    """Every operation that tanren has, by service and name."""
    jobs = CustomizationJobs(database)
    models = CustomModels(database)
    invocation_jobs = ModelInvocationJobs(database)
    throughputs = ProvisionedThroughputs(database)
    deployments = CustomModelDeployments(database)
    artifacts = ArtifactStore(settings.data_dir / "artifacts")
    weights = WeightsCatalogue(settings.data_dir)
    placement = StoredPlacement(
        models,
        throughputs,
        deployments,
        EngineHosts(database),
        artifacts,
        weights,
        clock=utc_now,
        patience_seconds=settings.engine_wait_seconds,
        meter=UsageMeter(UsageRecords(database), clock=utc_now),
    )
    job_control = CustomizationJobControl(jobs, models, weights, clock=utc_now, new_id=new_resource_id)
    hosts = EngineHosts(database)
    model_control = CustomModelControl(models, jobs, throughputs, deployments, artifacts, hosts)
    throughput_control = ProvisionedThroughputControl(throughputs, models, clock=utc_now, new_id=new_resource_id)
    deployment_control = CustomModelDeploymentControl(deployments, models, clock=utc_now, new_id=new_resource_id)
    invocation_control = ModelInvocationJobControl(
        invocation_jobs, models, deployments, clock=utc_now, new_id=new_resource_id
    )
    return {
        "bedrock": {
            **foundation_model_handlers(weights),
            **customization_job_handlers(job_control),
            **custom_model_handlers(model_control, weights),
            **provisioned_throughput_handlers(throughput_control),
            **custom_model_deployment_handlers(deployment_control),
            **model_invocation_job_handlers(invocation_control),
            **tag_handlers(
                TagControl(database, [jobs, models, throughputs, deployments, invocation_jobs], clock=utc_now)
            ),
        },
        "bedrock-runtime": {**runtime_handlers(Inference(placement))},
    }


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
        public_hosts=("localhost", settings.host),
    )


def _end_with_server_process() -> None:
    """The HTTP worker ends when the server process that spawned it does, also by kill -9."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_ORPHAN_POLL_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="orphan-watch", daemon=True).start()


def main() -> None:
    log_to_stderr()
    settings = read_settings()
    end_with_parent(lambda: os.kill(os.getpid(), signal.SIGTERM))
    serve(
        ServerSettings(
            factory="tanren.gateway:application",
            host=settings.host,
            port=settings.port,
            drain_seconds=DRAIN_SECONDS,
        )
    )


def gateway_command() -> list[str]:
    return [sys.executable, "-m", "tanren.gateway"]


if __name__ == "__main__":
    main()
