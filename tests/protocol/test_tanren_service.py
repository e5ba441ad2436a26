"""The service `tanren` and the SDK overlay's dialect, asked by boto3 with the overlay on, over a real store."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from tanren import dry_run
from tanren.aws.chain import build_application
from tanren.aws.exchange import ASGIApp
from tanren.aws.operations.tanren import job_updates
from tanren.aws.operations.tanren.job_updates import job_update_handlers
from tanren.aws.sdk_overlay import MODELS_FOLDER
from tanren.aws.service_models import load_service
from tanren.catalog.foundation_models import foundation_model
from tanren.cli.main import app
from tanren.control.customization_jobs import CustomizationJobControl
from tanren.control.job_updates import JobUpdateControl
from tanren.domain.audit_events import Caller
from tanren.domain.clock import utc_now
from tanren.domain.customization_jobs import CustomizationType, JobStatus, Phase, PhaseStatus
from tanren.domain.errors import Throttled
from tanren.domain.scope import Scope
from tanren.domain.sentences import joined, sentence
from tanren.domain.usage import Usage
from tanren.dry_run import DryRunProcess
from tanren.gateway import handlers, tanren_handlers
from tanren.settings import read_settings
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.audit_log import AuditLog
from tanren.storage.customization_jobs import CustomizationJobs
from tanren.storage.database import Database
from tanren.storage.training_records import TrainingRecords
from tanren.storage.usage import UsageRecords
from tanren.workflows.data_files import examined_file
from tanren.workflows.dry_run import Estimate
from tests.conformance.whole_gateway import EXAMINED
from tests.data_files.broken import BROKEN_FILES, BrokenFile
from tests.protocol.chained_models import chain_of_models
from tests.protocol.loopback import KEY, RUNNER, OneKey, client
from tests.protocol.sampling import Sampler
from tests.unit.storage.audit_calls import call

ROOT = replace(KEY, principal_arn=f"arn:aws:iam::{KEY.account_id}:root")
SAMPLES = 30
SCOPE = Scope(account_id=KEY.account_id, region="us-east-1")
SEED = {
    "modelId": "anthropic.claude-v2",
    "jobName": "customer-service-finetuning",
    "trainingData": {"s3Uri": "s3://my-bucket/customer-service-data.json"},
    "hyperParameters": {"learning_rate": 0.0001, "epochs": 3, "batch_size": 4},
    "validationData": {"s3Uri": "s3://my-bucket/validation-data.json"},
}
PRE_TRAINING = {
    "modelId": "anthropic.claude-v2",
    "jobName": "medical-domain-pretraining",
    "trainingData": {"s3Uri": "s3://my-bucket/medical-texts.json"},
    "hyperParameters": {"learning_rate": 0.00001, "epochs": 5, "batch_size": 8, "max_sequence_length": 2048},
    "validationData": {"s3Uri": "s3://my-bucket/medical-validation.json"},
}


class RootAlone(OneKey):
    def find(self, access_key_id: str) -> Any:
        return ROOT if access_key_id == ROOT.access_key_id else None


class Service:
    """Handlers as the gateway wires them, and the store behind them."""

    def __init__(self, data_dir: Path, database: Database) -> None:
        settings = read_settings({}, data_dir=data_dir)
        self.data_dir = data_dir
        wired = {**handlers(settings, database), **tanren_handlers(settings, database)}
        self.app: ASGIApp = build_application(handlers=wired, access_keys=RootAlone(), neighbourhood=None)
        self.bedrock = client(self.app, "bedrock")
        self.tanren = client(self.app, "tanren")
        self.jobs = CustomizationJobs(database)
        self.records = TrainingRecords(database)
        self.artifacts = ArtifactStore(settings.data_dir / "artifacts")

    def job(self, **changes: Any) -> str:
        return self.bedrock.create_fine_tuning_job(**{**SEED, **changes})["jobArn"]

    def trains(self, arn: str, steps: int, *, first: int = 0) -> None:
        records = [step_record(step, steps) for step in range(first, steps)]
        assert self.records.add_steps(arn, 0, records)

    def ends(self, arn: str, status: JobStatus, at: Any) -> None:
        with self.jobs.database.writing() as connection:
            assert self.jobs.move(connection, arn, status, at=at)


def step_record(step: int, of: int) -> dict[str, Any]:
    return {
        "step": step,
        "epoch": 1 + step // 10,
        "training_loss": 3.0 / (1 + step),
        "learning_rate": 1e-3,
        "gradient_norm": 0.5,
        "tokens": 120,
        "trained_tokens": 100,
        "seconds": 0.25,
        "total_steps": of,
        "share": (step + 1) / of,
        "remaining_seconds": (of - step - 1) * 0.25,
    }


def validation_record(step: int, loss: float) -> dict[str, Any]:
    return {"step": step, "epoch": step // 10, "validation_loss": loss, "losses_by_set": [loss]}


SAMPLE = {
    "step": 10,
    "epoch": 1,
    "seconds": 0.1,
    "answers": [{"prompt": "What?", "text": "A 刃.", "expected": "A blade.", "is_held_out": True, "is_whole": False}],
}


@pytest.fixture
def service(tmp_path: Path, database: Database) -> Service:
    return Service(tmp_path / "data", database)


def test_a_job_in_the_dialect_is_a_customization_job_and_tells_what_became_of_its_numbers(service: Service) -> None:
    created = service.bedrock.create_fine_tuning_job(**SEED)
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    told = service.bedrock.describe_fine_tuning_job(jobId=created["jobId"])
    for member in ("modelId", "jobName", "trainingData", "validationData", "hyperParameters"):
        assert told[member] == SEED[member]
    assert told["status"] == "InProgress"
    assert told["effectiveHyperParameters"] == {"learningRate": "0.0001", "epochCount": "3", "batchSize": "4"}
    assert [(each["given"], each["name"], each["value"]) for each in told["hyperParameterMapping"]] == [
        ("learning_rate", "learningRate", "0.0001"),
        ("epochs", "epochCount", "3"),
        ("batch_size", "batchSize", "4"),
    ]
    plain = service.bedrock.get_model_customization_job(jobIdentifier=created["jobArn"])
    assert plain["customizationType"] == "FINE_TUNING"
    assert plain["hyperParameters"] == told["effectiveHyperParameters"]
    assert plain["outputModelName"] == SEED["jobName"]
    assert plain["outputDataConfig"] == {"s3Uri": "s3://my-bucket/output/"}
    messages = [event["message"] for event in service.tanren.list_job_events(jobIdentifier=created["jobId"])["events"]]
    assert messages[:3] == [
        "hyperParameters.learning_rate 0.0001 is learningRate 0.0001.",
        "hyperParameters.epochs 3 is epochCount 3.",
        "hyperParameters.batch_size 4 is batchSize 4.",
    ]
    assert [message.split(" ", 1)[0] for message in messages[3:]] == ["roleArn", "outputData", "customModelName"]


def test_continued_pre_training_in_the_dialect_keeps_its_longest_sequence(service: Service) -> None:
    created = service.bedrock.create_continued_pre_training_job(**PRE_TRAINING)
    told = service.bedrock.describe_continued_pre_training_job(jobId=created["jobArn"])
    assert told["effectiveHyperParameters"] == {
        "learningRate": "1e-05",
        "epochCount": "5",
        "batchSize": "8",
        "maxSequenceLength": "2048",
    }
    with pytest.raises(service.bedrock.exceptions.ResourceNotFoundException, match="DescribeContinuedPreTrainingJob"):
        service.bedrock.describe_fine_tuning_job(jobId=created["jobId"])


def test_claude_2_is_customized_in_the_dialect_alone(service: Service) -> None:
    with pytest.raises(service.bedrock.exceptions.ValidationException, match="it can only be invoked, as on AWS"):
        service.bedrock.create_model_customization_job(
            jobName="job",
            customModelName="model",
            roleArn="arn:aws:iam::123456789012:role/any",
            baseModelIdentifier="anthropic.claude-v2",
            trainingDataConfig={"s3Uri": "s3://my-bucket/train.jsonl"},
            outputDataConfig={"s3Uri": "s3://my-bucket/out/"},
        )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hyperParameters": {"learning_rat": 1}}, "unknown key 'learningRat'"),
        ({"hyperParameters": {"epochs": 99}}, "a whole number from 1 to 10"),
        ({"hyperParameters": {"epochs": 3, "epochCount": 3}}, "are both epochCount"),
        ({"hyperParameters": {"epochs": True}}, "epochs is true or false"),
        ({"hyperParameters": ["epochs"]}, "an object of names and numbers"),
        ({"jobName": "v1.5"}, "Give customModelName"),
    ],
)
def test_what_cannot_be_a_job_in_the_dialect_is_refused_with_the_reason(
    service: Service, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(service.bedrock.exceptions.ValidationException, match=words):
        service.job(**changes)


def test_the_role_may_be_left_out_by_root_alone(service: Service) -> None:
    app = build_application(
        handlers=handlers(read_settings({}), service.jobs.database), access_keys=OneKey(), neighbourhood=None
    )
    mika = client(app, "bedrock")
    with pytest.raises(mika.exceptions.ValidationException, match="iam:PassRole"):
        mika.create_fine_tuning_job(**SEED)
    assert mika.create_fine_tuning_job(**SEED, roleArn="arn:aws:iam::123456789012:role/any")["jobId"]


def test_a_validation_file_may_be_named_without_validators_once_the_overlay_is_on(service: Service) -> None:
    request = {
        "jobName": "job",
        "customModelName": "model",
        "roleArn": "arn:aws:iam::123456789012:role/any",
        "baseModelIdentifier": "amazon.titan-text-express-v1",
        "trainingDataConfig": {"s3Uri": "s3://my-bucket/train.jsonl"},
        "outputDataConfig": {"s3Uri": "s3://my-bucket/out/"},
    }
    refused = service.bedrock.exceptions.ValidationException
    with pytest.raises(refused, match=r"Value null at 'validationDataConfig\.validators'"):
        service.bedrock.create_model_customization_job(**request, validationDataConfig={})
    both = {"s3Uri": "s3://b-b/v.jsonl", "validators": [{"s3Uri": "s3://b-b/v.jsonl"}]}
    with pytest.raises(refused, match="both validators and s3Uri"):
        service.bedrock.create_model_customization_job(**request, validationDataConfig=both)
    arn = service.bedrock.create_model_customization_job(
        **request, validationDataConfig={"s3Uri": "s3://my-bucket/v.jsonl"}
    )["jobArn"]
    job = service.bedrock.get_model_customization_job(jobIdentifier=arn)
    assert job["validationDataConfig"] == {"validators": [{"s3Uri": "s3://my-bucket/v.jsonl"}]}


def test_metrics_are_the_runs_own_records_thinned_out_and_the_newest_of_each_exactly(service: Service) -> None:
    arn = service.job()
    service.trains(arn, 100)
    for step, loss in ((50, 1.0), (60, 0.5), (70, 0.75)):
        service.records.add_validation(arn, 0, validation_record(step, loss))
    told = service.tanren.get_job_metrics(jobIdentifier=arn, maxResults=10)
    assert (told["stepCount"], len(told["steps"]), told["isThinnedOut"]) == (100, 10, True)
    recorded = {step: 3.0 / (1 + step) for step in range(100)}
    assert all(recorded[each["step"]] == each["trainingLoss"] for each in told["steps"])
    assert (told["steps"][0]["step"], told["steps"][-1]) == (0, told["lastStep"])
    assert told["lastStep"]["step"] == 99
    assert (told["bestValidation"]["step"], told["lastValidation"]["step"]) == (60, 70)
    assert told["trainedTokenCount"] == 10_000
    assert told["trainedTokensPerSecond"] == 400
    assert told["progress"] == {"stepsDone": 100, "totalSteps": 100, "share": 1, "remainingSeconds": 0}
    whole = service.tanren.get_job_metrics(jobIdentifier=arn)
    assert len(whole["steps"]) == 100
    assert whole["isThinnedOut"] is False


def test_a_job_that_has_told_nothing_yet_has_empty_curves(service: Service) -> None:
    told = service.tanren.get_job_metrics(jobIdentifier=service.job())
    assert (told["steps"], told["validations"], told["progress"]) == ([], [], {"stepsDone": 0})
    assert "lastStep" not in told


def test_events_come_in_pages_from_either_end(service: Service, clock: Callable[[], Any]) -> None:
    arn = service.job(jobName="plain", customModelName="m", roleArn="arn:aws:iam::123456789012:role/r")
    before = len(service.tanren.list_job_events(jobIdentifier="plain")["events"])
    for number in range(7):
        service.records.add_event(arn, 1, f"event {number}", at=clock())
    pages = service.tanren.get_paginator("list_job_events").paginate(
        jobIdentifier="plain", PaginationConfig={"PageSize": 3}
    )
    messages = [event["message"] for page in pages for event in page["events"]]
    assert messages[before:] == [f"event {number}" for number in range(7)]
    newest = service.tanren.list_job_events(jobIdentifier="plain", sortOrder="Descending", maxResults=2)
    assert [event["message"] for event in newest["events"]] == ["event 6", "event 5"]
    further = service.tanren.list_job_events(
        jobIdentifier="plain", sortOrder="Descending", maxResults=2, nextToken=newest["nextToken"]
    )
    assert [event["message"] for event in further["events"]] == ["event 4", "event 3"]
    with pytest.raises(service.tanren.exceptions.ValidationException, match="nextToken"):
        service.tanren.list_job_events(jobIdentifier="plain", nextToken="elsewhere")


def test_sentences_come_with_their_templates_and_values(service: Service, clock: Callable[[], Any]) -> None:
    arn = service.job(jobName="told", customModelName="m", roleArn="arn:aws:iam::123456789012:role/r")
    service.records.add_event(arn, 0, joined("Path: ", sentence("{n} steps.", n=3)), at=clock())
    service.records.add_event(arn, 0, "Plain.", at=clock())
    *_, parted, plain = service.tanren.list_job_events(jobIdentifier="told")["events"]
    assert parted["message"] == "Path: 3 steps."
    assert parted["messageParts"] == [
        {"template": "{text}", "values": {"text": "Path: "}},
        {"template": "{n} steps.", "values": {"n": "3"}},
    ]
    assert "messageParts" not in plain


def test_a_failure_is_told_whole_with_its_parts_where_the_message_is_cut(
    service: Service, clock: Callable[[], Any]
) -> None:
    arn = service.job(jobName="failed", customModelName="m", roleArn="arn:aws:iam::123456789012:role/r")
    why = sentence("Rows: {rows}.", rows="x" * 3000)
    service.records.add_event(arn, 0, sentence("Learning: {n}", n=1), at=clock())
    service.records.add_event(arn, 0, why, at=clock())
    assert "failureParts" not in service.tanren.get_job_metrics(jobIdentifier="failed")
    with service.jobs.database.writing() as connection:
        assert service.jobs.move(connection, arn, JobStatus.FAILED, at=clock(), failure_message=why[:2048])
    told = service.tanren.get_job_metrics(jobIdentifier="failed")
    assert told["failureParts"] == [{"template": "Rows: {rows}.", "values": {"rows": "x" * 3000}}]
    assert told["diagnosisParts"] == [{"template": "Learning: {n}", "values": {"n": "1"}}]


def test_samples_show_prompts_and_answers_step_by_step(service: Service) -> None:
    arn = service.job()
    for step in (10, 20, 30):
        service.records.add_sample(arn, 0, {**SAMPLE, "step": step})
    pages = service.tanren.get_paginator("get_job_samples").paginate(
        jobIdentifier=arn, PaginationConfig={"PageSize": 2}
    )
    found = [sample for page in pages for sample in page["samples"]]
    assert [sample["step"] for sample in found] == [10, 20, 30]
    assert found[0]["answers"] == [
        {"prompt": "What?", "answer": "A 刃.", "expected": "A blade.", "isHeldOut": True, "isWhole": False}
    ]


def test_checkpoints_are_those_on_the_disk_the_newest_first(service: Service) -> None:
    arn = service.job()
    job = service.jobs.by_arn(arn)
    assert service.tanren.list_checkpoints(jobIdentifier=arn)["checkpoints"] == []
    folder = service.artifacts.job_folder(job.scope, job.job_id)
    for name in (
        "checkpoints/step-00000010-epoch-0001",
        "checkpoints/step-00000020-epoch-0002",
        "best/step-00000010-epoch-0001",
    ):
        (folder / name).mkdir(parents=True)
        (folder / name / "trainable.safetensors").write_bytes(b"12345")
    (folder / "checkpoints" / ".step-00000030-epoch-0003.writing").mkdir()
    found = service.tanren.list_checkpoints(jobIdentifier=arn)["checkpoints"]
    assert [(each["kind"], each["step"], each["sizeBytes"]) for each in found] == [
        ("Resume", 20, 5),
        ("Resume", 10, 5),
        ("Best", 10, 5),
    ]


def test_a_watched_job_tells_everything_in_order_and_ends_with_the_job(
    service: Service, clock: Callable[[], Any]
) -> None:
    arn = service.job(customModelName="m", roleArn="arn:aws:iam::123456789012:role/r")
    service.trains(arn, 12)
    service.records.add_sample(arn, 0, SAMPLE)
    service.records.add_validation(arn, 0, validation_record(10, 0.5))
    service.records.add_event(arn, 1, "Training lora on nano.", at=clock())
    service.ends(arn, JobStatus.FAILED, clock())
    events = list(service.tanren.watch_job(jobIdentifier=arn)["updates"])
    kinds = [next(iter(event)) for event in events]
    assert kinds[0] == kinds[-1] == "status"
    told = [kind for kind in kinds[1:-1] if kind != "jobEvent"]
    assert told == ["step"] * 10 + ["sample", "validation"] + ["step"] * 2
    assert [event["step"]["metrics"]["step"] for event in events if "step" in event] == list(range(12))
    assert events[-1]["status"]["status"] == "Failed"
    assert events[-1]["status"]["phase"] == "Ended"


def test_a_reader_goes_on_behind_the_token_it_has(service: Service, clock: Callable[[], Any]) -> None:
    arn = service.job()
    service.trains(arn, 12)
    service.ends(arn, JobStatus.FAILED, clock())
    events = list(service.tanren.watch_job(jobIdentifier=arn)["updates"])
    for place, event in enumerate(events[1:-1], start=1):
        token = next(iter(event.values()))["sequenceToken"]
        rest = list(service.tanren.watch_job(jobIdentifier=arn, after=token)["updates"])
        assert rest[1:] == events[place + 1 :]


def test_a_history_of_thousands_of_steps_is_told_whole(service: Service, clock: Callable[[], Any]) -> None:
    arn = service.job()
    service.trains(arn, 1201)
    for step in (300, 900, 1200):
        service.records.add_validation(arn, 0, validation_record(step, 0.5))
    service.ends(arn, JobStatus.FAILED, clock())
    events = list(service.tanren.watch_job(jobIdentifier=arn)["updates"])
    assert [event["step"]["metrics"]["step"] for event in events if "step" in event] == list(range(1201))
    done = 0
    for event in events:
        if "step" in event:
            done += 1
        elif "validation" in event:
            assert event["validation"]["metrics"]["step"] == done


def test_a_running_job_tells_what_comes_and_gives_a_sign_of_life_in_silence(service: Service) -> None:
    arn = service.job(customModelName="m", roleArn="arn:aws:iam::123456789012:role/r")
    moments = iter(range(0, 10_000, 10))

    def clock() -> datetime:
        return datetime(2026, 11, 21, tzinfo=UTC) + timedelta(seconds=next(moments))

    control = CustomizationJobControl(service.jobs, None, None, clock=clock, new_id=lambda: "")  # type: ignore[arg-type]
    updates = JobUpdateControl(control, service.jobs, service.records)
    watch = job_update_handlers(updates, clock=clock, look_seconds=0)["WatchJob"]

    async def read() -> list[str]:
        context: Any = _Context()
        stream = (await watch(context, {"jobIdentifier": arn}))["updates"]  # type: ignore[index]
        kinds: list[str] = []
        async for event in stream:
            kind = next(iter(event))
            kinds.append(kind)
            if kind == "heartbeat" and kinds.count("heartbeat") == 1:
                service.jobs.set_phase(arn, 0, Phase.TRAINING, PhaseStatus.IN_PROGRESS, at=clock())
                service.trains(arn, 1)
            if kind == "heartbeat" and kinds.count("heartbeat") == 2:
                service.ends(arn, JobStatus.FAILED, clock())
        return kinds

    kinds = RUNNER.run(read())
    told = [kind for kind in kinds if kind != "jobEvent"]
    assert told == ["status", "heartbeat", "status", "step", "heartbeat", "status"]


def test_an_account_watches_only_so_many_jobs_at_a_time(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_updates, "MOST_WATCHERS", 1)
    arn = service.job(customModelName="m", roleArn="arn:aws:iam::123456789012:role/r")
    control = CustomizationJobControl(service.jobs, None, None, clock=utc_now, new_id=lambda: "")  # type: ignore[arg-type]
    updates = JobUpdateControl(control, service.jobs, service.records)
    watch = job_update_handlers(updates, clock=utc_now, look_seconds=0)["WatchJob"]

    async def story() -> None:
        context: Any = _Context()
        first, second = [(await watch(context, {"jobIdentifier": arn}))["updates"] for _ in range(2)]  # type: ignore[index]
        assert "status" in await anext(first)
        with pytest.raises(Throttled, match="1 WatchJob streams of account"):
            await anext(second)
        await first.aclose()
        third = (await watch(context, {"jobIdentifier": arn}))["updates"]  # type: ignore[index]
        assert "status" in await anext(third)
        await third.aclose()

    RUNNER.run(story())


class _Context:
    scope = SCOPE


def test_the_lineage_of_a_chain_goes_up_to_the_foundation_model_and_down_to_its_children(service: Service) -> None:
    first, second, third = chain_of_models(service.jobs.database, SCOPE)
    told = service.tanren.get_model_lineage(modelIdentifier="second")
    assert [each["modelArn"] for each in told["ancestors"]] == [
        second,
        first,
        "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-text-express-v1",
    ]
    assert [each["modelArn"] for each in told["descendants"]] == [third]
    with pytest.raises(service.tanren.exceptions.ResourceNotFoundException):
        service.tanren.get_model_lineage(modelIdentifier="none")


def test_the_status_of_the_service_counts_the_callers_jobs_and_no_others(service: Service) -> None:
    service.job()
    elsewhere = client(service.app, "tanren", region="eu-west-1")
    told = service.tanren.get_service_status()
    assert {queue["kind"]: queue["waiting"] for queue in told["queues"]}["ModelCustomization"] == 1
    assert {queue["waiting"] for queue in elsewhere.get_service_status()["queues"]} == {0}
    assert told["sdkVersion"] == botocore.__version__
    nano = told["baseModels"][0]
    assert nano["key"] == "nano"
    assert nano["sizeBytes"] < nano["servingBytes"] < nano["trainingBytes"] < told["memoryBytes"]


def test_usage_is_summed_up_for_the_callers_account_and_region(service: Service) -> None:
    records = UsageRecords(service.jobs.database)
    elsewhere = replace(SCOPE, region="eu-west-1")
    used = Usage(request_count=1, input_tokens=5, output_tokens=7, generation_seconds=0.5, unit_seconds=2.0)
    minute = utc_now().replace(second=0, microsecond=0)
    records.add({(SCOPE, "arn:throughput", "arn:model", minute): used, (elsewhere, "arn:a", "arn:b", minute): used})
    (told,) = service.tanren.get_usage(startTime=minute)["usage"]
    assert told == {
        "resourceArn": "arn:throughput",
        "modelArn": "arn:model",
        "requestCount": 1,
        "inputTokenCount": 5,
        "outputTokenCount": 7,
        "generationSeconds": 0.5,
        "unitSeconds": 2.0,
    }


def test_an_account_reads_its_own_calls_from_the_audit_log_page_by_page(service: Service) -> None:
    log = AuditLog(service.data_dir)
    others = Caller(principal_arn="arn:aws:iam::210987654321:root", account_id="210987654321")
    for event in (call(0), call(1, caller=others), call(2, error_code="ConflictException")):
        log.append(event)
    log.close()
    pages = service.tanren.get_paginator("list_audit_events").paginate(
        startTime=datetime(2026, 11, 21, 11, 59, tzinfo=UTC), isReadOnly=False, PaginationConfig={"PageSize": 1}
    )
    found = [event for page in pages for event in page["events"]]
    assert [event["eventId"] for event in found] == ["event-2", "event-0"]
    assert found[0]["errorCode"] == "ConflictException"
    assert json.loads(found[1]["record"])["requestParameters"] == {"jobName": "job-0"}
    with pytest.raises(service.tanren.exceptions.ValidationException):
        service.tanren.list_audit_events(nextToken="of-nobody")


@pytest.mark.parametrize(
    "operation", ["get_job_metrics", "get_job_samples", "list_checkpoints", "list_job_events", "watch_job"]
)
def test_a_job_of_another_region_is_not_found_by_any_name_it_has(service: Service, operation: str) -> None:
    arn = service.job()
    elsewhere = client(service.app, "tanren", region="eu-west-1")
    for identifier in (arn, arn.rsplit("/", 1)[-1], SEED["jobName"]):
        with pytest.raises(elsewhere.exceptions.ResourceNotFoundException):
            getattr(elsewhere, operation)(jobIdentifier=identifier)


def test_the_service_has_no_endpoint_of_its_own_and_says_which_variable_to_set(tmp_path: Path) -> None:
    program = (
        "import boto3\n"
        "try:\n    boto3.client('tanren', region_name='us-east-1').get_service_status()\n"
        "except Exception as error:\n    print(error)\n"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_DATA_PATH": str(MODELS_FOLDER),
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert "set AWS_ENDPOINT_URL" in done.stdout


@pytest.mark.parametrize("service", ["bedrock", "tanren"])
def test_every_waiter_names_an_operation_and_statuses_that_there_are(service: str) -> None:
    made = client(_nobody, service)
    assert made.waiter_names
    for name in made.waiter_names:
        config = made.get_waiter(name).config
        operation = load_service(service).operation(config.operation)
        for acceptor in config.acceptors:
            if acceptor.matcher == "path":
                assert operation.output is not None
                assert acceptor.expected in operation.output.members[acceptor.argument].shape.enum, name
            else:
                assert acceptor.expected in operation.errors, name


async def _nobody(*_: Any) -> None:
    raise AssertionError


def test_a_waiter_returns_when_the_job_is_completed_and_fails_when_it_has_failed(
    service: Service, clock: Callable[[], Any]
) -> None:
    done, broken = service.job(), service.job(jobName="other")
    service.ends(done, JobStatus.COMPLETED, clock())
    service.ends(broken, JobStatus.FAILED, clock())
    waiter = service.bedrock.get_waiter("model_customization_job_completed")
    waiter.wait(jobIdentifier=done)
    with pytest.raises(Exception, match="terminal failure state"):
        waiter.wait(jobIdentifier=broken)


ASKED = {
    "baseModelIdentifier": "anthropic.claude-v2",
    "trainingDataConfig": {"s3Uri": "s3://my-bucket/train.jsonl"},
    "validationDataConfig": {"validators": [{"s3Uri": "s3://my-bucket/validation.jsonl"}]},
}


ESTIMATE = Estimate(
    records=10,
    epoch_tokens=3000,
    trained_tokens=2000,
    validation_tokens=300,
    longest_record=400,
    epochs=3,
    batch_size=4,
    method="lora",
    needed_bytes=10**9,
    available_bytes=None,
    memory_words="weights 1.0 GB",
    fits=None,
    warnings=("few steps",),
)


def test_a_validation_brings_every_finding_with_its_place(
    service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "train.jsonl"
    path.write_bytes(b'{"prompt": "a", "completion": "b"}\n{"prompt": "a"}\n')
    file = examined_file(
        path,
        "s3://my-bucket/train.jsonl",
        model=foundation_model("anthropic.claude-v2"),
        customization_type=CustomizationType.FINE_TUNING,
        is_validation=False,
        check_wanted=lambda: None,
    )
    monkeypatch.setattr(DryRunProcess, "_carried_out", lambda _, orders: {"files": [dry_run._report(file.summary)]})
    told = service.tanren.validate_training_data(**ASKED)
    assert told["isValid"] is False
    (report,) = told["files"]
    assert (report["recordCount"], report["lineCount"], report["errorCount"]) == (1, 2, 1)
    found = next(each for each in report["findings"] if each["severity"] == "error")
    assert found["line"] == 2
    assert found["fix"]


@pytest.mark.parametrize("broken", BROKEN_FILES, ids=lambda broken: broken.name)
def test_the_service_tells_the_findings_that_the_command_tells(
    service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, broken: BrokenFile
) -> None:
    path = tmp_path / broken.name
    path.write_bytes(broken.content)
    model = broken.model or ASKED["baseModelIdentifier"]
    file = examined_file(
        path,
        f"s3://my-bucket/{broken.name}",
        model=foundation_model(model),
        customization_type=broken.customization,
        is_validation=False,
        check_wanted=lambda: None,
    )
    monkeypatch.setattr(DryRunProcess, "_carried_out", lambda _, orders: {"files": [dry_run._report(file.summary)]})
    (report,) = service.tanren.validate_training_data(**ASKED)["files"]
    command = ["data", "validate", str(path), "--model", model, "--customization-type", broken.customization]
    said = json.loads(CliRunner().invoke(app, [*command, "--output", "json"]).stdout)["files"][0]["findings"]
    assert any("text" in finding for finding in report["findings"]) is any(finding["text"] for finding in said)
    assert without_names(report["findings"]) == without_names(said)


def without_names(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the file's own name, which is another here and there, what is absent, and what only the wire carries."""
    return [
        {
            name: value
            for name, value in each.items()
            if name not in ("file", "messageParts", "fixParts") and value is not None and (name, value) != ("line", 0)
        }
        for each in findings
        if each["rule"] != "file-name"
    ]


