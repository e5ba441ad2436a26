"""The data of a run, from records to token sequences, with everything that speaks against them told at once.

Every set is written as tokens once, and found again by a digest of all that decides them: the records as they are
read, the tokenizer with its chat template, the objective, the longest sequence, the versions of the code.

Cost   memory of one chunk of records, whatever the size of the data; a set that is found costs one pass over its file.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, cast

from tanren.data.findings import DataInvalid, Finding
from tanren.data.records import TrainingRecord
from tanren.data.splitting import is_held_out
from tanren.domain.errors import JobFailed
from tanren.domain.sentences import Sentence, sentence
from tanren.training.diagnosis import few_steps_warning
from tanren.training.objectives.registry import OBJECTIVES
from tanren.training.overlap import overlap
from tanren.training.spec import TrainingSpec
from tanren.training.token_cache import TokenCache
from tanren.training.token_sets import TokenSet, TokenSetWriter
from tanren.training.tokenization import Tokenizer, tokenize
from tanren.weights.base_models import load_tokenizer
from tanren.weights.chat_template import ChatTemplate

_FORMAT: Final = 2
"""Raised whenever this package would write other tokens for the same records."""
PROGRESS_SECONDS: Final = 15.0
"""Between two words on how far the writing is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStream:
    """Records that are read anew each time, and need not be in memory."""

    read: Callable[[], Iterable[TrainingRecord]]
    digest: str
    """Changes whenever what `read` gives would change, the places of the records included."""
    count: int | None = None
    """How many there are, for whoever waits; None where nobody has counted."""


