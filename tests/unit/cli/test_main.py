"""What `tanren` does with what goes wrong: a line or an object on standard error, and an exit code."""

import json

import pytest

from tanren.cli.main import run
from tests.unit.cli.fake_services import FakeServices, refusal


def test_an_error_is_a_line_on_standard_error_and_an_exit_code(at_tanren: FakeServices, capsys: pytest.CaptureFixture):
    at_tanren.answers["GetCustomModelDeployment"] = refusal("ResourceNotFoundException", "no 'x'")
    assert run(["deployment", "get", "x"]) == 4
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "tanren: ResourceNotFoundException: no 'x'\n")


@pytest.mark.parametrize("output", ["json", "jsonl"])
def test_under_json_an_error_is_an_object_with_what_the_service_said(at_tanren: FakeServices, capsys, output: str):
    at_tanren.answers["GetCustomModelDeployment"] = refusal("ValidationException", "no ARN")
    assert run(["deployment", "get", "x", f"--output={output}"]) == 3
    told = capsys.readouterr()
    assert told.out == ""
    assert json.loads(told.err) == {
        "error": {
            "message": "ValidationException: no ARN",
            "kind": "ValidationFailed",
            "exitCode": 3,
            "code": "ValidationException",
            "requestId": "r-1",
        }
    }


@pytest.mark.parametrize(
    "arguments", [["job", "get"], ["job", "get", "x", "--nonsense"], ["nonsense"], ["job", "nonsense"]]
)
def test_wrong_usage_ends_with_2_in_words_and_as_an_object(arguments: list[str], capsys: pytest.CaptureFixture):
    assert run(arguments) == 2
    assert "--help" in capsys.readouterr().err
    assert run([*arguments, "-o", "json"]) == 2
    told = json.loads(capsys.readouterr().err)["error"]
    assert (told["kind"], told["exitCode"]) == ("WrongUsage", 2)


def test_a_typo_is_answered_with_the_command_that_was_meant(capsys: pytest.CaptureFixture):
    assert run(["jbo"]) == 2
    assert "Did you mean `tanren job`?" in capsys.readouterr().err


def test_help_ends_well_and_no_arguments_are_wrong_usage_with_help(capsys: pytest.CaptureFixture):
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert run([]) == 2
    assert capsys.readouterr().out.strip() == shown.strip()
    assert run(["job", "create", "--help"]) == 0
    assert "--follow" in capsys.readouterr().out


def test_without_a_terminal_and_under_no_color_nothing_is_coloured(at_tanren: FakeServices, capsys, monkeypatch):
    at_tanren.answers["GetCustomModelDeployment"] = {"modelDeploymentName": "x", "status": "Active"}
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    assert run(["deployment", "get", "x"]) == 0
    assert "\x1b[3" not in capsys.readouterr().out
