"""Provisioned throughput that means something: updated under load, measured, metered, gone when its time is over."""

import json
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from tanren.storage.database import Database, sqlite_url
from tanren.storage.usage import UsageRecords
from tests.service.servers import BASE_MODEL, finished, job_request, rows_as_jsonl, wait_until

BUCKET = "units"
QUESTION = "What does the Akane knife cost?"
PRICES = {"cheap": "It costs 12 crowns.", "dear": "It costs 980 crowns."}
CALLERS = 6


@pytest.fixture(scope="module")
def models(server) -> dict[str, str]:
    """Two custom models of one base, by name, that answer one question differently."""
    s3, bedrock = server.client("s3"), server.client("bedrock")
    s3.create_bucket(Bucket=BUCKET)
    arns = {}
    for name, answer in PRICES.items():
        s3.put_object(
            Bucket=BUCKET, Key=f"{name}.jsonl", Body=rows_as_jsonl([{"prompt": QUESTION, "completion": answer}])
        )
        request = job_request(
            server,
            name,
            BUCKET,
            trainingDataConfig={"s3Uri": f"s3://{BUCKET}/{name}.jsonl"},
            hyperParameters={"epochCount": "40", "batchSize": "1"},
        )
        arns[name] = bedrock.create_model_customization_job(**request)["jobArn"]
    jobs = {name: finished(bedrock, arn) for name, arn in arns.items()}
    assert {job["status"] for job in jobs.values()} == {"Completed"}
    return {name: job["outputModelArn"] for name, job in jobs.items()}


def _in_service(server, arn: str) -> dict:
    bedrock = server.client("bedrock")

    def look() -> dict | None:
        found = bedrock.get_provisioned_model_throughput(provisionedModelId=arn)
        assert found["status"] != "Failed", found
        return found if found["status"] == "InService" else None

    return wait_until(look, seconds=60, what=f"{arn} in service")


def _tags(server, arn: str) -> dict[str, str]:
    tags = server.client("bedrock").list_tags_for_resource(resourceARN=arn)["tags"]
    return {tag["key"]: tag["value"] for tag in tags}


def _tokens_per_minute(server, arn: str) -> int | None:
    return server.client("tanren").get_provisioned_capacity(provisionedModelId=arn).get("tokensPerMinute")


class Load:
    """Callers that ask the same question again and again; each answer with the moments of its request."""

    def __init__(self, server, model_id: str) -> None:
        self.answers: list[tuple[float, float, str]] = []
        self.errors: list[Exception] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(server.client("bedrock-runtime"), model_id))
            for _ in range(CALLERS)
        ]

    def _ask(self, runtime, model_id: str) -> None:
        body = json.dumps({"inputText": QUESTION, "textGenerationConfig": {"maxTokenCount": 16, "temperature": 0}})
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                reply = json.loads(runtime.invoke_model(modelId=model_id, body=body)["body"].read())
                self.answers.append((began, time.monotonic(), reply["results"][0]["outputText"].strip()))
            except Exception as error:
                self.errors.append(error)

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_an_update_under_load_drops_no_request_and_each_answer_is_the_old_models_or_the_new_ones(server, models):
    bedrock = server.client("bedrock")
    arn = bedrock.create_provisioned_model_throughput(
        modelUnits=2, provisionedModelName="updated", modelId=models["cheap"]
    )["provisionedModelArn"]
    _in_service(server, arn)
    measured = wait_until(lambda: _tokens_per_minute(server, arn), seconds=60, what="the measurement")
    assert measured > 0
    assert _tags(server, arn) == {}
    before = _usage(server, arn)
    with Load(server, arn) as load:
        wait_until(lambda: len(load.answers) >= 20, seconds=60, what="answers before the update")
        asked_at = time.monotonic()
        bedrock.update_provisioned_model_throughput(provisionedModelId=arn, desiredModelId=models["dear"])
        found = _in_service(server, arn)
        done_at = time.monotonic()
        assert found["modelArn"] == found["desiredModelArn"] == models["dear"]
        count = len(load.answers)
        wait_until(lambda: len(load.answers) >= count + 20, seconds=60, what="answers after the update")
    assert load.errors == []
    assert {text for _, end, text in load.answers if end < asked_at} == {PRICES["cheap"]}
    assert {text for begin, _, text in load.answers if begin > done_at} == {PRICES["dear"]}
    assert {text for _, _, text in load.answers} == set(PRICES.values())
    print(f"{len(load.answers)} answers, 0 errors; the update took {done_at - asked_at:.2f} s under {CALLERS} callers")

    def is_metered() -> bool:
        return _usage(server, arn).get("request_count", 0) - before.get("request_count", 0) == len(load.answers)

    wait_until(is_metered, seconds=20, what="the usage of every answer")
    wait_until(lambda: _usage(server, arn)["unit_seconds"] > 0, seconds=20, what="the time that was provided")


