"""The commands over a Bedrock that keeps throughputs in memory."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner, Result

from tanren.cli import throughput
from tanren.cli.endpoint import Endpoint
from tanren.cli.main import app
from tanren.domain.errors import ResourceNotFound, ServiceUnavailable, ValidationFailed

MODEL = "amazon.titan-text-express-v1"
STARTED = datetime(2026, 11, 21, 12, tzinfo=UTC)


class FakeBedrock:
    """Throughputs by ARN; each look at one brings it a step further."""

    def __init__(self, *, steps: tuple[str, ...] = ("Creating", "InService")) -> None:
        self.steps = steps
        self.found: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, list[dict[str, str]]] = {}

    def create_provisioned_model_throughput(
        self, *, modelId: str, provisionedModelName: str, modelUnits: int, tags: list[dict[str, str]] | None = None
    ) -> dict[str, str]:
        arn = f"arn:aws:bedrock:us-east-1:123456789012:provisioned-model/{len(self.found)}"
        self.found[arn] = {
            "provisionedModelName": provisionedModelName,
            "provisionedModelArn": arn,
            "modelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{modelId}",
            "modelUnits": modelUnits,
            "status": "Creating",
            "creationTime": STARTED + timedelta(minutes=len(self.found)),
            "looks": 0,
        }
        self.tags[arn] = tags or []
        return {"provisionedModelArn": arn}

    def get_provisioned_model_throughput(self, *, provisionedModelId: str) -> dict[str, Any]:
        found = self.found[provisionedModelId]
        found["status"] = self.steps[min(found["looks"], len(self.steps) - 1)]
        found["looks"] += 1
        return {**found, "failureMessage": "the adapter is torn"}

    def get_paginator(self, operation: str) -> "FakeBedrock":
        assert operation == "list_provisioned_model_throughputs"
        return self

    def paginate(self) -> list[dict[str, Any]]:
        return [{"provisionedModelSummaries": [each]} for each in self.found.values()]

    def list_tags_for_resource(self, *, resourceARN: str) -> dict[str, Any]:
        return {"tags": self.tags[resourceARN]}

    def delete_provisioned_model_throughput(self, *, provisionedModelId: str) -> None:
        for arn, each in list(self.found.items()):
            if provisionedModelId in (arn, each["provisionedModelName"]):
                del self.found[arn]
                return
        error = {"Code": "ResourceNotFoundException", "Message": f"no '{provisionedModelId}'"}
        raise ClientError({"Error": error}, "DeleteProvisionedModelThroughput")


@pytest.fixture
def bedrock() -> FakeBedrock:
    return FakeBedrock()


@pytest.fixture(autouse=True)
def endpoint(bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch) -> None:
    speaks_to(monkeypatch, bedrock)
    monkeypatch.setattr(throughput, "LOOK_SECONDS", 0)
    monkeypatch.setattr(throughput, "_is_tanren", lambda endpoint: "tanren" in endpoint.url)


def speaks_to(
    monkeypatch: pytest.MonkeyPatch, bedrock: FakeBedrock, url: str = "http://tanren", *, is_aws: bool = False
) -> None:
    made = Endpoint(url=url, bedrock=bedrock, is_aws=is_aws)
    monkeypatch.setattr(throughput, "open_endpoint", lambda endpoint_url, data_dir: made)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["throughput", *arguments])


def test_create_prints_the_arn_alone_on_standard_output(bedrock: FakeBedrock):
    result = run("create", MODEL, "mine", "--units", "3")
    (arn,) = bedrock.found
    assert (result.exit_code, result.stdout) == (0, arn + "\n")
    assert bedrock.found[arn]["modelUnits"] == 3
    assert bedrock.tags[arn] == []
    assert bedrock.found[arn]["looks"] == 0


@pytest.mark.parametrize("ttl", ["50m", "PT2H", "7200"])
def test_a_time_to_live_is_the_tag_and_its_end_is_said(bedrock: FakeBedrock, ttl: str):
    result = run("create", MODEL, "mine", "--ttl", ttl)
    assert list(bedrock.tags.values()) == [[{"key": "tanren:ttl", "value": ttl}]]
    assert "It deletes itself at 20" in result.stderr


def test_a_time_that_the_tag_would_not_take_is_refused_before_anything_is_asked(bedrock: FakeBedrock):
    result = run("create", MODEL, "mine", "--ttl", "soon")
    assert isinstance(result.exception, ValidationFailed)
    assert "'soon'" in str(result.exception)
    assert bedrock.found == {}


@pytest.mark.parametrize(("url", "is_aws"), [("https://bedrock.us-east-1.amazonaws.com", True), ("http://x", False)])
def test_where_nobody_heeds_the_tag_it_is_said_that_the_throughput_stays(
    bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch, url: str, is_aws: bool
):
    speaks_to(monkeypatch, bedrock, url, is_aws=is_aws)
    result = run("create", MODEL, "mine", "--ttl", "1h")
    assert "keeps tanren:ttl as a tag, nothing more" in result.stderr
    assert "tanren throughput delete mine" in result.stderr
    assert "deletes itself" not in result.stderr
    assert len(bedrock.found) == 1


def test_wait_returns_when_it_is_in_service(bedrock: FakeBedrock):
    bedrock.steps = ("Creating", "Creating", "InService")
    result = run("create", MODEL, "mine", "--wait")
    assert result.exit_code == 0
    assert "in service after" in result.stderr
    assert [each["looks"] for each in bedrock.found.values()] == [3]


def test_wait_ends_with_the_reason_where_it_comes_to_nothing(bedrock: FakeBedrock):
    bedrock.steps = ("Creating", "Failed")
    result = run("create", MODEL, "mine", "--wait")
    assert isinstance(result.exception, ServiceUnavailable)
    assert "the adapter is torn" in str(result.exception)


def test_leaving_the_wait_leaves_the_throughput(bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch):
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(throughput.time, "sleep", interrupt)
    result = run("create", MODEL, "mine", "--wait")
    assert result.exit_code == 130
    assert result.stdout.startswith("arn:")
    assert len(bedrock.found) == 1


def test_list_shows_the_newest_first_with_what_its_tags_say(bedrock: FakeBedrock):
    assert run("list").stdout == "No provisioned throughput.\n"
    run("create", MODEL, "old")
    run("create", MODEL, "new", "--ttl", "1h")
    bedrock.tags[list(bedrock.found)[1]].append({"key": "tanren:tokens-per-minute", "value": "9000"})
    facts = json.loads(run("list", "--json").stdout)
    assert [each["name"] for each in facts] == ["new", "old"]
    assert (facts[0]["timeToLive"], facts[0]["tokensPerMinute"]) == ("1h", "9000")
    assert (facts[1]["timeToLive"], facts[1]["tokensPerMinute"]) == (None, None)
    table = run("list").stdout
    assert table.index("new") < table.index("old")
    assert "9000" in table
    assert MODEL.partition("-")[0] in table


def test_delete_takes_it_away_and_an_unknown_one_is_an_error(bedrock: FakeBedrock):
    run("create", MODEL, "mine")
    assert "mine is deleted" in run("delete", "mine").stderr
    assert bedrock.found == {}
    result = run("delete", "mine")
    assert isinstance(result.exception, ResourceNotFound)
    assert "no 'mine'" in str(result.exception)
