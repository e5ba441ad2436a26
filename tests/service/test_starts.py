"""What a start takes and refuses, and who may read what it makes."""

import os
import subprocess

from botocore.config import Config

from tests.service.servers import FORGE_ROWS, Server, finished, job_request, rows_as_jsonl

BUCKET = "starts"


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
