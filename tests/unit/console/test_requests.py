"""The scripts that a form shows send what the form sends."""

import json
import shlex
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tanren.console.requests import ApiRequest, boto3_script, cli_script

REQUEST = ApiRequest(
    service="bedrock",
    operation="CreateModelCustomizationJob",
    params={
        "jobName": "ft'; rm -rf $HOME #",
        "hyperParameters": {"epochCount": "10"},
        "trainingDataConfig": {"s3Uri": "s3://データ/train.jsonl"},
    },
)


def test_the_boto3_script_makes_the_same_call(monkeypatch: pytest.MonkeyPatch):
    called: list[tuple[str, dict[str, Any]]] = []

    def client(service: str) -> Any:
        return SimpleNamespace(create_model_customization_job=lambda **params: called.append((service, params)))

    monkeypatch.setitem(sys.modules, "boto3", SimpleNamespace(client=client))
    exec(boto3_script([REQUEST]), {})
    assert called == [("bedrock", dict(REQUEST.params))]


def test_the_command_is_one_of_the_aws_cli_and_its_values_are_quoted():
    words = shlex.split(cli_script([REQUEST]))
    assert words[:3] == ["aws", "bedrock", "create-model-customization-job"]
    assert words[words.index("--job-name") + 1] == "ft'; rm -rf $HOME #"
    assert words[words.index("--training-data-config") + 1] == '{"s3Uri": "s3://データ/train.jsonl"}'


def test_a_policy_stands_in_the_script_as_the_document_that_it_is():
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]}
    request = ApiRequest(service="iam", operation="CreateRole", params={"AssumeRolePolicyDocument": json.dumps(policy)})
    script = boto3_script([request])
    assert "json.dumps({'Version': '2012-10-17'" in script
    assert script.startswith("import json\n")
