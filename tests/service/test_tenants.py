"""What another account has in the neighbourhood: a bucket of its own is closed, and says nothing of what is in it.

Names of buckets are everybody's, as on AWS: that one is taken can be known. Which keys it has cannot: the answer is the
same for one that is there and one that is not, word for word.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.service.servers import Server, finished, job_request

OTHER_ACCOUNT = "210987654321"
THEIRS = "theirs-of-tenants"
THERE, GONE = "secret/zebra.txt", "secret/okapi.txt"
"""Keys of one length, of which their bucket has the first."""
DRAWN_ANEW = ("RequestId", "HostId", "ResponseMetadata")

Call = Callable[[Any, str], Any]
OF_A_KEY: dict[str, Call] = {
    "GetObject": lambda s3, key: s3.get_object(Bucket=THEIRS, Key=key)["Body"].read(),
    "GetObject, a range": lambda s3, key: s3.get_object(Bucket=THEIRS, Key=key, Range="bytes=0-1")["Body"].read(),
    "HeadObject": lambda s3, key: s3.head_object(Bucket=THEIRS, Key=key),
    "PutObject": lambda s3, key: s3.put_object(Bucket=THEIRS, Key=key, Body=b"ours"),
    "DeleteObject": lambda s3, key: s3.delete_object(Bucket=THEIRS, Key=key),
    "DeleteObjects": lambda s3, key: s3.delete_objects(Bucket=THEIRS, Delete={"Objects": [{"Key": key}]}),
    "GetObjectTagging": lambda s3, key: s3.get_object_tagging(Bucket=THEIRS, Key=key),
    "GetObjectAttributes": lambda s3, key: s3.get_object_attributes(
        Bucket=THEIRS, Key=key, ObjectAttributes=["ObjectSize"]
    ),
    "CopyObject": lambda s3, key: s3.copy_object(Bucket="ours-of-tenants", Key="stolen", CopySource=f"{THEIRS}/{key}"),
    "CreateMultipartUpload": lambda s3, key: s3.create_multipart_upload(Bucket=THEIRS, Key=key),
    "ListObjectsV2": lambda s3, key: s3.list_objects_v2(Bucket=THEIRS, Prefix=key),
    "ListObjects": lambda s3, key: s3.list_objects(Bucket=THEIRS, Prefix=key),
    "ListObjectVersions": lambda s3, key: s3.list_object_versions(Bucket=THEIRS, Prefix=key),
}
OF_THE_BUCKET = ("get_bucket_policy", "get_bucket_tagging", "get_bucket_versioning", "list_multipart_uploads")
OF_THE_BUCKET += ("get_bucket_location", "get_bucket_acl", "head_bucket", "delete_bucket")


@pytest.fixture(scope="module")
def them(server: Server) -> Iterator[dict[str, str]]:
    """Keys of another account's root, which has a bucket with an object in it."""
    command = [sys.executable, "-m", "tanren", "account", "create", OTHER_ACCOUNT, "--data-dir", str(server.data_dir)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = dict(re.findall(r"export (\w+)='?([^'\n]*)", printed))
    keys = {
        "aws_access_key_id": found["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": found["AWS_SECRET_ACCESS_KEY"],
    }
    s3 = server.client("s3", **keys)
    s3.create_bucket(Bucket=THEIRS)
    s3.put_object(Bucket=THEIRS, Key=THERE, Body=b"a zebra")
    server.client("s3").create_bucket(Bucket="ours-of-tenants")
    yield keys
    s3.delete_object(Bucket=THEIRS, Key=THERE)
    s3.delete_bucket(Bucket=THEIRS)
    server.client("s3").delete_bucket(Bucket="ours-of-tenants")


@pytest.mark.parametrize("call", OF_A_KEY.values(), ids=OF_A_KEY)
def test_a_key_of_another_account_answers_as_one_that_is_not_there(server: Server, them: dict[str, str], call: Call):
    s3 = server.client("s3")
    there, gone = _told(call, s3, THERE), _told(call, s3, GONE)
    assert there.replace(THERE, GONE) == gone
    assert "a zebra" not in there
    theirs = server.client("s3", **them)
    assert [each["Key"] for each in theirs.list_objects_v2(Bucket=THEIRS)["Contents"]] == [THERE]
    assert theirs.get_object(Bucket=THEIRS, Key=THERE)["Body"].read() == b"a zebra"


@pytest.mark.parametrize("operation", OF_THE_BUCKET)
def test_a_bucket_of_another_account_is_closed_to_root_too(server: Server, them: dict[str, str], operation: str):
    with pytest.raises(ClientError) as raised:
        getattr(server.client("s3"), operation)(Bucket=THEIRS)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_list_of_buckets_is_the_accounts_own(server: Server, them: dict[str, str]):
    assert THEIRS not in [each["Name"] for each in server.client("s3").list_buckets()["Buckets"]]
    assert [each["Name"] for each in server.client("s3", **them).list_buckets()["Buckets"]] == [THEIRS]


def test_a_job_says_the_same_of_data_that_another_account_has_and_has_not(server: Server, them: dict[str, str]):
    messages: list[str] = []
    for number, key in enumerate((THERE, GONE)):
        request = job_request(server, f"tenants-{number}", "ours-of-tenants")
        request["trainingDataConfig"] = {"s3Uri": f"s3://{THEIRS}/{key}"}
        arn = server.client("bedrock").create_model_customization_job(**request)["jobArn"]
        job = finished(server.client("bedrock"), arn)
        assert job["status"] == "Failed"
        messages.append(job["failureMessage"])
    assert messages[0].replace(THERE, GONE) == messages[1]


def _told(call: Call, s3: Any, key: str) -> str:
    """All of the answer but what is drawn anew for each."""
    try:
        answer = call(s3, key)
    except ClientError as error:
        answer = {**error.response, "status": error.response["ResponseMetadata"]["HTTPStatusCode"]}
        answer["Error"] = {name: value for name, value in error.response["Error"].items() if name not in DRAWN_ANEW}
    if isinstance(answer, dict):
        answer = {name: value for name, value in answer.items() if name not in DRAWN_ANEW}
    return json.dumps(answer, default=str, sort_keys=True)
