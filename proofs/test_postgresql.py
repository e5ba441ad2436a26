"""The store on PostgreSQL: what it keeps is tested there as on SQLite, and a job outlives kill -9.

make proofs            needs PostgreSQL's programs (apt install postgresql); says so where there are none
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from proofs.figures import keep
from tests import postgresql
from tests.service.long_jobs import has_checkpoint, job_logs, start_long_job
from tests.service.servers import REPOSITORY, Server, finished, free_port, wait_until

SUITES = ("tests/unit/storage", "tests/unit/control", "tests/unit/jobs", "tests/protocol/test_infrastructure_tools.py")


@pytest.fixture(scope="module")
def server_url() -> Iterator[URL]:
    folder = postgresql.programs()
    if folder is None:
        pytest.skip("PostgreSQL's programs are not here: apt install postgresql")
    with postgresql.running_server(folder, port=free_port()) as url:
        yield url


@pytest.mark.timeout(1200)
def test_what_the_store_keeps_is_kept_there_too(server_url: URL):
    command = [sys.executable, "-m", "pytest", "-q", *SUITES, "--postgresql", server_url.render_as_string()]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    keep("postgresql", {"tests": done.stdout.strip().splitlines()[-1]})


@pytest.mark.timeout(600)
def test_a_job_outlives_kill_9_and_nothing_of_it_is_in_sqlite(server_url: URL, tmp_path: Path):
    with postgresql.new_database(server_url) as url:
        settings = {"TANREN_DATABASE_URL": url.render_as_string(), "TANREN_CHECKPOINT_SECONDS": "0.5"}
        server = Server(tmp_path / "data", settings)
        try:
            server.start()
            arn = start_long_job(server)
            wait_until(lambda: has_checkpoint(server), seconds=120, what="a checkpoint")
            server.kill_group()
            server.start()
            job = finished(server.client("bedrock"), arn)
            assert job["status"] == "Completed", job.get("failureMessage")
            assert "Continuing after step" in job_logs(server)
            message = {"role": "user", "content": [{"text": "What does the Akane knife cost?"}]}
            answer = server.client("bedrock-runtime").converse(modelId=job["outputModelName"], messages=[message])
            assert answer["output"]["message"]["content"][0]["text"]
            assert list(server.data_dir.glob("*.db")) == []
        finally:
            server.kill_group()
