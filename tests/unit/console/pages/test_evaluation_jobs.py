"""Evaluations: the form, a job while it runs, and its report."""

import json

import pytest
from starlette.testclient import TestClient

from tanren.console.api import ApiRefusal
from tests.unit.console.api_in_memory import ACCOUNT, BASE_MODEL, ApiInMemory

SCRIPT = "<script>alert(1)</script>"
PAGE = "/console/evaluations/quality00000"
FOLDER = "evaluations/quality/quality00000/"
FILLED = {
    "job_name": "quality",
    "model": "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghijkl",
    "baseline": BASE_MODEL,
    "data": "own",
    "dataset_uri": "s3://bucket/test.jsonl",
    "task_type": "QuestionAndAnswer",
    "metric.Tanren.F1": "on",
    "max_tokens": "100",
    "output_uri": "s3://bucket/evaluations/",
    "role": "new",
    "new_role_name": "evaluation-role",
}


def result(prompt: str, answer: str, score: float, **record: str) -> bytes:
    line = {
        "automatedEvaluationResult": {"scores": [{"metricName": "Tanren.F1", "result": score}]},
        "inputRecord": {"prompt": prompt, **record},
        "modelResponses": [{"modelIdentifier": "m", "response": answer}],
    }
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"


@pytest.fixture
def completed(api: ApiInMemory) -> ApiInMemory:
    """Of three questions the tuned model gained on the second and lost on the third."""
    api.add_evaluation("quality", status="Completed")
    for model, answers in (
        (BASE_MODEL, [("same", 0.5), ("base on two", 0.1), ("=base on three", 0.9)]),
        ("tuned-model", [("same", 0.5), (SCRIPT, 0.8), ("tuned | three", 0.2)]),
    ):
        key = f"{FOLDER}models/{model}/taskTypes/QuestionAndAnswer/datasets/test/1_output.jsonl"
        lines = [result(f"question {n}", *each, referenceResponse="r") for n, each in enumerate(answers, 1)]
        api.put(key, b"".join(lines))
    return api


def test_an_empty_list_says_what_an_evaluation_is_for(client: TestClient):
    page = client.get("/console/evaluations").text
    assert "No evaluation yet" in page
    assert "more than chance" in page


def test_the_list_leads_to_each(client: TestClient, api: ApiInMemory):
    api.add_evaluation("quality")
    page = client.get("/console/evaluations?name=qual").text
    assert f'href="{PAGE}"' in page
    assert "Evaluating" in page


def test_the_check_shows_what_will_be_sent_and_sends_nothing(client: TestClient, api: ApiInMemory, csrf_token: str):
    page = client.post("/console/evaluations/create/check", data={**FILLED, "csrf_token": csrf_token}).text
    assert "bedrock.create_evaluation_job(" in page
    assert "aws bedrock create-evaluation-job" in page
    assert api.evaluations == {}


def test_the_check_says_what_is_missing(client: TestClient, csrf_token: str):
    page = client.post("/console/evaluations/create/check", data={"csrf_token": csrf_token, "task_type": "x"}).text
    for label in ("Evaluation name", "Model to evaluate", "Questions", "Metrics", "Output data location"):
        assert label in page


def test_starting_one_makes_its_role_and_leads_to_its_page(client: TestClient, api: ApiInMemory, csrf_token: str):
    answer = client.post("/console/evaluations/create", data={**FILLED, "csrf_token": csrf_token})
    assert answer.headers["location"] == PAGE
    sent = api.sent("CreateEvaluationJob")
    assert [m["bedrockModel"]["modelIdentifier"] for m in sent["inferenceConfig"]["models"]] == [
        BASE_MODEL,
        FILLED["model"],
    ]
    assert sent["roleArn"] == f"arn:aws:iam::{ACCOUNT}:role/evaluation-role"
    policy = json.loads(api.sent("PutRolePolicy")["PolicyDocument"])
    assert policy["Statement"][0]["Resource"] == [
        FILLED["model"],
        f"arn:aws:bedrock:us-east-1::foundation-model/{BASE_MODEL}",
    ]


def test_what_the_api_refuses_leaves_the_form_as_it_was_typed(client: TestClient, api: ApiInMemory, csrf_token: str):
    api.refusals["CreateEvaluationJob"] = ApiRefusal(
        "there is no such metric", code="ValidationException", operation="CreateEvaluationJob"
    )
    page = client.post("/console/evaluations/create", data={**FILLED, "csrf_token": csrf_token})
    assert page.status_code == 400
    assert "there is no such metric" in page.text
    assert 'value="s3://bucket/test.jsonl"' in page.text


def test_a_job_that_runs_is_live_and_can_be_stopped(client: TestClient, api: ApiInMemory, csrf_token: str):
    arn = api.add_evaluation("quality")
    api.events = [{"at": api.evaluations[arn]["creationTime"], "message": SCRIPT}]
    page = client.get(PAGE).text
    assert f'data-live="{PAGE}/live"' in page
    assert SCRIPT not in page
    client.post(f"{PAGE}/stop", data={"csrf_token": csrf_token})
    assert api.evaluations[arn]["status"] == "Stopping"


