"""What training leaves beside an adapter for an engine to come to, and what is refused as that."""

import json
from pathlib import Path
from typing import Any

import pytest

from tanren.domain.errors import ModelFailed
from tanren.weights.canary import EXPECTATION_FILE, read_expectation


def test_no_expectation_is_none_and_a_damaged_one_is_an_error(tmp_path: Path):
    assert read_expectation(tmp_path, 300) is None
    good: dict[str, Any] = {"prompt_ids": [1, 2, 3], "base_logprobs": [-1.0, -2.0], "logprobs": [-2.0, -1.0]}
    bad: list[dict[str, Any]] = [
        {},
        good | {"prompt_ids": "abc"},
        good | {"logprobs": [-1.0]},
        good | {"prompt_ids": [1, 2, 300]},
        good | {"prompt_ids": [1], "base_logprobs": [], "logprobs": []},
    ]
    for members in bad:
        (tmp_path / EXPECTATION_FILE).write_text(json.dumps(members))
        with pytest.raises(ModelFailed, match=r"canary\.json is no expectation of a canary.*remove it"):
            read_expectation(tmp_path, 300)
    (tmp_path / EXPECTATION_FILE).write_text(json.dumps(good))
    assert read_expectation(tmp_path, 300) is not None