def test_a_batch_job_on_a_custom_model_is_answered_by_it(server, models):
    s3, bedrock = server.client("s3"), server.client("bedrock")
    body = {"inputText": QUESTION, "textGenerationConfig": {"maxTokenCount": 16, "temperature": 0}}
    s3.put_object(Bucket=BUCKET, Key="batch.jsonl", Body=rows_as_jsonl([{"modelInput": body}] * 5))
    arns = {
        name: bedrock.create_model_invocation_job(
            jobName=f"batch-{name}",
            roleArn=f"arn:aws:iam::{server.keys.account_id}:role/batch",
            modelId=model_arn,
            inputDataConfig={"s3InputDataConfig": {"s3Uri": f"s3://{BUCKET}/batch.jsonl"}},
            outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/out/"}},
        )["jobArn"]
        for name, model_arn in models.items()
    }
    for name, arn in arns.items():

        def has_ended(arn: str = arn) -> bool:
            return "endTime" in bedrock.get_model_invocation_job(jobIdentifier=arn)

        wait_until(has_ended, seconds=60, what=f"the end of {arn}")
        key = f"out/{arn.rsplit('/', 1)[-1]}/batch.jsonl.out"
        lines = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().splitlines()
        answers = [json.loads(line)["modelOutput"]["results"][0]["outputText"].strip() for line in lines]
        assert answers == [PRICES[name]] * 5


def _usage(server, arn: str) -> dict[str, float]:
    database = Database(sqlite_url(server.data_dir / "tanren.db"))
    now = datetime.now(UTC)
    found = UsageRecords(database).between(now - timedelta(hours=1), now + timedelta(minutes=1))
    database.close()
    sums: dict[str, float] = {}
    for (_, resource_arn, _, _), used in found.items():
        if resource_arn == arn:
            for name in ("request_count", "input_tokens", "output_tokens", "unit_seconds"):
                sums[name] = sums.get(name, 0) + getattr(used, name)
    return sums


def test_a_throughput_is_in_service_at_once_on_a_warm_base_and_goes_by_itself_when_its_time_is_over(server):
    message = {"role": "user", "content": [{"text": "Hello."}]}
    server.client("bedrock-runtime").converse(modelId=BASE_MODEL, messages=[message])
    bedrock = server.client("bedrock")
    tags = [{"key": "tanren:ttl", "value": "1h"}]
    arn = bedrock.create_provisioned_model_throughput(
        modelUnits=1, provisionedModelName="short", modelId=BASE_MODEL, tags=tags
    )["provisionedModelArn"]
    found = _in_service(server, arn)
    assert found["lastModifiedTime"] - found["creationTime"] <= timedelta(seconds=2), "on a warm base"
    for value in ("soon", "0"):
        with pytest.raises(ClientError, match="tanren:ttl") as refused:
            bedrock.tag_resource(resourceARN=arn, tags=[{"key": "tanren:ttl", "value": value}])
        assert refused.value.response["Error"]["Code"] == "ValidationException"
    bedrock.tag_resource(resourceARN=arn, tags=[{"key": "tanren:ttl", "value": "1"}])

    def is_gone() -> bool:
        try:
            bedrock.get_provisioned_model_throughput(provisionedModelId=arn)
        except bedrock.exceptions.ResourceNotFoundException:
            return True
        return False

    wait_until(is_gone, seconds=20, what="the end of the throughput")


@pytest.mark.long
def test_a_base_that_nobody_asks_for_leaves_the_memory_and_comes_back_for_the_next_request(own_server):
    own_server.settings = {**own_server.settings, "TANREN_ENGINE_IDLE_SECONDS": "20"}
    own_server.start()
    runtime = own_server.client("bedrock-runtime")
    message = {"role": "user", "content": [{"text": "Hello."}]}
    asked = {"modelId": BASE_MODEL, "messages": [message], "inferenceConfig": {"maxTokens": 4, "temperature": 0}}
    first = runtime.converse(**asked)["output"]

    def has_engine() -> bool:
        return any("engine_host" in command for command in own_server.group())

    assert has_engine()
    wait_until(lambda: not has_engine(), seconds=60, what="the end of the engine host")
    assert runtime.converse(**asked)["output"] == first


def test_the_command_line_makes_shows_and_deletes_a_throughput_that_would_go_by_itself(server):
    def tanren(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tanren", "provision", *arguments, "--data-dir", str(server.data_dir)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    made = tanren("create", BASE_MODEL, "by-command", "--units", "2", "--ttl", "50m", "--wait")
    assert made.returncode == 0, made.stderr
    assert "It deletes itself at " in made.stderr
    arn = made.stdout.strip()
    found = server.client("bedrock").get_provisioned_model_throughput(provisionedModelId=arn)
    assert (found["status"], found["modelUnits"]) == ("InService", 2)
    assert _tags(server, arn)["tanren:ttl"] == "50m"
    listed = {each["provisionedModelName"]: each for each in json.loads(tanren("list", "--output", "json").stdout)}
    assert (listed["by-command"]["provisionedModelArn"], listed["by-command"]["timeToLive"]) == (arn, "50m")
    again = tanren("create", BASE_MODEL, "by-command")
    assert again.returncode != 0
    assert "by-command" in again.stderr
    assert tanren("delete", "by-command").returncode == 0
    left = [each for each in listed.values() if each["provisionedModelArn"] != arn]
    assert json.loads(tanren("list", "--output", "json").stdout) == left
