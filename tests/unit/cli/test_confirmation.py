import sys
from typing import Any

import pytest
import typer

from tanren.cli.confirmation import confirm
from tanren.domain.errors import ValidationFailed


class Terminal:
    def __init__(self, answer: str) -> None:
        self.answer = answer

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return self.answer + "\n"


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)

    def asked(question: str, **_: Any) -> bool:
        return answer == "y"

    monkeypatch.setattr(typer, "confirm", asked)


def test_yes_is_not_asked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(typer, "confirm", pytest.fail)
    confirm("Delete it?", yes=True)


def test_without_a_terminal_nothing_is_done_and_yes_is_named():
    with pytest.raises(ValidationFailed, match=r"Delete it.*say --yes"):
        confirm("Delete it?", yes=False)


def test_at_a_terminal_the_answer_decides(monkeypatch: pytest.MonkeyPatch):
    at_a_terminal(monkeypatch, "y")
    confirm("Delete it?", yes=False)
    at_a_terminal(monkeypatch, "n")
    with pytest.raises(typer.Exit) as left:
        confirm("Delete it?", yes=False)
    assert left.value.exit_code == 1
