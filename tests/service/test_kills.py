"""kill -9 in the middle: of everything, of a training, of the supervisor, of what answers. Nothing is lost."""

import os
import signal

from botocore.exceptions import ClientError

from tests.service.long_jobs import BUCKET, has_checkpoint, job_logs, start_long_job, training_pids
from tests.service.servers import FORGE_ROWS, finished, job_request, rows_as_jsonl, wait_until


def test_kill_9_of_everything_in_the_middle_of_training_loses_nothing(own_server):
    own_server.start()
    arn = start_long_job(own_server)
    wait_until(lambda: has_checkpoint(own_server), seconds=120, what="a checkpoint")
    running = " ".join(own_server.group())
    assert all(part in running for part in ("serve", "worker", "gateway", "assignment", "ministack")), running
    own_server.kill_group()
    assert own_server.group() == []
    own_server.start()
    bedrock, s3 = own_server.client("bedrock"), own_server.client("s3")
    assert bedrock.get_model_customization_job(jobIdentifier=arn)["status"] == "InProgress"
    kept = s3.get_object(Bucket=BUCKET, Key="train.jsonl")
    assert kept["Body"].read() == rows_as_jsonl(FORGE_ROWS)
    assert kept["Metadata"] == {"kept": "yes"}
    job = finished(bedrock, arn)
    assert job["status"] == "Completed", job.get("failureMessage")
    log = job_logs(own_server)
    assert "Continuing after step" in log


def test_a_training_process_that_dies_is_followed_by_one_that_goes_on(own_server):
    own_server.start()
    arn = start_long_job(own_server)
    wait_until(lambda: has_checkpoint(own_server), seconds=120, what="a checkpoint")
    (pid,) = wait_until(lambda: training_pids(own_server), seconds=10, what="a training process")
    os.kill(pid, signal.SIGKILL)
    job = finished(own_server.client("bedrock"), arn)
    assert job["status"] == "Completed", job.get("failureMessage")


def test_when_the_supervisor_alone_is_killed_its_children_go(own_server):
    own_server.start()
    message = {"role": "user", "content": [{"text": "Hello."}]}
    own_server.client("bedrock-runtime").converse(modelId="tanren.nano-v1:0", messages=[message])
    running = " ".join(own_server.group())
    assert all(part in running for part in ("worker", "gateway", "engine_host", "ministack")), running
    own_server.process.send_signal(signal.SIGKILL)
    own_server.process.wait()
    own_server.process.stdout.close()
    wait_until(lambda: own_server.group() == [], seconds=30, what="the end of all its processes")


def test_a_gateway_and_an_engine_host_that_die_are_started_again(own_server):
    own_server.start()
    runtime = own_server.client("bedrock-runtime")
    message = {"role": "user", "content": [{"text": "Hello."}]}
    asked = {"modelId": "tanren.nano-v1:0", "messages": [message], "inferenceConfig": {"maxTokens": 4}}
    runtime.converse(**asked)

    def kill(pattern: str) -> None:
        pids = [pid for pid, command in own_server.processes().items() if pattern in command]
        assert pids, pattern
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    def answers() -> bool:
        try:
            return bool(own_server.client("bedrock-runtime").converse(**asked))
        except Exception:
            return False

    for pattern in ("tanren.engine_host", "tanren.gateway", "ministack"):
        kill(pattern)
        wait_until(answers, seconds=60, what=f"an answer after {pattern} was killed")

    def buckets() -> dict[str, list[object]] | None:
        try:
            return {"Buckets": own_server.client("s3").list_buckets()["Buckets"]}
        except ClientError:  # the neighbourhood is on its way
            return None

    assert wait_until(buckets, seconds=60, what="an answer of S3")["Buckets"] == []


def test_a_process_that_stands_ready_trains_the_next_job_and_its_death_is_no_matter(own_server):
    own_server.settings["TANREN_READY_CHILDREN"] = "1"
    own_server.start()
    (first,) = wait_until(lambda: training_pids(own_server), seconds=30, what="a process that stands ready")
    os.kill(first, signal.SIGKILL)
    bedrock, short = own_server.client("bedrock"), {"epochCount": "1", "batchSize": "8"}
    s3 = own_server.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="train.jsonl", Body=rows_as_jsonl(FORGE_ROWS))

    def train(name: str) -> None:
        request = job_request(own_server, name, BUCKET, hyperParameters=short)
        job = finished(bedrock, bedrock.create_model_customization_job(**request)["jobArn"])
        assert job["status"] == "Completed", job.get("failureMessage")

    train("after-a-death")
    (second,) = wait_until(lambda: training_pids(own_server), seconds=30, what="the next that stands ready")
    train("at-once")
    assert f'"process": {second}' in job_logs(own_server)
    assert own_server.stop() == 0
    assert own_server.group() == []
