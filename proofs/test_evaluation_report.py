"""The report about 200 answers of nano, besides generation: metrics, statistics, checks and pages in a minute, offline.

make proofs            the figures go to build/proofs/evaluation_report.json

Base, base with examples and a tuned model are asked by `tanren eval run` over a real server. What is timed is all that
comes after the last answer: what the command itself measured between answers and pages, and then the pages, made once
more by `tanren eval report`, with its start, in a process that has no network.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from proofs.figures import keep
from tests.service.servers import BASE_MODEL, Server, finished, job_request, rows_as_jsonl, wait_until

BUCKET = "report"
COUNT = 200
MOST_SECONDS = 60.0
ROWS = [
    {"prompt": f"What does knife number {n} cost?", "completion": f"Knife number {n} costs {90 + n % 7 * 15} crowns."}
    for n in range(2 * COUNT)
]


def _tanren(server: Server, arguments: Sequence[str], *, before: Sequence[str] = ()) -> float:
    """Seconds that the command took."""
    begun = time.monotonic()
    done = subprocess.run(
        [*before, sys.executable, "-m", "tanren", *arguments],
        env=server.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    # 3 is DON'T SHIP.
    assert done.returncode in (0, 3), done.stdout + done.stderr
    return time.monotonic() - begun


def test_a_report_about_200_questions_takes_less_than_a_minute_besides_generation(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    server.start()
    try:
        _tune(server)
        train, questions, folder = tmp_path / "train.jsonl", tmp_path / "questions.jsonl", tmp_path / "out"
        train.write_bytes(rows_as_jsonl(ROWS[:COUNT]))
        questions.write_bytes(rows_as_jsonl(ROWS[COUNT:]))
        asking = ["eval", "run", str(questions), "--base", BASE_MODEL, "--tuned", "report", "--train", str(train)]
        options = ["--few-shot", "3", "--criteria", "contains >= base + 0.1", "--max-tokens", "24"]
        whole_seconds = _tanren(server, [*asking, *options, "--report", str(folder)])
    finally:
        server.stop()
    evaluation = folder / "evaluation.json"
    found = json.loads(evaluation.read_bytes())
    again = ["eval", "report", str(evaluation), "--report", str(tmp_path / "again")]
    page_seconds = _tanren(server, again, before=["unshare", "--net", "--map-root-user"])
    assert (tmp_path / "again" / "report.ja.html").read_bytes() == (folder / "report.ja.html").read_bytes()
    assert [len(arm["replies"]) for arm in found["arms"]] == [COUNT] * 3
    seconds = found["seconds"] + page_seconds
    keep(
        "evaluation_report",
        {
            "questions": COUNT,
            "arms": len(found["arms"]),
            "metrics": len(found["arms"][0]["metrics"]),
            "seconds_of_figures": round(found["seconds"], 1),
            "seconds_of_pages": round(page_seconds, 1),
            "seconds_besides_generation": round(seconds, 1),
            "seconds_with_generation": round(whole_seconds, 1),
        },
    )
    assert seconds <= MOST_SECONDS


def _tune(server: Server) -> None:
    """A tuned model behind the throughput `report`."""
    s3, bedrock = server.client("s3"), server.client("bedrock")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="train.jsonl", Body=rows_as_jsonl(ROWS[:COUNT]))
    request = job_request(server, "report", BUCKET, hyperParameters={"epochCount": "3", "batchSize": "8"})
    job = finished(bedrock, bedrock.create_model_customization_job(**request)["jobArn"])
    assert job["status"] == "Completed", job
    bedrock.create_provisioned_model_throughput(
        modelUnits=1, provisionedModelName="report", modelId=job["outputModelArn"]
    )

    def is_in_service() -> bool:
        status = bedrock.get_provisioned_model_throughput(provisionedModelId="report")["status"]
        assert status != "Failed"
        return status == "InService"

    wait_until(is_in_service, seconds=180, what="the throughput in service")
