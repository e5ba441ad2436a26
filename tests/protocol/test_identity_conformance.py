"""Requests drawn from IAM's and STS's models, right and wrong: never a 5xx, never an error that the model has not."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tanren.aws.errors import COMMON_STATUSES
from tanren.aws.service_models import Operation, Shape, load_service
from tanren.control.sessions import refuse
from tanren.gateway import identity_handlers
from tanren.storage.database import Database
from tests.protocol.identity_server import ACCOUNT, IdentityServer, allowing, trusting

COMMON = COMMON_STATUSES.keys() | {"InvalidParameterValue", "InvalidClientTokenId"}
WRONG = ("x" * 65, "bad name!", "アンナ", "", "/", "ä" * 3000, "☃\x00", "&<>", "{}", "[", "Expired", "v2")
RIGHT = {
    "Name": ("anna", "anna", "trainer", "trainer", "p"),
    "arn": (
        f"arn:aws:iam::{ACCOUNT}:role/trainer",
        f"arn:aws:iam::{ACCOUNT}:policy/p",
        f"arn:aws:iam::{ACCOUNT}:policy/p",
        "arn:aws:iam::aws:policy/AmazonS3FullAccess",
        "arn:aws:iam::210987654321:policy/p",
        "no arn at all, but long enough",
    ),
    "Document": (
        allowing("s3:*"),
        allowing(["bedrock:InvokeModel"], "arn:aws:bedrock:*:*:*"),
        trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
        '{"Version": "2012-10-17", "Statement": []}',
    ),
    "Path": ("/", "/a/b/"),
    "PathPrefix": ("/",),
    "Status": ("Active", "Inactive"),
    "VersionId": ("v1", "v2"),
    "ServiceName": ("bedrock.amazonaws.com",),
    "Key": ("team", "TEAM", "cost"),
    "TagKeys": ("team", "cost"),
    "Value": ("forge", ""),
    "Description": ("text",),
}
RIGHT |= dict.fromkeys(("PolicyArn", "RoleArn", "PermissionsBoundary"), RIGHT["arn"])
RIGHT |= dict.fromkeys(("PolicyDocument", "AssumeRolePolicyDocument", "Policy"), RIGHT["Document"])
RIGHT |= dict.fromkeys(("UserName", "RoleName", "PolicyName", "NewUserName", "RoleSessionName"), RIGHT["Name"])
texts = st.one_of(st.sampled_from(WRONG), st.text(max_size=8))


def likely(name: str) -> st.SearchStrategy[str]:
    """Mostly what a member of this name is for, so that requests reach further than the validation."""
    right = RIGHT.get(name)
    return texts if right is None else st.one_of(*[st.sampled_from(right)] * 9, texts)


def values_of(shape: Shape, name: str) -> st.SearchStrategy[Any]:
    if shape.kind == "structure":
        members = {key: values_of(member.shape, key) for key, member in shape.members.items()}
        return st.fixed_dictionaries(
            {key: members[key] for key in shape.required},
            optional={key: value for key, value in members.items() if key not in shape.required},
        )
    if shape.kind == "list":
        assert shape.element is not None
        return st.lists(values_of(shape.element, name), max_size=3)
    if shape.kind == "integer":
        return st.one_of(st.sampled_from([0, 1, 900, 3600, 43200]), st.integers(-(2**33), 2**33))
    return st.booleans() if shape.kind == "boolean" else likely(name)


def implemented(database: Database) -> list[Operation]:
    server = IdentityServer(database)
    wired = identity_handlers(server.identities, server.principals, judge=refuse)
    return [load_service(service).operation(name) for service, handlers in wired.items() for name in handlers]


def test_every_request_is_answered_by_a_result_or_a_modelled_error(database: Database) -> None:
    server = IdentityServer(database)
    clients = {name: server.client(name, parameter_validation=False) for name in ("iam", "sts")}
    iam = clients["iam"]
    for name in ("anna", "trainer"):
        iam.create_user(UserName=name)
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=RIGHT["Document"][2])
    iam.create_policy(PolicyName="p", PolicyDocument=RIGHT["Document"][0])
    operations = implemented(database)
    method_of = {
        service: {name: method for method, name in made.meta.method_to_api_mapping.items()}
        for service, made in clients.items()
    }
    reached: set[str] = set()

    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def check(data: st.DataObject) -> None:
        operation = data.draw(st.sampled_from(operations), label="operation")
        params = {} if operation.input is None else data.draw(values_of(operation.input, ""), label="params")
        call = getattr(clients[operation.service], method_of[operation.service][operation.name])
        try:
            call(**params)
            reached.add(operation.name)
        except ClientError as error:
            response = error.response
            code, status = response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]
            assert status < 500, response
            assert code in operation.errors or code in COMMON, f"{operation.name}: {response}"

    check()
    # Most of the drawing is not for nothing: a good part of the operations has answered with a result.
    assert len(reached) > len(operations) / 4, sorted(reached)


@pytest.mark.parametrize("service", ["iam", "sts"])
def test_the_operations_that_are_not_there_are_refused_as_such(database: Database, service: str) -> None:
    made = IdentityServer(database).client(service, parameter_validation=False)
    have = {operation.name for operation in implemented(database)}
    for method, name in made.meta.method_to_api_mapping.items():
        if name not in have:
            with pytest.raises(ClientError) as raised:
                getattr(made, method)()
            assert "not implemented by tanren" in raised.value.response["Error"]["Message"]