Records = Sequence[TrainingRecord] | Callable[[], Iterable[TrainingRecord]] | RecordStream
"""Records, or what gives them anew each time; without a digest of their own they are read once more to make it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedData:
    training: TokenSet
    validation_sets: list[TokenSet]
    warnings: tuple[str, ...]
    digest: str
    """SHA-256 of all ids and masks and of the places of their records, in order."""


def prepare(
    spec: TrainingSpec,
    base_folder: Path,
    training_records: Records,
    validation_sets: Sequence[Records],
    *,
    cache: TokenCache,
    tell: Callable[[str], None] = lambda sentence: None,
) -> PreparedData:
    """All rows as tokens, from the cache or written into it. `tell` hears now and then how far it is.

    Raises   DataInvalid with every row that cannot be trained on, over all files; JobFailed where a set is empty;
             TrainingYielded where the disk is full.
    """
    training_stream, validation_streams = _split(spec, training_records, validation_sets)
    maker = _SetMaker(spec, base_folder, cache, tell)
    findings: list[Finding] = []
    error_count = 0
    sets: list[TokenSet] = []
    for stream in [training_stream, *validation_streams]:
        try:
            sets.append(maker.set_of(stream))
        except DataInvalid as error:
            findings += error.findings
            error_count += error.error_count
    if findings:
        raise DataInvalid(findings, error_count=error_count)
    training, validation = sets[0], sets[1:]
    if not training:
        raise JobFailed(sentence("There is no record to train on."))
    for index, sequences in enumerate(validation):
        if not sequences and not validation_sets:
            raise JobFailed(
                sentence(
                    "Holding out {percentage} % of {count} records left none to validate on. Give a validation file, "
                    "or a larger evalPercentage.",
                    percentage=f"{spec.evaluation_percentage:g}",
                    count=len(training),
                )
            )
        if not sequences:
            raise JobFailed(
                sentence("Validation set {number} of {count} has no record.", number=index + 1, count=len(validation))
            )
    return PreparedData(
        training=training,
        validation_sets=validation,
        warnings=tuple(_warnings(spec, training, validation)),
        digest=hashlib.sha256("\n".join(each.digest for each in sets).encode()).hexdigest(),
    )


class _SetMaker:
    """From a stream to a set. The tokenizer is loaded when the first set is not in the cache."""

    def __init__(self, spec: TrainingSpec, base_folder: Path, cache: TokenCache, tell: Callable[[str], None]) -> None:
        self._spec = spec
        self._base_folder = base_folder
        self._cache = cache
        self._tell = tell
        self._loaded: tuple[Tokenizer, int] | None = None
        self._tokenizer_digest = _tokenizer_digest(base_folder)

    def set_of(self, stream: RecordStream) -> TokenSet:
        """Raises   DataInvalid for rows that cannot be trained on; then nothing is kept."""
        key = self._key(stream)
        found = self._cache.get(key)
        if found is not None:
            count = f"{len(found):,}"
            self._tell(sentence("{count} records were written as tokens before; these are used.", count=count))
            return found
        tokenizer, id_limit = self._tokenizer()
        return self._cache.make(key, id_limit=id_limit, write=lambda writer: self._write(stream, tokenizer, writer))

    def _write(self, stream: RecordStream, tokenizer: Tokenizer, writer: TokenSetWriter) -> None:
        objective = OBJECTIVES[self._spec.objective]
        told_at = time.monotonic()
        rows = tokenize(
            stream.read(),
            lambda record: objective.sequence(record, tokenizer),
            max_sequence_length=self._spec.max_sequence_length,
        )
        for done, (record, sequence) in enumerate(rows, start=1):
            writer.add(sequence, content=int(record.digest()[:16], 16))
            if time.monotonic() - told_at >= PROGRESS_SECONDS:
                told_at = time.monotonic()
                self._tell(_how_far(done, stream.count))

    def _key(self, stream: RecordStream) -> str:
        parts = {
            "format": _FORMAT,
            "versions": [version(name) for name in ("tanren", "tokenizers", "transformers", "jinja2")],
            "records": stream.digest,
            "tokenizer": self._tokenizer_digest,
            "objective": self._spec.objective,
            "max_sequence_length": self._spec.max_sequence_length,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def _tokenizer(self) -> tuple[Tokenizer, int]:
        """And a number above all its ids."""
        if self._loaded is None:
            files = cast(Any, load_tokenizer(self._base_folder))
            tokenizer = Tokenizer(
                ChatTemplate(files),
                bos_id=cast(int | None, files.bos_token_id),
                eos_id=cast(int | None, files.eos_token_id),
            )
            self._loaded = tokenizer, max(cast(dict[str, int], files.get_vocab()).values()) + 1
        return self._loaded


def _how_far(done: int, count: int | None) -> Sentence:
    if count is None:
        return sentence("Writing the records as tokens: {done}.", done=f"{done:,}")
    return sentence("Writing the records as tokens: {done} of {count}.", done=f"{done:,}", count=f"{count:,}")


def _split(
    spec: TrainingSpec, training_records: Records, validation_sets: Sequence[Records]
) -> tuple[RecordStream, list[RecordStream]]:
    """The streams of training and validation, with held-out rows where the spec asks and no validation set is given."""
    everything = _stream(training_records)
    percentage = spec.evaluation_percentage
    if validation_sets or percentage is None:
        return everything, [_stream(records) for records in validation_sets]

    def chosen(*, held_out: bool) -> RecordStream:
        def read() -> Iterator[TrainingRecord]:
            for record in everything.read():
                if is_held_out(record, percentage=percentage, seed=spec.seed) is held_out:
                    yield record

        choice = f"{everything.digest} {percentage!r} {spec.seed} {'held out' if held_out else 'trained'}"
        return RecordStream(read=read, digest=hashlib.sha256(choice.encode()).hexdigest())

    return chosen(held_out=False), [chosen(held_out=True)]


def _stream(records: Records) -> RecordStream:
    if isinstance(records, RecordStream):
        return records
    read: Callable[[], Iterable[TrainingRecord]] = records if callable(records) else lambda: records
    digest = hashlib.sha256()
    count = 0
    for record in read():
        digest.update(f"{record.digest()} {record.source.line} {record.source.file}\n".encode())
        count += 1
    return RecordStream(read=read, digest=digest.hexdigest(), count=count)


def _tokenizer_digest(base_folder: Path) -> str:
    """SHA-256 over what tokenizer and chat template are read from: all files of the folder that hold no weights."""
    digest = hashlib.sha256()
    for file in sorted(base_folder.iterdir()):
        if file.suffix in (".json", ".jinja", ".model", ".txt") and not file.name.startswith("adapter_"):
            content = file.read_bytes()
            digest.update(f"{file.name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _warnings(spec: TrainingSpec, training: TokenSet, validation_sets: Sequence[TokenSet]) -> Iterator[str]:
    few = few_steps_warning(spec, len(training))
    if few is not None:
        yield few
    if spec.early_stopping_patience is not None and not validation_sets:
        yield sentence(
            "there are no validation data, so early stopping has nothing to go by and all epochs are trained"
        )
    for validation in validation_sets:
        shared = overlap(training, validation)
        if shared is not None:
            yield sentence(
                "{count} validation rows are also trained on (first: {place} equals {trained}), so the validation loss "
                "looks better than it is",
                count=shared.count,
                place=shared.place,
                trained=shared.trained_place,
            )
