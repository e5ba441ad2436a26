"""GetServiceStatus."""

import platform
from importlib.metadata import version

from tanren.aws.context import Handler, Members, RequestContext
from tanren.control.service_status import EngineState, QueueStatus, ServiceStatusControl
from tanren.model_files.memory import memory_needs
from tanren.model_files.store import StoredModel
from tanren.storage.process_states import ProcessState


def service_status_handlers(control: ServiceStatusControl, *, engine: str) -> dict[str, Handler]:
    """Takes   engine: the setting."""
    versions = {
        "version": version("tanren"),
        "sdkVersion": version("botocore"),
        "pythonVersion": platform.python_version(),
    }

    def status(context: RequestContext, params: Members) -> Members:
        found = control.status(context.scope)
        return {
            **versions,
            "region": context.scope.region,
            "accountId": context.scope.account_id,
            "engine": engine,
            "engines": [_engine(engine) for engine in found.engines],
            "processes": [_process(process) for process in found.processes],
            "baseModels": [_base_model(model) for model in found.base_models],
            "memoryBytes": found.memory_bytes,
            "queues": [
                {"kind": queue.kind, "waiting": len(queue.jobs) - len(queue.running), "running": len(queue.running)}
                for queue in found.queues
            ],
            "workers": [worker for queue in found.queues for worker in _workers(queue)],
        }

    return {"GetServiceStatus": status}


def _engine(engine: EngineState) -> Members:
    return {
        "baseModel": engine.base_model,
        "status": engine.status,
        "failureMessage": engine.failure_message,
        "lastUsedAt": engine.last_used_at,
    }


def _process(process: ProcessState) -> Members:
    return {
        "name": process.name,
        "status": "Running" if process.is_running else "Restarting",
        "startedAt": process.started_at,
        "restartCount": process.restart_count,
    }


def _base_model(model: StoredModel) -> Members:
    needs = memory_needs(model.parameter_count, model.dtype)
    return {
        "name": model.name,
        "key": model.key,
        "revision": model.origin.revision or None,
        "licence": model.origin.licence,
        "parameterCount": model.parameter_count,
        "contextLength": model.context_length,
        "sizeBytes": model.size_bytes,
        "servingBytes": needs.serve_bytes,
        "trainingBytes": needs.lora_bytes,
    }


def _workers(queue: QueueStatus) -> list[Members]:
    return [
        {
            "name": job.owner,
            "jobArn": job.job_arn,
            "attempt": job.attempt,
            "leaseExpiresAt": job.lease_expires_at,
        }
        for job in queue.running
    ]
