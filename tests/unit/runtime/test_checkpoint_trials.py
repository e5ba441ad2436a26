"""A job that trains is asked through the engine of its base, with the weights that it hands out."""

import asyncio
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tanren.domain.conversation import user_turn
from tanren.domain.customization_jobs import CustomizationJob, JobStatus
from tanren.domain.errors import ModelNotReady, ValidationFailed
from tanren.domain.generation import GenerationRequest
from tanren.domain.scope import Scope
from tanren.model_files.adapter_inspection import ORIGIN_FILE
from tanren.model_files.weight_snapshots import WeightSnapshots
from tanren.runtime.checkpoint_trials import CheckpointTrials
from tanren.serving.protocol import AdapterRef
from tests.unit.runtime.placed_engine import PlacedEngine

ASKED = GenerationRequest(conversation=user_turn("What is steel?"), max_new_tokens=8, temperature=0.0)


@dataclass
class Engine(PlacedEngine):
    unloaded: list[AdapterRef] = field(default_factory=list)

    async def unload_adapter(self, adapter: AdapterRef) -> None:
        self.unloaded.append(adapter)


class Base:
    """The placement of a base that is in memory."""

    def __init__(self, engine: Engine, while_it_starts: Any = None) -> None:
        self._engine = engine
        self._while_it_starts = while_it_starts

    def base_of_job(self, job: CustomizationJob) -> Path:
        return Path("/models/nano")

    async def engine(self, base_folder: Path) -> Any:
        if self._while_it_starts is not None:
            self._while_it_starts()
        return self._engine


@pytest.fixture
def job(plane, scope: Scope, new_job: Any) -> CustomizationJob:
    return plane.jobs.get(scope, plane.jobs.create(scope, new_job()))


def hand_out(snapshots: WeightSnapshots, step: int) -> None:
    folder = snapshots.place(step=step, epoch=2)
    folder.mkdir(parents=True)
    (folder / ORIGIN_FILE).write_text(json.dumps({"sha256": f"{step:064d}"}))
    snapshots.handed_out()


def trials(plane, engine: Engine, while_it_starts: Any = None, patience_seconds: float = 0.0) -> CheckpointTrials:
    return CheckpointTrials(
        plane.jobs.get,
        Base(engine, while_it_starts),
        plane.artifacts,
        patience_seconds=patience_seconds,
    )


def test_the_weights_that_come_after_the_question_answer_it(plane, scope: Scope, job: CustomizationJob) -> None:
    snapshots = WeightSnapshots(plane.artifacts.job_folder(scope, job.job_id))
    hand_out(snapshots, 10)

    def a_step_ends() -> None:
        assert snapshots.are_wanted
        hand_out(snapshots, 42)

    engine = Engine()
    trial = asyncio.run(trials(plane, engine, a_step_ends, patience_seconds=5).ask(scope, job.job_name, ASKED))
    assert (trial.step, trial.epoch, trial.result.text) == (42, 2, "Hello world")
    (request, adapter), unloaded = engine.asked[0], engine.unloaded
    assert adapter is not None
    assert adapter.folder.endswith("step-00000042-epoch-0002")
    assert request.cache_scope == scope.account_id
    assert unloaded == [adapter]


def test_where_a_step_lasts_long_the_last_weights_answer(plane, scope: Scope, job: CustomizationJob) -> None:
    snapshots = WeightSnapshots(plane.artifacts.job_folder(scope, job.job_id))
    hand_out(snapshots, 10)
    trial = asyncio.run(trials(plane, Engine()).ask(scope, job.job_name, ASKED))
    assert trial.step == 10
    assert snapshots.are_wanted


@pytest.mark.parametrize("has_folder", [True, False])
def test_a_job_without_a_step_is_not_ready(plane, scope: Scope, job: CustomizationJob, has_folder: bool) -> None:
    if has_folder:
        plane.artifacts.job_folder(scope, job.job_id)
    with pytest.raises(ModelNotReady, match="ask again"):
        asyncio.run(trials(plane, Engine()).ask(scope, job.job_name, ASKED))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": JobStatus.COMPLETED, "output_model_arn": "arn:of-the-model"}, "ask its model, arn:of-the-model"),
        ({"status": JobStatus.STOPPED}, "Train again"),
        ({"hyperparameters": {"customizationMethod": "full"}}, "trains every weight"),
    ],
)
def test_a_job_that_trains_no_adapter_is_refused_with_what_to_do_instead(
    plane, scope: Scope, job: CustomizationJob, change: dict[str, Any], said: str
) -> None:
    asked = CheckpointTrials(
        lambda _scope, _identifier: replace(job, **change), Base(Engine()), plane.artifacts, patience_seconds=0
    )
    with pytest.raises(ValidationFailed, match=said):
        asyncio.run(asked.ask(scope, job.job_name, ASKED))
