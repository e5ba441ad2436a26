"""Every hyperparameter that any base model takes changes a real run: from the strings of a request to trained weights.

That each family's own bounds have an effect is in test_recipes; here each name is trained once, with and without.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

from tanren.catalog.foundation_models import FOUNDATION_MODELS, every_foundation_model
from tanren.data.findings import DataInvalid
from tanren.data.records import Document, RecordSource, TrainingRecord
from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.hyperparameters import resolve_hyperparameters
from tanren.domain.weights import BoundWeights
from tanren.training import live_view
from tanren.training.progress import Progress
from tanren.training.run import TrainingOutcome, train
from tanren.training.run_record import read_run_record
from tanren.training.samples import Sample
from tanren.workflows.training_specs import sample_steps, training_spec
from tests.numerics.runs import Remembering
from tests.numerics.tiny_models import pair, pairs, save_base_model

NANO = "tanren.nano-v1:0"
HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
WEIGHTS = BoundWeights(
    key="tiny",
    name="tiny",
    revision="",
    sha256="",
    lora_learning_rate=5e-3,
    full_learning_rate=1e-3,
    is_original=False,
)
OTHER_ANSWERS = [pair(n, f"what is {n}?", "zq@x" * n, file="validation.jsonl") for n in range(1, 4)]
"""The more is learned, the worse these are told."""
SAME_ANSWERS = pairs(3, file="validation.jsonl", start=2)
DOCUMENTS = [
    TrainingRecord(source=RecordSource(file="d.jsonl", line=n), content=Document(text=f"hello {n}"))
    for n in range(1, 10)
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    outcome: TrainingOutcome
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    value: str
    """Legal, and not the default."""
    beside: dict[str, str] = field(default_factory=dict)
    """Keys that are given either way."""
    validation: list[TrainingRecord] | None = None
    differs: Callable[[Done, Done], bool] = lambda plain, changed: plain.outcome.sha256 != changed.outcome.sha256
    """What the key changes."""
    model_id: str = NANO


def _rates(done: Done) -> list[float]:
    return [record.learning_rate for record in done.outcome.step_records]


def _only_shown(plain: Done, changed: Done) -> bool:
    return changed.outcome.sha256 == plain.outcome.sha256 and len(changed.samples) > len(plain.samples)


def _less_kept(plain: Done, changed: Done) -> bool:
    kept = [read_run_record(done.outcome.folder.parent)["memory"]["forecast"] for done in (plain, changed)]
    return changed.outcome.sha256 == plain.outcome.sha256 and (
        kept[1]["activations_bytes"] < kept[0]["activations_bytes"]
    )


STEEP = {"epochCount": "5", "learningRate": "0.02"}
FLAT = {"epochCount": "5", "learningRate": "0.00014"}
RATE = lambda plain, changed: _rates(plain) != _rates(changed)  # noqa: E731
LENGTH = lambda plain, changed: plain.outcome.steps != changed.outcome.steps  # noqa: E731

CASES = {
    "epochCount": Case(value="2", differs=LENGTH),
    "batchSize": Case(value="2", differs=LENGTH),
    "learningRate": Case(value="0.014", differs=RATE),
    "learningRateMultiplier": Case(value="2", model_id=HAIKU, differs=RATE),
    "learningRateWarmupSteps": Case(value="2", differs=RATE),
    "earlyStoppingThreshold": Case(value="0.1", beside=FLAT, validation=SAME_ANSWERS, differs=LENGTH),
    "earlyStoppingPatience": Case(
        value="1", beside={**STEEP, "earlyStoppingThreshold": "0.1"}, validation=OTHER_ANSWERS, differs=LENGTH
    ),
    "evalPercentage": Case(
        value="50",
        differs=lambda plain, changed: (
            not plain.outcome.validation_losses
            and len(changed.outcome.validation_losses) == 1
            and changed.outcome.trained_tokens < plain.outcome.trained_tokens
        ),
    ),
    "customizationMethod": Case(value="full", differs=lambda plain, changed: not changed.outcome.is_adapter),
    "loraRank": Case(value="2"),
    "loraAlpha": Case(value="8"),
    "loraDropout": Case(value="0.3"),
    "loraTargets": Case(value="attention"),
    "optimizer": Case(value="adafactor"),
    "learningRateSchedule": Case(value="constant", differs=RATE),
    "maxGradNorm": Case(value="0.01"),
    "weightDecay": Case(value="0.5"),
    "publish": Case(
        value="last",
        beside=STEEP,
        validation=OTHER_ANSWERS,
        differs=lambda plain, changed: plain.outcome.published_epoch < changed.outcome.published_epoch,
    ),
    "replayPercentage": Case(
        value="50", differs=lambda plain, changed: changed.outcome.trained_tokens > 2 * plain.outcome.trained_tokens
    ),
    "seed": Case(value="1"),
    "dtype": Case(value="bfloat16"),
    "gradientCheckpointing": Case(value="on", differs=_less_kept),
    "sampleSteps": Case(value="1", beside={"sampleSteps": "0"}, differs=_only_shown),
}
REFUSES = {"maxSequenceLength": ("16", "exceeds total limit of 16")}
"""Keys whose effect is that what does not fit is refused."""
NAMES = sorted({rule.name for model in every_foundation_model() for rule in model.hyperparameters})


class Watching:
    def __init__(self) -> None:
        self.samples: list[Sample] = []

    def progress(self, progress: Progress) -> None:
        pass

    def sample(self, sample: Sample) -> None:
        self.samples.append(sample)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        # So short a run would have no time for samples.
        patch.setattr(live_view, "SHARE_OF_RUN", 1000.0)
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base_model(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def plain_runs() -> dict[Any, Done]:
    return {}


def run_job(base: Path, folder: Path, case: Case, given: dict[str, str], *, is_replay: bool = False) -> Done:
    """What the workflow does with a job's hyperparameters."""
    model = FOUNDATION_MODELS[case.model_id]
    kind = CustomizationType.CONTINUED_PRE_TRAINING if is_replay else CustomizationType.FINE_TUNING
    values = resolve_hyperparameters(model.hyperparameters, given, customization_type=kind)
    spec = training_spec(
        model,
        WEIGHTS,
        kind,
        values,
        context_length=256,
        parameter_count=4_000_000,
        has_validation=case.validation is not None,
        checkpoint_seconds=1e9,
    )
    viewer = Watching()
    outcome = train(
        spec,
        base_folder=base,
        training_records=DOCUMENTS if is_replay else pairs(9),
        validation_sets=[] if case.validation is None else [case.validation],
        work_folder=folder,
        reporter=Remembering(),
        should_stop=lambda: None,
        viewer=viewer if "sampleSteps" in given else None,
        sample_steps=sample_steps(values),
    )
    return Done(outcome=outcome, samples=tuple(viewer.samples))


def _given(case: Case) -> dict[str, str]:
    usual = {"epochCount": "3", "batchSize": "4"}
    if case.model_id == NANO:
        usual["learningRateWarmupSteps"] = "0"
    return {**usual, **case.beside}


@pytest.mark.parametrize("name", NAMES)
def test_every_key_changes_the_run(base: Path, tmp_path: Path, name: str, plain_runs: dict[Any, Done]) -> None:
    if name in REFUSES:
        value, message = REFUSES[name]
        case = Case(value=value)
        with pytest.raises(DataInvalid, match=message):
            run_job(base, tmp_path, case, {**_given(case), name: value})
        return
    case, is_replay = CASES[name], name == "replayPercentage"
    given = _given(case)
    key = (case.model_id, tuple(given.items()), str(case.validation), is_replay)
    if key not in plain_runs:
        plain_runs[key] = run_job(base, tmp_path / "plain", case, given, is_replay=is_replay)
    changed = run_job(base, tmp_path / "changed", case, {**given, name: case.value}, is_replay=is_replay)
    assert case.differs(plain_runs[key], changed)


def test_no_case_is_for_a_key_that_nobody_takes() -> None:
    assert set(CASES) | set(REFUSES) == set(NAMES)
