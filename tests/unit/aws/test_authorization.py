import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from tanren.aws.authorization import IamMode, tag_keys
from tanren.aws.chain import build_application
from tanren.aws.context import Members, Principal, RequestContext
from tanren.domain.errors import AccessDenied, ValidationFailed
from tanren.domain.policies.documents import PolicyKind
from tanren.domain.scope import Scope
from tests.protocol.loopback import OneKey, client
from tests.unit.aws.permitting import (
    ACCOUNT,
    BEDROCK_TRUST,
    MIKA,
    ROLE,
    Identities,
    Resources,
    SharedResources,
    allow,
    authorizer,
    deny,
    policy,
)

MODEL = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:custom-model/amazon.titan-text-lite-v1/abcdefghijkl"
SECOND = MODEL.replace("abcdefghijkl", "zzzzzzzzzzzz")
BASE = "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-text-lite-v1"
JOB: Members = {
    "jobName": "job",
    "customModelName": "model",
    "roleArn": ROLE,
    "baseModelIdentifier": "amazon.titan-text-lite-v1",
    "trainingDataConfig": {"s3Uri": "s3://bucket/train.jsonl"},
    "outputDataConfig": {"s3Uri": "s3://bucket/out"},
}
PASS = allow("iam:PassRole", ROLE)


def context(operation: str, service: str = "bedrock", *, arn: str = MIKA, **more: Any) -> RequestContext:
    principal = Principal(arn=arn, account_id=arn.split(":")[4], access_key_id="AKID", **more)
    return RequestContext(
        request_id="r",
        service=service,
        operation=operation,
        scope=Scope(account_id=principal.account_id, region="us-east-1"),
        principal=principal,
        source_ip="203.0.113.7",
        user_agent="tests",
        received_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
        headers={},
        is_secure=False,
    )


def ask(
    identities: Identities, operation: str, params: Members, resources: Resources | None = None, **more: Any
) -> None:
    asked = context(operation, **more)
    asyncio.run(authorizer(identities, resources).authorize(asked, params))


def denial(
    identities: Identities, operation: str, params: Members, resources: Resources | None = None, **more: Any
) -> str:
    with pytest.raises(AccessDenied) as raised:
        ask(identities, operation, params, resources, **more)
    return str(raised.value)


def test_who_has_no_policy_may_do_nothing_and_reads_awss_words():
    assert denial(Identities(), "GetCustomModel", {"modelIdentifier": MODEL}) == (
        f"User: {MIKA} is not authorized to perform: bedrock:GetCustomModel on resource: {MODEL} because no "
        "identity-based policy allows the bedrock:GetCustomModel action"
    )


def test_root_is_let_through_without_a_look():
    class Nobody(Identities):
        def policies_of(self, principal_arn: str, access_key_id: str) -> Any:
            raise AssertionError

    ask(Nobody(), "GetCustomModel", {"modelIdentifier": MODEL}, arn=f"arn:aws:iam::{ACCOUNT}:root")


def test_off_asks_nobody_and_audit_lets_through_what_it_logs(caplog: pytest.LogCaptureFixture):
    asked = context("GetCustomModel")
    asyncio.run(authorizer(Identities(), mode=IamMode.OFF).authorize(asked, {"modelIdentifier": MODEL}))
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        asyncio.run(authorizer(Identities(), mode=IamMode.AUDIT).authorize(asked, {"modelIdentifier": MODEL}))
    assert "iam=audit: would be refused: bedrock:GetCustomModel on" in caplog.text


def test_a_name_is_judged_as_the_resource_that_has_it():
    named = Resources({"custom-model/mine": MODEL, "custom-model/other": SECOND})
    identities = Identities(allow("bedrock:*", MODEL))
    ask(identities, "GetCustomModel", {"modelIdentifier": "mine"}, named)
    assert denial(identities, "GetCustomModel", {"modelIdentifier": "other"}, named)


def test_a_denial_reads_alike_whether_or_not_the_resource_exists():
    """By ARN, word for word; a name that nothing has is judged as an ARN of that name."""
    there = denial(Identities(), "GetCustomModel", {"modelIdentifier": MODEL}, Resources({"custom-model/a": MODEL}))
    assert there == denial(Identities(), "GetCustomModel", {"modelIdentifier": MODEL}, Resources())


def test_a_denial_by_name_does_not_tell_the_arn_behind_it():
    named = Resources({"custom-model/mine": MODEL})
    there = denial(Identities(), "GetCustomModel", {"modelIdentifier": "mine"}, named)
    assert there == denial(Identities(), "GetCustomModel", {"modelIdentifier": "mine"}, Resources())
    assert "abcdefghijkl" not in there


