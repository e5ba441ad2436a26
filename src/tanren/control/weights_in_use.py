"""Who needs which weights of the model store: what removing them would break."""

from tanren.catalog.stand_ins import StandIn
from tanren.catalog.weights import WeightsCatalogue
from tanren.domain.customization_jobs import TERMINAL
from tanren.domain.errors import TanrenError
from tanren.model_files.store import StoredModel
from tanren.storage.artifacts import ArtifactStore, is_adapter_folder
from tanren.storage.custom_models import CustomModels
from tanren.storage.customization_jobs import CustomizationJobs
from tanren.storage.database import Database


def lines_with(catalogue: WeightsCatalogue, model: StoredModel) -> list[str]:
    """The ids whose line in catalog.toml leads to these weights. Raises ValidationFailed where the file is broken."""
    return [model_id for model_id, line in catalogue.lines().items() if _may_mean(catalogue, line, model)]


def work_with(
    catalogue: WeightsCatalogue, model: StoredModel, database: Database, artifacts: ArtifactStore
) -> list[str]:
    """Jobs under way on these weights, and custom models that are an adapter on them."""
    jobs, customs = CustomizationJobs(database), CustomModels(database)
    under_way = jobs.every(jobs.table.c.status.not_in(list(TERMINAL)))
    return [
        *(
            f"job {job.job_name} ({job.job_arn})"
            for job in under_way
            if catalogue.bound_to(job.request).key == model.key
        ),
        *(
            f"custom model {custom.model_name} ({custom.model_arn})"
            for custom in customs.every()
            if catalogue.bound_to(custom.request).key == model.key
            # Full fine-tuning made weights of its own, which need no base; nor do adapters on such.
            and catalogue.bound_to(custom.request).artifact_path is None
            and is_adapter_folder(artifacts.resolve(custom.artifact_path))
        ),
    ]


def _may_mean(catalogue: WeightsCatalogue, line: StandIn, model: StoredModel) -> bool:
    try:
        return catalogue.resolve(line).key == model.key
    except TanrenError:
        # It leads nowhere as it is; if it names these weights, it may be put right and mean them.
        return line.model == model.name
