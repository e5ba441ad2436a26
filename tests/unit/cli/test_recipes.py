"""The commands over an endpoint that keeps everything in memory."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tanren.cli import recipes
from tanren.cli.main import app
from tanren.domain.errors import ValidationFailed
from tanren.recipes import running
from tests.unit.recipes.endpoint_in_memory import EndpointInMemory


class Endpoint:
    """What `open_endpoint` gives, over the memory."""

    def __init__(self, memory: EndpointInMemory, *, is_aws: bool) -> None:
        self.bedrock = memory
        self.is_aws = is_aws
        self._memory = memory

    def client(self, service: str) -> Any:
        return Others(self._memory) if service in ("s3", "sts") else self._memory


class Others:
    """S3 with buckets, and STS."""

    def __init__(self, memory: EndpointInMemory) -> None:
        self.put_object = memory.put_object

    def list_buckets(self) -> dict[str, Any]:
        return {"Buckets": []}

    def create_bucket(self, *, Bucket: str) -> None:
        assert Bucket == "tanren-recipes"

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "123456789012"}


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> EndpointInMemory:
    made = EndpointInMemory()
    monkeypatch.setattr(recipes, "open_endpoint", lambda url, data_dir: Endpoint(made, is_aws=url == "aws"))
    monkeypatch.setattr(running, "LOOK_SECONDS", 0)
    return made


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["recipes", *arguments])


def test_the_list_has_a_line_for_each_recipe_in_the_users_language(monkeypatch: pytest.MonkeyPatch):
    names = [each["name"] for each in json.loads(run("list", "--output", "json").stdout)]
    assert len(names) == 10
    assert "Hiroshima" in run("list").stdout
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    assert "広島弁" in run("list").stdout


def test_show_explains_and_names_jobs_and_checks():
    shown = run("show", "json-format").stdout
    assert "# JSON format" in shown
    assert "FINE_TUNING: train.jsonl, validation.jsonl" in shown
    assert "json_valid" in shown


def test_a_run_prints_answers_and_shares_and_says_on_the_way_what_it_does(memory: EndpointInMemory):
    result = run("run", "ticket-routing")
    assert result.exit_code == 0, result.output
    assert "train.jsonl: 210 records" in result.stderr
    assert "the right team, familiar troubles" in result.stdout
    assert memory.jobs[0]["roleArn"] == "arn:aws:iam::123456789012:role/tanren-recipes"


def test_as_json_a_run_has_every_question_with_both_answers(memory: EndpointInMemory):
    told = json.loads(run("run", "ticket-routing", "--output", "json").stdout)
    assert [len(check["questions"]) for check in told["checks"]] == [50, 40]
    assert set(told["checks"][0]["questions"][0]) == {"prompt", "expected", "base", "tuned"}


def test_a_hyperparameter_goes_over_the_recipes_own(memory: EndpointInMemory):
    run("run", "ticket-routing", "--hyper", "epochCount=1")
    assert memory.jobs[0]["hyperParameters"]["epochCount"] == "1"
    assert "batchSize" in memory.jobs[0]["hyperParameters"]


def test_another_base_takes_its_own_defaults_and_its_own_format_and_that_is_said(memory: EndpointInMemory):
    result = run("run", "sentiment", "--model", "amazon.nova-lite-v1:0", "--hyper", "epochCount=1", "--output", "json")
    assert "takes its family's defaults" in result.stderr
    assert memory.jobs[0]["hyperParameters"] == {"epochCount": "1"}
    first = json.loads(next(iter(memory.objects.values())).splitlines()[0])
    assert first["schemaVersion"] == "bedrock-conversation-2024"


def test_aws_is_not_asked_without_a_role_and_a_bucket(memory: EndpointInMemory):
    result = run("run", "sentiment", "--endpoint-url", "aws", "--bucket", "b")
    assert isinstance(result.exception, ValidationFailed)
    assert "--role-arn" in str(result.exception)
    assert memory.jobs == []


def test_a_copy_runs_by_its_path(memory: EndpointInMemory, tmp_path: Path):
    assert run("copy", "sentiment", str(tmp_path / "mine")).exit_code == 0
    assert run("run", str(tmp_path / "mine")).exit_code == 0
    assert memory.jobs[0]["jobName"].startswith("mine-")
