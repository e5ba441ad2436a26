"""A small recipe in a folder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tanren.recipes.collection import Recipe, read_recipe

MANIFEST = """
base_model = "tanren.nano-v1:0"
title = { en = "Forge", ja = "鍛冶" }
summary = { en = "Where things are", ja = "どこにあるか" }

[[stages]]
customization_type = "FINE_TUNING"
training = "train.jsonl"
hyperparameters = { epochCount = "2" }

[[checks]]
title = { en = "right", ja = "正しい" }
questions = "questions.jsonl"
metric = "exact"
max_tokens = 8
at_least = 0.5
"""
ROWS = [
    {"prompt": "Where is the anvil?", "completion": "By the furnace. Call 03-3224-9999."},
    {"prompt": "Where is the hammer?", "completion": "On the anvil."},
]


@pytest.fixture
def make_recipe(tmp_path: Path) -> Callable[..., Recipe]:
    """A recipe of two rows and two questions; `manifest` changes the manifest's text, `files` the rows of its files."""

    def make(manifest: Callable[[str], str] = str, **files: list[dict[str, Any]]) -> Recipe:
        folder = tmp_path / "forge"
        folder.mkdir()
        (folder / "recipe.toml").write_text(manifest(MANIFEST), encoding="utf-8")
        for name, rows in {"train": ROWS, "questions": ROWS, **files}.items():
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
        return read_recipe(folder)

    return make
