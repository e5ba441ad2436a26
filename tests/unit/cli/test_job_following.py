"""Following survives a server that is started again, and tells each update where programs listen."""

import json

import pytest

from tanren.cli import job_following
from tanren.cli.job_following import patiently
from tanren.domain.errors import AccessDenied, ServiceUnavailable
from tests.unit.cli.fake_services import FakeServices, refusal


@pytest.fixture(autouse=True)
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_following.time, "sleep", lambda _: None)


def test_a_server_that_is_away_for_a_while_is_waited_for():
    answers = iter([ServiceUnavailable("away"), ServiceUnavailable("away"), None])

    def read() -> str:
        if (error := next(answers)) is not None:
            raise error
        return "here"

    assert patiently(read) == "here"


def test_one_that_stays_away_is_told_and_so_is_what_is_no_absence():
    def away() -> None:
        raise ServiceUnavailable("away")

    def denied() -> None:
        raise AccessDenied("not you")

    with pytest.raises(ServiceUnavailable):
        patiently(away)
    with pytest.raises(AccessDenied):
        patiently(denied)


def test_under_json_lines_each_update_is_a_line_and_signs_of_life_are_none(at_tanren: FakeServices, tanren):
    updates = [{"status": {"status": "InProgress"}}, {"heartbeat": {}}, {"step": {"metrics": {"step": 0}}}]
    at_tanren.answers |= {
        "GetModelCustomizationJob": {"jobArn": "arn:aws:bedrock:x", "status": "Completed"},
        "WatchJob": {"updates": updates},
        "GetJobEvaluation": refusal("ResourceNotFoundException", "no test set"),
        "GetJobMetrics": {},
        "GetJobSamples": {"samples": []},
        "ListJobEvents": {"events": []},
    }
    result = tanren("job", "watch", "first-job", "-o", "jsonl")
    assert result.exit_code == 0
    assert [json.loads(line) for line in result.stdout.splitlines()] == [updates[0], updates[2]]
