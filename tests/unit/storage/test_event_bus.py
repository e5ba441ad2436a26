"""Job events reach the rules of a real bus."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tanren.domain.errors import ServiceUnavailable
from tanren.domain.scope import Scope
from tanren.domain.state_change_events import JobEvent
from tanren.storage.event_bus import EventBus

EVENT = JobEvent(
    scope=Scope(account_id="123456789012", region="us-west-2"),
    detail_type="Model Customization Job State Change",
    job_arn="arn:aws:bedrock:us-west-2:123456789012:model-customization-job/a.b/abcdefghijkl",
    at=datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
    detail={"jobName": "nightly", "jobStatus": "Completed"},
)


def test_an_event_reaches_the_target_of_a_rule_for_it(neighbours):
    queues, events = neighbours.client("sqs"), neighbours.client("events")
    url = queues.create_queue(QueueName="jobs")["QueueUrl"]
    pattern = {
        "source": ["aws.bedrock", "tanren.bedrock"],
        "detail-type": [EVENT.detail_type],
        "detail": {"jobStatus": ["Completed", "Failed", "Stopped"]},
    }
    events.put_rule(Name="jobs", EventPattern=json.dumps(pattern))
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_targets(Rule="jobs", Targets=[{"Id": "1", "Arn": arn}])
    other = replace(EVENT, detail={"jobName": "nightly", "jobStatus": "InProgress"})
    assert EventBus(neighbours.address).put([other, EVENT]) == [None, None]
    (message,) = queues.receive_message(QueueUrl=url, WaitTimeSeconds=10, MaxNumberOfMessages=10)["Messages"]
    received = json.loads(message["Body"])
    assert received["detail"] == EVENT.detail
    assert received["resources"] == [EVENT.job_arn]
    assert (received["account"], received["region"]) == ("123456789012", "us-west-2")
    assert received["source"] == "tanren.bedrock"


def test_a_bus_that_is_away_is_said_to_be(neighbours):
    bus = EventBus(replace(neighbours.address, endpoint_url="http://127.0.0.1:1"))
    with pytest.raises(ServiceUnavailable, match="event bus"):
        bus.put([EVENT])