def test_every_resource_of_a_request_is_a_decision_of_its_own():
    deployment = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:custom-model-deployment/abcdefghijkl"
    params = {"customModelDeploymentIdentifier": deployment, "modelArn": SECOND}
    identities = Identities(allow("bedrock:*", [deployment, MODEL]))
    assert SECOND in denial(identities, "UpdateCustomModelDeployment", params)


def test_a_job_takes_permission_for_its_base_model_and_to_pass_its_role():
    params = {**JOB}
    assert "bedrock:CreateModelCustomizationJob on resource: " + BASE in denial(
        Identities(PASS), "CreateModelCustomizationJob", params
    )
    assert f"iam:PassRole on resource: {ROLE}" in denial(
        Identities(allow("bedrock:*")), "CreateModelCustomizationJob", params
    )


def test_a_role_may_be_passed_to_one_service_only():
    elsewhere = {"Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}
    here = {"Condition": {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}}}
    refused = Identities(allow("bedrock:*"), allow("iam:PassRole", ROLE, **elsewhere))
    refused.add_role(BEDROCK_TRUST)
    assert "iam:PassRole" in denial(refused, "CreateModelCustomizationJob", JOB)
    allowed = Identities(allow("bedrock:*"), allow("iam:PassRole", ROLE, **here))
    allowed.add_role(BEDROCK_TRUST)
    ask(allowed, "CreateModelCustomizationJob", JOB)


def test_a_user_passes_only_a_role_that_exists_and_trusts_the_service():
    identities = Identities(allow("bedrock:*"), PASS)
    with pytest.raises(ValidationFailed, match="Please ensure that the role exists"):
        ask(identities, "CreateModelCustomizationJob", JOB)
    identities.add_role({"Effect": "Allow", "Principal": {"AWS": MIKA}, "Action": "sts:AssumeRole"})
    with pytest.raises(ValidationFailed, match="no role trust policy allows the sts:AssumeRole action"):
        ask(identities, "CreateModelCustomizationJob", JOB)
    identities.add_role(BEDROCK_TRUST)
    ask(identities, "CreateModelCustomizationJob", JOB)


