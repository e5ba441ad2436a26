"""The rows that a model was trained and validated on, for the evaluation of that model.

They are those, or none: an object that has changed since, is gone, or is larger than an evaluation reads, is told of
and left out, since nothing in it is needed for the answers themselves.

Cost     what is read is in memory: some ten bytes for each of a file.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tanren.bodies.registry import BODY_FORMATS
from tanren.catalog.foundation_models import foundation_model
from tanren.data.containers import pieces_of
from tanren.data.reading import read_records
from tanren.data.records import TrainingRecord
from tanren.domain.customization_evaluations import OfCustomization, TrainedFile
from tanren.domain.errors import JobFailed
from tanren.model_files.atomic_folders import file_digest
from tanren.storage.objects import ObjectStore
from tanren.workflows.data_files import checked, fetch_copy

MOST_BYTES: Final = 64 << 20
"""Of all files together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedRows:
    training: tuple[TrainingRecord, ...] = ()
    """Empty where a file could not be had."""
    validation: tuple[TrainingRecord, ...] = ()


def trained_rows(
    of: OfCustomization,
    objects: ObjectStore,
    folder: Path,
    *,
    check_wanted: Callable[[], None],
    tell: Callable[[str], None],
) -> TrainedRows:
    """`tell` hears why there are none. Raises ServiceUnavailable where S3 is away; whatever `check_wanted` raises."""
    size = sum(file.size_bytes for file in of.files)
    if size > MOST_BYTES:
        tell(
            f"What of the test set stands in the training data is not looked for: the files have {size / 1e6:,.0f} MB, "
            f"and at most {MOST_BYTES / 1e6:,.0f} MB are read. `tanren eval run --train FILE` reads any size."
        )
        return TrainedRows()
    rows: dict[bool, list[TrainingRecord]] = {False: [], True: []}
    try:
        for number, file in enumerate(of.files):
            rows[file.is_validation] += _rows(of, file, objects, folder / f"file-{number}", check_wanted)
    except JobFailed as error:
        tell(f"What of the test set stands in the training data is not looked for: {error}")
        return TrainedRows()
    return TrainedRows(training=tuple(rows[False]), validation=tuple(rows[True]))


def _rows(
    of: OfCustomization, file: TrainedFile, objects: ObjectStore, path: Path, check_wanted: Callable[[], None]
) -> Iterator[TrainingRecord]:
    """Raises JobFailed for an object that cannot be read, or is another by now."""
    fetch_copy(file.uri, path, objects, check_wanted)
    if file_digest(path) != file.sha256:
        raise JobFailed(f"{file.uri} has changed since the model was trained on it.")
    records = read_records(
        pieces_of(path),
        file=file.uri,
        customization_type=of.customization_type,
        prompt_templates=BODY_FORMATS[foundation_model(of.foundation_model_id).body_format].prompt_templates,
    )
    yield from checked(records, check_wanted)
