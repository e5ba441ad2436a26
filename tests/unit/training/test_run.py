from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch

from tanren.data.findings import DataInvalid
from tanren.data.records import Document, RecordSource, TrainingRecord
from tanren.domain.errors import JobFailed
from tanren.training import loop as loop_module
from tanren.training.reporting import TrainingStopped, TrainingYielded
from tanren.training.run import TrainingOutcome
from tanren.training.run_record import read_run_record
from tanren.training.spec import TrainingSpec
from tanren.weights.adapters import read_adapter
from tests.numerics.runs import Remembering, small_run
from tests.numerics.tiny_models import pair, pairs, save_base_model


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base_model(tmp_path_factory.mktemp("base"))


VALIDATION = pairs(5, file="validation.jsonl", start=100)
OTHER_ANSWERS = [pair(n, f"what is {n}?", "zq@x" * n, file="validation.jsonl") for n in range(1, 4)]
"""The more is learned, the worse these are told, after a few epochs at most."""


def test_a_run_learns_and_says_what_it_did(base: Path, tmp_path: Path) -> None:
    reporter = Remembering()
    sets = [VALIDATION[:2], VALIDATION[2:]]
    outcome = small_run(base, tmp_path, pairs(10), validation=sets, reporter=reporter, epochs=4)
    assert [(record.step, record.epoch) for record in outcome.step_records] == [(n, n // 3 + 1) for n in range(12)]
    assert [(record.step, record.epoch) for record in outcome.validation_records] == [(3, 1), (6, 2), (9, 3), (12, 4)]
    assert tuple(reporter.steps) == outcome.step_records
    assert tuple(reporter.validations) == outcome.validation_records
    assert outcome.training_loss < outcome.step_records[0].training_loss
    assert outcome.training_loss == pytest.approx(sum(r.training_loss for r in outcome.step_records[9:]) / 3)
    assert len(outcome.validation_losses) == 2
    assert outcome.tokens > outcome.trained_tokens > 0
    assert [name for name, _ in reporter.phases if name != "data_processing"] == ["loading", "training", "publishing"]
    assert read_adapter(outcome.folder).sha256 == outcome.sha256
    assert (tmp_path / "run.json").is_file()


def test_a_run_says_and_records_how_it_computes(base: Path, tmp_path: Path) -> None:
    """Fused blocks where their parts are known; else the modules, and why."""
    for folder, dropout, said in (("1", 0.0, "fused blocks, one lane."), ("2", 0.1, "plain blocks (adapters drop")):
        reporter = Remembering()
        small_run(base, tmp_path / folder, pairs(4), reporter=reporter, lora_dropout=dropout)
        assert said in dict(reporter.phases)["training"]
        recorded = read_run_record(tmp_path / folder)["arithmetic"]
        assert recorded["layout"] == "packed"
        assert (recorded["not_fused_because"] is None) == (dropout == 0)


def test_the_same_run_gives_the_same_bytes(base: Path, tmp_path: Path) -> None:
    one = small_run(base, tmp_path / "1", pairs(9), lora_dropout=0.1)
    torch.manual_seed(torch.seed())
    two = small_run(base, tmp_path / "2", pairs(9), lora_dropout=0.1)
    assert one.sha256 == two.sha256
    assert one.step_records == two.step_records


def test_records_may_be_given_as_a_stream(base: Path, tmp_path: Path) -> None:
    one = small_run(base, tmp_path / "1", pairs(5))
    two = small_run(base, tmp_path / "2", lambda: iter(pairs(5)))  # type: ignore[arg-type]
    assert one.sha256 == two.sha256


CHANGES: dict[str, dict[str, Any]] = {
    "method": {"method": "full"},
    "objective": {"objective": "continued_pre_training"},
    "epochs": {"epochs": 3},
    "batch_size": {"batch_size": 3},
    "learning_rate": {"learning_rate": 4e-3},
    "warmup_steps": {"warmup_steps": 2},
    "schedule": {"schedule": "cosine"},
    "weight_decay": {"weight_decay": 0.1},
    "max_grad_norm": {"max_grad_norm": 0.01},
    "lora_rank": {"lora_rank": 5},
    "lora_alpha": {"lora_alpha": 4.0},
    "lora_dropout": {"lora_dropout": 0.2},
    "max_sequence_length": {"max_sequence_length": 10},
    "seed": {"seed": 1},
    "optimizer": {"optimizer": "sgd"},
    "lora_targets": {"lora_targets": "mlp"},
    "replay_percentage": {"replay_percentage": 50},
    "early_stopping_threshold": {"early_stopping_threshold": 5.0, "early_stopping_patience": 1},
    "early_stopping_patience": {"early_stopping_threshold": 5.0, "early_stopping_patience": 2},
    "evaluation_percentage": {"evaluation_percentage": 30.0},
    "publish": {"publish": "last"},
    "checkpoint_interval_seconds": {"checkpoint_interval_seconds": 0.0},
    "dtype": {"dtype": "bfloat16"},
    "gradient_checkpointing": {"gradient_checkpointing": "on"},
}


@pytest.mark.parametrize("name", [field.name for field in fields(TrainingSpec)])
def test_every_field_of_the_spec_changes_the_run(
    base: Path, tmp_path: Path, name: str, plain_runs: dict[bool, TrainingOutcome]
) -> None:
    change = CHANGES[name]
    needs_validation = name in ("early_stopping_threshold", "early_stopping_patience", "publish")
    common: dict[str, Any] = {"epochs": 4, "learning_rate": 0.1} if needs_validation else {}
    validation = [OTHER_ANSWERS] if needs_validation else []
    records: list[TrainingRecord] = pairs(9)
    if name in ("objective", "replay_percentage"):
        records = [
            TrainingRecord(source=record.source, content=Document(text=f"he said {record.source.line}"))
            for record in records
        ]
    plain = plain_runs[needs_validation]
    if name == "replay_percentage":
        common = {"objective": "continued_pre_training", "max_sequence_length": 256}
        plain = small_run(base, tmp_path / "plain", records, **common)
    if name == "max_sequence_length":
        with pytest.raises(DataInvalid, match="exceeds total limit of 10"):
            small_run(base, tmp_path, records, validation=validation, **common, **change)
        return
    changed = small_run(base, tmp_path, records, validation=validation, **{**common, **change})
    if name == "checkpoint_interval_seconds":
        assert changed.sha256 == plain.sha256
        assert len(list((tmp_path / "checkpoints").iterdir())) == 3
        assert not (plain.folder.parent / "checkpoints").exists()
    elif name == "gradient_checkpointing":
        assert changed.sha256 == plain.sha256
        assert _activation_bytes(changed) < _activation_bytes(plain)
    elif name == "early_stopping_patience":
        assert (changed.stopped_early, changed.steps) == (True, 9)
    elif name == "early_stopping_threshold":
        assert (changed.stopped_early, changed.steps) == (True, 6)
    else:
        assert changed.sha256 != plain.sha256
    if name == "publish":
        assert plain.published_epoch == plain.best_epoch
        assert changed.published_epoch == 4 != plain.best_epoch
        assert changed.step_records == plain.step_records
    if name == "evaluation_percentage":
        assert changed.validation_records


def _activation_bytes(outcome: TrainingOutcome) -> int:
    return int(read_run_record(outcome.folder.parent)["memory"]["forecast"]["activations_bytes"])


@pytest.fixture(scope="module")
def plain_runs(base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[bool, TrainingOutcome]:
    return {
        False: small_run(base, tmp_path_factory.mktemp("plain"), pairs(9)),
        True: small_run(
            base, tmp_path_factory.mktemp("plain"), pairs(9), validation=[OTHER_ANSWERS], epochs=4, learning_rate=0.1
        ),
    }


def test_the_weights_of_the_best_epoch_are_published(base: Path, tmp_path: Path) -> None:
    # Long ones: of a few tokens the end of the turn, which is learned, makes too much.
    answers = [pair(n, f"what is {n}?", "zq@x" * 4 * n, file="validation.jsonl") for n in range(1, 4)]
    eight = small_run(
        base, tmp_path / "8", pairs(9), validation=[answers], epochs=8, learning_rate=0.1, schedule="constant"
    )
    assert eight.best_epoch is not None
    assert eight.best_epoch < 8
    fewer = small_run(
        base,
        tmp_path / "best",
        pairs(9),
        validation=[answers],
        epochs=eight.best_epoch,
        learning_rate=0.1,
        schedule="constant",
    )
    assert fewer.sha256 == eight.sha256
    assert (eight.published_epoch, eight.validation_losses) == (fewer.published_epoch, fewer.validation_losses)


def test_a_run_without_effect_fails(base: Path, tmp_path: Path) -> None:
    # So small a rate that float32 rounds every update of the loss away.
    with pytest.raises(JobFailed, match=r"no effect|zero everywhere"):
        small_run(base, tmp_path, pairs(4), epochs=1, learning_rate=1e-30)


def test_a_loss_that_is_not_finite_ends_the_run_before_the_update(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    original = loop_module._train_step

    def spoil(run: Any) -> None:
        if run.state.step == 1:
            with torch.no_grad():
                next(iter(run.model.parameters())).fill_(torch.nan)
            seen.append((run, {name: value.clone() for name, value in run.trainable.items()}))
        original(run)

    monkeypatch.setattr(loop_module, "_train_step", spoil)
    with pytest.raises(JobFailed, match=r"loss of step 1 \(epoch 1\) is nan.*before the update.*train\.jsonl:\d"):
        small_run(base, tmp_path, pairs(9))
    ((run, before),) = seen
    assert run.state.step == 1
    assert all(torch.equal(value, before[name]) for name, value in run.trainable.items())
    assert not (tmp_path / "adapter").exists()


def test_a_gradient_that_is_not_finite_ends_the_run_before_the_update(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_module.Optimizer, "clip", lambda self: float("inf"))
    monkeypatch.setattr(loop_module.Optimizer, "step", lambda self, rate: pytest.fail("updated"))
    with pytest.raises(JobFailed, match=r"gradient of step 0"):
        small_run(base, tmp_path, pairs(9))


def test_a_stop_leaves_no_model(base: Path, tmp_path: Path) -> None:
    reporter = Remembering()
    with pytest.raises(TrainingStopped):
        small_run(
            base,
            tmp_path,
            pairs(9),
            reporter=reporter,
            should_stop=lambda: "stop" if len(reporter.steps) == 2 else None,
        )
    assert len(reporter.steps) == 2
    assert not (tmp_path / "adapter").exists()


def test_a_yield_in_the_validation_is_resumed_there(base: Path, tmp_path: Path) -> None:
    sets = [VALIDATION[:2], VALIDATION[2:]]
    plain = small_run(base, tmp_path / "plain", pairs(9), validation=sets)
    asked: list[int] = []
    reporter = Remembering()

    def second_set() -> Any:
        if len(reporter.steps) == 3 and not reporter.validations:
            asked.append(1)
            return "yield" if len(asked) == 2 else None
        return None

    with pytest.raises(TrainingYielded):
        small_run(base, tmp_path / "w", pairs(9), validation=sets, reporter=reporter, should_stop=second_set)
    again = Remembering()
    resumed = small_run(base, tmp_path / "w", pairs(9), validation=sets, reporter=again)
    assert resumed.sha256 == plain.sha256
    assert resumed.step_records == plain.step_records
    assert resumed.validation_records == plain.validation_records
    assert [record.step for record in again.steps] == [3, 4, 5]


def test_training_goes_on_from_a_custom_model(base: Path, tmp_path: Path) -> None:
    first = small_run(base, tmp_path / "1", pairs(9), epochs=3)
    onward = small_run(base, tmp_path / "2", pairs(9), base_adapter=first.folder, schedule="constant")
    assert onward.step_records[0].training_loss < first.step_records[0].training_loss
    assert onward.sha256 != first.sha256
    whole = small_run(base, tmp_path / "3", pairs(9), base_adapter=first.folder, method="full", learning_rate=1e-3)
    assert whole.step_records[0].training_loss == pytest.approx(onward.step_records[0].training_loss, abs=1e-4)
    with pytest.raises(JobFailed, match="rank 4"):
        small_run(base, tmp_path / "4", pairs(9), base_adapter=first.folder, lora_rank=8)
    other = save_base_model(tmp_path / "other", seed=1)
    with pytest.raises(JobFailed, match="trained on base weights"):
        small_run(other, tmp_path / "5", pairs(9), base_adapter=first.folder)


def test_rows_that_cannot_be_trained_on_are_told_over_all_files(base: Path, tmp_path: Path) -> None:
    long = pair(3, "x" * 300, "y")
    with pytest.raises(DataInvalid) as caught:
        small_run(base, tmp_path, [*pairs(2), long], validation=[[pair(7, "x" * 300, "y", file="v.jsonl")]])
    assert [(finding.file, finding.line) for finding in caught.value.findings] == [("train.jsonl", 3), ("v.jsonl", 7)]


def test_what_the_user_should_know_is_warned_of(base: Path, tmp_path: Path) -> None:
    outcome = small_run(base, tmp_path, pairs(9), validation=[pairs(2)], epochs=1)
    assert any("only 3 optimiser steps" in warning for warning in outcome.warnings)
    assert any("2 validation rows are also trained on" in warning for warning in outcome.warnings)


def test_an_empty_set_is_refused(base: Path, tmp_path: Path) -> None:
    with pytest.raises(JobFailed, match="no record to train on"):
        small_run(base, tmp_path, [])
    with pytest.raises(JobFailed, match="Validation set 1 of 1 has no record"):
        small_run(base, tmp_path, pairs(3), validation=[[]])


def test_more_context_than_the_base_has_is_refused(base: Path, tmp_path: Path) -> None:
    with pytest.raises(JobFailed, match="context is 256"):
        small_run(base, tmp_path, pairs(3), max_sequence_length=512)


def test_documents_are_learned(base: Path, tmp_path: Path) -> None:
    documents = [
        TrainingRecord(source=RecordSource(file="d", line=n), content=Document(text=f"hello hello {n}"))
        for n in range(1, 9)
    ]
    outcome = small_run(base, tmp_path, documents, objective="continued_pre_training", epochs=4)
    assert outcome.training_loss < outcome.step_records[0].training_loss
