"""A job's changes of state reach a rule on the embedded event bus."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.service.servers import JOB_SECONDS, Server, job_request, wait_until

pytestmark = pytest.mark.service


def test_a_job_that_fails_says_so_on_the_bus(tmp_path: Path):
    server = Server(tmp_path / "data")
    server.start()
    try:
        queues, events = server.client("sqs"), server.client("events")
        url = queues.create_queue(QueueName="jobs")["QueueUrl"]
        arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        pattern = {
            "source": ["aws.bedrock", "tanren.bedrock"],
            "detail-type": ["Model Customization Job State Change"],
        }
        events.put_rule(Name="jobs", EventPattern=json.dumps(pattern))
        events.put_targets(Rule="jobs", Targets=[{"Id": "1", "Arn": arn}])
        request = job_request(server, "eventful", "no-such-bucket-anywhere")
        job_arn = server.client("bedrock").create_model_customization_job(**request)["jobArn"]
        received: list[dict[str, Any]] = []

        def has_failed() -> bool:
            for message in queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", ()):
                received.append(json.loads(message["Body"]))
            return any(event["detail"]["jobStatus"] == "Failed" for event in received)

        wait_until(has_failed, seconds=JOB_SECONDS, what="the event of the failed job")
        assert [event["detail"]["jobStatus"] for event in received] == ["InProgress", "Failed"]
        assert {event["detail"]["jobArn"] for event in received} == {job_arn}
        assert "no-such-bucket-anywhere" in received[-1]["detail"]["failureMessage"]
        assert received[-1]["resources"] == [job_arn]
    finally:
        server.stop()
