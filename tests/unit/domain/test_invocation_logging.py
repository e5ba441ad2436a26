"""Names of objects are those that readers of AWS's logs look for."""

import json
import re
from datetime import UTC, datetime

import pytest

from tanren.domain.errors import ValidationFailed
from tanren.domain.invocation_logging import S3Destination, read_logging_config, read_request_metadata

AT = datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=UTC)


def test_objects_lie_where_they_lie_on_aws(scope):
    destination = S3Destination(bucket="logs", key_prefix="bedrock/")
    base = "bedrock/AWSLogs/123456789012/BedrockModelInvocationLogs/"
    assert destination.permission_check_key(scope) == base + "amazon-bedrock-logs-permission-check"
    hour = base + "us-west-2/2026/03/04/05/"
    assert destination.log_key(scope, AT, "0123456789abcdef") == hour + "20260304T050607089Z_0123456789abcdef.json.gz"
    assert destination.body_key(scope, AT, "r1", "input") == hour + "data/r1_input.json.gz"


def test_without_a_prefix_the_key_begins_with_the_folder(scope):
    assert re.match("AWSLogs/123456789012/", S3Destination(bucket="logs").folder(scope))


def test_a_percent_sign_in_the_prefix_stands_for_itself(scope):
    assert S3Destination(bucket="logs", key_prefix="a%s%d").folder(scope).startswith("a%s%d/AWSLogs/123456789012/")


def test_what_is_not_mentioned_is_delivered_and_what_is_refused_is_not():
    group = {"logGroupName": "g", "roleArn": "r", "largeDataDeliveryS3Config": {"bucketName": "large"}}
    found = read_logging_config({"cloudWatchConfig": group, "imageDataDeliveryEnabled": False})
    assert (found.s3, found.delivers_text, found.delivers_images) == (None, True, False)
    assert found.large_data == S3Destination(bucket="large")
    both = read_logging_config({"cloudWatchConfig": group, "s3Config": {"bucketName": "b"}})
    assert both.large_data == S3Destination(bucket="b")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("team", "not JSON"),
        ('["team"]', "no JSON object of texts"),
        ('{"team": 3}', "no JSON object of texts"),
        ("{}", "0 pairs"),
        (json.dumps({f"k{number}": "v" for number in range(17)}), "17 pairs"),
        ('{"": "v"}', "breaks the rule"),
        ('{"team": "<b>"}', "breaks the rule"),
        (json.dumps({"team": "v" * 257}), "breaks the rule"),
    ],
)
def test_what_is_said_of_a_request_keeps_the_rules_of_converses_shape(text: str, rule: str):
    with pytest.raises(ValidationFailed, match=rule):
        read_request_metadata(text)


def test_what_is_said_of_a_request_is_pairs_of_texts():
    assert read_request_metadata('{"team": "support", "ticket": ""}') == {"team": "support", "ticket": ""}
