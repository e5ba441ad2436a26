import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tanren.domain.errors import JobFailed
from tanren.domain.scope import Scope
from tanren.storage.objects import ObjectStoreAddress, S3Location
from tanren.storage.role_access import RoleAccess
from tanren.storage.role_objects import RoleObjects
from tests.unit.aws.permitting import BEDROCK_TRUST, ROLE, Identities, allow

JOB = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.titan-text-lite-v1/abcdefghijkl"
TRAINING = S3Location(bucket="data", key="train/rows.jsonl")
OUTPUT = S3Location(bucket="out", key="run/.write_access_check_file.tmp")


class Recorder:
    """boto3's client, as far as the store uses it."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def get_object(self, **asked: Any) -> dict[str, Any]:
        self.calls.append("get")

        class Body:
            def iter_chunks(self, size: int) -> list[bytes]:
                return [b"content"]

        return {"Body": Body()}

    def put_object(self, **asked: Any) -> None:
        self.calls.append("put")

    def delete_object(self, **asked: Any) -> None:
        self.calls.append("delete")

    def get_paginator(self, operation: str) -> Any:
        self.calls.append("list")

        class Pages:
            def paginate(self, **asked: Any) -> list[dict[str, Any]]:
                return [{"Contents": [{"Key": "train/a", "Size": 1, "ETag": "e"}]}]

        return Pages()


def store(*allowed: Any, is_enforced: bool = True) -> tuple[RoleObjects, Recorder]:
    role = Identities().add_role(BEDROCK_TRUST, allows=allow(*allowed) if allowed else None)
    objects = RoleObjects(
        ObjectStoreAddress(endpoint_url="http://127.0.0.1:1", region="us-east-1", access_key="a", secret_key="b"),
        RoleAccess(
            role,
            scope=Scope(account_id="123456789012", region="us-east-1"),
            job_arn=JOB,
            clock=lambda: datetime(2026, 11, 21, tzinfo=UTC),
            is_enforced=is_enforced,
        ),
    )
    recorder = Recorder()
    objects._client = recorder
    return objects, recorder


def test_what_the_role_may_do_is_done(tmp_path: Path):
    objects, recorder = store(
        ["s3:GetObject", "s3:PutObject", "s3:ListBucket"], ["arn:aws:s3:::data*", "arn:aws:s3:::out*"]
    )
    (tmp_path / "file").write_bytes(b"x")
    assert b"".join(objects.chunks(TRAINING)) == b"content"
    objects.put(OUTPUT, b"", content_type="text/plain")
    objects.put_file(OUTPUT, tmp_path / "file", content_type="text/plain")
    assert [found.key for found in objects.below(TRAINING)] == ["train/a"]
    assert [found.size_bytes for found in objects.listed(TRAINING)] == [1]
    assert recorder.calls == ["get", "put", "put", "list", "list"]


def test_what_is_missing_is_named_principal_action_resource_and_the_policy_that_would_allow_it():
    objects, recorder = store("s3:GetObject", "arn:aws:s3:::other/*")
    with pytest.raises(JobFailed) as raised:
        list(objects.chunks(TRAINING))
    assert str(raised.value) == (
        "Could not validate GetObject permissions to access Amazon S3 bucket: data at key train/rows.jsonl. "
        "User: arn:aws:sts::123456789012:assumed-role/trainer/bedrock-abcdefghijkl is not authorized to perform: "
        "s3:GetObject on resource: arn:aws:s3:::data/train/rows.jsonl because no identity-based policy allows the "
        f"s3:GetObject action. A statement that would allow it, in a policy of role {ROLE}: "
        '{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/train/rows.jsonl"}'
    )
    assert recorder.calls == []


def test_each_way_in_asks_first(tmp_path: Path):
    objects, recorder = store()
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(JobFailed, match=r"perms missing \(PutObject\): Could not validate PutObject permissions"):
        objects.put(OUTPUT, b"", content_type="text/plain")
    with pytest.raises(JobFailed, match="s3:PutObject"):
        objects.put_file(OUTPUT, tmp_path / "file", content_type="text/plain")
    with pytest.raises(JobFailed, match="s3:ListBucket on resource: arn:aws:s3:::data "):
        list(objects.below(TRAINING))
    with pytest.raises(JobFailed, match="s3:ListBucket"):
        list(objects.listed(TRAINING))
    assert recorder.calls == []
    objects.delete(OUTPUT)
    assert recorder.calls == ["delete"]


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:ResourceAccount": "123456789012"}},
        {"StringLike": {"s3:prefix": "train/*"}},
        {"ArnLike": {"aws:SourceArn": "arn:aws:bedrock:*:123456789012:model-customization-job/*"}},
        {"Bool": {"aws:SecureTransport": "true"}},
    ],
)
def test_policies_of_the_role_may_have_the_conditions_of_awss_examples(condition: Any):
    role = Identities().add_role(BEDROCK_TRUST, allows=allow("s3:ListBucket", "*", Condition=condition))
    objects, _ = store()
    objects._access._role = role
    assert list(objects.below(TRAINING))


def test_audit_lets_through_what_it_logs(caplog: pytest.LogCaptureFixture):
    objects, recorder = store(is_enforced=False)
    with caplog.at_level(logging.WARNING):
        assert list(objects.chunks(TRAINING))
    assert recorder.calls == ["get"]
    assert "iam=audit: would be refused: s3:GetObject on arn:aws:s3:::data/train/rows.jsonl" in caplog.text
