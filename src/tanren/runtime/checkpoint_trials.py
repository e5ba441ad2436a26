"""A question to the weights of a job that still trains: what it has learned by now.

    the run hands out its weights as an adapter, after the step that it is at   `model_files/weight_snapshots.py`
    the engine of the job's base loads it like any adapter, and answers         the training goes on meanwhile

Cost     of the run: one adapter written for each asking. Of the answer: as of any tuned model on the same base, which
         is loaded for it where it is not in memory.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from tanren.catalog.foundation_models import foundation_model
from tanren.domain.customization_jobs import TERMINAL, CustomizationJob, JobStatus
from tanren.domain.errors import ModelNotReady, TanrenError, ValidationFailed
from tanren.domain.generation import GenerationRequest, GenerationResult
from tanren.domain.hyperparameters import resolve_hyperparameters
from tanren.domain.scope import Scope
from tanren.model_files.weight_snapshots import WeightSnapshot, WeightSnapshots
from tanren.runtime.inference import collected
from tanren.serving.client import EngineClient
from tanren.serving.protocol import AdapterRef
from tanren.storage.artifacts import ArtifactStore

PATIENCE_SECONDS: Final = 20.0
"""For the end of the step that the run is at."""
_POLL_SECONDS: Final = 0.1


class BasePlacement(Protocol):
    """What is needed of `placement.StoredPlacement`."""

    def base_of_job(self, job: CustomizationJob) -> Path:
        """The folder of the weights that the job adds an adapter to. Raises   EngineFailed where they are gone."""
        ...

    async def engine(self, base_folder: Path) -> EngineClient:
        """Waited for while it starts. Raises   EngineFailed; ModelNotReady past the stated wait."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointTrial:
    step: int
    """Optimiser steps that the weights had done."""
    epoch: int
    result: GenerationResult


class CheckpointTrials:
    def __init__(
        self,
        find_job: Callable[[Scope, str], CustomizationJob],
        placement: BasePlacement,
        artifacts: ArtifactStore,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Takes   find_job: by name, id or ARN; it raises ResourceNotFound."""
        self._find_job = find_job
        self._placement = placement
        self._artifacts = artifacts
        self._patience_seconds = patience_seconds

    async def ask(self, scope: Scope, identifier: str, request: GenerationRequest) -> CheckpointTrial:
        """The answer of the newest weights: those after the step that the run is at; where that lasts longer than the
        stated wait, those that were handed out last.

        Raises   ResourceNotFound; ValidationFailed for a job that has no adapter in training; ModelNotReady where no
                 weights came in time; what `Engine.generate` raises.
        """
        job = await asyncio.to_thread(self._find_job, scope, identifier)
        _check_trains_an_adapter(job)
        snapshots = WeightSnapshots(self._artifacts.job_path(job.scope, job.job_id))
        try:
            await asyncio.to_thread(snapshots.ask)
            base_folder = await asyncio.to_thread(self._placement.base_of_job, job)
            engine = await self._placement.engine(base_folder)
            # Once more: the engine may have started for half a minute, and the weights of this moment are meant.
            before = await asyncio.to_thread(snapshots.newest)
            await asyncio.to_thread(snapshots.ask)
        except FileNotFoundError as error:
            raise await self._nothing_there(job) from error
        snapshot = await self._newest(snapshots, before)
        if snapshot is None:
            raise await self._nothing_there(job)
        adapter = AdapterRef(folder=str(snapshot.folder), sha256=snapshot.sha256)
        asked = replace(request, cache_scope=scope.account_id, is_streamed=False)
        try:
            result = await collected(engine.generate(asked, adapter))
        finally:
            # It is asked once: it must not take the place of an adapter that is in service.
            await engine.unload_adapter(adapter)
        return CheckpointTrial(step=snapshot.step, epoch=snapshot.epoch, result=result)

    async def _newest(self, snapshots: WeightSnapshots, before: WeightSnapshot | None) -> WeightSnapshot | None:
        deadline = time.monotonic() + self._patience_seconds
        while True:
            found = await asyncio.to_thread(snapshots.newest)
            if found != before or time.monotonic() >= deadline:
                return found
            await asyncio.sleep(_POLL_SECONDS)

    async def _nothing_there(self, job: CustomizationJob) -> TanrenError:
        """Why: the job may have ended since it was looked at."""
        _check_trains_an_adapter(await asyncio.to_thread(self._find_job, job.scope, job.job_arn))
        return ModelNotReady(
            f"The job '{job.job_name}' has handed out no weights yet: it waits, prepares its data, or is at its first "
            "step. They come after the first step; ask again then."
        )


def _check_trains_an_adapter(job: CustomizationJob) -> None:
    """Raises   ValidationFailed, with what to do instead."""
    if job.status is JobStatus.COMPLETED:
        raise ValidationFailed(
            f"The job '{job.job_name}' is Completed, and its checkpoints are gone: ask its model, "
            f"{job.output_model_arn}."
        )
    if job.status in TERMINAL:
        raise ValidationFailed(
            f"The job '{job.job_name}' is {job.status}, and its checkpoints are gone. Train again to ask one."
        )
    rules = foundation_model(job.foundation_model_id).hyperparameters
    values = resolve_hyperparameters(rules, job.hyperparameters, customization_type=job.customization_type)
    if values["customizationMethod"] == "full":
        raise ValidationFailed(
            f"The job '{job.job_name}' trains every weight of its base, so its newest weights are a whole model and no "
            "adapter that an engine could take up beside others. GetJobSamples has what it answers as it learns; when "
            "it is Completed, ask its model."
        )
