import json
from datetime import UTC, datetime

import pytest

from tanren.domain.errors import JobFailed, ValidationFailed
from tests.unit.cli.fake_services import FakeServices

ARN = "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/aaaaaaaaaaaa"
CREATE = (
    *("batch", "create", "--job-name", "nightly", "--model-id", "amazon.titan-text-express-v1"),
    *("--role-arn", "arn:aws:iam::123456789012:role/R"),
    *("--input-data", "s3://b/in.jsonl", "--output-data", "s3://b/out/"),
)


@pytest.fixture
def batches(services: FakeServices, monkeypatch: pytest.MonkeyPatch) -> FakeServices:
    monkeypatch.setattr("tanren.cli.waiting.time.sleep", lambda _: None)
    services.answers |= {"CreateModelInvocationJob": {"jobArn": ARN}, "StopModelInvocationJob": {}}
    return services


def test_create_prints_the_arn_and_tells_at_the_end_how_many_were_answered(batches, at_tanren, tanren):
    ended = {"status": "PartiallyCompleted", "totalRecordCount": 2000, "successRecordCount": 1999}
    states = iter([{"status": "Validating"}, ended])
    batches.answers["GetModelInvocationJob"] = lambda _: next(states)
    result = tanren(*CREATE, "--wait", "--converse", "--timeout-hours", "48")
    assert (result.exit_code, result.stdout) == (0, ARN + "\n")
    assert "nightly: PartiallyCompleted, 1,999 of 2,000 records answered" in result.stderr
    (asked,) = batches.made("CreateModelInvocationJob")
    assert asked["inputDataConfig"] == {"s3InputDataConfig": {"s3Uri": "s3://b/in.jsonl"}}
    assert (asked["modelInvocationType"], asked["timeoutDurationInHours"]) == ("Converse", 48)


def test_a_job_that_expires_ends_the_wait_with_the_reason(batches, at_tanren, tanren):
    batches.answers["GetModelInvocationJob"] = {"status": "Expired", "message": "24 hours are over"}
    result = tanren(*CREATE, "--wait")
    assert isinstance(result.exception, JobFailed)
    assert "Expired: 24 hours are over" in str(result.exception)


def test_aws_bills_every_record_so_it_is_asked_there(batches, at_aws, tanren):
    assert isinstance(tanren(*CREATE).exception, ValidationFailed)
    assert tanren(*CREATE, "--yes").exit_code == 0


def test_list_counts_the_records(batches, at_tanren, tanren):
    row = {
        "jobName": "nightly",
        "jobArn": ARN,
        "modelId": "amazon.titan-text-express-v1",
        "status": "InProgress",
        "submitTime": datetime(2026, 11, 21, tzinfo=UTC),
        "totalRecordCount": 2000,
        "processedRecordCount": 5,
    }
    batches.answers["ListModelInvocationJobs"] = {"invocationJobSummaries": [row]}
    assert "5/2,000" in tanren("batch", "list", "--status", "InProgress").stdout
    assert batches.made("ListModelInvocationJobs")[0]["statusEquals"] == "InProgress"
    assert json.loads(tanren("batch", "list", "-o", "jsonl").stdout)["totalRecordCount"] == 2000


def test_stop_needs_yes_where_nobody_can_be_asked(batches, at_tanren, tanren):
    assert isinstance(tanren("batch", "stop", ARN).exception, ValidationFailed)
    assert tanren("batch", "stop", ARN, "--yes").exit_code == 0
    assert batches.made("StopModelInvocationJob") == [{"jobIdentifier": ARN}]
