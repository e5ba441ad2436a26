"""One training run, from records to a model, as a story from top to bottom.

    records → token sequences → model with something to train → steps → the best weights → a folder, read back and tried

Called in a process of its own (it sets torch's seed and determinism). A run that was interrupted goes on from its work
folder and, on CPU with the same number of threads, ends in the same bytes.
"""

import hashlib
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from tanren.domain.errors import JobFailed
from tanren.domain.sentences import joined, sentence
from tanren.model_files.digests import weights_digest
from tanren.training.arithmetic import Arithmetic, arrange
from tanren.training.checkpoints import Checkpoints
from tanren.training.diagnosis import diagnose
from tanren.training.early_stopping import EarlyStopping
from tanren.training.eight_bit import check_optimizer
from tanren.training.energy import EnergyMeter, MeteringReporter
from tanren.training.export import check_effect, export_adapter, export_model, restore
from tanren.training.lanes import Lanes
from tanren.training.live_view import TrainingViewer, live_view
from tanren.training.loop import Run, evaluate, run_to_end
from tanren.training.memory_forecast import PeakMemory, RowLengths
from tanren.training.memory_plan import MemoryPlan, plan_memory
from tanren.training.metrics import StepRecord, ValidationRecord, mean_loss_of_last_epoch
from tanren.training.objectives.registry import OBJECTIVES
from tanren.training.optimizer import Optimizer
from tanren.training.preparation import PreparedData, Records, prepare
from tanren.training.replay import read_replay
from tanren.training.reporting import StopRequest, TrainingReporter
from tanren.training.run_record import write_run_record
from tanren.training.run_state import RunState
from tanren.training.snapshots import SnapshotReporter
from tanren.training.spec import TrainingSpec
from tanren.training.token_cache import TokenCache
from tanren.training.token_sets import TokenSet
from tanren.weights.adapters import read_adapter
from tanren.weights.base_models import load_base_model, read_facts
from tanren.weights.lora import LoraLinear, LoraSettings, attach_lora, load_factors, merge_factors

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ARITHMETIC_VERSION = "lanes 1"
"""Changed whenever sums are made in another order than before: a checkpoint of an earlier tanren is then not gone on
from, since the end would be neither the old bytes nor the new."""
_PROBE_ROWS = 8
"""Training rows whose loss has to differ between the weights at the start and the published ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOutcome:
    folder: Path
    """The adapter's, or the model's after full fine-tuning."""
    is_adapter: bool
    sha256: str
    """Of the adapter's weights file; after full fine-tuning the folder's `weights_digest`."""
    training_loss: float
    """Mean of the last epoch's steps, nats a token."""
    validation_losses: tuple[float, ...]
    """Of the published weights, one a validation set (the held-out rows count as one); empty without validation."""
    best_step: int | None
    """Steps done when the lowest validation loss was measured."""
    best_epoch: int | None
    published_epoch: int
    """Whose weights are in the folder."""
    steps: int
    step_records: tuple[StepRecord, ...]
    validation_records: tuple[ValidationRecord, ...]
    tokens: int
    trained_tokens: int
    stopped_early: bool
    seconds: float = field(compare=False)
    """In optimiser steps, over all attempts."""
    warnings: tuple[str, ...]
    """What the user should know and did not stop the run."""
    diagnosis: str
    """One plain sentence."""
    memory: str = field(compare=False)
    """What it took at most beside what was forecast, as a sentence."""