def test_the_live_part_ends_with_the_job(client: TestClient, api: ApiInMemory):
    api.add_evaluation("quality", status="Failed", failureMessages=["questions.jsonl, line 3"])
    events = client.get(f"{PAGE}/live").text
    assert "questions.jsonl, line 3" in events
    assert events.endswith("event: end\ndata: \n\n")


def test_the_report_has_figures_and_answers_beside_each_other_and_none_of_it_is_markup(
    client: TestClient, completed: ApiInMemory
):
    page = client.get(PAGE).text
    assert SCRIPT not in page
    assert "<b>0.5</b>" in page
    for text in ("question 2", "base on two", "Expected: r"):
        assert text in page


def test_the_verdict_is_the_services_own(client: TestClient, completed: ApiInMemory):
    comparison = {
        "metricName": "Tanren.F1",
        "difference": 0.3,
        "interval95": [0.1, 0.5],
        "pValueAdjusted": 0.01,
        "outcome": "better",
    }
    datasets = [{"name": "test", "taskType": "QuestionAndAnswer", "models": [], "comparisons": [comparison]}]
    completed.put(f"{FOLDER}summary.json", json.dumps({"datasets": datasets}).encode())
    page = client.get(PAGE).text
    assert '<span class="badge good">better</span>' in page
    assert "+0.1 … +0.5" in page


def test_a_jobs_own_evaluation_has_its_verdict_with_the_reasons(client: TestClient, completed: ApiInMemory):
    findings = {
        "verdict": "DONT_SHIP",
        "reasons": [{"criterion": "f1 at least base + 0.1", "state": "not shown", "figures": SCRIPT}],
        "forgetting": {"level": "minor", "questionCount": 82, "baseRightCount": 40, "tunedRightCount": 37},
        "contamination": [{"testedSet": "test", "knownSet": "training", "foundCount": 2, "rowCount": 30}],
    }
    completed.put(f"{FOLDER}summary.json", json.dumps({"findings": findings}).encode())
    page = client.get(PAGE).text
    assert "Do not ship it" in page
    assert "f1 at least base + 0.1" in page
    assert "40 were right before and 37 after" in page
    assert "2 of 30 rows of test stand in training" in page
    assert SCRIPT not in page


@pytest.mark.parametrize(
    ("view", "shown", "hidden"), [("gains", "question 2", "question 3"), ("losses", "question 3", "question 2")]
)
def test_gains_and_losses_are_each_on_a_page(
    client: TestClient, completed: ApiInMemory, view: str, shown: str, hidden: str
):
    page = client.get(f"{PAGE}?show={view}").text
    assert shown in page
    assert hidden not in page


def test_a_comment_is_kept_beside_the_results_and_goes_out_with_the_table(
    client: TestClient, completed: ApiInMemory, csrf_token: str
):
    row = "test-QuestionAndAnswer.2"
    form = {"csrf_token": csrf_token, f"comment.{row}": "now it knows"}
    client.post(f"{PAGE}/comments?show=gains", data=form)
    assert json.loads(completed.contents[f"{FOLDER}comments.json"]) == {row: "now it knows"}
    table = client.get(f"{PAGE}/table.md?show=gains").text
    assert table.splitlines()[0] == f"| Prompt | tuned-model | {BASE_MODEL} | Comment |"
    assert "&lt;script&gt;" in table
    assert table.splitlines()[2].endswith("| base on two | now it knows |")
    client.post(f"{PAGE}/comments", data={"csrf_token": csrf_token, f"comment.{row}": ""})
    assert json.loads(completed.contents[f"{FOLDER}comments.json"]) == {}


def test_no_cell_of_the_csv_is_a_formula(client: TestClient, completed: ApiInMemory):
    answer = client.get(f"{PAGE}/table.csv")
    assert ",'=base on three," in answer.text
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''quality.csv"


def test_results_that_were_moved_are_missed_by_name(client: TestClient, api: ApiInMemory):
    api.add_evaluation("quality", status="Completed")
    assert f"s3://bucket/{FOLDER}" in client.get(PAGE).text


def test_results_that_are_none_are_told_with_their_place(client: TestClient, completed: ApiInMemory):
    key = next(key for key in completed.objects["bucket"] if key.startswith(FOLDER))
    completed.contents[key] = b'{"automatedEvaluationResult": 3}\n'
    page = client.get(PAGE)
    assert page.status_code == 200
    assert f"s3://bucket/{key}" in page.text


def test_the_services_report_is_a_file_and_never_a_page_of_this_origin(client: TestClient, completed: ApiInMemory):
    completed.put(f"{FOLDER}report/test-QuestionAndAnswer/report.en.html", SCRIPT.encode())
    link = f"{PAGE}/report?name=test-QuestionAndAnswer"
    assert f'download href="{link}"' in client.get(PAGE).text
    assert f"/bucket/{FOLDER}report/" in client.get(link).headers["location"]
    assert client.get(f"{PAGE}/report?name=../../train.jsonl").headers["location"] == PAGE


def test_deleting_asks_first(client: TestClient, completed: ApiInMemory, csrf_token: str):
    client.post(f"{PAGE}/delete", data={"csrf_token": csrf_token})
    assert len(completed.evaluations) == 1
    client.post(f"{PAGE}/delete", data={"csrf_token": csrf_token, "confirmed": "on"})
    assert completed.evaluations == {}
