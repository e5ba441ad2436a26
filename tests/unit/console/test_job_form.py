"""What was typed, as the requests that it becomes."""

from tanren.console.job_form import JobForm

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
