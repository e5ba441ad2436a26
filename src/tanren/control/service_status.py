"""How the service stands: versions, weights, engines, unfinished jobs and who works on them.

What belongs to other accounts or regions is not told, and not counted either: how much others do is theirs to know.
Neither is where on this machine things lie.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tanren.catalog.weights import WeightsCatalogue
from tanren.domain.host_paths import without_folders
from tanren.domain.scope import Scope
from tanren.jobs.queue import JobQueue, UnfinishedJob
from tanren.model_files.memory import total_bytes
from tanren.model_files.store import StoredModel
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.custom_models import CustomModels
from tanren.storage.engine_hosts import EngineHost, EngineHosts, EngineHostStatus
from tanren.storage.imported_models import ImportedModels
from tanren.storage.process_states import ProcessState


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineState:
    base_model: str
    """The name of what it holds."""
    status: EngineHostStatus
    failure_message: str | None
    """Without the folders of this machine, which the gateway's log has."""
    last_used_at: datetime | None
    """None of a base model that is everyone's: it would say when others last asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStatus:
    kind: str
    jobs: Sequence[UnfinishedJob]

    @property
    def running(self) -> list[UnfinishedJob]:
        return [job for job in self.jobs if job.owner is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    base_models: Sequence[StoredModel]
    memory_bytes: int | None
    """Of the machine, not what is free of it: that would say what others do. None where the system does not say."""
    engines: Sequence[EngineState]
    queues: Sequence[QueueStatus]
    processes: Sequence[ProcessState]
    """None of them where nobody looks after them here."""


class ServiceStatusControl:
    def __init__(
        self,
        queues: Mapping[str, JobQueue],
        hosts: EngineHosts,
        weights: WeightsCatalogue,
        artifacts: ArtifactStore,
        models: CustomModels,
        imported_models: ImportedModels,
        *,
        processes: Callable[[], Sequence[ProcessState] | None] = lambda: None,
    ) -> None:
        self._queues = queues
        self._hosts = hosts
        self._weights = weights
        self._artifacts = artifacts
        self._models = models
        self._imported_models = imported_models
        self._processes = processes

    def status(self, scope: Scope) -> ServiceStatus:
        stored = self._weights.store.every()
        shared = {str(model.folder): model.name for model in stored}
        # Whole weights of their own have an engine host of their own.
        own = {
            str(self._artifacts.resolve(model.artifact_path)): model.model_name
            for model in (*self._models.every_in(scope), *self._imported_models.every_in(scope))
        }
        names = shared | own
        return ServiceStatus(
            base_models=stored,
            memory_bytes=total_bytes(),
            engines=[
                self._state(host, names[host.base_folder], is_own=host.base_folder in own)
                for host in self._hosts.every()
                if host.base_folder in names
            ],
            queues=[QueueStatus(kind=kind, jobs=queue.unfinished(scope)) for kind, queue in self._queues.items()],
            processes=self._processes() or [],
        )

    def _state(self, host: EngineHost, name: str, *, is_own: bool) -> EngineState:
        message = host.failure_message
        if message is not None:
            message = without_folders(message, {host.base_folder: name, f"{self._artifacts.root.parent}/": ""})
        return EngineState(
            base_model=name,
            status=host.status,
            failure_message=message,
            last_used_at=host.used_at if is_own else None,
        )