def test_root_may_pass_a_role_that_nobody_knows_but_not_one_that_refuses_the_service():
    root = f"arn:aws:iam::{ACCOUNT}:root"
    identities = Identities()
    ask(identities, "CreateModelCustomizationJob", JOB, arn=root)
    identities.add_role({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"})
    with pytest.raises(ValidationFailed, match="Could not assume provided IAM role"):
        ask(identities, "CreateModelCustomizationJob", JOB, arn=root)


def test_a_trust_policy_may_name_account_and_kind_of_job():
    identities = Identities(allow("bedrock:*"), PASS)
    source = {"aws:SourceArn": f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-customization-job/*"}
    conditions = {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnEquals": source}
    identities.add_role({**BEDROCK_TRUST, "Condition": conditions})
    ask(identities, "CreateModelCustomizationJob", JOB)
    batch = {
        "jobName": "b",
        "roleArn": ROLE,
        "modelId": "amazon.titan-text-lite-v1",
        "inputDataConfig": {},
        "outputDataConfig": {},
    }
    with pytest.raises(ValidationFailed, match="Could not assume"):
        ask(identities, "CreateModelInvocationJob", batch)


def test_tags_given_at_creation_take_permission_to_tag():
    params = {**JOB, "jobTags": [{"key": "team", "value": "red"}]}
    only_create = Identities(allow("bedrock:CreateModelCustomizationJob"), PASS)
    only_create.add_role(BEDROCK_TRUST)
    ask(only_create, "CreateModelCustomizationJob", JOB)
    assert (
        "bedrock:TagResource on resource: arn:aws:bedrock:us-east-1:123456789012:model-customization-job/*"
        in denial(only_create, "CreateModelCustomizationJob", params)
    )


@pytest.mark.parametrize(("team", "is_allowed"), [("red", True), ("blue", False), (None, False)])
def test_the_tags_of_a_request_can_be_asked_for(team: str | None, is_allowed: bool):
    identities = Identities(
        allow("bedrock:*", Condition={"StringEqualsIfExists": {"aws:RequestTag/Team": "red"}}),
        deny("bedrock:CreateModelCustomizationJob", Condition={"Null": {"aws:RequestTag/team": "true"}}),
        PASS,
    )
    identities.add_role(BEDROCK_TRUST)
    params = {**JOB} if team is None else {**JOB, "jobTags": [{"key": "team", "value": team}]}
    if is_allowed:
        ask(identities, "CreateModelCustomizationJob", params)
    else:
        assert denial(identities, "CreateModelCustomizationJob", params)


@pytest.mark.parametrize(
    ("operation", "tagging", "params"),
    [
        ("CreateUser", "iam:TagUser", {"UserName": "anna"}),
        ("CreateRole", "iam:TagRole", {"RoleName": "anna"}),
        ("CreatePolicy", "iam:TagPolicy", {"PolicyName": "anna"}),
    ],
)
def test_an_identity_made_with_tags_takes_permission_to_tag_it(operation: str, tagging: str, params: Members):
    tags: Members = {"Tags": [{"Key": "team", "Value": "forge"}]}
    alone = Identities(allow(f"iam:{operation}"))
    ask(alone, operation, params, service="iam")
    assert f"to perform: {tagging} on resource: arn:aws:iam::{ACCOUNT}:" in denial(
        alone, operation, params | tags, service="iam"
    )
    red = allow(tagging, Condition={"StringEquals": {"aws:RequestTag/team": "forge"}})
    ask(Identities(allow(f"iam:{operation}"), red), operation, params | tags, service="iam")


def test_tag_keys_to_be_removed_have_no_values():
    identities = Identities(allow("bedrock:*", Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}))
    ask(identities, "UntagResource", {"resourceARN": MODEL, "tagKeys": ["a"]})
    assert denial(identities, "UntagResource", {"resourceARN": MODEL, "tagKeys": ["a", "owner"]})


def test_the_tags_of_a_resource_are_looked_up_only_where_a_policy_asks_for_them():
    tagged = Resources(tags={MODEL: {"team": "red"}, SECOND: {"team": "blue"}})
    ask(Identities(allow("bedrock:*")), "GetCustomModel", {"modelIdentifier": MODEL}, tagged)
    assert tagged.looked_up == []
    own_team = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
    identities = Identities(allow("bedrock:*", Condition=own_team), tags={"team": "red"})
    ask(identities, "GetCustomModel", {"modelIdentifier": MODEL}, tagged)
    assert denial(identities, "GetCustomModel", {"modelIdentifier": SECOND}, tagged)


@pytest.mark.parametrize(
    ("operator", "key", "value"),
    [
        ("StringEquals", "aws:username", "mika"),
        ("StringEquals", "aws:userid", "AIDAEXAMPLE"),
        ("StringEquals", "aws:PrincipalType", "User"),
        ("StringEquals", "aws:PrincipalAccount", ACCOUNT),
        ("StringEquals", "aws:ResourceAccount", ACCOUNT),
        ("StringEquals", "aws:RequestedRegion", "us-east-1"),
        ("ArnEquals", "aws:PrincipalArn", MIKA),
        ("IpAddress", "aws:SourceIp", "203.0.113.0/24"),
        ("Bool", "aws:SecureTransport", "false"),
        ("DateLessThan", "aws:CurrentTime", "2027-01-01"),
        ("NumericEquals", "aws:EpochTime", "1795262400"),
        ("Null", "aws:TokenIssueTime", "true"),
        ("StringLike", "aws:UserAgent", "te*"),
    ],
)
def test_what_a_request_says_of_itself_can_be_asked_for(operator: str, key: str, value: str):
    identities = Identities(allow("bedrock:*", Condition={operator: {key: value}}))
    ask(identities, "GetCustomModel", {"modelIdentifier": MODEL})


def test_a_bearer_key_takes_permission_to_be_used():
    identities = Identities(allow("bedrock:InvokeModel"))
    params = {"modelId": "amazon.titan-text-lite-v1", "body": b"{}"}
    ask(identities, "InvokeModel", params, service="bedrock-runtime")
    assert "bedrock:CallWithBearerToken because no identity-based policy" in denial(
        identities, "InvokeModel", params, service="bedrock-runtime", bearer_token_type="LONG_TERM"
    )
    short = {"Condition": {"StringEquals": {"bedrock:BearerTokenType": "SHORT_TERM"}}}
    identities = Identities(allow("bedrock:InvokeModel"), allow("bedrock:CallWithBearerToken", **short))
    ask(identities, "InvokeModel", params, service="bedrock-runtime", bearer_token_type="SHORT_TERM")


def test_a_resource_of_another_account_takes_its_owners_policy_too():
    theirs = MODEL.replace(ACCOUNT, "999999999999")
    params = {"sourceModelArn": theirs, "targetModelName": "copy"}
    asked = context("CreateModelCopyJob")
    identities = Identities(allow("bedrock:*"))
    with pytest.raises(AccessDenied, match="because no resource-based policy allows the bedrock:CreateModelCopyJob"):
        asyncio.run(authorizer(identities).authorize(asked, params))
    shares = policy(PolicyKind.RESOURCE, allow("bedrock:CreateModelCopyJob", theirs, Principal={"AWS": ACCOUNT}))
    shared = SharedResources({theirs: shares})
    asyncio.run(authorizer(identities, shared=shared).authorize(asked, params))
    with pytest.raises(AccessDenied, match="because no identity-based policy"):
        asyncio.run(authorizer(Identities(), shared=shared).authorize(asked, params))


def test_two_tags_that_differ_in_case_are_one_key_with_both_values():
    assert tag_keys("aws:requesttag/", {"Team": "red", "team": "blue"}) == {"aws:requesttag/team": ("red", "blue")}


def test_the_chain_asks_before_the_handler_sees_the_request_and_answers_403():
    seen: list[str] = []

    def list_custom_models(request: RequestContext, params: Members) -> Members:
        seen.append(request.operation)
        return {"modelSummaries": []}

    def app(identities: Identities) -> Any:
        return build_application(
            handlers={"bedrock": {"ListCustomModels": list_custom_models}},
            access_keys=OneKey(),
            neighbourhood=None,
            authorizer=authorizer(identities),
        )

    bedrock = client(app(Identities()), "bedrock")
    with pytest.raises(bedrock.exceptions.AccessDeniedException) as raised:
        bedrock.list_custom_models()
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert raised.value.response["Error"]["Message"] == (
        f"User: {MIKA} is not authorized to perform: bedrock:ListCustomModels because no identity-based policy allows "
        "the bedrock:ListCustomModels action"
    )
    assert seen == []
    client(app(Identities(allow("bedrock:List*"))), "bedrock").list_custom_models()
    assert seen == ["ListCustomModels"]


def test_a_request_that_is_not_valid_is_told_so_before_it_is_judged():
    with_nobody = build_application(
        handlers={"bedrock": {"GetCustomModel": lambda request, params: {}}},
        access_keys=OneKey(),
        neighbourhood=None,
        authorizer=authorizer(Identities()),
    )
    bedrock = client(with_nobody, "bedrock")
    with pytest.raises(bedrock.exceptions.ValidationException):
        bedrock.get_custom_model(modelIdentifier="not a name!")


def test_a_model_from_a_folder_is_refused_where_one_file_in_it_is_denied():
    params = {"modelName": "m", "modelSourceConfig": {"s3DataSource": {"s3Uri": "s3://bucket/models/mine"}}}
    readable = allow("s3:GetObject", "arn:aws:s3:::bucket/*")
    ask(Identities(allow("bedrock:*", "*"), readable), "CreateCustomModel", params)
    but_one = deny("s3:GetObject", "arn:aws:s3:::bucket/models/mine/adapter_model.safetensors")
    told = denial(Identities(allow("bedrock:*", "*"), readable, but_one), "CreateCustomModel", params)
    assert "s3:GetObject on resource: arn:aws:s3:::bucket/models/mine/* with an explicit deny" in told


def test_logging_takes_permission_to_write_to_each_bucket():
    config = {
        "s3Config": {"bucketName": "logs", "keyPrefix": "bedrock"},
        "cloudWatchConfig": {
            "logGroupName": "g",
            "roleArn": ROLE,
            "largeDataDeliveryS3Config": {"bucketName": "large"},
        },
    }
    params = {"loggingConfig": config}

    def identities(*writable: str) -> Identities:
        found = Identities(allow("bedrock:*"), PASS, allow("s3:PutObject", [*writable, "arn:aws:s3:::none"]))
        found.add_role(BEDROCK_TRUST)
        return found

    folder = f"arn:aws:s3:::logs/bedrock/AWSLogs/{ACCOUNT}/BedrockModelInvocationLogs/*"
    told = denial(identities(), "PutModelInvocationLoggingConfiguration", params)
    assert f"s3:PutObject on resource: {folder}" in told
    told = denial(identities("arn:aws:s3:::logs/*"), "PutModelInvocationLoggingConfiguration", params)
    assert "s3:PutObject on resource: arn:aws:s3:::large/" in told
    both = identities("arn:aws:s3:::logs/bedrock/*", "arn:aws:s3:::large/*")
    ask(both, "PutModelInvocationLoggingConfiguration", params)
