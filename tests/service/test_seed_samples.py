"""The code samples of two articles, unchanged, with the SDK overlay on and nothing but environment variables set."""

import json
from pathlib import Path

import boto3
import botocore.session
import pytest

from tanren.aws.sdk_overlay import MODELS_FOLDER
from tests.service.notebook import Notebook
from tests.service.servers import FORGE_ROWS, finished, rows_as_jsonl, wait_until

SAMPLES = Path(__file__).resolve().parents[1] / "seed_samples"
BUCKET = "my-bucket"
REGION = "us-west-2"
"""Which the first article writes into its clients."""
TEXTS = [
    {"input": f"The patient in room {room} has had a fever of {38 + room / 10:.1f} degrees since Monday. " * 3}
    for room in range(1, 17)
]
CPT_LONGEST = 2048


@pytest.fixture(scope="module")
def bucket(server):
    """The articles' bucket, with what they find in it: JSON arrays and JSONL under names that end in .json."""
    s3 = server.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    files = {
        "customer-service-data.json": json.dumps(FORGE_ROWS, ensure_ascii=False, indent=1).encode(),
        "validation-data.json": rows_as_jsonl(FORGE_ROWS[:4]),
        "medical-texts.json": json.dumps(TEXTS).encode(),
        "medical-validation.json": rows_as_jsonl(TEXTS[:4]),
    }
    for key, body in files.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    return BUCKET


@pytest.fixture
def notebook(server, bucket):
    with Notebook({**server.environment, "AWS_DATA_PATH": str(MODELS_FOLDER)}) as made:
        yield made


@pytest.fixture
def overlaid(server):
    """Clients of a boto3 with the overlay, in the articles' region."""
    core = botocore.session.Session()
    core.get_component("data_loader").search_paths.insert(0, str(MODELS_FOLDER))
    keys = server.keys
    session = boto3.Session(
        botocore_session=core,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        region_name=REGION,
    )
    return lambda service: session.client(service, endpoint_url=keys.endpoint)


def test_000_fine_tuning_trains_and_is_described(notebook, overlaid):
    notebook.run(SAMPLES / "000_fine_tuning.py")
    job_id = notebook.value("fine_tuning_job['jobId']")
    status = notebook.value("job_status")
    assert status["status"] == "InProgress"
    assert status["hyperParameters"] == {"learning_rate": 0.0001, "epochs": 3, "batch_size": 4}
    updates = list(overlaid("tanren").watch_job(jobIdentifier=job_id)["updates"])
    job = overlaid("bedrock").describe_fine_tuning_job(jobId=job_id)
    assert job["status"] == "Completed", job.get("failureMessage")
    assert job["effectiveHyperParameters"] == {"learningRate": "0.0001", "epochCount": "3", "batchSize": "4"}
    assert job["trainingMetrics"]["trainingLoss"] > 0
    assert job["validationMetrics"][0]["validationLoss"] > 0
    # Eight rows in batches of four, three times, a validation after each.
    assert [each["step"]["metrics"]["step"] for each in updates if "step" in each] == list(range(6))
    assert [each["validation"]["metrics"]["step"] for each in updates if "validation" in each] == [2, 4, 6]
    assert updates[-1]["status"]["outputModelArn"] == job["outputModelArn"]
    messages = [each["jobEvent"]["event"]["message"] for each in updates if "jobEvent" in each]
    assert "hyperParameters.learning_rate 0.0001 is learningRate 0.0001." in messages


def test_000_continued_pre_training_trains_and_is_described(notebook, overlaid):
    notebook.run(SAMPLES / "000_continued_pre_training.py")
    job_id = notebook.value("pre_training_job['jobId']")
    assert notebook.value("job_status['status']") == "InProgress"
    bedrock = overlaid("bedrock")
    job = finished(bedrock, bedrock.describe_continued_pre_training_job(jobId=job_id)["jobArn"])
    assert job["status"] == "Completed", job.get("failureMessage")
    assert job["customizationType"] == "CONTINUED_PRE_TRAINING"
    assert job["hyperParameters"]["maxSequenceLength"] == str(CPT_LONGEST)
    losses = [
        each["validationLoss"] for each in overlaid("tanren").get_job_metrics(jobIdentifier=job_id)["validations"]
    ]
    assert len(losses) == 5
    assert losses[-1] < losses[0]


