"""The data of a run, from records to token sequences, with everything that speaks against them told at once."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tanren.data.findings import DataInvalid, Finding
from tanren.data.records import TrainingRecord
from tanren.data.splitting import is_held_out, overlap
from tanren.domain.errors import JobFailed
from tanren.training.diagnosis import few_steps_warning
from tanren.training.objectives.registry import OBJECTIVES
from tanren.training.spec import TrainingSpec
from tanren.training.tokenization import Tokenizer, TokenSequence, tokenize
from tanren.weights.base_models import load_tokenizer
from tanren.weights.chat_template import ChatTemplate

Records = Sequence[TrainingRecord] | Callable[[], Iterable[TrainingRecord]]
"""Records, or what gives them anew each time it is called (so that they need not be held in memory)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedData:
    training: list[TokenSequence]
    validation_sets: list[list[TokenSequence]]
    warnings: tuple[str, ...]
    digest: str
    """SHA-256 of all ids and masks, in order."""


def prepare(
    spec: TrainingSpec, base_folder: Path, training_records: Records, validation_sets: Sequence[Records]
) -> PreparedData:
    """All rows as tokens.

    Raises   DataInvalid with every row that cannot be trained on, over all files; JobFailed where a set is empty.
    """
    tokenizer_files = load_tokenizer(base_folder)
    tokenizer = Tokenizer(
        ChatTemplate(tokenizer_files),
        bos_id=cast(int | None, cast(Any, tokenizer_files).bos_token_id),
        eos_id=cast(int | None, cast(Any, tokenizer_files).eos_token_id),
    )
    objective = OBJECTIVES[spec.objective]
    training_source, validation_sources = _split(spec, training_records, validation_sets)
    findings: list[Finding] = []
    error_count = 0
    sets: list[list[TokenSequence]] = []
    for source in [training_source, *validation_sources]:
        try:
            sequences = tokenize(
                source(),
                lambda record: objective.sequence(record, tokenizer),
                max_sequence_length=spec.max_sequence_length,
            )
            sets.append(list(sequences))
        except DataInvalid as error:
            findings += error.findings
            error_count += error.error_count
    if findings:
        raise DataInvalid(findings, error_count=error_count)
    training, validation = sets[0], sets[1:]
    if not training:
        raise JobFailed("There is no record to train on.")
    for index, sequences in enumerate(validation):
        if not sequences:
            raise JobFailed(f"Validation set {index + 1} of {len(validation)} has no record.")
    return PreparedData(
        training=training,
        validation_sets=validation,
        warnings=tuple(_warnings(spec, training_source, validation_sources, len(training))),
        digest=_data_digest(sets),
    )


def _split(
    spec: TrainingSpec, training_records: Records, validation_sets: Sequence[Records]
) -> tuple[Callable[[], Iterable[TrainingRecord]], list[Callable[[], Iterable[TrainingRecord]]]]:
    """The sources of training and validation, with held-out rows where the spec asks and no validation set is given."""
    everything = _callable(training_records)
    percentage = spec.evaluation_percentage
    if validation_sets or percentage is None:
        return everything, [_callable(records) for records in validation_sets]

    def chosen(*, held_out: bool) -> Iterator[TrainingRecord]:
        for record in everything():
            if is_held_out(record, percentage=percentage, seed=spec.seed) is held_out:
                yield record

    return lambda: chosen(held_out=False), [lambda: chosen(held_out=True)]


def _callable(records: Records) -> Callable[[], Iterable[TrainingRecord]]:
    return records if callable(records) else lambda: records


def _warnings(
    spec: TrainingSpec,
    training_source: Callable[[], Iterable[TrainingRecord]],
    validation_sources: Sequence[Callable[[], Iterable[TrainingRecord]]],
    record_count: int,
) -> Iterator[str]:
    few = few_steps_warning(spec, record_count)
    if few is not None:
        yield few
    if spec.early_stopping_patience is not None and not validation_sources:
        yield "there are no validation data, so early stopping has nothing to go by and all epochs are trained"
    for source in validation_sources:
        shared = overlap(training_source(), list(source()))
        if shared:
            place, trained_place = shared[0]
            yield (
                f"{len(shared)} validation rows are also trained on (first: {place} equals {trained_place}), "
                "so the validation loss looks better than it is"
            )


def _data_digest(sets: Sequence[Sequence[TokenSequence]]) -> str:
    digest = hashlib.sha256()
    for sequences in sets:
        digest.update(f"set {len(sequences)}\n".encode())
        for sequence in sequences:
            digest.update(f"row {len(sequence.ids)}\n".encode())
            digest.update(sequence.ids.tobytes())
            digest.update(sequence.loss_mask)
    return digest.hexdigest()