def test_an_estimate_tells_what_is_known_and_why_the_rest_is_not(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[Any] = []
    monkeypatch.setattr(
        DryRunProcess, "_carried_out", lambda _, given: orders.append(given) or dry_run._estimate(ESTIMATE)
    )
    told = service.tanren.estimate_customization_job(**ASKED, hyperParameters={"epochCount": "3"})
    assert told["tokens"]["totalTokenCount"] == 9000
    assert told["tokens"]["stepCount"] == 9
    assert told["memory"] == {"neededBytes": 10**9, "explanation": "weights 1.0 GB"}
    assert "time" not in told
    assert "cost" not in told
    assert told["notes"][0] == "few steps"
    assert ["no time can be told" in note or "no cost can be told" in note for note in told["notes"][1:]] == [
        True,
        True,
    ]
    assert orders[0]["validationS3Uris"] == ["s3://my-bucket/validation.jsonl"]


OURS = [
    *(("tanren", name) for name in load_service("tanren").operation_names),
    *(
        ("bedrock", f"{verb}{kind}Job")
        for verb in ("Create", "Describe")
        for kind in ("FineTuning", "ContinuedPreTraining")
    ),
]


@pytest.mark.parametrize(("service_name", "operation"), OURS, ids=[name for _, name in OURS])
def test_whatever_the_shapes_allow_is_answered_or_refused_with_a_modelled_error(
    service: Service, monkeypatch: pytest.MonkeyPatch, service_name: str, operation: str
) -> None:
    monkeypatch.setattr(
        DryRunProcess,
        "_carried_out",
        lambda _, orders: {"files": [], **(EXAMINED if "examination" in orders else dry_run._estimate(ESTIMATE))},
    )
    model = load_service(service_name).operation(operation)
    boto = client(service.app, service_name)
    method = next(getattr(boto, py) for py, name in boto.meta.method_to_api_mapping.items() if name == operation)
    known = {"modelId": "anthropic.claude-v2", "baseModelIdentifier": "amazon.titan-text-lite-v1"}
    for seed in range(SAMPLES):
        assert model.input is not None
        params = Sampler(seed).structure(model.input)
        if seed % 2:  # so that half of them come further than to the model's name
            params |= {name: value for name, value in known.items() if name in params}
            params.pop("hyperParameters", None)
        answer = _answer(method, params)
        code = answer.get("Error", {}).get("Code")
        assert code is None or code in model.errors, (params, answer)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] < 500, (params, answer)


def _answer(method: Callable[..., Any], params: dict[str, Any]) -> dict[str, Any]:
    try:
        return method(**params)
    except ClientError as error:
        return dict(error.response)


def test_errors_are_the_modelled_ones(service: Service) -> None:
    with pytest.raises(ClientError) as raised:
        service.tanren.get_job_metrics(jobIdentifier="no such job")
    assert raised.value.response["Error"]["Code"] == "ValidationException"
    with pytest.raises(service.tanren.exceptions.ResourceNotFoundException, match="no-such-job"):
        service.tanren.get_job_metrics(jobIdentifier="no-such-job")
