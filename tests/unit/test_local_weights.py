"""What `tanren eval` has computed from weights of this machine, in the process that it starts for it."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tanren.domain.conversation import user_turn
from tanren.local_weights import likelihoods_command, main
from tanren.settings import Settings, read_settings, to_environment
from tanren.storage.database import upgrade

NANO = "tanren.nano-v1:0"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A data directory that a server was started in."""
    settings = read_settings({}, data_dir=tmp_path / "data")
    settings.data_dir.mkdir()
    upgrade(settings.effective_database_url)
    for name, value in to_environment(settings).items():
        monkeypatch.setenv(name, value)
    return settings


def _run(monkeypatch: pytest.MonkeyPatch, argv: list[str], asked: Any) -> int:
    monkeypatch.setattr(sys, "argv", argv[2:])
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(asked)))
    return main()


def test_a_model_of_the_store_finds_a_likely_answer_likelier(store, monkeypatch, capsys):
    turn = user_turn("What is the capital of France?")
    asked = [turn.answered("Paris").to_json(), turn.answered("xqzv").to_json(), user_turn("a " * 3000).to_json()]
    asked[2]["messages"].append({"role": "assistant", "text": "b"})
    assert _run(monkeypatch, likelihoods_command(NANO), asked) == 0
    likely, unlikely, too_long = json.loads(capsys.readouterr().out)
    assert likely[0] / likely[2] < unlikely[0] / unlikely[2]
    assert too_long is None


def test_a_model_that_is_not_there_is_refused_with_the_reason(store, monkeypatch, capsys):
    assert _run(monkeypatch, likelihoods_command("no-such-model"), []) == 1
    assert "no-such-model" in capsys.readouterr().err
