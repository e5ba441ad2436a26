"""Users, roles and policies made through IAM decide what their keys may do: boto3 all the way, over a real database."""

import json
from pathlib import Path
from typing import Any

import pytest

from tanren.aws.access_keys import StoredAccessKeys
from tanren.aws.authorization import Authorizer, IamMode
from tanren.aws.authorization_resources import StoredResources
from tanren.aws.bearer_tokens import BedrockApiKeys
from tanren.aws.chain import build_application
from tanren.control.service_roles import ServiceRoles
from tanren.control.sessions import refuse
from tanren.gateway import handlers, identity_handlers
from tanren.settings import read_settings
from tanren.storage.database import Database
from tanren.storage.identity_database import IdentityDatabase
from tanren.storage.principals import Principals
from tanren.storage.resource_policies import ResourcePolicies
from tests.protocol.identity_server import ROOT, IdentityServer, allowing, error_of, trusting

TITAN = "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-text-lite-v1"
ROLE = "arn:aws:iam::123456789012:role/trainer"
JOB: dict[str, Any] = {
    "jobName": "job",
    "customModelName": "model",
    "roleArn": ROLE,
    "baseModelIdentifier": "amazon.titan-text-lite-v1",
    "trainingDataConfig": {"s3Uri": "s3://bucket/train.jsonl"},
    "outputDataConfig": {"s3Uri": "s3://bucket/out/"},
}