def train(
    spec: TrainingSpec,
    *,
    base_folder: Path,
    training_records: Records,
    validation_sets: Sequence[Records],
    work_folder: Path,
    reporter: TrainingReporter,
    should_stop: Callable[[], StopRequest | None],
    base_adapter: Path | None = None,
    base_name: str | None = None,
    device: str = "cpu",
    viewer: TrainingViewer | None = None,
    sample_steps: int | None = None,
    token_budget: int | None = None,
    token_cache: TokenCache | None = None,
) -> TrainingOutcome:
    """Trains, from the newest intact checkpoint in `work_folder` if there is one.

    Takes    base_adapter: an adapter on the same base from which training goes on (a customised custom model);
             base_name: what the adapter's config calls its base, by default the folder's name;
             viewer, sample_steps: see `live_view`; they change what is shown, not the model;
             token_budget: of a recorded run that is repeated; else chosen by the memory that is free;
             token_cache: where the records are kept as tokens, by default in the work folder.
    Raises   DataInvalid with every row that cannot be trained on; JobFailed where the run cannot go on or has come to
             nothing; TrainingStopped and TrainingYielded where `should_stop` asks for it.
    """
    check_optimizer(spec)
    work_folder.mkdir(parents=True, exist_ok=True)
    reporter.phase("data_processing", sentence("Writing the records as tokens."))
    _check_context(spec, base_folder)
    data = prepare(
        spec,
        base_folder,
        training_records,
        validation_sets,
        cache=token_cache or TokenCache(work_folder / "tokens"),
        tell=lambda sentence: reporter.phase("data_processing", sentence),
    )
    for warning in data.warnings:
        reporter.phase("data_processing", joined(sentence("Warning: "), warning, sentence(".")))

    memory = plan_memory(
        spec, base_folder, _lengths(data.training), work_folder, device=device, token_budget=token_budget
    )
    reporter.phase("data_processing", memory.sentence())
    energy, peak = EnergyMeter(), PeakMemory.begin(device)

    reporter.phase("loading", sentence("Loading the base model."))
    loading_began = time.monotonic()
    with _determinism(device), ExitStack() as opened:
        base_digest = weights_digest(base_folder)
        subject = _load(spec, base_folder, base_digest, base_adapter, device)
        digests = {"data": data.digest, "base_weights": base_digest, "base_adapter": subject.base_adapter_sha256}
        replay = read_replay(spec, base_folder)
        if replay is not None:
            digests["replay"] = replay.digest
            reporter.phase("loading", replay.sentence())
        arithmetic = _arrange(spec, subject, device, recomputes_blocks=memory.forecast.recomputes_blocks)
        run = _new_run(
            spec, subject, data, work_folder, digests, reporter, should_stop, device, memory.token_budget, arithmetic
        )
        run.lanes = opened.enter_context(arithmetic.open_lanes())
        run.replay = replay
        probe = data.training[:_PROBE_ROWS]
        loss_before, _ = evaluate(run, probe)
        _resume(run)
        if arithmetic.threads != torch.get_num_threads():
            arithmetic = arithmetic.with_threads(torch.get_num_threads())
            run.lanes = opened.enter_context(arithmetic.open_lanes())

        steps = sentence("{steps} steps, {records} records.", steps=run.total_steps, records=len(data.training))
        reporter.phase("training", joined(steps, " ", arithmetic.sentence()))
        if viewer is not None:
            run.reporter = live_view(
                run,
                viewer,
                data,
                base_folder=base_folder,
                training_records=training_records,
                validation_records=validation_sets[0] if validation_sets else None,
                sample_steps=sample_steps,
                closing_seconds=time.monotonic() - loading_began,
            )
        if subject.layers:
            run.reporter = SnapshotReporter(
                run.reporter,
                work_folder,
                subject.layers,
                settings=subject.settings,
                base_weights_sha256=base_digest,
                base_name=base_name or base_folder.name,
            )
        run.reporter = MeteringReporter(run.reporter, energy)
        run_to_end(run)

        reporter.phase("publishing", sentence("Writing the model and reading it back."))
        published = _published(run)
        folder, sha256 = _export(spec, subject, work_folder, base_folder, base_digest, base_name)
        loss_after, probe_targets = evaluate(run, probe)
        check_effect(loss_before=loss_before, loss_after=loss_after, target_count=probe_targets)

    outcome = _outcome(run, data, memory, peak, folder=folder, sha256=sha256, published=published)
    write_run_record(
        work_folder,
        spec,
        digests={**digests, "model": sha256},
        outcome=_record_of(outcome),
        token_budget=memory.token_budget,
        device=device,
        arithmetic=arithmetic.to_json(),
        memory=memory.to_json(peak),
        energy=energy.to_json(),
    )
    return outcome


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Subject:
    """The model and what of it is trained."""

    model: "PreTrainedModel"
    layers: dict[str, LoraLinear]
    """Empty in full fine-tuning."""
    trainable: dict[str, nn.Parameter]
    settings: LoraSettings
    base_adapter_sha256: str


