"""`tanren job try` over services that answer in memory."""

import json
from typing import Any

import pytest

from tests.unit.cli.conftest import Tanren
from tests.unit.cli.fake_services import FakeServices

BASE = "arn:aws:bedrock:us-east-1::foundation-model/tanren.nano-v1:0"


@pytest.fixture
def training(at_tanren: FakeServices) -> FakeServices:
    at_tanren.answers |= {
        "TryCheckpoint": {
            "step": 42,
            "epoch": 3,
            "answer": "Tetsuo made [bold]it[/bold].",
            "stopReason": "end_turn",
            "inputTokenCount": 9,
            "outputTokenCount": 5,
            "latencyMs": 7,
        },
        "GetModelCustomizationJob": {"baseModelArn": BASE},
        "Converse": {"output": {"message": {"content": [{"text": "I do not know."}]}}, "stopReason": "end_turn"},
    }
    return at_tanren


def test_the_newest_weights_answer_beside_the_source_model(tanren: Tanren, training: FakeServices):
    told = tanren("job", "try", "first-job", "Who made it?", "--system", "Be brief.", "--max-tokens", "9").stdout
    assert (
        told.index("after step 42, epoch 3") < told.index("Tetsuo made [bold]it[/bold].") < told.index("source model")
    )
    assert "I do not know." in told
    assert training.made("TryCheckpoint") == [
        {
            "jobIdentifier": "first-job",
            "prompt": "Who made it?",
            "system": "Be brief.",
            "maxTokens": 9,
            "temperature": 0.0,
        }
    ]
    (asked,) = training.made("Converse")
    assert (asked["modelId"], asked["system"]) == (BASE, [{"text": "Be brief."}])
    assert asked["inferenceConfig"] == {"maxTokens": 9, "temperature": 0.0}


def test_json_has_both_answers(tanren: Tanren, training: FakeServices):
    told: dict[str, Any] = json.loads(tanren("job", "try", "first-job", "Who?", "--output", "json").stdout)
    assert (told["step"], told["answer"], told["sourceAnswer"]) == (
        42,
        "Tetsuo made [bold]it[/bold].",
        "I do not know.",
    )


def test_the_source_is_left_alone_where_nobody_wants_it(tanren: Tanren, training: FakeServices):
    assert "source model" not in tanren("job", "try", "first-job", "Who?", "--no-source").stdout
    assert training.made("Converse") == []


def test_a_dry_run_asks_nobody(tanren: Tanren, training: FakeServices):
    told = tanren("job", "try", "first-job", "Who?", "--dry-run").stdout
    assert "tanren.try_checkpoint(" in told
    assert training.calls == []
