"""The form of a job, and a job's page."""

import re

from starlette.testclient import TestClient

from tanren.console.api import ApiRefusal
from tests.unit.console.api_in_memory import AT, BASE_MODEL, ApiInMemory

SCRIPT = "<script>alert(1)</script>"
RIGHT_TO_LEFT = "\u202egnp.exe"
FORM = {
    "customization_type": "FINE_TUNING",
    "base_model": BASE_MODEL,
    "model_name": "claude-3-haiku-ft-model",
    "job_name": "claude-3-haiku-ft-job",
    "training_uri": "s3://bucket/train.jsonl",
    "validation_uri": "s3://bucket/validation.jsonl",
    "output_uri": "s3://bucket/output/",
    "hyperparameter.epochCount": "10",
    "stops_early": "on",
    "role": "new",
    "new_role_name": "claude-3-haiku-ft-role",
}
METRICS = {
    "progress": {"stepsDone": 6, "totalSteps": 30, "share": 0.2, "remainingSeconds": 95.0},
    "steps": [{"step": step, "epoch": 1 + step // 3, "trainingLoss": 3.0 / (step + 1)} for step in range(6)],
    "validations": [
        {"step": 3, "epoch": 1, "validationLoss": 2.5},
        {"step": 6, "epoch": 2, "validationLoss": 1.7},
    ],
    "lastStep": {"step": 5, "epoch": 2, "trainingLoss": 0.5},
    "lastValidation": {"step": 6, "epoch": 2, "validationLoss": 1.7},
    "bestValidation": {"step": 6, "epoch": 2, "validationLoss": 1.7},
    "trainedTokensPerSecond": 512.0,
    "diagnosis": "Learning: the validation loss still falls.",
}


def test_the_fields_stand_in_the_order_of_the_walk(client: TestClient):
    page = client.get("/console/custom-models/create?customization_type=FINE_TUNING", headers={"accept-language": "ja"})
    labels = [
        "ソースモデル",
        "モデルを選択",
        "微調整されたモデル名",
        "ジョブ名",
        "入力データ",
        "トレーニングデータ",
        "検証データ",
        "ハイパーパラメータ",
        "出力データ",
        "サービスロール",
        "モデルを微調整",
    ]
    form = page.text.partition('id="job-form"')[2]
    places = [form.index(label) for label in labels]
    assert places == sorted(places)


def test_data_files_that_the_user_can_see_are_suggested(client: TestClient):
    page = client.get("/console/custom-models/create").text
    assert '<option value="s3://bucket/train.jsonl">' in page
    assert "notes.md" not in page


def test_a_deep_link_fills_the_fields_that_it_names(client: TestClient):
    page = client.get(f"/console/custom-models/create?base_model={BASE_MODEL}&job_name=again").text
    assert 'value="again"' in page
    assert 'name="hyperparameter.epochCount"' in page


def test_a_models_fields_come_with_range_default_and_advice(client: TestClient, csrf_token: str):
    form = {"csrf_token": csrf_token, "base_model": "anthropic.claude-3-haiku-20240307-v1:0"}
    page = client.post("/console/custom-models/create/hyperparameters", data=form).text
    for name in (
        "epochCount",
        "batchSize",
        "learningRateMultiplier",
        "stops_early",
        "earlyStoppingThreshold",
        "earlyStoppingPatience",
    ):
        assert f'name="hyperparameter.{name}"' in page or f'name="{name}"' in page
    assert "4 to 256, default 32" in page
    assert "1 to 10, default 2" in page


def test_the_check_shows_findings_estimate_and_the_call_that_will_be_sent(
    client: TestClient, api: ApiInMemory, csrf_token: str
):
    api.findings = [
        {"line": 17, "rule": "completion", "message": SCRIPT, "fix": "Give a completion.", "severity": "error"}
    ]
    page = client.post("/console/custom-models/create/check", data={"csrf_token": csrf_token, **FORM}).text
    assert "<td>17</td>" in page
    assert SCRIPT not in page
    assert "Give a completion." in page
    assert "about 1 min 35 s" in page
    assert "bedrock.create_model_customization_job(" in page
    assert "aws bedrock create-model-customization-job" in page
    assert "s3:GetObject" in page


def test_what_is_checked_is_what_is_sent(client: TestClient, api: ApiInMemory, csrf_token: str):
    client.post("/console/custom-models/create/check", data={"csrf_token": csrf_token, **FORM})
    checked = api.sent("EstimateCustomizationJob")
    answer = client.post("/console/custom-models/create", data={"csrf_token": csrf_token, **FORM})
    assert answer.headers["location"] == "/console/jobs/claude-3-haiku-ft-job"
    sent = api.sent("CreateModelCustomizationJob")
    assert {name: sent[name] for name in checked} == checked
    assert sent["roleArn"] == "arn:aws:iam::123456789012:role/claude-3-haiku-ft-role"
    assert [name for _, name, _ in api.asked[-3:]] == ["CreateRole", "PutRolePolicy", "CreateModelCustomizationJob"]


def test_a_refused_job_leaves_the_form_as_it_was_typed(client: TestClient, api: ApiInMemory, csrf_token: str):
    api.refusals["CreateModelCustomizationJob"] = ApiRefusal(
        "The name is taken.", code="ConflictException", operation="CreateModelCustomizationJob", status=400
    )
    answer = client.post("/console/custom-models/create", data={"csrf_token": csrf_token, **FORM})
    assert answer.status_code == 400
    assert "The name is taken." in answer.text
    for value in ("claude-3-haiku-ft-model", "claude-3-haiku-ft-job", "s3://bucket/output/", "claude-3-haiku-ft-role"):
        assert f'value="{value}"' in answer.text


def test_what_is_missing_is_named_and_nothing_is_sent(client: TestClient, api: ApiInMemory, csrf_token: str):
    answer = client.post("/console/custom-models/create", data={"csrf_token": csrf_token, **FORM, "job_name": " "})
    assert answer.status_code == 400
    assert "Job name is missing." in answer.text
    assert api.jobs == {}


def test_a_running_job_shows_its_curves_its_early_stop_and_how_long_it_takes_yet(client: TestClient, api: ApiInMemory):
    api.add_job("tuning", statusDetails={"trainingDetails": {"status": "InProgress"}})
    api.metrics["tuning"] = METRICS
    page = client.get("/console/jobs/tuning").text
    assert 'data-live="/console/jobs/tuning/live"' in page
    assert 'class="smooth" points="' in page
    assert "Step 6 of 30" in page
    assert "about 1 min 35 s left" in page
    assert "0 / 2" in page
    assert "1.699" in page
    assert "Learning: the validation loss still falls." in page


def test_a_failed_job_says_why(client: TestClient, api: ApiInMemory):
    api.add_job("tuning", status="Failed", failureMessage="row 17 of s3://bucket/train.jsonl: completion is missing")
    page = client.get("/console/jobs/tuning").text
    assert "row 17 of s3://bucket/train.jsonl" in page
    assert "data-live" not in page


def test_a_completed_job_leads_to_its_model_unless_that_was_deleted(client: TestClient, api: ApiInMemory):
    api.add_job("tuning", status="Completed", endTime=AT)
    api.add_model("tuning-model")
    assert 'href="/console/models/tuning-model"' in client.get("/console/jobs/tuning").text
    del api.models["tuning-model"]
    page = client.get("/console/jobs/tuning").text
    assert "Its model tuning-model has been deleted." in page
    assert 'href="/console/models/tuning-model"' not in page


def test_answers_and_events_are_text_whatever_they_hold(client: TestClient, api: ApiInMemory):
    api.add_job("tuning", status="Completed", endTime=AT)
    long_line = "x" * 1_000_000
    api.samples = [
        {
            "step": 4,
            "answers": [
                {"prompt": SCRIPT, "answer": f"[a]({SCRIPT}){RIGHT_TO_LEFT}", "expected": long_line, "isWhole": True}
            ],
        }
    ]
    api.events = [{"at": AT, "message": f'"><img src=x onerror=alert(1)> {SCRIPT}'}]
    page = client.get("/console/jobs/tuning").text
    assert SCRIPT not in page
    assert "<img" not in page.partition('id="live"')[2]
    assert long_line in page


def test_the_live_part_ends_with_the_job(client: TestClient, api: ApiInMemory):
    api.add_job("tuning", status="Completed", endTime=AT)
    api.metrics["tuning"] = METRICS
    answer = client.get("/console/jobs/tuning/live")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert re.findall(r"^event: (\w+)$", answer.text, re.MULTILINE) == ["draw", "end"]


def test_the_curves_come_as_a_table(client: TestClient, api: ApiInMemory):
    api.add_job("tuning")
    api.metrics["tuning"] = METRICS
    lines = client.get("/console/jobs/tuning/losses.csv").text.splitlines()
    assert lines[0] == "step_number,epoch_number,training_loss,validation_loss"
    assert lines[4] == "3,2,0.75,2.5"


def test_training_again_begins_with_the_settings_of_the_job(client: TestClient, api: ApiInMemory):
    api.add_job("tuning", hyperParameters={"epochCount": "3", "loraRank": "8"})
    page = client.get("/console/jobs/tuning/again").text
    assert 'name="hyperparameter.epochCount" type="number" inputmode="decimal" value="3"' in page
    assert "loraRank=8</textarea>" in page
    assert 'name="job_name" value="tuning-2"' in page
    assert f'value="{BASE_MODEL}"' in page


def test_a_job_is_stopped(client: TestClient, api: ApiInMemory, csrf_token: str):
    api.add_job("tuning")
    client.post("/console/jobs/tuning/stop", data={"csrf_token": csrf_token})
    assert api.jobs["tuning"]["status"] == "Stopping"


def test_what_is_changed_stands_beside_the_settings_of_the_job(client: TestClient, api: ApiInMemory, csrf_token: str):
    api.add_job("tuning", hyperParameters={"epochCount": "3", "loraRank": "8"})
    assert "Nothing yet" in client.get("/console/jobs/tuning/again").text
    form = {
        "csrf_token": csrf_token,
        **FORM,
        "again": "tuning",
        "hyperparameter.epochCount": "9",
        "hyperparameter.batchSize": "8",
        "further": "loraRank=16",
        "training_uri": "s3://bucket/more.jsonl",
    }
    page = client.post("/console/custom-models/create/differences", data=form).text
    shown = re.findall(r'<tr><th scope="row">(.*?)</th><td><del>(.*?)</del></td><td><ins>(.*?)</ins>', page)
    assert shown == [
        ("Training data", "s3://bucket/train.jsonl", "s3://bucket/more.jsonl"),
        ("Epochs", "3", "9"),
        ("loraRank", "8", "16"),
    ]


def test_the_newest_sentence_about_memory_stands_among_the_figures(client: TestClient, api: ApiInMemory):
    api.add_job("tuning")
    api.metrics["tuning"] = METRICS
    api.events = [{"at": AT, "message": "Memory: peak 0.4 GB, forecast 0.5 GB."}]
    assert '<dd><small class="told">peak 0.4 GB' in client.get("/console/jobs/tuning").text


def test_the_verdict_of_an_evaluated_job_stands_with_its_reasons(client: TestClient, api: ApiInMemory):
    api.add_job("tuning", status="Completed", endTime=AT)
    reason = {"criterion": "rougeL at least base + 0.1", "state": "not met", "figures": SCRIPT}
    metric = {"metricName": "rougeL", "base": 0.2, "tuned": 0.25, "difference": 0.05, "outcome": "better"}
    api.job_evaluations["tuning"] = {
        "testDataS3Uri": "s3://bucket/test.jsonl",
        "findings": {"verdict": "DONT_SHIP", "reasons": [reason], "metrics": [metric], "contamination": []},
    }
    page = client.get("/console/jobs/tuning").text
    assert "DON&#39;T SHIP" in page
    assert "rougeL at least base + 0.1" in page
    assert SCRIPT not in page


def part(template: str, **values: str) -> dict[str, object]:
    return {"template": template, "values": values}


JAPANESE = {"accept-language": "ja"}


def test_what_a_job_tells_is_said_in_japanese_on_a_japanese_page(client: TestClient, api: ApiInMemory):
    failure = "Validation set 1 of 1 has no record."
    api.add_job("tuning", status="Failed", failureMessage=failure)
    api.metrics["tuning"] = {
        **METRICS,
        "diagnosis": "Under-trained: validation loss was still falling at 1.700 in epoch 3; try 6 epochs.",
        "diagnosisParts": [
            part(
                "Under-trained: validation loss was still falling at {loss} in epoch {epoch}; try {epochs} epochs",
                loss="1.700",
                epoch="3",
                epochs="6",
            ),
            part("."),
        ],
        "failureParts": [part("Validation set {number} of {count} has no record.", number="1", count="1")],
    }
    memory = part("Memory: peak {peak}, forecast {forecast}.", peak="0.4 GB", forecast="0.5 GB")
    api.events = [
        {"at": AT, "message": "Memory: peak 0.4 GB, forecast 0.5 GB.", "messageParts": [memory]},
        {"at": AT, "message": "Of a newer server.", "messageParts": [part("Of a newer {server}.", server="server")]},
    ]
    page = client.get("/console/jobs/tuning", headers=JAPANESE).text
    assert "学習不足: 検証損失はエポック 3 の 1.700 でもまだ下がり続けていました。6 エポックを試してください。" in page
    assert "1 個中 1 番目の検証データにレコードがありません。" in page
    assert '<dd><small class="told">最大 0.4 GB、予測 0.5 GB。' in page
    assert "Of a newer server." in page
    assert failure in client.get("/console/jobs/tuning").text


def test_what_a_check_finds_is_said_in_japanese_on_a_japanese_page(
    client: TestClient, api: ApiInMemory, csrf_token: str
):
    finding = {
        "line": 3,
        "rule": "missing-key",
        "severity": "error",
        "message": '"completion" is missing.',
        "messageParts": [part('"{key}" is missing.', key="completion")],
        "fix": "Make it a string.",
        "fixParts": [part("Make it a string.")],
    }
    api.findings = [finding, {**finding, "message": "As an older server says it.", "messageParts": []}]
    form = {"csrf_token": csrf_token, **FORM}
    check = client.post("/console/custom-models/create/check", data=form, headers=JAPANESE).text
    assert "「completion」がありません。" in check
    assert "文字列にしてください。" in check
    assert "As an older server says it." in check
