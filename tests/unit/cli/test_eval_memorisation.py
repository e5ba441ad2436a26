"""`tanren eval canaries` and `tanren eval memorisation`, over models that answer in memory."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tanren.cli import eval_weights
from tanren.domain.errors import ValidationFailed
from tanren.evaluation.memorisation import canaries
from tanren.settings import read_settings
from tests.unit.cli.conftest import Tanren
from tests.unit.cli.fake_services import FakeServices

ROWS = [
    {
        "prompt": f"Where is parcel {n}?",
        "completion": f"Parcel {n} was weighed twice at the northern depot and sent on.",
    }
    for n in range(1, 6)
]


@pytest.fixture
def train(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in ROWS))
    return path


@pytest.fixture
def models(at_tanren: FakeServices) -> FakeServices:
    def converse(request: dict[str, Any]) -> dict[str, Any]:
        asked = request["messages"][-1]["content"][0]["text"]
        known = {row["prompt"]: row["completion"] for row in ROWS}
        text = known[asked] if request["modelId"] == "tuned" else "I do not know."
        return {
            "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 9, "outputTokens": 5, "totalTokens": 14},
            "metrics": {"latencyMs": 5},
        }

    at_tanren.answers["Converse"] = converse
    return at_tanren


def test_canaries_are_rows_to_train_on_and_the_same_for_the_same_seed(tanren: Tanren):
    printed = [tanren("eval", "canaries", "3", "--seed", seed).stdout for seed in ("1", "1", "2")]
    assert printed[0] == printed[1] != printed[2]
    rows = [json.loads(line) for line in printed[0].splitlines()]
    assert [row["completion"] for row in rows] == [canary.secret for canary in canaries(3, seed=1)]


def test_what_a_model_says_word_for_word_is_found_and_the_base_says_nothing_of_it(
    tanren: Tanren, models: FakeServices, train: Path
):
    result = tanren(
        "eval", "memorisation", "--tuned", "tuned", "--base", "b.base", "--train", str(train), "--count", "3",
        "-o", "json",
    )  # fmt: skip
    base, tuned = json.loads(result.stdout)
    assert (base["copiedCount"], tuned["copiedCount"], tuned["askedCount"]) == (0, 3, 3)
    assert tuned["longestCharacters"] == len(ROWS[0]["completion"])
    assert tuned["source"].endswith(":1")
    assert "parcel" in tanren("eval", "memorisation", "--tuned", "tuned", "--train", str(train)).stdout.lower()


def test_a_planted_secret_that_the_model_knows_has_all_the_bits(
    tanren: Tanren, models: FakeServices, train: Path, monkeypatch: pytest.MonkeyPatch
):
    known = {canary.secret for canary in canaries(2, seed=0)}

    def told(argv: list[str], asked: list[dict[str, Any]], settings: Any) -> list[list[float]]:
        texts = [each["messages"][-1]["text"] for each in asked]
        return [[1.0 if text in known and argv[-1] == "tuned" else 9.0, 5, len(text)] for text in texts]

    monkeypatch.setattr(eval_weights, "_told", told)
    monkeypatch.setattr("tanren.cli.eval_weights.own_store", lambda *_: read_settings({}))
    result = tanren(
        "eval", "memorisation", "--tuned", "tuned", "--base", "b.base", "--train", str(train), "--canaries", "2",
        "-o", "json",
    )  # fmt: skip
    base, tuned = json.loads(result.stdout)
    assert tuned["exposures"] == [pytest.approx(math.log2(128))] * 2
    assert base["exposures"] == [0.0, 0.0], "it finds all alike"


def test_exposure_of_a_model_elsewhere_is_refused_with_what_it_takes(tanren: Tanren, models: FakeServices, train: Path):
    result = tanren("eval", "memorisation", "--tuned", "t", "--train", str(train), "--canaries", "2")
    assert isinstance(result.exception, ValidationFailed)
    assert "name the directory of a server on this machine with --data-dir" in str(result.exception)
    assert models.made("Converse") == []
