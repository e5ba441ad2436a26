"""A recipe's data as a base model takes them, and on the way to S3.

For its own base the file goes as it stands. Another base may take another format: rows of prompt and completion are
then written in the first format of its family, with the words unchanged.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tanren.catalog.foundation_models import every_foundation_model
from tanren.data.converting import Source, read_source_row, written
from tanren.data.formats import DataFormat
from tanren.data.personal_data import masked
from tanren.recipes.collection import Recipe
from tanren.recipes.manifest import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    name: str
    body: bytes
    row_count: int
    masked: Counter[str]
    """How often something of which kind was replaced."""


def data_files(recipe: Recipe, stage: Stage, base_model: str) -> Iterator[DataFile]:
    """The stage's training file, then its validation file where it has one."""
    for name in (stage.training, stage.validation):
        if name is not None:
            yield _data_file(recipe, stage, name, _format_for(recipe, base_model))


def _data_file(recipe: Recipe, stage: Stage, name: str, data_format: DataFormat | None) -> DataFile:
    body = (recipe.folder / name).read_bytes()
    kinds: Counter[str] = Counter()
    if stage.mask_personal_data or data_format is not None:
        rows = [json.loads(line) for line in body.splitlines()]
        if stage.mask_personal_data:
            rows = [{key: _masked(text, kinds) for key, text in row.items()} for row in rows]
        if data_format is not None and "input" not in rows[0]:
            rows = [_as(row, data_format) for row in rows]
        body = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    return DataFile(name=name, body=body, row_count=len(body.splitlines()), masked=kinds)


def _masked(text: str, kinds: Counter[str]) -> str:
    text, found = masked(text)
    kinds.update(found)
    return text


def _as(row: dict[str, Any], data_format: DataFormat) -> dict[str, Any]:
    content = read_source_row(row, Source.PAIRS, prompt_key="prompt", completion_key="completion")
    return written(content, data_format)


def _format_for(recipe: Recipe, base_model: str) -> DataFormat | None:
    """None where the files go as they stand."""
    if base_model == recipe.manifest.base_model:
        return None
    found = next((model for model in every_foundation_model() if model.model_id == base_model), None)
    formats = () if found is None else found.record_limits.formats
    return DataFormat(formats[0]) if formats else None
