"""Identities of a whole server: they outlive kill -9, and nothing of them is the neighbourhood's."""

import json
import subprocess
import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError, SSLError

from tests.protocol.identity_server import allowing, code_of, trusting
from tests.service.servers import Server, wait_until

OTHER_ACCOUNT = "210987654321"


def as_client(server: Server, service: str, key: dict[str, Any]) -> Any:
    return server.client(
        service,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        aws_session_token=key.get("SessionToken"),
    )


def arn_of(server: Server, key: dict[str, Any]) -> str:
    return as_client(server, "sts", key).get_caller_identity()["Arn"]


def test_identities_outlive_kill_9_and_a_revoked_key_is_dead_in_every_service(own_server: Server) -> None:
    server = own_server
    server.start()
    account = server.keys.account_id
    iam = server.client("iam")
    iam.create_user(UserName="anna")
    key = iam.create_access_key(UserName="anna")["AccessKey"]
    reading = ["s3:*", "bedrock:Get*", "bedrock:List*"]
    iam.put_user_policy(UserName="anna", PolicyName="p", PolicyDocument=allowing(reading))
    role = iam.create_role(
        RoleName="trainer", AssumeRolePolicyDocument=trusting({"AWS": f"arn:aws:iam::{account}:root"})
    )
    iam.attach_role_policy(RoleName="trainer", PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    session = server.client("sts").assume_role(RoleArn=role["Role"]["Arn"], RoleSessionName="night")["Credentials"]
    server.kill_group()
    server.start()
    assert arn_of(server, key) == f"arn:aws:iam::{account}:user/anna"
    assert arn_of(server, session) == f"arn:aws:sts::{account}:assumed-role/trainer/night"
    for holder in (key, session):
        as_client(server, "s3", holder).list_buckets()
    as_client(server, "bedrock", key).list_foundation_models()
    for service, operation in (("iam", "list_users"), ("bedrock", "list_custom_models")):
        assert code_of(getattr(as_client(server, service, session), operation)).startswith("AccessDenied")
    iam = server.client("iam")
    assert iam.list_attached_role_policies(RoleName="trainer")["AttachedPolicies"]
    iam.delete_access_key(UserName="anna", AccessKeyId=key["AccessKeyId"])

    def is_dead() -> bool:
        try:
            as_client(server, "s3", key).list_buckets()
        except ClientError as error:
            return error.response["Error"]["Code"] == "InvalidAccessKeyId"
        return False

    wait_until(is_dead, seconds=1, what="the end of the deleted key")
    theirs = account_key(server)
    assert arn_of(server, theirs) == f"arn:aws:iam::{OTHER_ACCOUNT}:root"
    assert account_key(server) == theirs
    server.client("s3").create_bucket(Bucket="of-the-first-account")
    assert as_client(server, "s3", theirs).list_buckets()["Buckets"] == []
    assert as_client(server, "iam", theirs).list_roles()["Roles"] == []


def test_the_first_accounts_root_keys_are_replaced_in_a_running_server_and_for_good(own_server: Server) -> None:
    server = own_server
    server.start()
    account = server.keys.account_id
    old = {"AccessKeyId": server.keys.access_key_id, "SecretAccessKey": server.keys.secret_access_key}
    temporary = server.client("sts").get_session_token()["Credentials"]
    new = account_key(server, account, command="rotate")

    def are_dead() -> bool:
        codes = {code_of(as_client(server, "s3", holder).list_buckets) for holder in (old, temporary)}
        return codes == {"InvalidAccessKeyId"}

    wait_until(are_dead, seconds=1, what="the end of the old keys")
    assert arn_of(server, new) == f"arn:aws:iam::{account}:root"
    assert server.keys.secret_access_key == new["SecretAccessKey"]
    server.kill_group()
    server.start()
    assert are_dead()
    server.client("s3").list_buckets()


def account_key(server: Server, account: str = OTHER_ACCOUNT, *, command: str = "create") -> dict[str, Any]:
    """What `tanren account` prints, beside the running server."""
    arguments = [sys.executable, "-m", "tanren", "account", command, account, "--data-dir", str(server.data_dir)]
    printed = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    shell = f"{printed}\npython3 -c 'import json, os; print(json.dumps(dict(os.environ)))'"
    environment = json.loads(subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True).stdout)
    return {
        "AccessKeyId": environment["AWS_ACCESS_KEY_ID"],
        "SecretAccessKey": environment["AWS_SECRET_ACCESS_KEY"],
    }


def test_a_server_with_tls_is_trusted_through_its_own_authority_and_takes_bearer_keys(own_server: Server) -> None:
    own_server.settings["TANREN_TLS"] = "local"
    own_server.start()
    endpoint, bundle = own_server.keys.endpoint, own_server.keys.ca_bundle
    assert endpoint.startswith("https://127.0.0.1:")
    server_side = own_server.client("iam", verify=bundle)
    with pytest.raises(SSLError):
        own_server.client("iam", verify=True).list_users()
    server_side.create_user(UserName="anna")
    policy = "arn:aws:iam::aws:policy/AmazonBedrockLimitedAccess"
    server_side.attach_user_policy(UserName="anna", PolicyArn=policy)
    made = server_side.create_service_specific_credential(UserName="anna", ServiceName="bedrock.amazonaws.com")
    environment = {
        **own_server.environment,
        "AWS_CA_BUNDLE": bundle,
        "AWS_BEARER_TOKEN_BEDROCK": made["ServiceSpecificCredential"]["ServiceCredentialSecret"],
    }
    del environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]
    program = "import boto3; print(len(boto3.client('bedrock').list_foundation_models()['modelSummaries']))"
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0
