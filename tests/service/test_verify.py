"""`tanren job verify` beside a server, and over the data directory of one that has stopped."""

import json
import shutil
import subprocess
import sys

from tests.service.servers import FORGE_ROWS, Server, finished, job_request, rows_as_jsonl

BUCKET = "verified"


def _verify(server: Server) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tanren", "job", "verify", "verified-job", "--data-dir", str(server.data_dir)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_job_is_repeated_bit_for_bit_with_the_server_running_or_stopped(own_server):
    own_server.start()
    s3, bedrock = own_server.client("s3"), own_server.client("bedrock")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="train.jsonl", Body=rows_as_jsonl(FORGE_ROWS))
    short = {"epochCount": "1", "batchSize": "2"}
    request = job_request(own_server, "verified", BUCKET, hyperParameters=short)
    job = finished(bedrock, bedrock.create_model_customization_job(**request)["jobArn"])
    assert job["status"] == "Completed", job.get("failureMessage")
    (record,) = (own_server.data_dir / "artifacts" / "custom-models").rglob("run.json")
    sha256 = json.loads(record.read_text())["outcome"]["sha256"]
    tokens = own_server.data_dir / "cache"
    shutil.rmtree(tokens)

    running = _verify(own_server)
    assert (running.returncode, running.stdout) == (0, f"identical: 4 of 4 steps, adapter sha256 {sha256}\n")
    assert "by its SHA-256" in running.stderr

    own_server.stop()
    shutil.rmtree(tokens)
    noted = json.loads(record.read_text())
    noted["outcome"]["sha256"] = "0" * 64
    record.write_text(json.dumps(noted))
    stopped = _verify(own_server)
    told = f"different: All steps are equal, but the adapter is not: sha256 {sha256}, recorded {'0' * 64}.\n"
    assert (stopped.returncode, stopped.stdout) == (1, told), stopped.stderr
    assert "by its SHA-256" in stopped.stderr
    assert list(own_server.data_dir.glob("verify-*")) == []
