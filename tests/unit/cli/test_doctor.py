import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from tanren.cli.main import app
from tanren.doctor import examination
from tanren.doctor.findings import Finding, fine, note, problem

WELL = [fine("Python", "3.11.9"), note("GPU", "none is used", fix="install another torch")]
BROKEN = [*WELL, problem("port", "127.0.0.1:4500 is taken", fix="take another")]


def told(monkeypatch: pytest.MonkeyPatch, findings: list[Finding], *arguments: str):
    monkeypatch.setattr(examination, "examine", lambda settings: iter(findings))
    return CliRunner().invoke(app, ["doctor", *arguments])


def test_each_finding_is_a_line_and_nothing_broken_is_success(monkeypatch: pytest.MonkeyPatch):
    result = told(monkeypatch, WELL)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["OK", "Python", "3.11.9"]
    assert " ".join(lines[1].split()) == "note GPU none is used. To do: install another torch"
    assert lines[-1] == "Nothing is broken."


def test_a_problem_is_exit_code_1_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    result = told(monkeypatch, BROKEN)
    assert result.exit_code == 1
    assert "To do: take another" in result.stdout
    assert result.stdout.splitlines()[-1] == "To put right: 1."


def test_programs_get_the_same_as_one_object(monkeypatch: pytest.MonkeyPatch):
    result = told(monkeypatch, BROKEN, "--output", "json")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert answer["problems"] == 1
    assert [finding["level"] for finding in answer["findings"]] == ["ok", "note", "problem"]


def test_the_command_loads_no_tensor_library():
    program = (
        "import sys, tanren.cli.doctor, tanren.doctor.examination, tanren.doctor.server;"
        "print(sorted({'torch', 'transformers', 'peft', 'safetensors'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
