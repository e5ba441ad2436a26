"""IAM and STS by real boto3: what is made is read back, rules are AWS's, and a key is worth what its user is."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tanren.domain.identities import ACCESS_KEYS_PER_USER, POLICIES_PER_IDENTITY, VERSIONS_PER_POLICY
from tanren.storage.database import Database
from tests.protocol import loopback
from tests.protocol.identity_server import (
    ACCOUNT,
    ROOT,
    IdentityServer,
    allowing,
    code_of,
    error_of,
    trusting,
)

EVERYONE_HERE = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
S3_FULL = "arn:aws:iam::aws:policy/AmazonS3FullAccess"


@pytest.fixture
def server(database: Database) -> IdentityServer:
    return IdentityServer(database)


@pytest.fixture
def iam(server: IdentityServer) -> Any:
    return server.client("iam")


@pytest.fixture
def sts(server: IdentityServer) -> Any:
    return server.client("sts")


def role(iam: Any, name: str = "trainer", **more: Any) -> dict[str, Any]:
    return iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting(EVERYONE_HERE), **more)["Role"]


def user_key(iam: Any, name: str = "anna") -> dict[str, Any]:
    iam.create_user(UserName=name)
    return iam.create_access_key(UserName=name)["AccessKey"]


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_a_user_is_read_back_as_it_was_made(iam: Any) -> None:
    tags = [{"Key": "team", "Value": "forge"}]
    made = iam.create_user(UserName="anna", Path="/smiths/", Tags=tags, PermissionsBoundary=S3_FULL)["User"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/smiths/anna"
    assert made["UserId"].startswith("AIDA")
    assert made["Tags"] == tags
    assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == S3_FULL
    assert iam.get_user(UserName="anna")["User"] == made
    (listed,) = iam.list_users(PathPrefix="/smiths/")["Users"]
    assert listed == {name: value for name, value in made.items() if name != "Tags"}
    assert iam.list_users(PathPrefix="/other/")["Users"] == []


def test_a_role_is_read_back_as_it_was_made(iam: Any) -> None:
    made = role(iam, Path="/ml/", Description="ß & <b>", MaxSessionDuration=7200, Tags=[{"Key": "a", "Value": ""}])
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/ml/trainer"
    assert made["RoleId"].startswith("AROA")
    assert (made["Description"], made["MaxSessionDuration"]) == ("ß & <b>", 7200)
    assert made["AssumeRolePolicyDocument"] == json.loads(trusting(EVERYONE_HERE))
    assert iam.get_role(RoleName="trainer")["Role"] == made
    iam.update_role(RoleName="trainer", MaxSessionDuration=3600)
    changed = iam.update_role_description(RoleName="trainer", Description="other")["Role"]
    assert (changed["Description"], changed["MaxSessionDuration"]) == ("other", 3600)


def test_a_renamed_user_keeps_keys_policies_and_tags_under_its_new_arn(server: IdentityServer, iam: Any) -> None:
    key = user_key(iam)
    iam.put_user_policy(UserName="anna", PolicyName="p", PolicyDocument=allowing("s3:*"))
    iam.update_user(UserName="anna", NewUserName="berta", NewPath="/x/")
    assert server.arn_of(key) == f"arn:aws:iam::{ACCOUNT}:user/x/berta"
    assert iam.list_user_policies(UserName="berta")["PolicyNames"] == ["p"]
    assert code_of(iam.get_user, UserName="anna") == "NoSuchEntity"


def test_a_user_that_is_made_anew_under_an_old_name_inherits_nothing(server: IdentityServer, iam: Any) -> None:
    key = user_key(iam)
    iam.tag_user(UserName="anna", Tags=[{"Key": "a", "Value": "b"}])
    iam.delete_access_key(UserName="anna", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="anna")
    iam.create_user(UserName="anna")
    assert iam.list_user_tags(UserName="anna")["Tags"] == []
    assert code_of(server.client("sts", key).get_caller_identity) == "InvalidClientTokenId"


@pytest.mark.parametrize("noun", ["user", "role"])
def test_names_are_taken_whatever_the_case_of_their_letters(iam: Any, noun: str) -> None:
    make = {"user": lambda name: iam.create_user(UserName=name), "role": lambda name: role(iam, name)}[noun]
    make("Anna")
    with pytest.raises(ClientError, match=f"{noun.capitalize()} with name ANNA already exists") as raised:
        make("ANNA")
    response = raised.value.response
    assert response["Error"]["Code"] == "EntityAlreadyExists"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 409


def test_what_does_not_exist_is_said_to_be_missing_by_its_name(iam: Any) -> None:
    role(iam)
    for call, params, message in [
        (iam.get_role, {"RoleName": "x"}, "The role with name x cannot be found."),
        (iam.delete_user, {"UserName": "x"}, "The user with name x cannot be found."),
        (iam.list_attached_role_policies, {"RoleName": "x"}, "The role with name x cannot be found."),
        (
            iam.get_role_policy,
            {"RoleName": "trainer", "PolicyName": "p"},
            "The role policy with name p cannot be found.",
        ),
    ]:
        assert error_of(call, **params) == ("NoSuchEntity", message, 404)
    code, message, _ = error_of(
        iam.attach_role_policy, RoleName="trainer", PolicyArn="arn:aws:iam::aws:policy/AmazonEC2FullAccess"
    )
    assert (code, message.split(".")[0]) == (
        "NoSuchEntity",
        "Policy arn:aws:iam::aws:policy/AmazonEC2FullAccess does not exist or is not attachable",
    )


@pytest.mark.parametrize("noun", ["user", "role"])
def test_inline_policies_of_users_and_roles(iam: Any, noun: str) -> None:
    owner = {f"{noun.capitalize()}Name": "both"}
    iam.create_user(UserName="both")
    role(iam, "both")
    document = allowing(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::b/*")
    for policy_name in ("z", "a"):
        getattr(iam, f"put_{noun}_policy")(**owner, PolicyName=policy_name, PolicyDocument=document)
    assert getattr(iam, f"list_{noun}_policies")(**owner)["PolicyNames"] == ["a", "z"]
    got = plain(getattr(iam, f"get_{noun}_policy")(**owner, PolicyName="a"))
    assert got == {**owner, "PolicyName": "a", "PolicyDocument": json.loads(document)}
    getattr(iam, f"put_{noun}_policy")(**owner, PolicyName="a", PolicyDocument=allowing("s3:*"))
    got = getattr(iam, f"get_{noun}_policy")(**owner, PolicyName="a")
    assert got["PolicyDocument"] == json.loads(allowing("s3:*"))
    getattr(iam, f"delete_{noun}_policy")(**owner, PolicyName="a")
    assert code_of(getattr(iam, f"delete_{noun}_policy"), **owner, PolicyName="a") == "NoSuchEntity"


@pytest.mark.parametrize("noun", ["user", "role"])
def test_managed_policies_are_attached_and_detached(iam: Any, noun: str) -> None:
    owner = {f"{noun.capitalize()}Name": "both"}
    iam.create_user(UserName="both")
    role(iam, "both")
    own = iam.create_policy(PolicyName="own", PolicyDocument=allowing("bedrock:*"))["Policy"]["Arn"]
    for arn in (own, S3_FULL, S3_FULL):
        getattr(iam, f"attach_{noun}_policy")(**owner, PolicyArn=arn)
    attached = getattr(iam, f"list_attached_{noun}_policies")(**owner)["AttachedPolicies"]
    assert attached == [
        {"PolicyName": "own", "PolicyArn": own},
        {"PolicyName": "AmazonS3FullAccess", "PolicyArn": S3_FULL},
    ]
    entities = iam.list_entities_for_policy(PolicyArn=own)
    assert [user["UserName"] for user in entities["PolicyUsers"]] == (["both"] if noun == "user" else [])
    assert [found["RoleName"] for found in entities["PolicyRoles"]] == (["both"] if noun == "role" else [])
    assert iam.get_policy(PolicyArn=own)["Policy"]["AttachmentCount"] == 1
    assert [policy["Arn"] for policy in iam.list_policies(OnlyAttached=True)["Policies"]] == [own, S3_FULL]
    getattr(iam, f"detach_{noun}_policy")(**owner, PolicyArn=own)
    assert code_of(getattr(iam, f"detach_{noun}_policy"), **owner, PolicyArn=own) == "NoSuchEntity"


@pytest.mark.parametrize("noun", ["user", "role"])
def test_tags_are_added_replaced_and_taken_away_whatever_their_case(iam: Any, noun: str) -> None:
    owner = {f"{noun.capitalize()}Name": "both"}
    iam.create_user(UserName="both")
    role(iam, "both")
    tag, untag = getattr(iam, f"tag_{noun}"), getattr(iam, f"untag_{noun}")
    tag(**owner, Tags=[{"Key": "Team", "Value": "a"}, {"Key": "cost", "Value": ""}])
    tag(**owner, Tags=[{"Key": "team", "Value": "b"}])
    listed = getattr(iam, f"list_{noun}_tags")(**owner)["Tags"]
    assert listed == [{"Key": "cost", "Value": ""}, {"Key": "team", "Value": "b"}]
    untag(**owner, TagKeys=["TEAM", "nothing"])
    assert getattr(iam, f"list_{noun}_tags")(**owner)["Tags"] == [{"Key": "cost", "Value": ""}]
    assert code_of(tag, **owner, Tags=[{"Key": "aws:x", "Value": ""}]) == "ValidationError"
    many = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    assert code_of(tag, **owner, Tags=many) == "LimitExceeded"


@pytest.mark.parametrize("noun", ["user", "role"])
def test_a_permissions_boundary_is_set_and_taken_away(iam: Any, noun: str) -> None:
    owner = {f"{noun.capitalize()}Name": "both"}
    iam.create_user(UserName="both")
    role(iam, "both")
    own = iam.create_policy(PolicyName="limit", PolicyDocument=allowing("bedrock:*"))["Policy"]["Arn"]
    getattr(iam, f"put_{noun}_permissions_boundary")(**owner, PermissionsBoundary=own)
    found = getattr(iam, f"get_{noun}")(**owner)[noun.capitalize()]
    assert found["PermissionsBoundary"]["PermissionsBoundaryArn"] == own
    assert iam.get_policy(PolicyArn=own)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    assert code_of(iam.delete_policy, PolicyArn=own) == "DeleteConflict"
    getattr(iam, f"delete_{noun}_permissions_boundary")(**owner)
    assert "PermissionsBoundary" not in getattr(iam, f"get_{noun}")(**owner)[noun.capitalize()]
    assert code_of(getattr(iam, f"delete_{noun}_permissions_boundary"), **owner) == "NoSuchEntity"


def test_nothing_is_deleted_while_something_hangs_on_it(iam: Any) -> None:
    key = user_key(iam)
    role(iam)
    own = iam.create_policy(PolicyName="own", PolicyDocument=allowing("s3:*"))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="trainer", PolicyArn=own)
    iam.put_role_policy(RoleName="trainer", PolicyName="p", PolicyDocument=allowing("s3:*"))
    assert error_of(iam.delete_user, UserName="anna")[0::2] == ("DeleteConflict", 409)
    assert code_of(iam.delete_policy, PolicyArn=own) == "DeleteConflict"
    assert "must detach all policies first" in error_of(iam.delete_role, RoleName="trainer")[1]
    iam.detach_role_policy(RoleName="trainer", PolicyArn=own)
    assert "must delete policies first" in error_of(iam.delete_role, RoleName="trainer")[1]
    iam.delete_role_policy(RoleName="trainer", PolicyName="p")
    iam.delete_role(RoleName="trainer")
    iam.delete_policy(PolicyArn=own)
    iam.delete_access_key(UserName="anna", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="anna")
    assert (iam.list_users()["Users"], iam.list_roles()["Roles"]) == ([], [])
    assert iam.list_policies(Scope="Local")["Policies"] == []


def test_versions_of_a_policy_are_never_rewritten_and_one_is_in_force(iam: Any) -> None:
    arn = iam.create_policy(PolicyName="p", PolicyDocument=allowing("s3:GetObject"))["Policy"]["Arn"]
    second = iam.create_policy_version(PolicyArn=arn, PolicyDocument=allowing("s3:*"), SetAsDefault=True)
    assert second["PolicyVersion"]["VersionId"] == "v2"
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v2"
    first = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]
    assert (first["Document"], first["IsDefaultVersion"]) == (json.loads(allowing("s3:GetObject")), False)
    assert code_of(iam.delete_policy_version, PolicyArn=arn, VersionId="v2") == "DeleteConflict"
    assert code_of(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    for _ in range(VERSIONS_PER_POLICY - 1):
        third = iam.create_policy_version(PolicyArn=arn, PolicyDocument=allowing("s3:*"))["PolicyVersion"]
    assert third["VersionId"] == "v6"
    listed = [version["VersionId"] for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]]
    assert listed == ["v6", "v5", "v4", "v3", "v2"]
    assert code_of(iam.create_policy_version, PolicyArn=arn, PolicyDocument=allowing("s3:*")) == "LimitExceeded"
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v4")
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v4")["PolicyVersion"]["IsDefaultVersion"]


def test_policies_of_aws_are_read_and_never_changed(iam: Any) -> None:
    found = iam.get_policy(PolicyArn=S3_FULL)["Policy"]
    assert (found["PolicyName"], found["DefaultVersionId"]) == ("AmazonS3FullAccess", "v1")
    document = iam.get_policy_version(PolicyArn=S3_FULL, VersionId="v1")["PolicyVersion"]["Document"]
    assert "s3:*" in document["Statement"][0]["Action"]
    assert S3_FULL in [policy["Arn"] for policy in iam.list_policies(Scope="AWS")["Policies"]]
    assert code_of(iam.delete_policy, PolicyArn=S3_FULL) == "AccessDenied"
    assert code_of(iam.create_policy_version, PolicyArn=S3_FULL, PolicyDocument=allowing("*")) == "AccessDenied"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "invalid Json"),
        (json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Maybe"}]}), "Effect"),
        (trusting(EVERYONE_HERE), "Principal"),
    ],
)
def test_a_malformed_policy_is_refused_wherever_it_is_put(iam: Any, document: str, said: str) -> None:
    role(iam)
    for call, params in [
        (iam.create_policy, {"PolicyName": "p"}),
        (iam.put_role_policy, {"RoleName": "trainer", "PolicyName": "p"}),
    ]:
        code, message, status = error_of(call, PolicyDocument=document, **params)
        assert (code, status) == ("MalformedPolicyDocument", 400)
        assert said in message
    code = code_of(iam.update_assume_role_policy, RoleName="trainer", PolicyDocument=allowing("s3:*"))
    assert code == "MalformedPolicyDocument"


def test_quotas_are_aws_own(iam: Any) -> None:
    user_key(iam)
    for _ in range(ACCESS_KEYS_PER_USER - 1):
        iam.create_access_key(UserName="anna")
    assert error_of(iam.create_access_key, UserName="anna") == (
        "LimitExceeded",
        "Cannot exceed quota for AccessKeysPerUser: 2",
        409,
    )
    long = allowing([f"s3:Get{number:0100d}" for number in range(25)])
    put = iam.put_user_policy
    assert code_of(put, UserName="anna", PolicyName="p", PolicyDocument=long) == "LimitExceeded"
    arns = [
        iam.create_policy(PolicyName=f"p{number}", PolicyDocument=allowing("s3:*"))["Policy"]["Arn"]
        for number in range(POLICIES_PER_IDENTITY + 1)
    ]
    for arn in arns[:-1]:
        iam.attach_user_policy(UserName="anna", PolicyArn=arn)
    assert code_of(iam.attach_user_policy, UserName="anna", PolicyArn=arns[-1]) == "LimitExceeded"


def test_lists_are_paged_by_marker_with_nothing_lost_or_doubled(iam: Any) -> None:
    for number in range(7):
        iam.create_user(UserName=f"u{number}")
    pages = list(iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["Users"]) for page in pages] == [3, 3, 1]
    assert [user["UserName"] for page in pages for user in page["Users"]] == [f"u{number}" for number in range(7)]
    assert code_of(iam.list_users, Marker="no marker of ours") == "ValidationError"


def test_a_key_works_at_once_and_stops_at_once_when_it_is_made_inactive(server: IdentityServer, iam: Any) -> None:
    key = user_key(iam)
    assert server.arn_of(key) == f"arn:aws:iam::{ACCOUNT}:user/anna"
    listed = iam.list_access_keys(UserName="anna")["AccessKeyMetadata"]
    assert [(found["AccessKeyId"], found["Status"]) for found in listed] == [(key["AccessKeyId"], "Active")]
    assert "SecretAccessKey" not in listed[0]
    iam.update_access_key(UserName="anna", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert code_of(server.client("sts", key).get_caller_identity) == "InvalidClientTokenId"
    assert code_of(server.client("bedrock", key).list_foundation_models) == "UnrecognizedClientException"
    iam.update_access_key(UserName="anna", AccessKeyId=key["AccessKeyId"], Status="Active")
    assert server.arn_of(key) == f"arn:aws:iam::{ACCOUNT}:user/anna"
    iam.delete_access_key(UserName="anna", AccessKeyId=key["AccessKeyId"])
    assert code_of(server.client("sts", key).get_caller_identity) == "InvalidClientTokenId"


def test_a_wrong_secret_of_a_known_key_is_a_wrong_signature(server: IdentityServer, iam: Any) -> None:
    key = {**user_key(iam), "SecretAccessKey": "other"}
    assert error_of(server.client("iam", key).get_user)[0::2] == ("SignatureDoesNotMatch", 403)


def test_without_a_name_the_caller_is_meant(server: IdentityServer, iam: Any) -> None:
    key = user_key(iam)
    mine = server.client("iam", key)
    assert mine.get_user()["User"]["UserName"] == "anna"
    assert [found["AccessKeyId"] for found in mine.list_access_keys()["AccessKeyMetadata"]] == [key["AccessKeyId"]]
    assert iam.get_user()["User"]["Arn"] == ROOT.principal_arn
    assert code_of(iam.create_access_key) == "ValidationError"


def test_another_account_sees_nothing_of_this_one(server: IdentityServer, iam: Any, database: Database) -> None:
    from tanren.control.access_keys import AccessKeyControl
    from tanren.domain.clock import utc_now
    from tanren.domain.identities import new_unique_id

    user_key(iam)
    own = iam.create_policy(PolicyName="own", PolicyDocument=allowing("s3:*"))["Policy"]["Arn"]
    control = AccessKeyControl(server.identities, clock=utc_now, new_id=new_unique_id)
    other_root = control.open_account("210987654321")
    assert control.open_account("210987654321") == other_root
    key = {"AccessKeyId": other_root.access_key_id, "SecretAccessKey": other_root.secret_access_key}
    assert server.arn_of(key) == "arn:aws:iam::210987654321:root"
    theirs = server.client("iam", key)
    assert theirs.list_users()["Users"] == []
    missing = own.replace("/own", "/nothing")
    for call in (theirs.get_policy, theirs.delete_policy):
        texts = {error_of(call, PolicyArn=arn)[1].replace(arn, "ARN") for arn in (own, missing)}
        assert len(texts) == 1


def test_who_am_i_names_the_account_the_arn_and_the_id(server: IdentityServer, iam: Any, sts: Any) -> None:
    assert plain(sts.get_caller_identity()) == {"UserId": ACCOUNT, "Account": ACCOUNT, "Arn": ROOT.principal_arn}
    key = user_key(iam)
    user = iam.get_user(UserName="anna")["User"]
    assert plain(server.client("sts", key).get_caller_identity()) == {
        "UserId": user["UserId"],
        "Account": ACCOUNT,
        "Arn": user["Arn"],
    }


def test_a_presigned_url_of_who_am_i_is_answered_to_whoever_holds_it(server: IdentityServer, sts: Any) -> None:
    url = sts.generate_presigned_url("get_caller_identity", HttpMethod="GET", ExpiresIn=60)
    status, _, body = loopback.request(server.app, "GET", url, [("host", "127.0.0.1:4566")])
    assert (status, ROOT.principal_arn in body.decode()) == (200, True)
    assert loopback.request(server.app, "GET", url + "&a=b", [("host", "127.0.0.1:4566")])[0] == 403


def test_an_assumed_role_is_a_principal_of_its_own(server: IdentityServer, iam: Any, sts: Any) -> None:
    made = role(iam, Path="/ml/")
    answer = sts.assume_role(RoleArn=made["Arn"], RoleSessionName="night", DurationSeconds=900)
    assert answer["AssumedRoleUser"] == {
        "AssumedRoleId": f"{made['RoleId']}:night",
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/trainer/night",
    }
    credentials = answer["Credentials"]
    assert credentials["AccessKeyId"].startswith("ASIA")
    assert plain(server.client("sts", credentials).get_caller_identity()) == {
        "UserId": f"{made['RoleId']}:night",
        "Account": ACCOUNT,
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/trainer/night",
    }
    server.client("bedrock", credentials, region="eu-west-1").list_foundation_models()
    assert server.callers[-1].scope.region == "eu-west-1"
    assert server.callers[-1].principal.arn.endswith(":assumed-role/trainer/night")


def test_temporary_keys_without_their_token_or_with_another_are_refused(
    server: IdentityServer, iam: Any, sts: Any
) -> None:
    made = role(iam)
    one, two = (sts.assume_role(RoleArn=made["Arn"], RoleSessionName=name)["Credentials"] for name in ("one", "two"))
    for token in (None, two["SessionToken"]):
        key = {**one, "SessionToken": token}
        assert code_of(server.client("sts", key).get_caller_identity) == "ExpiredToken"
    stray = {**user_key(iam), "SessionToken": one["SessionToken"]}
    assert code_of(server.client("sts", stray).get_caller_identity) == "InvalidClientTokenId"


def test_the_sessions_of_a_role_end_with_it(server: IdentityServer, iam: Any, sts: Any) -> None:
    made = role(iam)
    credentials = sts.assume_role(RoleArn=made["Arn"], RoleSessionName="one")["Credentials"]
    iam.delete_role(RoleName="trainer")
    assert code_of(server.client("sts", credentials).get_caller_identity) == "InvalidClientTokenId"


def test_a_user_needs_both_the_trust_of_the_role_and_leave_of_its_own(server: IdentityServer, iam: Any) -> None:
    key = user_key(iam)
    made = role(iam)
    sts = server.client("sts", key)
    denied = error_of(sts.assume_role, RoleArn=made["Arn"], RoleSessionName="one")
    assert denied == (
        "AccessDenied",
        f"User: arn:aws:iam::{ACCOUNT}:user/anna is not authorized to perform: sts:AssumeRole on resource: "
        f"{made['Arn']}",
        403,
    )
    gone = error_of(sts.assume_role, RoleArn=made["Arn"] + "x", RoleSessionName="one")
    assert gone[1].replace(made["Arn"] + "x", made["Arn"]) == denied[1]
    iam.put_user_policy(UserName="anna", PolicyName="p", PolicyDocument=allowing("sts:AssumeRole", made["Arn"]))
    sts.assume_role(RoleArn=made["Arn"], RoleSessionName="one")
    iam.update_assume_role_policy(RoleName="trainer", PolicyDocument=trusting({"Service": "bedrock.amazonaws.com"}))
    assert code_of(sts.assume_role, RoleArn=made["Arn"], RoleSessionName="one") == "AccessDenied"
    anna = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/anna"}
    iam.delete_user_policy(UserName="anna", PolicyName="p")
    iam.update_assume_role_policy(RoleName="trainer", PolicyDocument=trusting(anna))
    sts.assume_role(RoleArn=made["Arn"], RoleSessionName="one")


def test_a_trust_policy_may_ask_for_an_external_id_and_for_tags(server: IdentityServer, iam: Any, sts: Any) -> None:
    wanted = {"StringEquals": {"sts:ExternalId": "42x", "aws:RequestTag/team": "forge"}}
    document = trusting(EVERYONE_HERE, **wanted)
    made = iam.create_role(RoleName="trainer", AssumeRolePolicyDocument=document)["Role"]
    asked = {"RoleArn": made["Arn"], "RoleSessionName": "one"}
    tags = [{"Key": "team", "Value": "forge"}]
    assert code_of(sts.assume_role, **asked, Tags=tags) == "AccessDenied"
    assert code_of(sts.assume_role, **asked, ExternalId="42x") == "AccessDenied"
    answer = sts.assume_role(**asked, ExternalId="42x", Tags=tags)
    policies = server.principals.policies_of("", answer["Credentials"]["AccessKeyId"])
    assert policies.tags == {"team": "forge"}
    assert answer["PackedPolicySize"] == 1


def test_a_session_lasts_no_longer_than_its_role_allows(server: IdentityServer, iam: Any, sts: Any) -> None:
    made = role(iam, MaxSessionDuration=7200)
    asked = {"RoleArn": made["Arn"], "RoleSessionName": "one"}
    first = sts.assume_role(**asked, DurationSeconds=7200)["Credentials"]
    code, message, _ = error_of(sts.assume_role, **asked, DurationSeconds=7201)
    assert (code, "MaxSessionDuration" in message) == ("ValidationError", True)
    iam.put_role_policy(RoleName="trainer", PolicyName="p", PolicyDocument=allowing("sts:*"))
    chained = server.client("sts", first)
    assert "role chaining" in error_of(chained.assume_role, **asked, DurationSeconds=7200)[1]
    chained.assume_role(**asked, DurationSeconds=3600)


def test_transitive_tags_go_on_through_a_chain_of_roles(server: IdentityServer, iam: Any, sts: Any) -> None:
    made = role(iam)
    iam.put_role_policy(RoleName="trainer", PolicyName="p", PolicyDocument=allowing("sts:*"))
    tags = [{"Key": "team", "Value": "forge"}, {"Key": "shift", "Value": "night"}]
    asked = {"RoleArn": made["Arn"], "RoleSessionName": "one"}
    first = sts.assume_role(**asked, Tags=tags, TransitiveTagKeys=["team"])["Credentials"]
    chained = server.client("sts", first)
    second = chained.assume_role(**asked)["Credentials"]
    assert server.principals.policies_of("", second["AccessKeyId"]).tags == {"team": "forge"}
    # The key of a tag is the same in another case, as a condition on it is.
    for key in ("team", "Team"):
        clash = [{"Key": key, "Value": "other"}]
        assert code_of(chained.assume_role, **asked, Tags=clash) == "ValidationError"


def test_session_policies_limit_the_session_and_must_be_policies(server: IdentityServer, iam: Any, sts: Any) -> None:
    made = role(iam)
    asked = {"RoleArn": made["Arn"], "RoleSessionName": "one"}
    answer = sts.assume_role(**asked, Policy=allowing("s3:GetObject"), PolicyArns=[{"arn": S3_FULL}])
    session = server.principals.policies_of("", answer["Credentials"]["AccessKeyId"]).session
    assert session is not None
    assert len(session) == 2
    assert code_of(sts.assume_role, **asked, Policy="{") == "MalformedPolicyDocument"
    assert code_of(sts.assume_role, **asked, PolicyArns=[{"arn": S3_FULL + "x"}]) == "ValidationError"
    long = allowing([f"s3:Get{number:0100d}" for number in range(25)])
    assert code_of(sts.assume_role, **asked, Policy=long) == "PackedPolicyTooLarge"


def test_managed_session_policies_are_of_the_account_of_the_role(server: IdentityServer, iam: Any) -> None:
    from tanren.control.access_keys import AccessKeyControl
    from tanren.domain.clock import utc_now
    from tanren.domain.identities import new_unique_id

    control = AccessKeyControl(server.identities, clock=utc_now, new_id=new_unique_id)
    root = control.open_account("210987654321")
    key = {"AccessKeyId": root.access_key_id, "SecretAccessKey": root.secret_access_key}
    theirs = server.client("iam", key)
    trust = trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:user/anna"})
    shared = theirs.create_role(RoleName="shared", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    narrow = theirs.create_policy(PolicyName="narrow", PolicyDocument=allowing("s3:GetObject"))["Policy"]["Arn"]
    own = iam.create_policy(PolicyName="narrow", PolicyDocument=allowing("s3:*"))["Policy"]["Arn"]
    sts = server.client("sts", user_key(iam))
    iam.put_user_policy(UserName="anna", PolicyName="p", PolicyDocument=allowing("sts:AssumeRole", shared))
    asked = {"RoleArn": shared, "RoleSessionName": "one"}
    assert sts.assume_role(**asked, PolicyArns=[{"arn": narrow}])["PackedPolicySize"] > 0
    assert code_of(sts.assume_role, **asked, PolicyArns=[{"arn": own}]) == "ValidationError"


def test_temporary_keys_of_a_user_are_that_user(server: IdentityServer, iam: Any, sts: Any) -> None:
    key = user_key(iam)
    credentials = server.client("sts", key).get_session_token(DurationSeconds=900)["Credentials"]
    assert server.arn_of(credentials) == f"arn:aws:iam::{ACCOUNT}:user/anna"
    again = server.client("sts", credentials)
    assert error_of(again.get_session_token)[1] == "Cannot call GetSessionToken with session credentials"
    roots = sts.get_session_token()["Credentials"]
    assert server.arn_of(roots) == ROOT.principal_arn


WEB_IDENTITY = {"RoleArn": "a" * 20, "RoleSessionName": "ss", "WebIdentityToken": "tttt"}


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("iam", "create_group", {"GroupName": "g"}),
        ("iam", "create_saml_provider", {"SAMLMetadataDocument": "x" * 1000, "Name": "n"}),
        ("sts", "get_federation_token", {"Name": "nn"}),
        ("sts", "assume_role_with_web_identity", WEB_IDENTITY),
    ],
)  # fmt: skip
def test_what_is_not_there_says_so(
    server: IdentityServer, service: str, operation: str, params: dict[str, str]
) -> None:
    code, message, status = error_of(getattr(server.client(service), operation), **params)
    assert (code, status) in (("ValidationError", 400), ("MissingAuthenticationToken", 403))
    assert "not implemented by tanren" in message


def test_options_that_would_be_pretended_are_refused(iam: Any, sts: Any) -> None:
    made = role(iam)
    asked = {"RoleArn": made["Arn"], "RoleSessionName": "one"}
    for option in ({"SourceIdentity": "me"}, {"SerialNumber": "arn:aws:iam::1:mfa/x", "TokenCode": "123456"}):
        code, message, _ = error_of(sts.assume_role, **asked, **option)
        assert (code, "not implemented" in message) == ("ValidationError", True)


def test_what_terraform_asks_for_before_it_deletes_is_truly_empty(iam: Any) -> None:
    user_key(iam)
    role(iam)
    assert iam.list_instance_profiles_for_role(RoleName="trainer")["InstanceProfiles"] == []
    for operation, member in [
        ("list_groups_for_user", "Groups"),
        ("list_mfa_devices", "MFADevices"),
        ("list_ssh_public_keys", "SSHPublicKeys"),
        ("list_signing_certificates", "Certificates"),
    ]:
        assert getattr(iam, operation)(UserName="anna")[member] == []
        assert code_of(getattr(iam, operation), UserName="nobody") == "NoSuchEntity"


def test_the_account_is_summed_up_by_what_it_has_and_may_have(iam: Any) -> None:
    user_key(iam)
    role(iam)
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["Users"], summary["Roles"], summary["Policies"]) == (1, 1, 0)
    assert (summary["AccessKeysPerUserQuota"], summary["UserPolicySizeQuota"]) == (2, 2048)
    assert iam.list_account_aliases()["AccountAliases"] == []


def test_a_constraint_of_the_model_is_checked_before_anything_is_done(iam: Any) -> None:
    code, message, _ = error_of(iam.create_user, UserName="bad name!")
    assert code == "ValidationError"
    assert "failed to satisfy constraint" in message
