import json
from datetime import UTC, datetime

import pytest

from tanren.domain.errors import JobFailed, ValidationFailed
from tests.unit.cli.fake_services import FakeServices

MODEL = "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.titan-text-express-v1/aaaaaaaaaaaa"
ARN = "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/bbbbbbbbbbbb"


@pytest.fixture
def deployments(services: FakeServices, monkeypatch: pytest.MonkeyPatch) -> FakeServices:
    monkeypatch.setattr("tanren.cli.waiting.time.sleep", lambda _: None)
    services.answers |= {
        "GetCustomModel": {"modelArn": MODEL},
        "CreateCustomModelDeployment": {"customModelDeploymentArn": ARN},
        "DeleteCustomModelDeployment": {},
        "ListCustomModelDeployments": {
            "modelDeploymentSummaries": [
                {
                    "customModelDeploymentName": "d",
                    "customModelDeploymentArn": ARN,
                    "modelArn": MODEL,
                    "status": "Active",
                    "createdAt": datetime(2026, 11, 21, tzinfo=UTC),
                }
            ]
        },
    }
    return services


def test_a_model_is_deployed_by_its_name_and_waited_for(deployments, at_tanren, tanren):
    states = iter([{"status": "Creating"}, {"status": "Active"}])
    deployments.answers["GetCustomModelDeployment"] = lambda _: next(states)
    result = tanren("deployment", "create", "first-model", "d", "--tag", "a=b", "--wait")
    assert (result.exit_code, result.stdout) == (0, ARN + "\n")
    tags = [{"key": "a", "value": "b"}]
    assert deployments.made("CreateCustomModelDeployment") == [
        {"modelDeploymentName": "d", "modelArn": MODEL, "tags": tags}
    ]


def test_one_that_fails_says_why(deployments, at_tanren, tanren):
    deployments.answers["GetCustomModelDeployment"] = {"status": "Failed", "failureMessage": "the digest differs"}
    result = tanren("deployment", "create", MODEL, "d", "--wait")
    assert isinstance(result.exception, JobFailed)
    assert "the digest differs" in str(result.exception)
    assert deployments.made("GetCustomModel") == []


def test_a_dry_run_asks_nobody_for_an_arn(deployments, at_tanren, tanren):
    assert isinstance(tanren("deployment", "create", "first-model", "d", "--dry-run").exception, ValidationFailed)
    assert deployments.calls == []


def test_list_and_delete(deployments, at_tanren, tanren):
    (row,) = json.loads(tanren("deployment", "list", "-o", "json").stdout)
    assert (row["customModelDeploymentName"], row["createdAt"]) == ("d", "2026-11-21T00:00:00Z")
    assert "d is deleted." in tanren("deployment", "delete", "d").stderr
    assert deployments.made("DeleteCustomModelDeployment") == [{"customModelDeploymentIdentifier": "d"}]
