"""The process of one verification: a finished job trained once more and compared. Composition root; tensors live here.

    python -m tanren.verify --job NAME_OR_ARN

Works beside a running server and without one: the embedded S3 of a stopped server is started for as long as data are
fetched, with the data directory locked meanwhile. What it tells goes to standard output, a line of JSON each:
{"tell": …}, {"step": …, "of": …, "loss": …}, and at the end {"verdict": …, "identical": …, "reasons": […]}.
It ends with 0 for identical, 1 for different, 2 where it cannot be told, with the reason on standard error.
"""

import argparse
import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from tanren.aws.neighbourhood_process import MinistackSettings, make_directories, ministack_command
from tanren.catalog.weights import WeightsCatalogue
from tanren.domain.errors import ResourceNotFound, ServiceUnavailable, TanrenError
from tanren.domain.scope import Scope
from tanren.jobs.lifeline import with_lifeline
from tanren.object_stores import object_store_address
from tanren.settings import Settings, read_settings
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.custom_models import CustomModels
from tanren.storage.customization_jobs import CustomizationJobs, find_job
from tanren.storage.database import Database
from tanren.storage.objects import ObjectStore, ObjectStoreAddress
from tanren.storage.root_keys import read_root_keys

IDENTICAL: Final = 0
DIFFERENT: Final = 1
UNKNOWN: Final = 2
LOCK_FILE: Final = "lock"
"""The supervisor's; who holds it may run the embedded S3."""
_READY_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 30.0


def verify_command(job: str) -> list[str]:
    return [sys.executable, "-m", "tanren.verify", "--job", job]


@contextmanager
def object_store(settings: Settings, scope: Scope) -> Generator[ObjectStore]:
    """S3 as the job saw it: outside, through the running server, or the embedded one, started for the while.

    Raises   ServiceUnavailable where it does not come up.
    """
    if settings.aws_endpoint:
        yield ObjectStore(object_store_address(settings, scope))
        return
    keys = read_root_keys(settings.data_dir)
    if keys is None:
        raise ResourceNotFound(f"No server has been started in {settings.data_dir} yet.")
    descriptor = os.open(settings.data_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield ObjectStore(
                ObjectStoreAddress(
                    endpoint_url=keys.endpoint,
                    region=scope.region,
                    access_key=keys.access_key_id,
                    secret_key=keys.secret_access_key,
                    ca_bundle=keys.ca_bundle or None,
                )
            )
            return
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()}, tanren job verify\n".encode(), 0)
        with _embedded_store(settings, scope) as address:
            yield ObjectStore(address)
    finally:
        os.close(descriptor)


@contextmanager
def _embedded_store(settings: Settings, scope: Scope) -> Generator[ObjectStoreAddress]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    neighbour = MinistackSettings(
        port=port, directory=settings.data_dir / "neighbourhood", account_id=scope.account_id, region=scope.region
    )
    make_directories(neighbour)
    argv, environment = ministack_command(neighbour, inherited=os.environ)
    (settings.data_dir / "logs").mkdir(exist_ok=True)
    log_path = settings.data_dir / "logs" / "neighbourhood.log"
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            with_lifeline(argv), env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait_until_ready(process, port, log_path)
        yield ObjectStoreAddress(
            endpoint_url=f"http://127.0.0.1:{port}",
            region=scope.region,
            access_key=scope.account_id,
            secret_key="embedded",
        )
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin is not None:
            process.stdin.close()


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, log_path: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise ServiceUnavailable(f"The embedded S3 did not come up to read the job's data from; see {log_path}.")


def verify(settings: Settings, identifier: str, *, say: Any) -> bool:
    """Whether the job is identical. Raises TanrenError where it cannot be told."""
    database = Database(settings.effective_database_url)
    scratch = Path(tempfile.mkdtemp(prefix="verify-", dir=settings.data_dir))
    try:
        job = find_job(CustomizationJobs(database), identifier)
        models, artifacts = CustomModels(database), ArtifactStore(settings.data_dir / "artifacts")
        # Only now: torch is imported with it.
        from tanren.workflows.repetition import repeat_run

        comparison = repeat_run(
            job,
            models=models,
            artifacts=artifacts,
            weights=WeightsCatalogue(settings.data_dir),
            open_objects=lambda: object_store(settings, job.scope),
            token_folder=settings.data_dir / "cache" / "tokens",
            scratch=scratch,
            tell=lambda sentence: say({"tell": sentence}),
            on_step=lambda record, total: say({"step": record.step + 1, "of": total, "loss": record.training_loss}),
        )
    finally:
        database.close()
        shutil.rmtree(scratch, ignore_errors=True)
    told = asdict(comparison)
    say({"verdict": told["verdict"], "identical": told["is_identical"], "reasons": list(told["reasons"])})
    return comparison.is_identical


def main() -> int:
    parser = argparse.ArgumentParser(prog="tanren.verify")
    parser.add_argument("--job", required=True)
    given = parser.parse_args()
    try:
        return IDENTICAL if verify(read_settings(), given.job, say=_say) else DIFFERENT
    except TanrenError as error:
        print(error, file=sys.stderr)
        return UNKNOWN


def _say(value: dict[str, Any]) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
