"""kill -9 of everything, again and again, in the middle of training: the model is the same, bit for bit.

make proofs            the figures go to docs/proofs.md
"""

import csv
import io
import json
import platform
import random
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.service.servers import FORGE_ROWS, REPOSITORY, Server, finished, job_request, rows_as_jsonl, wait_until

KILLS = 25
BUCKET = "kills"
HYPERPARAMETERS = {
    "epochCount": "100",
    "batchSize": "1",
    "learningRate": "0.001",
    "earlyStoppingThreshold": "0",
    "earlyStoppingPatience": "10",
}
FIGURES = REPOSITORY / "build" / "proofs" / "kills.json"


def _run(server: Server, *, kills: int) -> dict[str, Any]:
    """Digest of the adapter and the training curve of a job that is killed so many times."""
    draw = random.Random(kills)
    server.start()
    s3, bedrock = server.client("s3"), server.client("bedrock")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="train.jsonl", Body=rows_as_jsonl(FORGE_ROWS))
    validation = {"validators": [{"s3Uri": f"s3://{BUCKET}/train.jsonl"}]}
    request = job_request(server, "kills", BUCKET, hyperParameters=HYPERPARAMETERS, validationDataConfig=validation)
    arn = bedrock.create_model_customization_job(**request)["jobArn"]
    killed_at: list[int] = []
    target = 0
    while len(killed_at) < kills:
        target += draw.randrange(5, 30)
        step = wait_until(lambda: _step(server, arn, at_least=target), seconds=300, what=f"step {target}")  # noqa: B023
        if step < 0:
            break
        server.kill_group()
        killed_at.append(step)
        server.start()
    job = finished(server.client("bedrock"), arn, seconds=600)
    assert job["status"] == "Completed", job.get("failureMessage")
    (adapter,) = (server.data_dir / "artifacts" / "custom-models").rglob("adapter_model.safetensors")
    record = json.loads((adapter.parent / "run.json").read_text())
    key = f"output/model-customization-job-{arn.rsplit('/', 1)[-1]}/training_artifacts/step_wise_training_metrics.csv"
    text = server.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
    server.stop()
    digest = record["digests"]["model"]
    return {"sha256": digest, "curve": list(csv.reader(io.StringIO(text))), "killed_at": killed_at}


def _step(server: Server, arn: str, *, at_least: int) -> int | None:
    """The step that the store has seen, once it is far enough; -1 when the job has ended; None until then."""
    import sqlite3

    with sqlite3.connect(f"file:{server.data_dir / 'tanren.db'}?mode=ro", uri=True) as connection:
        (step,) = connection.execute("SELECT max(step) FROM step_records WHERE job_arn = ?", (arn,)).fetchone()
        (status,) = connection.execute("SELECT status FROM customization_jobs WHERE arn = ?", (arn,)).fetchone()
    if status != "InProgress":
        return -1
    return step if step is not None and step >= at_least else None


@pytest.mark.timeout(3600)
def test_a_job_that_is_killed_again_and_again_ends_in_the_same_model(tmp_path: Path):
    settings = {"TANREN_CHECKPOINT_SECONDS": "0.3"}
    calm = _run(Server(tmp_path / "calm", settings), kills=0)
    hunted = _run(Server(tmp_path / "hunted", settings), kills=KILLS)
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    figures = {
        "kills": len(hunted["killed_at"]),
        "killed_at_steps": hunted["killed_at"],
        "steps": len(calm["curve"]) - 1,
        "sha256_of_the_undisturbed_adapter": calm["sha256"],
        "sha256_of_the_killed_adapter": hunted["sha256"],
        "commit": commit.stdout.strip(),
        "machine": platform.platform(),
        "date": datetime.now(UTC).date().isoformat(),
    }
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"\n{figures['kills']} kills at steps {hunted['killed_at']} of {figures['steps']}: {hunted['sha256'][:16]}…")
    assert len(hunted["killed_at"]) == KILLS
    assert hunted["sha256"] == calm["sha256"]
    assert hunted["curve"] == calm["curve"]