def test_000_a_custom_model_answers_by_its_bare_name(notebook, overlaid):
    bedrock = overlaid("bedrock")
    arn = bedrock.create_fine_tuning_job(
        modelId="anthropic.claude-v2",
        jobName="for-the-article",
        customModelName="my-custom-model-id",
        trainingData={"s3Uri": f"s3://{BUCKET}/customer-service-data.json"},
        hyperParameters={"epochs": 1},
    )["jobArn"]
    assert finished(bedrock, arn)["status"] == "Completed"
    notebook.run(SAMPLES / "000_invoke.py")
    assert notebook.value("generated_text")
    assert notebook.value("generated_text") == notebook.value("response_body['completion']")


def test_001_from_the_upload_to_the_evaluation(server, notebook):
    s3, bedrock = server.client("s3"), server.client("bedrock")
    notebook.run(SAMPLES / "001_upload.py")
    uploaded = s3.get_object(Bucket=BUCKET, Key="training/train.jsonl")["Body"].read().decode()
    assert [json.loads(line) for line in uploaded.splitlines()] == notebook.value("training_data")
    assert "お客様: 製品が壊れています" in uploaded
    s3.put_object(Bucket=BUCKET, Key="training/validation.jsonl", Body=uploaded.encode())
    notebook.run(SAMPLES / "001_create_job.py")
    printed = notebook.run(SAMPLES / "001_status.py")
    assert printed.splitlines()[0] == "ステータス: InProgress"
    job = finished(bedrock, notebook.value("job_arn"))
    assert job["status"] == "Completed", job.get("failureMessage")
    assert job["hyperParameters"] == {"epochCount": "3", "batchSize": "8", "learningRate": "0.00001"}
    assert job["validationDataConfig"] == {"validators": [{"s3Uri": f"s3://{BUCKET}/training/validation.jsonl"}]}
    assert json.dumps(job["trainingMetrics"]["trainingLoss"]) in notebook.run(SAMPLES / "001_status.py")
    notebook.run(SAMPLES / "001_throughput.py")

    def in_service() -> bool:
        found = bedrock.get_provisioned_model_throughput(provisionedModelId="customer-service-pt")
        assert found["status"] != "Failed", found
        return found["status"] == "InService"

    wait_until(in_service, seconds=120, what="the throughput in service")
    assert notebook.run(SAMPLES / "001_invoke.py").strip()
    notebook.run(SAMPLES / "001_evaluate.py")
    accuracy, results = notebook.value("evaluate_model(provisioned_arn, training_data)")
    assert len(results) == 2
    assert accuracy == sum(each["expected"].lower() in each["predicted"].lower() for each in results) / 2


def test_what_the_articles_train_on_can_be_looked_at_first(bucket, overlaid):
    tanren = overlaid("tanren")
    asked = {
        "baseModelIdentifier": "anthropic.claude-v2",
        "trainingDataConfig": {"s3Uri": f"s3://{BUCKET}/customer-service-data.json"},
        "validationDataConfig": {"validators": [{"s3Uri": f"s3://{BUCKET}/validation-data.json"}]},
    }
    told = tanren.validate_training_data(**asked)
    assert told["isValid"]
    assert [file["recordCount"] for file in told["files"]] == [8, 4]
    wrong = {"s3Uri": f"s3://{BUCKET}/medical-texts.json"}
    told = tanren.validate_training_data(**{**asked, "trainingDataConfig": wrong})
    assert not told["isValid"]
    rules = {finding["rule"]: finding["severity"] for finding in told["files"][0]["findings"]}
    assert rules == {"json-array": "warning", "wrong-customization-type": "error"}
    estimate = tanren.estimate_customization_job(**asked, hyperParameters={"epochCount": "3", "batchSize": "4"})
    assert estimate["tokens"]["recordCount"] == 8
    assert estimate["tokens"]["stepCount"] == 6
    assert estimate["memory"]["neededBytes"] > 0
    with pytest.raises(tanren.exceptions.ValidationException, match="upload it: aws s3 cp FILE"):
        tanren.validate_training_data(**{**asked, "trainingDataConfig": {"s3Uri": f"s3://{BUCKET}/nothing.jsonl"}})


def test_without_the_overlay_the_articles_operations_are_not_there(server, bucket):
    with Notebook(server.environment) as plain, pytest.raises(AssertionError, match="create_fine_tuning_job"):
        plain.run(SAMPLES / "000_fine_tuning.py")
