"""A customization job without the job: its files read as it would read them, its tokens counted, its memory foretold.

    examined    every file read through: what is in it and everything that is wrong with it
    estimated   beyond that: records to tokens by the job's own road and cache, and the forecast that it begins with

Everything is what the job itself would do, up to the moment in which it would begin to train. It runs in a process of
its own, `tanren.dry_run`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.errors import JobFailed, ValidationFailed
from tanren.domain.foundation_models import FoundationModel
from tanren.domain.hyperparameters import resolve_hyperparameters
from tanren.domain.sentences import told_by
from tanren.domain.weights import BoundWeights
from tanren.storage.objects import ObjectStore, parse_s3_uri
from tanren.workflows.data_files import DataFile, DataFiles, copy_paths, examined_file, fetch_copy

_BOUNDLESS: Final = 1 << 62
"""Bytes, with which a forecast fits in any case and tells what it would take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    model: FoundationModel
    customization_type: CustomizationType
    training_s3_uri: str
    validation_s3_uris: Sequence[str]
    folder: Path
    """For copies; whoever made it removes it."""
    most_bytes: int
    """Of all files together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    records: int
    """That are trained on."""
    epoch_tokens: int
    trained_tokens: int
    """Of these, the targets of the loss."""
    validation_tokens: int
    longest_record: int
    epochs: int
    batch_size: int
    method: str
    needed_bytes: int
    """By the whole process of the job."""
    available_bytes: int | None
    memory_words: str
    fits: bool | None
    """None where the system does not say what is free."""
    warnings: tuple[str, ...]


def examined(run: DryRun, objects: ObjectStore) -> list[DataFile]:
    """Every file with what is wrong with it, the training data first.

    Raises   JobFailed for an object that cannot be read; ValidationFailed where they are larger than a dry run reads.
    """
    _check_size(run, objects)
    return [
        _examined(run, uri, path, objects, is_validation=number > 0)
        for number, (uri, path) in enumerate(copy_paths(run.folder, run.training_s3_uri, run.validation_s3_uris))
    ]


def estimated(
    run: DryRun,
    objects: ObjectStore,
    *,
    hyperparameters: dict[str, str],
    bound: BoundWeights,
    base_folder: Path,
    training_device: str,
    threads: int,
    token_folder: Path,
    token_bytes: int,
) -> Estimate:
    """Takes    threads: of a training process; 0 for all cores.
    Raises   DataInvalid with the findings of the first file that is wrong, or with all rows that cannot be trained
    on; JobFailed where a set is empty; ValidationFailed as `examined`.
    """
    files = examined(run, objects)
    for file in files:
        file.summary.raise_if_invalid()
    # Imported here: a look at the files does without.
    import torch

    from tanren.training.device import chosen_device
    from tanren.training.eight_bit import check_optimizer
    from tanren.training.memory_forecast import RowLengths, available_memory, fitting_forecast
    from tanren.training.preparation import RecordStream, prepare
    from tanren.training.token_cache import TokenCache
    from tanren.weights.base_models import read_facts
    from tanren.workflows.training_specs import training_spec

    if threads:
        torch.set_num_threads(threads)
    facts, device = read_facts(base_folder), chosen_device(training_device)
    spec = training_spec(
        run.model,
        bound,
        run.customization_type,
        resolve_hyperparameters(run.model.hyperparameters, hyperparameters, customization_type=run.customization_type),
        context_length=facts.context_length,
        parameter_count=facts.parameter_count,
        has_validation=len(files) > 1,
        checkpoint_seconds=60.0,  # decides nothing here
        device=device,
    )
    check_optimizer(spec)
    streams = [RecordStream(read=file.records, digest=file.digest, count=file.summary.rows) for file in files]
    cache = TokenCache(token_folder, max_bytes=token_bytes) if token_bytes else TokenCache(run.folder / "tokens")
    data = prepare(spec, base_folder, streams[0], streams[1:], cache=cache)
    rows = RowLengths(
        tokens=data.training.token_count, targets=data.training.target_count, longest=data.training.longest
    )
    available = available_memory(device)
    try:
        forecast, _ = fitting_forecast(spec, base_folder, rows, device=device, available=available)
        fits, words = None if available is None else True, forecast.parts()
    except JobFailed as error:
        forecast, _ = fitting_forecast(spec, base_folder, rows, device=device, available=_BOUNDLESS)
        fits, words = False, told_by(error)
    return Estimate(
        records=len(data.training),
        epoch_tokens=data.training.token_count,
        trained_tokens=data.training.target_count,
        validation_tokens=sum(each.token_count for each in data.validation_sets),
        longest_record=data.training.longest,
        epochs=spec.epochs,
        batch_size=spec.batch_size,
        method=spec.method,
        needed_bytes=forecast.total_bytes,
        available_bytes=available,
        memory_words=words,
        fits=fits,
        warnings=(*DataFiles(training=files[0], validation=files[1:]).warnings(), *data.warnings),
    )


def _examined(run: DryRun, uri: str, path: Path, objects: ObjectStore, *, is_validation: bool) -> DataFile:
    fetch_copy(uri, path, objects, _go_on)
    return examined_file(
        path,
        uri,
        model=run.model,
        customization_type=run.customization_type,
        is_validation=is_validation,
        check_wanted=_go_on,
    )


def _go_on() -> None:
    """Nobody takes a dry run back; who started it ends it when it takes too long."""


def _check_size(run: DryRun, objects: ObjectStore) -> None:
    size = 0
    for uri in (run.training_s3_uri, *run.validation_s3_uris):
        location = parse_s3_uri(uri)
        # Of all names that begin so, the name itself is the first.
        first = next(iter(objects.listed(location)), None)
        size += first.size_bytes if first is not None and first.location == location else 0
    if size > run.most_bytes:
        raise ValidationFailed(
            f"The files have {size / 1e6:,.0f} MB together; a dry run reads at most {run.most_bytes / 1e6:,.0f} MB. A "
            "job reads files of any size; so does `tanren data validate FILE`. For an estimate, take a part of the "
            "data: tokens and time grow with it."
        )