class PermissionServer(IdentityServer):
    """As the gateway wires it, without a neighbourhood and without engines."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.identities = IdentityDatabase(database)
        self.principals = Principals(self.identities)
        self.keys = StoredAccessKeys(ROOT, self.principals)
        self.app = build_application(
            handlers={
                **handlers(read_settings({}, data_dir=folder), database),
                **identity_handlers(self.identities, self.principals, judge=refuse),
            },
            access_keys=self.keys,
            bearer_tokens=BedrockApiKeys(self.keys, self.keys, default_region="us-east-1"),
            neighbourhood=None,
            authorizer=Authorizer(
                policies=self.principals,
                service_roles=ServiceRoles(self.principals),
                facts=StoredResources(database, {}),
                resource_policies=ResourcePolicies(database),
                mode=IamMode.ENFORCE,
            ),
        )

    def user(self, name: str, *documents: str, path: str = "/") -> dict[str, str]:
        """Keys of a new user with these inline policies."""
        iam = self.client("iam")
        iam.create_user(UserName=name, Path=path)
        for number, document in enumerate(documents):
            iam.put_user_policy(UserName=name, PolicyName=f"p{number}", PolicyDocument=document)
        return iam.create_access_key(UserName=name)["AccessKey"]


@pytest.fixture
def server(database: Database, tmp_path: Path) -> PermissionServer:
    return PermissionServer(database, tmp_path)


def test_a_new_user_may_do_nothing_and_a_policy_changes_that_at_once(server: PermissionServer):
    bedrock = server.client("bedrock", server.user("anna"))
    assert error_of(bedrock.list_custom_models) == (
        "AccessDeniedException",
        "User: arn:aws:iam::123456789012:user/anna is not authorized to perform: bedrock:ListCustomModels because no "
        "identity-based policy allows the bedrock:ListCustomModels action",
        403,
    )
    iam = server.client("iam")
    iam.put_user_policy(UserName="anna", PolicyName="p", PolicyDocument=allowing("bedrock:List*"))
    assert bedrock.list_custom_models()["modelSummaries"] == []
    iam.delete_user_policy(UserName="anna", PolicyName="p")
    assert error_of(bedrock.list_custom_models)[0] == "AccessDeniedException"


def test_iam_itself_is_asked_for_and_answers_in_its_own_protocol(server: PermissionServer):
    own = allowing("iam:*AccessKey*", "arn:aws:iam::123456789012:user/team/${aws:username}")
    iam = server.client("iam", server.user("anna", own, path="/team/"))
    assert len(iam.list_access_keys()["AccessKeyMetadata"]) == 1
    assert len(iam.list_access_keys(UserName="anna")["AccessKeyMetadata"]) == 1
    code, message, status = error_of(iam.create_access_key, UserName="ben")
    assert (code, status) == ("AccessDenied", 403)
    assert "is not authorized to perform: iam:CreateAccessKey on resource: user ben because" in message


def test_a_malformed_policy_is_refused_where_it_is_put(server: PermissionServer):
    server.user("anna")
    put = server.client("iam").put_user_policy
    document = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "bedrock", "Resource": "*"}]}
    )
    code, message, _ = error_of(put, UserName="anna", PolicyName="p", PolicyDocument=document)
    assert code == "MalformedPolicyDocument"
    assert "Statement[0].Action is 'bedrock'" in message


def test_a_boundary_holds_a_user_back(server: PermissionServer):
    bedrock = server.client("bedrock", server.user("anna", allowing("*")))
    iam = server.client("iam")
    made = iam.create_policy(PolicyName="limit", PolicyDocument=allowing("bedrock:Get*"))
    iam.put_user_permissions_boundary(UserName="anna", PermissionsBoundary=made["Policy"]["Arn"])
    assert (
        "because no permissions boundary allows the bedrock:ListCustomModels action"
        in error_of(bedrock.list_custom_models)[1]
    )
    bedrock.get_foundation_model(modelIdentifier=TITAN)


def test_a_session_has_what_role_and_session_policy_both_allow(server: PermissionServer):
    iam = server.client("iam")
    iam.create_role(RoleName="trainer", AssumeRolePolicyDocument=trusting({"AWS": "123456789012"}))
    iam.put_role_policy(RoleName="trainer", PolicyName="p", PolicyDocument=allowing("bedrock:*"))
    anna = server.user("anna", allowing("sts:AssumeRole", ROLE))
    assume = server.client("sts", anna).assume_role
    whole = server.client("bedrock", assume(RoleArn=ROLE, RoleSessionName="nightly")["Credentials"])
    whole.list_custom_models()
    narrow = assume(RoleArn=ROLE, RoleSessionName="nightly", Policy=allowing("bedrock:Get*"))["Credentials"]
    message = error_of(server.client("bedrock", narrow).list_custom_models)[1]
    assert message.startswith(
        "User: arn:aws:sts::123456789012:assumed-role/trainer/nightly is not authorized to perform"
    )
    assert "because no session policy allows the bedrock:ListCustomModels action" in message


def test_a_user_passes_a_role_that_trusts_bedrock_and_no_other(server: PermissionServer):
    iam = server.client("iam")
    bedrock = server.client("bedrock", server.user("anna", allowing("bedrock:*"), allowing("iam:PassRole", ROLE)))
    assert "Please ensure that the role exists" in error_of(bedrock.create_model_customization_job, **JOB)[1]
    iam.create_role(RoleName="trainer", AssumeRolePolicyDocument=trusting({"AWS": "123456789012"}))
    code, message, status = error_of(bedrock.create_model_customization_job, **JOB)
    assert (code, status) == ("ValidationException", 400)
    assert "its trust policy allows bedrock.amazonaws.com to assume it" in message
    iam.update_assume_role_policy(RoleName="trainer", PolicyDocument=trusting({"Service": "bedrock.amazonaws.com"}))
    # All that is asked for is there; what is left is the service's own business.
    bedrock.create_model_customization_job(**JOB)
    other = {**JOB, "jobName": "two", "customModelName": "two", "roleArn": ROLE.replace("trainer", "other")}
    assert (
        "iam:PassRole on resource: arn:aws:iam::123456789012:role/other"
        in error_of(bedrock.create_model_customization_job, **other)[1]
    )


def test_tags_of_users_and_requests_can_be_compared(server: PermissionServer):
    own_team = {"StringEquals": {"aws:RequestTag/team": "${aws:PrincipalTag/team}"}}
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*", "Condition": own_team},
            {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"},
        ],
    }
    iam = server.client("iam")
    bedrock = server.client("bedrock", server.user("anna", json.dumps(document)))
    iam.tag_user(UserName="anna", Tags=[{"Key": "team", "Value": "red"}])
    iam.create_role(RoleName="trainer", AssumeRolePolicyDocument=trusting({"Service": "bedrock.amazonaws.com"}))
    blue = {**JOB, "jobTags": [{"key": "team", "value": "blue"}]}
    assert error_of(bedrock.create_model_customization_job, **blue)[0] == "AccessDeniedException"
    bedrock.create_model_customization_job(**JOB, jobTags=[{"key": "team", "value": "red"}])