def _lengths(rows: TokenSet) -> RowLengths:
    return RowLengths(tokens=rows.token_count, targets=rows.target_count, longest=rows.longest)


def _check_context(spec: TrainingSpec, base_folder: Path) -> None:
    context_length = read_facts(base_folder).context_length
    if spec.max_sequence_length > context_length:
        raise JobFailed(
            sentence(
                "maxSequenceLength is {length}; the base model's context is {context} tokens.",
                length=spec.max_sequence_length,
                context=context_length,
            )
        )


def _load(spec: TrainingSpec, base_folder: Path, base_digest: str, base_adapter: Path | None, device: str) -> _Subject:
    """The model, with adapters or with every weight set free; a base adapter is where it starts."""
    settings = LoraSettings(rank=spec.lora_rank, alpha=spec.lora_alpha, dropout=spec.lora_dropout)
    start = read_adapter(base_adapter, base_weights_sha256=base_digest) if base_adapter is not None else None
    layers: dict[str, LoraLinear] = {}
    if spec.method == "lora":
        model = load_base_model(base_folder, dtype=spec.dtype, device=device)
        layers = attach_lora(model, settings, seed=spec.seed, targets=spec.lora_targets)
        if start is not None:
            load_factors(layers, start.factors)
        trainable = {
            f"{name}.{attribute}": parameter
            for name, layer in layers.items()
            for attribute, parameter in (("lora_a_RI", layer.lora_a_RI), ("lora_b_OR", layer.lora_b_OR))
        }
    else:
        # Weights that are trained are float32: in bfloat16 most updates would round to nothing.
        model = load_base_model(base_folder, dtype="float32", device=device)
        if start is not None:
            merge_factors(model, start.factors)
        model.requires_grad_(True)
        trainable = dict(model.named_parameters())
    return _Subject(
        model=model,
        layers=layers,
        trainable=trainable,
        settings=settings,
        base_adapter_sha256=start.sha256 if start is not None else "",
    )


def _arrange(spec: TrainingSpec, subject: _Subject, device: str, *, recomputes_blocks: bool) -> Arithmetic:
    return arrange(
        subject.model,
        threads=torch.get_num_threads(),
        trained_count=sum(parameter.numel() for parameter in subject.trainable.values()),
        device=device,
        dtype=torch.bfloat16 if spec.dtype == "bfloat16" else torch.float32,
        recomputes_blocks=recomputes_blocks,
    )


def _new_run(
    spec: TrainingSpec,
    subject: _Subject,
    data: PreparedData,
    work_folder: Path,
    digests: dict[str, str],
    reporter: TrainingReporter,
    should_stop: Callable[[], StopRequest | None],
    device: str,
    token_budget: int,
    arithmetic: Arithmetic,
) -> Run:
    # Micro-batches of another size, and another kind of device, add up in another order.
    kind = torch.device(device).type
    parts = [ARITHMETIC_VERSION, spec.digest(), str(token_budget), kind, *digests.values()]
    identity = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return Run(
        spec=spec,
        model=subject.model,
        trainable=subject.trainable,
        objective=OBJECTIVES[spec.objective],
        optimizer=Optimizer(subject.trainable, spec),
        training=data.training,
        validation_sets=data.validation_sets,
        state=RunState(
            early_stopping=EarlyStopping(threshold=spec.early_stopping_threshold, patience=spec.early_stopping_patience)
        ),
        checkpoints=Checkpoints(work_folder, run_digest=identity),
        reporter=reporter,
        should_stop=should_stop,
        device=torch.device(device),
        token_budget=token_budget,
        layout=arithmetic.layout,
        lanes=Lanes(),
        last_checkpoint_at=time.monotonic(),
    )


