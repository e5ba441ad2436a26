"""How long the common job takes, how soon it trains, what a spot reclaim costs, and whether its forecast of time holds.

make proofs            the figures go to docs/proofs.md

    85 pairs       from CreateModelCustomizationJob to Completed, and to the first optimiser step: right after the
                   server's start, and with a training process that stands ready (`TANREN_READY_CHILDREN`)
    a reclaim      SIGTERM to the whole server in mid-training: until nothing of it runs, and what the next life repeats
    remaining time told after 5 % of a job, beside what it then took; how old a step's record is in the store
"""

import itertools
import json
import platform
import random
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.service.servers import FORGE_ROWS, REPOSITORY, Server, finished, job_request, rows_as_jsonl, wait_until

BUCKET = "times"
FIGURES = REPOSITORY / "build" / "proofs" / "job_times.json"
COMPLETED_SECONDS = 30.0
FIRST_STEP_SECONDS = 5.0
RECLAIM_SECONDS = 10.0
FORECAST_ERROR = 0.25
RECORD_SECONDS = 2.0


def _faq_rows(count: int) -> list[dict[str, Any]]:
    """Pairs as long as those of the Bedrock FAQ: a question of about 94 characters, an answer of about 313."""
    draw = random.Random(count)
    words = ("forge", "blade", "edge", "handle", "river", "stone", "steel", "winter", "market", "letter", "garden")
    system = "You are a concise assistant of a knife shop."

    def text(length: int) -> str:
        found = ""
        while len(found) < length:
            found += draw.choice(words) + " "
        return found.strip().capitalize()

    return [
        {
            "system": system,
            "messages": [
                {"role": "user", "content": f"{text(draw.randrange(50, 130))}?"},
                {"role": "assistant", "content": f"{text(draw.randrange(120, 500))}."},
            ],
        }
        for _ in range(count)
    ]


def _records(server: Server, arn: str) -> list[dict[str, Any]]:
    with sqlite3.connect(f"file:{server.data_dir / 'tanren.db'}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT record FROM step_records WHERE job_arn = ? ORDER BY step", (arn,)).fetchall()
    return [json.loads(row[0]) for row in rows]


@contextmanager
def _served(folder: Path, rows: list[dict[str, Any]], settings: dict[str, str] | None = None) -> Iterator[Server]:
    server = Server(folder, settings)
    server.start()
    try:
        _bucket(server, rows)
        yield server
    finally:
        server.stop()


def _bucket(server: Server, rows: list[dict[str, Any]]) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="train.jsonl", Body=rows_as_jsonl(rows))


def _stand_ready(server: Server) -> None:
    """Returns when the server's training process that stands ready has nothing more to load."""

    def is_at_rest() -> bool:
        waiting = [pid for pid, command in server.processes().items() if "--ahead" in command]
        if not waiting:
            return False
        process = psutil.Process(waiting[0])
        used = process.cpu_times()
        time.sleep(1.0)
        return process.cpu_times() == used

    wait_until(is_at_rest, seconds=60, what="a training process that stands ready")


def _common_job(folder: Path, *, stands_ready: bool) -> dict[str, Any]:
    with _served(folder, _faq_rows(85), {"TANREN_READY_CHILDREN": str(int(stands_ready))}) as server:
        if stands_ready:
            _stand_ready(server)
        bedrock = server.client("bedrock")
        haiku = "anthropic.claude-3-haiku-20240307-v1:0:200k"
        settings = {"epochCount": "10", "batchSize": "32", "learningRateMultiplier": "1.0"}
        began = time.monotonic()
        request = job_request(server, "common", BUCKET, baseModelIdentifier=haiku, hyperParameters=settings)
        arn = bedrock.create_model_customization_job(**request)["jobArn"]
        wait_until(lambda: _records(server, arn), seconds=60, what="the first step")
        first_step = time.monotonic() - began
        job = finished(bedrock, arn)
        completed = time.monotonic() - began
        assert job["status"] == "Completed", job.get("failureMessage")
        steps = len(_records(server, arn))
        return {
            "pairs": 85,
            "epochs": 10,
            "steps": steps,
            "first_step_seconds": round(first_step, 1),
            "completed_seconds": round(completed, 1),
        }


