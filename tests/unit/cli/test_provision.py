"""The commands over a Bedrock that keeps throughputs in memory."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tanren.domain.errors import JobFailed, ResourceNotFound, ValidationFailed
from tests.unit.cli.fake_services import FakeServices, refusal

MODEL = "amazon.titan-text-express-v1"
STARTED = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Throughputs:
    """By ARN; each look at one brings it a step further."""

    def __init__(self, services: FakeServices) -> None:
        self.steps: tuple[str, ...] = ("Creating", "InService")
        self.found: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, list[dict[str, str]]] = {}
        self.measured: dict[str, int] = {}
        services.answers |= {
            "CreateProvisionedModelThroughput": self.create,
            "GetProvisionedModelThroughput": self.get,
            "ListProvisionedModelThroughputs": self.page,
            "ListTagsForResource": lambda asked: {"tags": self.tags[asked["resourceARN"]]},
            "GetProvisionedCapacity": self.capacity,
            "DeleteProvisionedModelThroughput": self.delete,
        }

    def create(self, asked: dict[str, Any]) -> dict[str, Any]:
        arn = f"arn:aws:bedrock:us-east-1:123456789012:provisioned-model/{len(self.found):012}"
        self.found[arn] = {
            "provisionedModelName": asked["provisionedModelName"],
            "provisionedModelArn": arn,
            "modelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{asked['modelId']}",
            "modelUnits": asked["modelUnits"],
            "status": "Creating",
            "creationTime": STARTED + timedelta(minutes=len(self.found)),
            "looks": 0,
        }
        self.tags[arn] = asked.get("tags", [])
        return {"provisionedModelArn": arn}

    def get(self, asked: dict[str, Any]) -> dict[str, Any]:
        found = self.found[asked["provisionedModelId"]]
        found["status"] = self.steps[min(found["looks"], len(self.steps) - 1)]
        found["looks"] += 1
        return {**found, "failureMessage": "the adapter is torn"}

    def capacity(self, asked: dict[str, Any]) -> dict[str, Any]:
        arn = asked["provisionedModelId"]
        told = {"provisionedModelArn": arn, "modelUnits": self.found[arn]["modelUnits"]}
        return told if arn not in self.measured else {**told, "tokensPerMinute": self.measured[arn]}

    def page(self, asked: dict[str, Any]) -> dict[str, Any]:
        ordered = sorted(self.found.values(), key=lambda each: each["creationTime"], reverse=True)
        place = int(asked.get("nextToken", 0))
        more = {"nextToken": str(place + 1)} if place + 1 < len(ordered) else {}
        return {"provisionedModelSummaries": ordered[place : place + 1], **more}

    def delete(self, asked: dict[str, Any]) -> dict[str, Any]:
        for arn, each in list(self.found.items()):
            if asked["provisionedModelId"] in (arn, each["provisionedModelName"]):
                del self.found[arn]
                return {}
        raise refusal("ResourceNotFoundException", f"no '{asked['provisionedModelId']}'")


@pytest.fixture
def throughputs(services: FakeServices, monkeypatch: pytest.MonkeyPatch) -> Throughputs:
    monkeypatch.setattr("tanren.cli.waiting.LOOK_SECONDS", 0)
    return Throughputs(services)


def test_create_prints_the_arn_alone_on_standard_output(throughputs: Throughputs, at_tanren, tanren):
    result = tanren("provision", "create", MODEL, "mine", "--units", "3")
    (arn,) = throughputs.found
    assert (result.exit_code, result.stdout) == (0, arn + "\n")
    assert throughputs.found[arn]["modelUnits"] == 3
    assert throughputs.tags[arn] == []
    assert throughputs.found[arn]["looks"] == 0


@pytest.mark.parametrize("ttl", ["50m", "PT2H", "7200"])
def test_a_time_to_live_is_the_tag_and_its_end_is_said(throughputs: Throughputs, at_tanren, tanren, ttl: str):
    result = tanren("provision", "create", MODEL, "mine", "--ttl", ttl)
    assert list(throughputs.tags.values()) == [[{"key": "tanren:ttl", "value": ttl}]]
    assert "It deletes itself at 20" in result.stderr


def test_a_time_that_the_tag_would_not_take_is_refused_before_anything_is_asked(throughputs, at_tanren, tanren):
    result = tanren("provision", "create", MODEL, "mine", "--ttl", "soon")
    assert isinstance(result.exception, ValidationFailed)
    assert "'soon'" in str(result.exception)
    assert at_tanren.calls == []


def test_where_nobody_heeds_the_tag_it_is_said_that_the_throughput_stays(throughputs, elsewhere, tanren):
    result = tanren("provision", "create", MODEL, "mine", "--ttl", "1h")
    assert "keeps tanren:ttl as a tag, nothing more" in result.stderr
    assert "tanren provision delete mine" in result.stderr
    assert "deletes itself" not in result.stderr
    assert len(throughputs.found) == 1


def test_on_aws_nothing_is_bought_unasked_and_yes_says_it(throughputs, at_aws, tanren):
    refused = tanren("provision", "create", MODEL, "mine", "--ttl", "1h")
    assert isinstance(refused.exception, ValidationFailed)
    assert "costs money" in str(refused.exception)
    assert "--yes" in str(refused.exception)
    assert throughputs.found == {}
    result = tanren("provision", "create", MODEL, "mine", "--ttl", "1h", "--yes")
    assert "AWS is no tanren server" in result.stderr
    assert len(throughputs.found) == 1


def test_wait_returns_when_it_is_in_service(throughputs, at_tanren, tanren):
    throughputs.steps = ("Creating", "Creating", "InService")
    result = tanren("provision", "create", MODEL, "mine", "--wait")
    assert result.exit_code == 0
    assert "in service after" in result.stderr
    assert [each["looks"] for each in throughputs.found.values()] == [3]


def test_wait_ends_with_the_reason_where_it_comes_to_nothing(throughputs, at_tanren, tanren):
    throughputs.steps = ("Creating", "Failed")
    result = tanren("provision", "create", MODEL, "mine", "--wait")
    assert isinstance(result.exception, JobFailed)
    assert "the adapter is torn" in str(result.exception)


def test_leaving_the_wait_leaves_the_throughput(throughputs, at_tanren, tanren, monkeypatch: pytest.MonkeyPatch):
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tanren.cli.waiting.time.sleep", interrupt)
    result = tanren("provision", "create", MODEL, "mine", "--wait")
    assert result.exit_code == 130
    assert result.stdout.startswith("arn:")
    assert "tanren provision get mine" in result.stderr
    assert len(throughputs.found) == 1


def test_list_shows_the_newest_first_with_what_was_measured_and_when_it_ends(throughputs, at_tanren, tanren):
    assert tanren("provision", "list").stdout == "No provisioned throughput.\n"
    assert tanren("provision", "list", "-o", "json").stdout == "[]\n"
    tanren("provision", "create", MODEL, "old")
    tanren("provision", "create", MODEL, "new", "--ttl", "1h")
    throughputs.measured[list(throughputs.found)[1]] = 9000
    found = json.loads(tanren("provision", "list", "--output", "json").stdout)
    assert [each["provisionedModelName"] for each in found] == ["new", "old"]
    assert (found[0]["timeToLive"], found[0]["tokensPerMinute"]) == ("1h", 9000)
    assert (found[1]["timeToLive"], found[1]["tokensPerMinute"]) == (None, None)
    lines = [json.loads(line) for line in tanren("provision", "list", "--output", "jsonl").stdout.splitlines()]
    assert lines == found
    table = tanren("throughput", "list").stdout
    assert table.index("new") < table.index("old")
    assert "9000" in table


def test_only_tanren_is_asked_what_it_has_measured(throughputs: Throughputs, at_aws, tanren):
    tanren("provision", "create", MODEL, "mine", "--yes")
    (found,) = json.loads(tanren("provision", "list", "--output", "json").stdout)
    assert found["tokensPerMinute"] is None
    assert "tokensPerMinute" not in tanren("provision", "get", found["provisionedModelArn"]).stdout
    assert at_aws.made("GetProvisionedCapacity") == []


def test_delete_takes_it_away_and_an_unknown_one_is_an_error(throughputs, at_tanren, tanren):
    tanren("provision", "create", MODEL, "mine")
    assert "mine is deleted" in tanren("provision", "delete", "mine").stderr
    assert throughputs.found == {}
    result = tanren("provision", "delete", "mine")
    assert isinstance(result.exception, ResourceNotFound)
    assert "no 'mine'" in str(result.exception)