def _resume(run: Run) -> None:
    """Puts the run where its newest intact checkpoint stands; without one it begins at the beginning."""
    checkpoint = run.checkpoints.newest()
    if checkpoint is None:
        return
    # Another number of threads adds up in another order, and the bytes would differ.
    torch.set_num_threads(checkpoint.thread_count)
    restore(run.trainable, checkpoint.trainable)
    run.optimizer.load_state(checkpoint.optimizer)
    run.state = checkpoint.state
    done = sentence("Continuing after step {step} of {steps}.", step=run.state.step, steps=run.total_steps)
    run.reporter.phase("training", done)


def _published(run: Run) -> ValidationRecord | None:
    """Puts the weights to publish into the model; the validation that belongs to them, if there was one."""
    records = run.state.validation_records
    if not records:
        return None
    best_step = run.state.early_stopping.best_step
    if run.spec.publish == "last" or best_step == run.state.step:
        return records[-1]
    best = run.checkpoints.read_best()
    assert best is not None, "a run with validations has best weights"
    restore(run.trainable, best)
    return next(record for record in records if record.step == best_step)


def _export(
    spec: TrainingSpec,
    subject: _Subject,
    work_folder: Path,
    base_folder: Path,
    base_digest: str,
    base_name: str | None,
) -> tuple[Path, str]:
    if spec.method == "full":
        folder = work_folder / "model"
        return folder, export_model(folder, subject.model, base_folder=base_folder)
    folder = work_folder / "adapter"
    sha256 = export_adapter(
        folder,
        subject.model,
        subject.layers,
        settings=subject.settings,
        base_folder=base_folder,
        base_weights_sha256=base_digest,
        base_name=base_name or base_folder.name,
    )
    return folder, sha256


def _outcome(
    run: Run,
    data: PreparedData,
    memory: MemoryPlan,
    peak: PeakMemory,
    *,
    folder: Path,
    sha256: str,
    published: ValidationRecord | None,
) -> TrainingOutcome:
    state = run.state
    return TrainingOutcome(
        folder=folder,
        is_adapter=run.spec.method == "lora",
        sha256=sha256,
        training_loss=mean_loss_of_last_epoch(state.step_records),
        validation_losses=published.losses_by_set if published is not None else (),
        best_step=state.early_stopping.best_step,
        best_epoch=state.early_stopping.best_epoch,
        published_epoch=published.epoch if published is not None else state.step_records[-1].epoch,
        steps=state.step,
        step_records=tuple(state.step_records),
        validation_records=tuple(state.validation_records),
        tokens=sum(record.tokens for record in state.step_records),
        trained_tokens=sum(record.trained_tokens for record in state.step_records),
        stopped_early=state.has_stopped_early,
        seconds=sum(record.seconds for record in state.step_records),
        warnings=data.warnings,
        diagnosis=diagnose(run.spec, state.step_records, state.validation_records, record_count=len(data.training)),
        memory=memory.sentence_after(peak),
    )


def _record_of(outcome: TrainingOutcome) -> dict[str, Any]:
    return {**asdict(outcome), "folder": outcome.folder.name}


@contextmanager
def _determinism(device: str) -> Generator[None, None, None]:
    """Within, torch takes only algorithms that give the same bits twice; on CUDA it warns where it has none."""
    before = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    filling = cast(Any, torch.utils.deterministic)  # torch's own types leave the attribute out
    fills = filling.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True, warn_only=not device.startswith("cpu"))
    # Filling is a search light for bugs, of others; nothing here reads what it did not write.
    filling.fill_uninitialized_memory = False
    try:
        yield
    finally:
        filling.fill_uninitialized_memory = fills
        torch.use_deterministic_algorithms(before, warn_only=warn_only)
