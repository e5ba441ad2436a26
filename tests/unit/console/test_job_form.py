"""What was typed, as the requests that it becomes."""

from dataclasses import replace

import pytest

from tanren.console.job_form import JobForm, next_name

GIVEN = {
    "customization_type": "FINE_TUNING",
    "base_model": "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0",
    "model_name": "ft-model",
    "job_name": "ft-job",
    "training_uri": "s3://data/faq/train.jsonl",
    "validation_uri": "s3://data/faq/validation.jsonl",
    "output_uri": "s3://results/ft/",
    "hyperparameter.epochCount": "10",
    "hyperparameter.batchSize": "",
    "hyperparameter.earlyStoppingPatience": "3",
    "stops_early": "on",
    "role": "existing",
    "role_arn": "arn:aws:iam::123456789012:role/tuning",
}


def sent(**changes: str) -> dict:
    given = {name: value for name, value in {**GIVEN, **changes}.items() if value != "absent"}
    return dict(JobForm.read(given).requests("123456789012")[-1].params)


def test_only_fields_that_hold_something_are_sent():
    assert sent()["hyperParameters"] == {"epochCount": "10", "earlyStoppingPatience": "3"}


def test_without_validation_data_the_keys_of_early_stopping_are_not_sent():
    assert sent(validation_uri="")["hyperParameters"] == {"epochCount": "10"}
    assert "validationDataConfig" not in sent(validation_uri="")


def test_without_the_tick_training_stops_as_late_as_it_can():
    assert sent(stops_early="absent")["hyperParameters"] == {
        "epochCount": "10",
        "earlyStoppingThreshold": "0",
        "earlyStoppingPatience": "10",
    }


def test_a_custom_models_fields_are_those_of_its_foundation_model():
    arn = "arn:aws:bedrock:us-east-1:123456789012:custom-model/tanren.nano-v1:0/abcdefghijkl"
    assert JobForm(customization_type="FINE_TUNING", base_model=arn).model_id == "tanren.nano-v1:0"


def test_further_keys_are_sent_as_they_are_written():
    assert sent(further="loraRank = 8\n\nseed=3")["hyperParameters"]["loraRank"] == "8"
    assert JobForm.read({**GIVEN, "further": "loraRank 8"}).complaints() == [("Further hyperparameters", "loraRank 8")]


def test_tags_go_to_the_model():
    assert sent(tags="team=kb")["customModelTags"] == [{"key": "team", "value": "kb"}]


def test_a_new_role_may_read_the_data_and_write_below_the_output_and_nothing_else():
    policy = JobForm.read(GIVEN).role_policy()
    assert [(statement["Action"], statement["Resource"]) for statement in policy["Statement"]] == [
        ("s3:GetObject", ["arn:aws:s3:::data/faq/train.jsonl", "arn:aws:s3:::data/faq/validation.jsonl"]),
        ("s3:ListBucket", ["arn:aws:s3:::data"]),
        (["s3:PutObject", "s3:GetObject"], "arn:aws:s3:::results/ft/*"),
    ]


def test_a_new_role_is_made_before_the_job_that_uses_it():
    requests = JobForm.read({**GIVEN, "role": "new", "new_role_name": "made"}).requests("123456789012")
    assert [request.operation for request in requests] == ["CreateRole", "PutRolePolicy", "CreateModelCustomizationJob"]
    assert requests[-1].params["roleArn"] == "arn:aws:iam::123456789012:role/made"


def test_test_data_and_success_criteria_are_tags_of_the_job_and_may_be_read_by_its_role():
    criteria = "rougeL at least base + 0.1"
    job = sent(test_uri="s3://data/faq/test.jsonl", success_criteria=criteria)
    assert job["jobTags"] == [
        {"key": "tanren:test-data", "value": "s3://data/faq/test.jsonl"},
        {"key": "tanren:success-criteria", "value": criteria},
    ]
    form = JobForm.read({**GIVEN, "test_uri": "s3://data/faq/test.jsonl"})
    assert "arn:aws:s3:::data/faq/test.jsonl" in form.role_policy()["Statement"][0]["Resource"]


def test_a_form_that_begins_with_a_job_differs_from_it_by_what_was_changed_alone():
    job = {
        "jobName": "first",
        "customizationType": "FINE_TUNING",
        "baseModelArn": GIVEN["base_model"],
        "hyperParameters": {"epochCount": "10", "loraRank": "8"},
        "trainingDataConfig": {"s3Uri": "s3://data/faq/train.jsonl"},
        "outputDataConfig": {"s3Uri": "s3://results/ft/"},
        "roleArn": GIVEN["role_arn"],
    }
    form = JobForm.of_job(job, new_role_name="new")
    assert form.differences(job) == []
    assert form.again == "first"
    changed = replace(form, hyperparameters={**form.hyperparameters, "batchSize": "8"}, further="loraRank=16")
    assert [(each.label, each.before, each.now) for each in changed.differences(job)] == [
        ("Batch size", "32", "8"),
        ("loraRank", "8", "16"),
    ]


@pytest.mark.parametrize(
    ("name", "following"),
    [("faq", "faq-2"), ("faq-1", "faq-2"), ("faq-9", "faq-10"), ("faq-ja", "faq-ja-2"), ("x" * 63, "x" * 61 + "-2")],
)
def test_the_next_job_has_the_next_name(name: str, following: str):
    assert next_name(name) == following


@pytest.mark.parametrize(("status", "model"), [("Completed", "faq-2"), ("Failed", "faq")])
def test_the_name_of_a_model_that_was_never_made_is_free(status: str, model: str):
    job = {
        "jobName": "first",
        "outputModelName": "faq",
        "status": status,
        "customizationType": "FINE_TUNING",
        "baseModelArn": GIVEN["base_model"],
        "trainingDataConfig": {"s3Uri": "s3://data/faq/train.jsonl"},
        "outputDataConfig": {"s3Uri": "s3://results/ft/"},
        "roleArn": GIVEN["role_arn"],
    }
    assert JobForm.of_job(job, new_role_name="new").model_name == model


@pytest.mark.parametrize(("role", "makes_role"), [("tuning", False), ("bedrock-customization-a1b2c3", True)])
def test_a_role_that_was_made_for_one_jobs_files_is_not_taken_for_the_next_job(role: str, makes_role: bool):
    job = {
        "jobName": "first",
        "customizationType": "FINE_TUNING",
        "baseModelArn": GIVEN["base_model"],
        "trainingDataConfig": {"s3Uri": "s3://data/faq/train.jsonl"},
        "outputDataConfig": {"s3Uri": "s3://results/ft/"},
        "roleArn": f"arn:aws:iam::123456789012:role/{role}",
    }
    assert JobForm.of_job(job, new_role_name="new").makes_role == makes_role
