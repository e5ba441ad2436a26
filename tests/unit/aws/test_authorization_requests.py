from typing import Any

import pytest

from tanren.aws.authorization_requests import Asking, Rule
from tanren.aws.authorization_rules import rule_of
from tanren.aws.context import Members
from tanren.domain.scope import Scope
from tests.unit.aws.permitting import ACCOUNT, MIKA, Resources

SCOPE = Scope(account_id=ACCOUNT, region="us-east-1")
OWN = f"arn:aws:bedrock:us-east-1:{ACCOUNT}"
FOUNDATION = "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-text-lite-v1"
MODEL = f"{OWN}:custom-model/amazon.titan-text-lite-v1/abcdefghijkl"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/jobs/trainer"


def asking(params: Members, resources: Resources | None = None) -> Asking:
    return Asking(scope=SCOPE, caller_arn=MIKA, params=params, facts=resources or Resources())


def rule(service: str, operation: str) -> Rule:
    found = rule_of(service, operation)
    assert found is not None
    return found


def resources_of(service: str, operation: str, params: Members, resources: Resources | None = None) -> list[str]:
    return [each.arn for each in rule(service, operation).resources_of(asking(params, resources))]


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("amazon.titan-text-lite-v1", [FOUNDATION]),
        ("amazon.nova-lite-v1:0:300k", ["arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k"]),
        (FOUNDATION, [FOUNDATION]),
        (FOUNDATION.replace("us-east-1", "eu-west-1"), [FOUNDATION]),
        (FOUNDATION.replace("arn:aws:", "arn:aws-cn:"), [FOUNDATION]),
        (MODEL, [MODEL]),
        (MODEL.replace("arn:aws:", "arn:aws-us-gov:"), [MODEL]),
        ("us.amazon.titan-text-lite-v1", [f"{OWN}:inference-profile/us.amazon.titan-text-lite-v1", FOUNDATION]),
        (
            f"{OWN}:inference-profile/us.amazon.titan-text-lite-v1",
            [f"{OWN}:inference-profile/us.amazon.titan-text-lite-v1", FOUNDATION],
        ),
        (f"{OWN}:provisioned-model/abcdefghijkl", [f"{OWN}:provisioned-model/abcdefghijkl"]),
        ("nobody", [f"{OWN}:custom-model/nobody"]),
        ("mine", [MODEL, f"{OWN}:provisioned-model/abcdefghijkl"]),
        (f"{OWN}:custom-model/mine", [MODEL]),
    ],
)
def test_every_spelling_of_a_model_is_the_one_that_answers(identifier: str, expected: list[str]):
    named = Resources({"custom-model/mine": MODEL, "provisioned-model/mine": f"{OWN}:provisioned-model/abcdefghijkl"})
    assert resources_of("bedrock-runtime", "InvokeModel", {"modelId": identifier}, named) == expected


def test_a_batch_job_is_about_its_model_and_about_a_job():
    found = resources_of("bedrock", "CreateModelInvocationJob", {"modelId": "amazon.titan-text-lite-v1"})
    assert found == [FOUNDATION, f"{OWN}:model-invocation-job/*"]


@pytest.mark.parametrize(
    ("operation", "params", "expected"),
    [
        ("GetUser", {"UserName": "anna"}, f"arn:aws:iam::{ACCOUNT}:user/anna"),
        ("GetUser", {}, MIKA),
        ("CreateAccessKey", {}, MIKA),
        ("CreateUser", {"UserName": "anna", "Path": "/team/"}, f"arn:aws:iam::{ACCOUNT}:user/team/anna"),
        ("CreateRole", {"RoleName": "x"}, f"arn:aws:iam::{ACCOUNT}:role/x"),
        ("PutRolePolicy", {"RoleName": "trainer"}, ROLE),
        ("CreatePolicy", {"PolicyName": "p"}, f"arn:aws:iam::{ACCOUNT}:policy/p"),
        ("GetPolicy", {"PolicyArn": "arn:aws:iam::aws:policy/P"}, "arn:aws:iam::aws:policy/P"),
    ],
)
def test_what_an_operation_of_iam_is_about(operation: str, params: Members, expected: str):
    assert resources_of("iam", operation, params, Resources({"role/trainer": ROLE})) == [expected]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, ["user/smiths/anna"]),
        ({"NewUserName": "berta"}, ["user/smiths/anna", "user/smiths/berta"]),
        ({"NewPath": "/admins/"}, ["user/smiths/anna", "user/admins/anna"]),
        ({"NewPath": "/", "NewUserName": "berta"}, ["user/smiths/anna", "user/berta"]),
    ],
)
def test_a_user_that_is_renamed_is_judged_by_what_it_was_and_by_what_it_becomes(params: Members, expected: list[str]):
    known = Resources({"user/anna": f"arn:aws:iam::{ACCOUNT}:user/smiths/anna"})
    found = resources_of("iam", "UpdateUser", {"UserName": "anna", **params}, known)
    assert [arn.partition(f"{ACCOUNT}:")[2] for arn in found] == expected


def test_the_credentials_of_all_users_take_leave_for_all():
    operation = "ListServiceSpecificCredentials"
    assert resources_of("iam", operation, {}) == [MIKA]
    assert resources_of("iam", operation, {"UserName": "anna"}) == [f"arn:aws:iam::{ACCOUNT}:user/anna"]
    for more in ({}, {"UserName": "mika"}):
        assert resources_of("iam", operation, {"AllUsers": True, **more}) == [f"arn:aws:iam::{ACCOUNT}:user/*"]


@pytest.mark.parametrize(
    ("operation", "params", "keys"),
    [
        ("AttachUserPolicy", {"UserName": "anna", "PolicyArn": "arn:p"}, {"iam:policyarn": "arn:p"}),
        ("CreateUser", {"UserName": "x", "PermissionsBoundary": "arn:b"}, {"iam:permissionsboundary": "arn:b"}),
        ("CreateUser", {"UserName": "x"}, {}),
        ("PutRolePolicy", {"RoleName": "trainer"}, {"iam:permissionsboundary": "arn:limit"}),
    ],
)
def test_the_condition_keys_of_iam(operation: str, params: Members, keys: dict[str, str]):
    resources = Resources({"role/trainer": ROLE})
    resources.boundaries[ROLE] = "arn:limit"
    found: dict[str, Any] = {}
    for read in rule("iam", operation).keys:
        found |= read(asking(params, resources))
    assert found == keys


@pytest.mark.parametrize(
    ("operation", "params", "keys"),
    [
        (
            "Converse",
            {"modelId": "m.x", "guardrailConfig": {"guardrailIdentifier": "g"}},
            {"bedrock:guardrailidentifier": "g"},
        ),
        ("InvokeModel", {"modelId": "m.x", "guardrailIdentifier": "g"}, {"bedrock:guardrailidentifier": "g"}),
        ("Converse", {"modelId": "m.x", "serviceTier": {"type": "flex"}}, {"bedrock:servicetier": "flex"}),
        ("InvokeModel", {"modelId": "m.x", "serviceTier": "priority"}, {"bedrock:servicetier": "priority"}),
        ("InvokeModel", {"modelId": "us.m.x"}, {"bedrock:inferenceprofilearn": f"{OWN}:inference-profile/us.m.x"}),
    ],
)
def test_the_condition_keys_of_an_invocation(operation: str, params: Members, keys: dict[str, str]):
    found: dict[str, Any] = {}
    for read in rule("bedrock-runtime", operation).keys:
        found |= read(asking(params))
    assert found == keys
