"""The data files of a job: copies of our own, checked whole before anything trains on them.

Why      what was validated is what is trained on, also after a restart, whatever happens to the object in S3 meanwhile.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tanren.bodies.registry import BODY_FORMATS
from tanren.data.containers import pieces_of
from tanren.data.families import family_rules
from tanren.data.reading import FileSummary, read_records, validate_file
from tanren.data.records import TrainingRecord
from tanren.data.rules import TOLD_ONCE
from tanren.domain.customization_jobs import CustomizationJob, CustomizationType
from tanren.domain.foundation_models import FoundationModel
from tanren.domain.prompt_templates import PromptTemplate
from tanren.domain.sentences import joined, sentence
from tanren.storage.objects import ObjectStore, parse_s3_uri

T = TypeVar("T")

_ITEMS_BETWEEN_CHECKS = 2_000
"""A look costs a query; this many lines are read in about 20 ms."""
_BYTES_BETWEEN_CHECKS = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    uri: str
    """As the user named it; findings name it too."""
    path: Path
    """Our copy."""
    customization_type: CustomizationType
    prompt_templates: tuple[PromptTemplate, ...] = ()
    """In which a prompt may be written; they are read as the model's body format reads them."""
    summary: FileSummary

    @property
    def digest(self) -> str:
        """SHA-256 of what `records` gives: content, name and way of reading."""
        return records_digest(self.summary.sha256, self.uri, self.customization_type, self.prompt_templates)

    def records(self) -> Iterator[TrainingRecord]:
        yield from read_records(
            pieces_of(self.path),
            file=self.uri,
            customization_type=self.customization_type,
            prompt_templates=self.prompt_templates,
        )


def records_digest(
    file_sha256: str, uri: str, customization_type: CustomizationType, prompt_templates: Sequence[PromptTemplate]
) -> str:
    """Of the records of a file that is known by its content's digest and its name."""
    parts = [file_sha256, uri, customization_type, list(prompt_templates)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFiles:
    training: DataFile
    validation: Sequence[DataFile]

    def every(self) -> list[DataFile]:
        return [self.training, *self.validation]

    def warnings(self) -> list[str]:
        """What AWS would refuse and tanren takes, in words."""
        return [warning for file in self.every() for warning in _warnings(file.summary)]


def _warnings(summary: FileSummary) -> Iterator[str]:
    """One a rule, with the number of lines where it is about lines."""
    told: set[str] = set()
    for finding in summary.findings:
        if finding.line == 0 or finding.rule in TOLD_ONCE:
            yield joined(f"{finding.file}: ", finding.message)
        elif finding.rule not in told:
            told.add(finding.rule)
            further = summary.rule_counts.get(finding.rule, 1) - 1
            more = sentence(" The same holds {count} times more.", count=further) if further else ""
            yield joined(finding.file, sentence(" line {line}", line=finding.line), ": ", finding.message, more)


def fetch_data_files(
    job: CustomizationJob,
    model: FoundationModel,
    objects: ObjectStore,
    folder: Path,
    *,
    check_wanted: Callable[[], None],
) -> DataFiles:
    """Copies of all files, read as the family's rows are.

    Raises JobFailed for an object that cannot be read, DataInvalid with every finding of a file that is wrong.

    `check_wanted` is called now and then, and raises what is to end the work.
    """
    files: list[DataFile] = []
    for uri, path in copy_paths(folder, job.training_s3_uri, job.validation_s3_uris):
        fetch_copy(uri, path, objects, check_wanted)
        file = examined_file(
            path,
            uri,
            model=model,
            customization_type=job.customization_type,
            is_validation=bool(files),
            check_wanted=check_wanted,
        )
        file.summary.raise_if_invalid()
        files.append(file)
    return DataFiles(training=files[0], validation=files[1:])


def copy_paths(folder: Path, training_uri: str, validation_uris: Sequence[str]) -> list[tuple[str, Path]]:
    """Each file's name with the place of its copy, the training data first."""
    validation = ((uri, folder / f"validation-{i}.jsonl") for i, uri in enumerate(validation_uris))
    return [(training_uri, folder / "training.jsonl"), *validation]


def examined_file(
    path: Path,
    uri: str,
    *,
    model: FoundationModel,
    customization_type: CustomizationType,
    is_validation: bool,
    check_wanted: Callable[[], None],
) -> DataFile:
    """Our copy, read through as the family's rows are; its summary says what is wrong with it."""
    templates = BODY_FORMATS[model.body_format].prompt_templates
    summary = validate_file(
        _wanted(pieces_of(path), check_wanted),
        file=uri,
        customization_type=customization_type,
        prompt_templates=templates,
        limits=model.record_limits,
        family=family_rules(model.model_id),
        is_validation=is_validation,
    )
    return DataFile(
        uri=uri, path=path, customization_type=customization_type, prompt_templates=templates, summary=summary
    )


def _wanted(pieces: Iterator[bytes], check_wanted: Callable[[], None]) -> Iterator[bytes]:
    """The pieces of a file, with a look every `_BYTES_BETWEEN_CHECKS`."""
    since = _BYTES_BETWEEN_CHECKS
    for piece in pieces:
        if since >= _BYTES_BETWEEN_CHECKS:
            check_wanted()
            since = 0
        since += len(piece)
        yield piece


def checked(items: Iterable[T], check_wanted: Callable[[], None]) -> Iterator[T]:
    """The items, with a look every so often whether the work is still wanted."""
    for number, item in enumerate(items):
        if number % _ITEMS_BETWEEN_CHECKS == 0:
            check_wanted()
        yield item


def fetch_copy(uri: str, path: Path, objects: ObjectStore, check_wanted: Callable[[], None]) -> None:
    """The copy is complete or not there; one of an earlier attempt is kept."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # Named by the process: another attempt that is not dead yet may be writing too.
    staging = path.with_suffix(f".{os.getpid()}.staging")
    with staging.open("wb") as file:
        for chunk in objects.chunks(parse_s3_uri(uri)):
            check_wanted()
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    staging.rename(path)
