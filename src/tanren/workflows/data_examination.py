"""What a data file would teach, without a job: its records examined, counted in tokens, some of them token by token.

    file ──▶ findings                   as a job's validation has them
        └──▶ right records ──▶ examine  repetitions, overlap with the validation data, languages, personal data, a score
                          └──▶ tokens   by the job's own road: lengths, and what of a record is learned

It runs in the process of a dry run. Cost: about 0.7 ms a record, of the first `MOST_RECORDS`; 0.3 s for the tokenizer
and what comes from S3, and a second more where libraries are not loaded yet (`load_libraries`).
"""

import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from tanren.data.containers import pieces_of
from tanren.data.examination import Examination, examine, with_findings
from tanren.data.languages import language_of
from tanren.data.reading import FileReader
from tanren.data.records import Document, TrainingRecord
from tanren.data.statistics import Lengths, lengths
from tanren.domain.errors import ValidationFailed
from tanren.storage.objects import ObjectStore
from tanren.workflows.data_files import DataFile
from tanren.workflows.dry_run import DryRun, examined

if TYPE_CHECKING:
    from tanren.training.tokenization import TokenSequence

MOST_RECORDS: Final = 10_000
"""Of a file that are examined and counted in tokens, and of its validation data that they are held against."""
MOST_CHARACTERS: Final = 20_000
"""Of one record that is shown token by token; a row may have a million."""

_LOADED_LATE: Final = (
    "numpy.ma",
    "transformers.models.auto.tokenization_auto",
    "tanren.training.tokenization",
    "tanren.weights.base_models",
    "tanren.weights.chat_template",
)

MASKED: Final = "masked"
TRAINED: Final = "trained"
BEYOND: Final = "beyond"


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedRecord:
    """A record as the model reads it."""

    line: int
    tokens: int
    trained: int
    runs: tuple[tuple[str, str], ...]
    """Neighbouring tokens of one fate, in the order in which the model reads them: the fate and their text."""
    is_whole: bool = True
    """False where `runs` ends before the record does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCounts:
    lengths: Lengths
    """Of records, in tokens."""
    trained: int
    """Tokens that the loss is computed on."""
    room: int
    """The longest record that a job can train on."""
    too_long: tuple[int, ...]
    """Lines of records that are longer."""
    refused: int
    """Records that cannot be written for this model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataExamination:
    files: Sequence[DataFile]
    """The training data first."""
    seen: Examination
    tokens: TokenCounts | None
    """None where no record is right."""
    records: tuple[LearnedRecord, ...]
    """Those that were asked for."""


def forbid_torch() -> None:
    """In this whole process. transformers imports torch where it finds it, which takes two seconds, and a tokenizer
    needs nothing of it."""
    sys.modules["torch"] = cast(Any, None)


def load_libraries() -> None:
    """What the first record would wait for, in a process that forks then; takes a second.

    Why      no tokenizer: to load one starts threads, which a fork would be without.
    """
    # transformers tells at its import that there is no torch, which is as it shall be.
    logging.disable(logging.WARNING)
    for module in _LOADED_LATE:
        import_module(module)
    logging.disable(logging.NOTSET)
    language_of("The first text loads the model of languages.")


class RecordTokenizer:
    """Records to tokens by the road of training and serving, with the tokenizer of one base model."""

    def __init__(self, folder: Path) -> None:
        """Raises   JobFailed where the folder has no tokenizer or no chat template."""
        # Imported here: whoever looks for findings alone does without.
        from tanren.training.tokenization import Tokenizer
        from tanren.weights.base_models import load_tokenizer, read_facts
        from tanren.weights.chat_template import ChatTemplate

        files: Any = load_tokenizer(folder)
        self._template = ChatTemplate(files)
        self._tokenizer = Tokenizer(self._template, bos_id=files.bos_token_id, eos_id=files.eos_token_id)
        self.context_length = read_facts(folder).context_length

    def sequence_of(self, record: TrainingRecord) -> "TokenSequence":
        """Raises   ValidationFailed for a record that cannot be written for this model."""
        if isinstance(record.content, Document):
            return self._tokenizer.of_document(record.content, record.source)
        return self._tokenizer.of_conversation(record.content, record.source)

    def learned(self, record: TrainingRecord, *, room: int) -> LearnedRecord:
        """What becomes of each token of the record where a sequence has `room` tokens."""
        sequence = self.sequence_of(record)
        # The first token has nothing before it to be told from, so it is never a target.
        fates = [
            BEYOND if place >= room else TRAINED if learned and place else MASKED
            for place, learned in enumerate(sequence.loss_mask)
        ]
        runs = [
            (fate, self._template.decode([token for _, token in tokens]))
            for fate, tokens in groupby(zip(fates, sequence.ids, strict=True), key=lambda pair: pair[0])
        ]
        return LearnedRecord(line=record.source.line, tokens=len(fates), trained=fates.count(TRAINED), runs=tuple(runs))


def examination(
    run: DryRun, objects: ObjectStore, *, base_folder: Path, first_record: int, record_count: int
) -> DataExamination:
    """Raises   as `examined`; JobFailed where the base model has no tokenizer."""
    files = examined(run, objects)
    training = files[0]
    records = list(islice(_right_records(training), MOST_RECORDS))
    held_out = [record for file in files[1:] for record in islice(_right_records(file), MOST_RECORDS)]
    seen = examine(records, held_out=held_out)
    counts, shown = None, ()
    if records:
        tokenizer = RecordTokenizer(base_folder)
        counts = _counted(records, tokenizer)
        shown = tuple(_shown(records[first_record : first_record + record_count], tokenizer))
    return DataExamination(
        files=files,
        seen=with_findings(seen, training.summary.rule_counts, training.summary.error_count),
        tokens=counts,
        records=shown,
    )


def _right_records(file: DataFile) -> Iterator[TrainingRecord]:
    """Among wrong ones too: what is right can be looked at before the rest is put right."""
    reader = FileReader(
        pieces_of(file.path),
        file=file.uri,
        customization_type=file.customization_type,
        prompt_templates=file.prompt_templates,
    )
    yield from reader.records()


def _counted(records: Sequence[TrainingRecord], tokenizer: RecordTokenizer) -> TokenCounts | None:
    sizes: list[int] = []
    too_long: list[int] = []
    trained = refused = 0
    for record in records:
        try:
            sequence = tokenizer.sequence_of(record)
        except ValidationFailed:
            refused += 1
            continue
        sizes.append(len(sequence.ids))
        trained += sequence.target_count
        if len(sequence.ids) > tokenizer.context_length:
            too_long.append(record.source.line)
    if not sizes:
        return None
    return TokenCounts(
        lengths=lengths(sizes),
        trained=trained,
        room=tokenizer.context_length,
        too_long=tuple(too_long),
        refused=refused,
    )


def _shown(records: Sequence[TrainingRecord], tokenizer: RecordTokenizer) -> Iterator[LearnedRecord]:
    for record in records:
        try:
            yield _cut(tokenizer.learned(record, room=tokenizer.context_length))
        except ValidationFailed:
            # Counted in `TokenCounts.refused`; the findings of a job would name it.
            continue


def _cut(record: LearnedRecord) -> LearnedRecord:
    """With no more text than `MOST_CHARACTERS`."""
    left = MOST_CHARACTERS
    runs: list[tuple[str, str]] = []
    for fate, text in record.runs:
        if left <= 0:
            break
        runs.append((fate, text[:left]))
        left -= len(text)
    return LearnedRecord(
        line=record.line, tokens=record.tokens, trained=record.trained, runs=tuple(runs), is_whole=left >= 0
    )
