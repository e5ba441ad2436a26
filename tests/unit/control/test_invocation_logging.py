"""A logging configuration stands only when its destinations can be written to."""

from typing import Any

import pytest

from tanren.control.invocation_logging import InvocationLoggingControl
from tanren.domain.errors import JobFailed, ServiceUnavailable, ValidationFailed
from tanren.storage.invocation_logging import InvocationLoggingConfigurations

ROLE = "arn:aws:iam::123456789012:role/logs"


class Destinations:
    """An S3 with one bucket and a CloudWatch with one group."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.is_away = False

    def put(self, location: Any, content: bytes, *, content_type: str) -> None:
        if self.is_away:
            raise ServiceUnavailable("away")
        if location.bucket != "logs":
            raise JobFailed(f"The bucket does not exist; create it: aws s3 mb s3://{location.bucket}")
        assert content == b""
        self.written.append(location.key)

    def ensure_stream(self, group: str, stream: str) -> None:
        if group != "/bedrock":
            raise JobFailed(f"There is no log group {group}")
        self.written.append(stream)


@pytest.fixture
def destinations() -> Destinations:
    return Destinations()


@pytest.fixture
def control(database, clock, destinations) -> InvocationLoggingControl:
    rows = InvocationLoggingConfigurations(database)
    return InvocationLoggingControl(
        rows, objects=lambda scope: destinations, streams=lambda scope: destinations, clock=clock
    )


def test_what_was_put_is_what_is_got_until_it_is_deleted(control, scope, other_scope):
    config = {"s3Config": {"bucketName": "logs", "keyPrefix": "a"}, "textDataDeliveryEnabled": True}
    control.put(scope, config)
    assert (control.get(scope), control.get(other_scope)) == (config, None)
    control.delete(scope)
    assert control.get(scope) is None
    control.delete(scope)


def test_an_empty_object_shows_that_the_bucket_can_be_written_to(control, scope, destinations):
    control.put(scope, {"s3Config": {"bucketName": "logs", "keyPrefix": "a"}})
    assert destinations.written == [
        "a/AWSLogs/123456789012/BedrockModelInvocationLogs/amazon-bedrock-logs-permission-check"
    ]


def test_a_log_group_and_its_bucket_for_large_bodies_are_tried_too(control, scope, destinations):
    large = {"bucketName": "logs", "keyPrefix": "large"}
    config = {"cloudWatchConfig": {"logGroupName": "/bedrock", "roleArn": ROLE, "largeDataDeliveryS3Config": large}}
    control.put(scope, config)
    assert destinations.written[0] == "aws/bedrock/modelinvocations"
    assert destinations.written[1].startswith("large/AWSLogs/")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "names no destination"),
        ({"textDataDeliveryEnabled": True}, "names no destination"),
        ({"s3Config": {"bucketName": "No Bucket"}}, "a bucket's name is 3 to 63 lower-case letters"),
        ({"s3Config": {"bucketName": "logs", "keyPrefix": "a\x00\ud800"}}, "keyPrefix is 'a.x00.ud800'; it may have"),
        ({"cloudWatchConfig": {"logGroupName": "a group", "roleArn": ROLE}}, "a log group's name is 1 to 512"),
        ({"s3Config": {"bucketName": "gone"}}, "permissions for s3Config: .* aws s3 mb s3://gone"),
        (
            {"cloudWatchConfig": {"logGroupName": "/gone", "roleArn": ROLE}},
            "for log group: /gone, with role: .*no log group /gone",
        ),
        (
            {"cloudWatchConfig": {"logGroupName": "/bedrock", "roleArn": ROLE.replace("1234", "9999")}},
            "belongs to account 999956789012",
        ),
        (
            {
                "cloudWatchConfig": {
                    "logGroupName": "/bedrock",
                    "roleArn": ROLE,
                    "largeDataDeliveryS3Config": {"bucketName": "gone"},
                }
            },
            "cloudWatchConfig.largeDataDeliveryS3Config",
        ),
    ],
)
def test_what_cannot_be_written_to_is_refused_and_changes_nothing(control, scope, config, said):
    standing = {"s3Config": {"bucketName": "logs"}}
    control.put(scope, standing)
    with pytest.raises(ValidationFailed, match=said):
        control.put(scope, config)
    assert control.get(scope) == standing


def test_an_s3_that_is_away_is_no_fault_of_the_request(control, scope, destinations):
    destinations.is_away = True
    with pytest.raises(ServiceUnavailable):
        control.put(scope, {"s3Config": {"bucketName": "logs"}})
    assert control.get(scope) is None
