"""A server through its lives: two of them, an orderly stop, Ctrl-C and kill -9 in the middle of training."""

import os
import signal
import subprocess

from botocore.config import Config
from botocore.exceptions import ClientError

from tanren.settings import read_settings
from tanren.storage.database import Database, sqlite_url
from tanren.storage.training_records import TrainingRecords
from tanren.supervisor import _socket_folder
from tests.service.servers import FORGE_ROWS, Server, finished, job_request, rows_as_jsonl, wait_until

BUCKET = "lives"
LONG = {"epochCount": "40", "batchSize": "2"}
"""160 steps: long enough to be killed in the middle."""


def _start_long_job(server: Server) -> str:
    s3 = server.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="train.jsonl", Body=rows_as_jsonl(FORGE_ROWS), Metadata={"kept": "yes"})
    request = job_request(server, "long", BUCKET, hyperParameters=LONG)
    return server.client("bedrock").create_model_customization_job(**request)["jobArn"]


def _has_checkpoint(server: Server) -> bool:
    return any((server.data_dir / "artifacts" / "jobs").rglob("checkpoints/step-*/*.json"))


def _training_pids(server: Server) -> list[int]:
    return [pid for pid, command in server.processes().items() if "tanren.assignment" in command]


def _events(server: Server, arn: str) -> list[str]:
    database = Database(sqlite_url(server.data_dir / "tanren.db"))
    try:
        return [message for _, message in TrainingRecords(database).events(arn)]
    finally:
        database.close()


def test_kill_9_of_everything_in_the_middle_of_training_loses_nothing(own_server):
    own_server.start()
    arn = _start_long_job(own_server)
    wait_until(lambda: _has_checkpoint(own_server), seconds=120, what="a checkpoint")
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
    log = next((own_server.data_dir / "logs" / "jobs").glob("*.log")).read_text()
    assert "Continuing after step" in log


def test_a_training_process_that_dies_is_followed_by_one_that_goes_on(own_server):
    own_server.start()
    arn = _start_long_job(own_server)
    wait_until(lambda: _has_checkpoint(own_server), seconds=120, what="a checkpoint")
    (pid,) = wait_until(lambda: _training_pids(own_server), seconds=10, what="a training process")
    os.kill(pid, signal.SIGKILL)
    job = finished(own_server.client("bedrock"), arn)
    assert job["status"] == "Completed", job.get("failureMessage")


def test_an_orderly_stop_leaves_no_process_and_the_job_goes_on_at_the_next_start(own_server):
    own_server.start()
    arn = _start_long_job(own_server)
    wait_until(lambda: _has_checkpoint(own_server), seconds=120, what="a checkpoint")
    sockets = _socket_folder(read_settings({}, data_dir=own_server.data_dir))
    assert own_server.stop() == 0
    assert own_server.group() == []
    assert not sockets.exists()
    own_server.start()
    assert finished(own_server.client("bedrock"), arn)["status"] == "Completed"


def test_ctrl_c_in_the_middle_of_training_is_an_orderly_stop(own_server):
    own_server.start()
    arn = _start_long_job(own_server)
    wait_until(lambda: _has_checkpoint(own_server), seconds=120, what="a checkpoint")
    assert own_server.interrupt() == 0
    assert own_server.group() == []
    own_server.start()
    assert finished(own_server.client("bedrock"), arn)["status"] == "Completed"
    assert not [message for message in _events(own_server, arn) if "crashed" in message]
    log = next((own_server.data_dir / "logs" / "jobs").glob("*.log")).read_text()
    assert "Continuing after step" in log
    assert "KeyboardInterrupt" not in log


def test_a_stopped_job_makes_no_model(own_server):
    own_server.start()
    arn = _start_long_job(own_server)
    bedrock = own_server.client("bedrock")
    wait_until(lambda: _has_checkpoint(own_server), seconds=120, what="a checkpoint")
    bedrock.stop_model_customization_job(jobIdentifier=arn)
    job = finished(bedrock, arn, seconds=30)
    assert job["status"] == "Stopped"
    assert bedrock.list_custom_models()["modelSummaries"] == []


def test_a_second_server_on_the_same_directory_refuses_and_says_why(server):
    second = Server(server.data_dir)
    done = subprocess.run(second.command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 6
    assert "in use by another tanren server" in done.stderr
    assert str(server.process.pid) in done.stderr


def test_a_taken_port_is_said_to_be_taken(server, tmp_path):
    second = Server(tmp_path / "other")
    second.port = server.port
    done = subprocess.run(second.command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 6
    assert "--port" in done.stderr


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


def test_keys_are_readable_by_their_owner_only(server):
    assert (server.data_dir / "root-keys.json").stat().st_mode & 0o777 == 0o600
    assert server.data_dir.stat().st_mode & 0o777 == 0o700


def test_everything_a_server_makes_is_readable_by_its_owner_only(server):
    wide = [path for path in server.data_dir.rglob("*") if path.lstat().st_mode & 0o077]
    assert wide == []


def test_a_path_with_marks_of_urls_and_an_environment_that_points_elsewhere_do_no_harm(tmp_path):
    nowhere = "http://127.0.0.1:9"
    elsewhere = {
        "HTTP_PROXY": nowhere,
        "http_proxy": nowhere,
        "AWS_ENDPOINT_URL": nowhere,
        "AWS_ENDPOINT_URL_S3": nowhere,
    }
    server = Server(tmp_path / "a b?c#d%41'e", elsewhere)
    server.start()
    try:
        no_proxy = Config(proxies={})
        s3, bedrock = server.client("s3", config=no_proxy), server.client("bedrock", config=no_proxy)
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="train.jsonl", Body=rows_as_jsonl(FORGE_ROWS))
        request = job_request(server, "odd", BUCKET, hyperParameters={"epochCount": "1", "batchSize": "4"})
        job = finished(bedrock, bedrock.create_model_customization_job(**request)["jobArn"])
        assert job["status"] == "Completed", job.get("failureMessage")
        assert (server.data_dir / "tanren.db").is_file()
    finally:
        server.kill_group()


def test_an_endpoint_outside_without_credentials_is_refused_at_once(tmp_path):
    second = Server(tmp_path / "outside")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nothing = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path)}
    done = subprocess.run(
        [*second.command, "--aws-endpoint", "aws"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**kept, **nothing},
    )
    assert done.returncode == 2
    assert "needs credentials" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_process_that_stands_ready_trains_the_next_job_and_its_death_is_no_matter(own_server):
    own_server.settings["TANREN_READY_CHILDREN"] = "1"
    own_server.start()
    (first,) = wait_until(lambda: _training_pids(own_server), seconds=30, what="a process that stands ready")
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
    (second,) = wait_until(lambda: _training_pids(own_server), seconds=30, what="the next that stands ready")
    train("at-once")
    assert f'"process": {second}' in _job_logs(own_server)
    assert own_server.stop() == 0
    assert own_server.group() == []


def _job_logs(server: Server) -> str:
    return "".join(log.read_text() for log in (server.data_dir / "logs" / "jobs").glob("*.log"))