def _reclaimed_job(folder: Path) -> dict[str, Any]:
    with _served(folder, FORGE_ROWS) as server:
        settings = {"epochCount": "100", "batchSize": "1", "learningRate": "0.001"}
        request = job_request(server, "reclaimed", BUCKET, hyperParameters=settings)
        arn = server.client("bedrock").create_model_customization_job(**request)["jobArn"]
        wait_until(lambda: len(_records(server, arn)) >= 100, seconds=120, what="step 100")
        began = time.monotonic()
        server.stop()
        wait_until(lambda: not server.processes(), seconds=60, what="the end of every process")
        reclaimed = time.monotonic() - began
        done = _records(server, arn)[-1]["step"]
        server.start()
        job = finished(server.client("bedrock"), arn)
        assert job["status"] == "Completed", job.get("failureMessage")
        (record,) = (server.data_dir / "artifacts" / "custom-models").rglob("run.json")
        outcome = json.loads(record.read_text())["outcome"]
        return {
            "reclaim_seconds": round(reclaimed, 1),
            "steps_done_at_the_reclaim": done + 1,
            "steps": outcome["steps"],
            "steps_recorded": len(outcome["step_records"]),
        }


def _forecast(folder: Path) -> dict[str, Any]:
    with _served(folder, _faq_rows(85)) as server:
        settings = {"epochCount": "20", "batchSize": "4", "learningRate": "0.00005"}
        request = job_request(server, "forecast", BUCKET, hyperParameters=settings)
        bedrock = server.client("bedrock")
        arn = bedrock.create_model_customization_job(**request)["jobArn"]
        seen: list[tuple[float, dict[str, Any]]] = []

        def watched() -> bool:
            found = _records(server, arn)
            if found and (not seen or found[-1]["step"] > seen[-1][1]["step"]):
                seen.append((time.monotonic(), found[-1]))
            return bool(found) and found[-1]["step"] + 1 >= found[-1]["total_steps"]

        wait_until(watched, seconds=600, what="the last step")
        ended = seen[-1][0]
        finished(bedrock, arn)
        told = [
            (at, record["remaining_seconds"])
            for at, record in seen
            if record["share"] >= 0.05 and record["remaining_seconds"] and ended - at > 2
        ]
        first_at, first_told = told[0]
        errors = [abs(remaining - (ended - at)) / (ended - at) for at, remaining in told]
        gaps = [later[0] - earlier[0] for earlier, later in itertools.pairwise(seen)]
        return {
            "told_after_5_percent_seconds": round(first_told, 1),
            "it_took_seconds": round(ended - first_at, 1),
            "median_forecast_error": round(sorted(errors)[len(errors) // 2], 3),
            "forecast_error_after_5_percent": round(errors[0], 3),
            "longest_gap_between_records_seconds": round(max(gaps), 2),
        }


@pytest.mark.timeout(1800)
def test_the_common_job_is_short_a_reclaim_is_cheap_and_the_forecast_of_time_holds(tmp_path: Path):
    cold = _common_job(tmp_path / "cold", stands_ready=False)
    common = _common_job(tmp_path / "common", stands_ready=True)
    reclaimed = _reclaimed_job(tmp_path / "reclaimed")
    forecast = _forecast(tmp_path / "forecast")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    figures = {
        **{"cold": cold, "common": common, "reclaimed": reclaimed, "forecast": forecast},
        "commit": commit.stdout.strip(),
        "machine": platform.platform(),
        "date": datetime.now(UTC).date().isoformat(),
    }
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"\n{json.dumps(figures, indent=1)}")
    assert cold["completed_seconds"] <= COMPLETED_SECONDS
    assert common["completed_seconds"] <= COMPLETED_SECONDS
    assert common["first_step_seconds"] <= FIRST_STEP_SECONDS
    assert reclaimed["reclaim_seconds"] <= RECLAIM_SECONDS
    assert reclaimed["steps_recorded"] == reclaimed["steps"]
    assert forecast["forecast_error_after_5_percent"] <= FORECAST_ERROR
    assert forecast["longest_gap_between_records_seconds"] <= RECORD_SECONDS
