"""What policies allow holds at every door of a whole server: S3 and other neighbours, and a job by its role."""

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.protocol.identity_server import error_of, trusting
from tests.service.servers import FORGE_ROWS, Server, finished, job_request, rows_as_jsonl

BUCKET = "permissions"
OWN = f"arn:aws:s3:::{BUCKET}/${{aws:username}}/*"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


@pytest.fixture(scope="module")
def anna(server: Server) -> dict[str, str]:
    """Keys of a user with a folder of her own in a bucket."""
    server.client("s3").create_bucket(Bucket=BUCKET)
    iam = server.client("iam")
    iam.create_user(UserName="anna")
    listing = {"StringLike": {"s3:prefix": "${aws:username}/*"}}
    policy = document(
        allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], OWN),
        allow("s3:ListBucket", f"arn:aws:s3:::{BUCKET}", Condition=listing),
        allow("sqs:ListQueues", "*"),
    )
    iam.put_user_policy(UserName="anna", PolicyName="own-folder", PolicyDocument=policy)
    key = iam.create_access_key(UserName="anna")["AccessKey"]
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


def test_a_user_has_the_folder_that_is_hers_and_no_other(server: Server, anna: dict[str, str]):
    root, s3 = server.client("s3"), server.client("s3", **anna)
    root.put_object(Bucket=BUCKET, Key="ben/secret", Body=b"hers not")
    s3.put_object(Bucket=BUCKET, Key="anna/a", Body=b"hers")
    assert s3.get_object(Bucket=BUCKET, Key="anna/a")["Body"].read() == b"hers"
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET, Prefix="anna/")["Contents"]] == ["anna/a"]
    account = server.keys.account_id
    assert error_of(s3.get_object, Bucket=BUCKET, Key="ben/secret") == (
        "AccessDenied",
        f"User: arn:aws:iam::{account}:user/anna is not authorized to perform: s3:GetObject on resource: "
        f"arn:aws:s3:::{BUCKET}/ben/secret because no identity-based policy allows the s3:GetObject action",
        403,
    )
    for call, params in (
        (s3.put_object, {"Key": "ben/x", "Body": b""}),
        (s3.list_objects_v2, {}),
        (s3.list_objects_v2, {"Prefix": "ben/"}),
        (s3.copy_object, {"Key": "anna/stolen", "CopySource": f"{BUCKET}/ben/secret"}),
        (s3.delete_objects, {"Delete": {"Objects": [{"Key": "anna/a"}, {"Key": "ben/secret"}]}}),
        (s3.get_bucket_policy, {}),
        (s3.delete_bucket, {}),
    ):
        assert error_of(call, Bucket=BUCKET, **params)[0] == "AccessDenied"
    with pytest.raises(ClientError, match="403"):
        s3.head_object(Bucket=BUCKET, Key="ben/secret")
    s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "anna/a"}]})
    assert root.get_object(Bucket=BUCKET, Key="ben/secret")["Body"].read() == b"hers not"


def test_a_presigned_url_opens_what_its_signer_may_open(server: Server, anna: dict[str, str]):
    server.client("s3").put_object(Bucket=BUCKET, Key="anna/b", Body=b"hers")
    s3 = server.client("s3", config=Config(signature_version="s3v4"), **anna)

    def url(key: str) -> str:
        return s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": key})

    with urlopen(url("anna/b"), timeout=60) as answer:
        assert answer.read() == b"hers"
    with pytest.raises(HTTPError, match="403"):
        urlopen(url("ben/secret"), timeout=60)


def test_other_neighbours_ask_too(server: Server, anna: dict[str, str]):
    server.client("sqs", **anna).list_queues()
    assert "sqs:CreateQueue" in error_of(server.client("sqs", **anna).create_queue, QueueName="q")[1]
    assert "lambda:*" in error_of(server.client("lambda", **anna).list_functions)[1]


def test_a_job_has_what_its_role_has_and_its_failure_says_what_is_missing(server: Server):
    server.client("s3").create_bucket(Bucket="role-data")
    server.client("s3").put_object(Bucket="role-data", Key="train.jsonl", Body=rows_as_jsonl(FORGE_ROWS))
    iam, bedrock = server.client("iam"), server.client("bedrock")
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trusting({"Service": "bedrock.amazonaws.com"}))
    iam.put_role_policy(
        RoleName="reader",
        PolicyName="p",
        PolicyDocument=document(allow("s3:PutObject", "arn:aws:s3:::role-data/output/*")),
    )
    role = f"arn:aws:iam::{server.keys.account_id}:role/reader"
    request = job_request(server, "no-reading", "role-data", roleArn=role)
    job = finished(bedrock, bedrock.create_model_customization_job(**request)["jobArn"])
    assert job["status"] == "Failed"
    assert job["failureMessage"].startswith(
        "Could not validate GetObject permissions to access Amazon S3 bucket: role-data at key train.jsonl."
    )
    assert "because no identity-based policy allows the s3:GetObject action" in job["failureMessage"]
    assert '"Resource": "arn:aws:s3:::role-data/train.jsonl"' in job["failureMessage"]
