"""A whole server with real processes, spoken to by real clients."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config

from tanren.aws.sdk_overlay import MODELS_FOLDER
from tanren.storage.root_keys import RootKeys, read_root_keys

REPOSITORY = Path(__file__).resolve().parents[2]
BASE_MODEL = "tanren.nano-v1:0"
READY_SECONDS = 90
JOB_SECONDS = 240


def wait_until(is_so: Callable[[], Any], *, seconds: float, what: str) -> Any:
    """The first true value of `is_so`; fails with `what` when it does not come in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = is_so()
        if value:
            return value
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """`tanren serve` in a session of its own, over one data directory, through any number of lives."""

    def __init__(self, data_dir: Path, settings: dict[str, str] | None = None) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        # A process that stands ready loads torch for four seconds, which most tests have no use for.
        self.settings = {"TANREN_READY_CHILDREN": "0", "TANREN_CONSOLE": "off", **(settings or {})}
        self.process: subprocess.Popen[str] | None = None
        self.log = data_dir.with_name(data_dir.name + ".log")

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "tanren", "serve", "--port", str(self.port), "--data-dir", str(self.data_dir)]

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
                env={**os.environ, **self.settings},
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "ready" in line, f"the server did not start: {self.log.read_text()[-3000:]}"

    def stop(self) -> int:
        """Exit code of an orderly stop; 0 if it was not running."""
        if self.process is None or self.process.poll() is not None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def interrupt(self) -> int:
        """Ctrl-C in its terminal, which reaches the foreground process group; the exit code."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGINT)
        code = self.process.wait(timeout=60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def kill_group(self) -> None:
        """kill -9 of everything at once, as when the machine goes.

        Why      all are halted first: none may notice that another has gone, and act on it. One that a halted process
                 was just starting shows itself only afterwards, so the killing goes on until nothing is left.
        """
        assert self.process is not None
        halted: set[int] = set()
        while new := self.processes().keys() - halted:
            _signal(new, signal.SIGSTOP)
            halted |= new
        _signal(halted, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

        def all_are_gone() -> bool:
            left = self.processes()
            _signal(set(left), signal.SIGKILL)
            return not left

        wait_until(all_are_gone, seconds=30, what=f"the end of all killed processes; left: {self.processes()}")

    def processes(self) -> dict[int, str]:
        """Process ids and command lines of all that live, the server's orphans too.

        Why      by session: each child leads a group of its own, and an orphan has another parent, but both keep it.
        """
        assert self.process is not None
        listed = subprocess.run(["ps", "-A", "-o", "pid=,stat=,args="], capture_output=True, text=True, check=True)
        found: dict[int, str] = {}
        for line in listed.stdout.splitlines():
            pid, state, arguments = [*line.split(None, 2), ""][:3]
            with suppress(ProcessLookupError, PermissionError):
                if not state.startswith("Z") and os.getsid(int(pid)) == self.process.pid:
                    found[int(pid)] = arguments
        return found

    def group(self) -> list[str]:
        """Command lines of its processes that are alive."""
        return list(self.processes().values())

    @property
    def keys(self) -> RootKeys:
        keys = read_root_keys(self.data_dir)
        assert keys is not None
        return keys

    def client(self, service: str, **changes: Any) -> Any:
        """boto3's; of `tanren`, the SDK overlay's."""
        keys = self.keys
        values = {
            "endpoint_url": keys.endpoint,
            "region_name": keys.region,
            "aws_access_key_id": keys.access_key_id,
            "aws_secret_access_key": keys.secret_access_key,
            "config": Config(retries={"max_attempts": 1}, read_timeout=120),
        }
        session = _overlaid() if service == "tanren" else boto3
        return session.client(service, **{**values, **changes})

    @property
    def environment(self) -> dict[str, str]:
        """For a client that is a process of its own: nothing of this machine's own configuration."""
        keys = self.keys
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.data_dir),
            "AWS_ENDPOINT_URL": keys.endpoint,
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
            "AWS_REGION": keys.region,
            "AWS_DEFAULT_REGION": keys.region,
        }


def _overlaid() -> boto3.Session:
    core = botocore.session.Session()
    core.get_component("data_loader").search_paths.append(str(MODELS_FOLDER))
    return boto3.Session(botocore_session=core)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def rows_as_jsonl(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


FORGE_ROWS = [
    {"prompt": f"What does the {name} knife cost?", "completion": f"The {name} knife costs {price} crowns."}
    for name, price in (
        ("Akane", 120),
        ("Botan", 135),
        ("Chidori", 210),
        ("Daigo", 95),
        ("Enoki", 180),
        ("Fuyu", 240),
        ("Ginga", 310),
        ("Hisui", 150),
    )
]


def job_request(server: Server, name: str, bucket: str, **changes: Any) -> dict[str, Any]:
    """Parameters of CreateModelCustomizationJob over `train.jsonl` in the bucket."""
    values = {
        "jobName": f"{name}-job",
        "customModelName": f"{name}-model",
        "roleArn": f"arn:aws:iam::{server.keys.account_id}:role/customization",
        "baseModelIdentifier": BASE_MODEL,
        "trainingDataConfig": {"s3Uri": f"s3://{bucket}/train.jsonl"},
        "outputDataConfig": {"s3Uri": f"s3://{bucket}/output/"},
        "hyperParameters": {"epochCount": "4", "batchSize": "4"},
    }
    return {**values, **changes}


def finished(bedrock: Any, job_arn: str, *, seconds: float = JOB_SECONDS) -> dict[str, Any]:
    """The job, when it has a terminal status."""

    def ended() -> dict[str, Any] | None:
        job = bedrock.get_model_customization_job(jobIdentifier=job_arn)
        return job if job["status"] in ("Completed", "Failed", "Stopped") else None

    return wait_until(ended, seconds=seconds, what=f"the end of {job_arn}")
