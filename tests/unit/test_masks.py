"""What `tanren data show` tells of a record is what a job would learn of it."""

import json
from pathlib import Path
from typing import Any

from tanren.domain.customization_jobs import CustomizationType
from tanren.masks import masks
from tanren.settings import read_settings

ROWS = [
    {"prompt": "Where is the forge?", "completion": "In Seki."},
    {"prompt": "鍛冶場はいつ建ちましたか。", "completion": "1650年です。"},
]


def shown(tmp_path: Path, max_tokens: int | None = None, skip: int = 0) -> list[dict[str, Any]]:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return list(
        masks(
            read_settings(data_dir=tmp_path / "data"),
            "tanren.nano-v1:0",
            path,
            CustomizationType.FINE_TUNING,
            skip=skip,
            count=5,
            max_tokens=max_tokens,
        )
    )


def test_the_answer_and_its_end_are_learned_and_the_rest_is_read(tmp_path: Path) -> None:
    found = shown(tmp_path)
    assert [each["line"] for each in found] == [1, 2]
    for each, row in zip(found, ROWS, strict=True):
        text = {fate: "".join(words for name, words in each["runs"] if name == fate) for fate in ("masked", "trained")}
        assert text["trained"].startswith(row["completion"])
        assert row["prompt"] in text["masked"]
        assert row["completion"] not in text["masked"]
        assert 0 < each["trained"] < each["tokens"]
    assert [each["line"] for each in shown(tmp_path, skip=1)] == [2]


def test_what_would_not_fit_is_told(tmp_path: Path) -> None:
    whole, _ = shown(tmp_path)
    cut, _ = shown(tmp_path, max_tokens=whole["tokens"] - 2)
    assert cut["runs"][-1][0] == "beyond"
    assert cut["trained"] == whole["trained"] - 2
