"""How fast the control plane answers with 10,000 jobs in its store, beside moto's server.

    .venv/bin/python benchmarks/control_plane.py [--jobs 10000] [--rounds 3]

    get       GetModelCustomizationJob of a job drawn at random, by its name: moto 5.2.5 finds none by an ARN
    list      ListModelCustomizationJobs, a page of 100, the newest first
    create    CreateModelCustomizationJob under a new name

One client and 32 at a time, over kept connections, with requests that were signed beforehand; both servers run all the
while and are asked by turns. Both stores are filled through CreateModelCustomizationJob. Ours is the gateway process
alone, without a worker, so that no job begins; it writes each job to disk, moto keeps it in memory and checks no
signature. A create of ours therefore takes at least one sync of the disk, of which the time is measured too. The jobs'
role exists at ours, which looks at it. moto lives in build/moto, made from
benchmarks/peers/control_plane_requirements.txt. Writes build/benchmarks/control_plane.json.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from benchmarks.origin import origin  # noqa: E402
from tests.service.servers import free_port, wait_until  # noqa: E402

PEER = REPOSITORY / "build" / "moto"
REQUIREMENTS = REPOSITORY / "benchmarks" / "peers" / "control_plane_requirements.txt"
TARGET = REPOSITORY / "build" / "benchmarks" / "control_plane.json"
REGION = "us-east-1"
KEYS = Credentials("AKIAEXAMPLEEXAMPLE00", "a-secret-of-this-benchmark-and-of-nothing-else")
FORM = "application/x-www-form-urlencoded; charset=utf-8"
REQUESTS = {
    ("get", 1): 300,
    ("get", 32): 2_000,
    ("list", 1): 60,
    ("list", 32): 200,
    ("create", 1): 60,
    ("create", 32): 300,
}
"""A round, by operation and number of clients."""
LIST_P95_MS = 100.0
GETS_PER_SECOND = 1_000.0


@dataclass(slots=True)
class Contestant:
    port: int
    names_given: int = 0

    def create_body(self) -> bytes:
        name = name_of(self.names_given)
        self.names_given += 1
        return json.dumps(
            {
                "jobName": name,
                "customModelName": f"{name}-model",
                "roleArn": "arn:aws:iam::123456789012:role/customization",
                "baseModelIdentifier": "amazon.titan-text-lite-v1",
                "trainingDataConfig": {"s3Uri": "s3://benchmark-data/train.jsonl"},
                "validationDataConfig": {"validators": [{"s3Uri": "s3://benchmark-data/validation.jsonl"}]},
                "outputDataConfig": {"s3Uri": "s3://benchmark-data/out/"},
                "hyperParameters": {"epochCount": "2", "batchSize": "1", "learningRate": "0.00001"},
            }
        ).encode()

    def request(self, operation: str, rng: random.Random) -> bytes:
        if operation == "get":
            return self.signed("GET", f"/model-customization-jobs/{name_of(rng.randrange(self.names_given))}")
        if operation == "list":
            return self.signed(
                "GET", "/model-customization-jobs?maxResults=100&sortBy=CreationTime&sortOrder=Descending"
            )
        return self.signed("POST", "/model-customization-jobs", self.create_body())

    def role_request(self) -> bytes:
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
        fields = {
            "Action": "CreateRole",
            "Version": "2010-05-08",
            "RoleName": "customization",
            "AssumeRolePolicyDocument": json.dumps(trust),
        }
        return self.signed("POST", "/", urlencode(fields).encode(), service="iam", kind=FORM)

    def signed(
        self, method: str, path: str, body: bytes = b"", *, service: str = "bedrock", kind: str = "application/json"
    ) -> bytes:
        url = f"http://127.0.0.1:{self.port}{path}"
        request = AWSRequest(method, url, {"Content-Type": kind}, body)
        SigV4Auth(KEYS, service, REGION).add_auth(request)
        headers = {**dict(request.headers), "Host": f"127.0.0.1:{self.port}", "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def name_of(number: int) -> str:
    return f"job-{number:06d}"


class Connection:
    """Kept open; opened anew where the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> None:
        """Raises   SystemExit where the answer is an error."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}
        body = await reader.readexactly(int(headers["content-length"]))
        if headers.get("connection", "").lower() == "close" or status.startswith("HTTP/1.0"):
            self.close()
        if status.split()[1] not in ("200", "201"):
            raise SystemExit(f"{status}: {body[:500].decode(errors='replace')}")

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def load(port: int, requests: list[bytes], clients: int) -> tuple[list[float], float]:
    """Latency of each request in ms, and requests per second."""
    waiting = iter(requests)
    latencies: list[float] = []

    async def client() -> None:
        connection = Connection(port)
        for request in waiting:
            started = time.perf_counter()
            await connection.ask(request)
            latencies.append((time.perf_counter() - started) * 1000)
        connection.close()

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return latencies, len(requests) / (time.perf_counter() - started)


def fill(contestant: Contestant, jobs: int) -> float:
    """Creates so many jobs; seconds."""
    started = time.perf_counter()
    while contestant.names_given < jobs:
        requests = [
            contestant.signed("POST", "/model-customization-jobs", contestant.create_body()) for _ in range(500)
        ]
        asyncio.run(load(contestant.port, requests, 8))
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    prepare_peer()
    with tempfile.TemporaryDirectory() as folder, our_gateway(Path(folder)) as ours, moto_server() as moto:
        contestants = {"ours": Contestant(ours), "moto": Contestant(moto)}
        asyncio.run(load(ours, [contestants["ours"].role_request()], 1))
        filled = {name: fill(contestant, options.jobs) for name, contestant in contestants.items()}
        measured = measure(contestants, options.rounds)
        sync_ms = milliseconds_of_a_sync(Path(folder))
    result = {
        "jobs": options.jobs,
        "rounds": options.rounds,
        "seconds_to_fill": {name: round(seconds, 1) for name, seconds in filled.items()},
        "measured": measured,
        "disk_sync_ms": round(sync_ms, 2),
        "load": os.getloadavg()[0],
        **origin(),
    }
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(result, indent=1) + "\n")
    print("\n".join(told(result)))


def measure(contestants: dict[str, Contestant], rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    """By case ("get, 32 clients") and contestant: p50 and p95 in ms over all rounds, median requests per second."""
    rng = random.Random(0)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for (operation, clients), count in REQUESTS.items():
        latencies: dict[str, list[float]] = {name: [] for name in contestants}
        rates: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(rounds):
            for name, contestant in contestants.items():
                requests = [contestant.request(operation, rng) for _ in range(count)]
                times, rate = asyncio.run(load(contestant.port, requests, clients))
                latencies[name] += times
                rates[name].append(rate)
        found[f"{operation}, {clients} clients"] = {
            name: {
                "p50_ms": round(statistics.median(times), 3),
                "p95_ms": round(statistics.quantiles(times, n=20)[-1], 3),
                "per_second": round(statistics.median(rates[name]), 1),
            }
            for name, times in latencies.items()
        }
    return found


def milliseconds_of_a_sync(folder: Path) -> float:
    """The median time that this disk takes to keep 16 KiB, about what a job writes."""
    times: list[float] = []
    with (folder / "sync").open("wb+", buffering=0) as file:
        file.write(bytes(1 << 20))
        os.fsync(file.fileno())
        for turn in range(60):
            os.pwrite(file.fileno(), bytes(16_384), turn * 16_384)
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def told(result: dict[str, Any]) -> list[str]:
    """The table, and a line for each thing that was to be reached."""
    lines = [
        f"{result['jobs']:,} jobs in the store",
        "| | tanren p50, p95 ms | moto p50, p95 ms | p50, ours / moto's | tanren a second |",
        "|---|---|---|---|---|",
    ]
    ratios: list[float] = []
    for case, of in result["measured"].items():
        ours, moto = of["ours"], of["moto"]
        ratios.append(ours["p50_ms"] / moto["p50_ms"])
        cells = [f"{each['p50_ms']:.2f}, {each['p95_ms']:.2f}" for each in (ours, moto)]
        lines.append(f"| {case} | {cells[0]} | {cells[1]} | {ratios[-1]:.2f} | {ours['per_second']:,.0f} |")
    slowest = max(of["ours"]["p95_ms"] for case, of in result["measured"].items() if case.startswith("list"))
    gets = result["measured"]["get, 32 clients"]["ours"]["per_second"]
    lines.append(f"a sync of this disk takes {result['disk_sync_ms']} ms, and a create of ours waits for one")
    lines.append(f"p50 at most {max(ratios):.2f} x moto's, 1 wanted: {_met(max(ratios) <= 1)}")
    lines.append(f"list p95 {slowest:.0f} ms, {LIST_P95_MS:.0f} wanted: {_met(slowest <= LIST_P95_MS)}")
    lines.append(f"{gets:,.0f} gets a second, {GETS_PER_SECOND:,.0f} wanted: {_met(gets >= GETS_PER_SECOND)}")
    return lines


def _met(is_met: bool) -> str:
    return "met" if is_met else "NOT met"


def prepare_peer() -> None:
    if not (PEER / "bin" / "moto_server").exists():
        print("making build/moto", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", PEER], check=True)
        subprocess.run([PEER / "bin" / "pip", "install", "-q", "-r", REQUIREMENTS], check=True)


@contextmanager
def our_gateway(folder: Path) -> Generator[int]:
    port = free_port()
    settings = {
        "TANREN_PORT": str(port),
        "TANREN_DATA_DIR": str(folder / "data"),
        "TANREN_ACCESS_KEY": KEYS.access_key,
        "TANREN_SECRET_KEY": KEYS.secret_key,
        "TANREN_EMBEDDED_ENDPOINT": "http://127.0.0.1:9",
    }
    (folder / "data").mkdir()
    subprocess.run(
        [
            sys.executable,
            "-c",
            "from tanren.settings import read_settings as r; from tanren.storage.database import "
            "upgrade; upgrade(r().effective_database_url)",
        ],
        env={**os.environ, **settings},
        check=True,
    )
    with _process([sys.executable, "-m", "tanren.gateway"], settings, port):
        yield port


@contextmanager
def moto_server() -> Generator[int]:
    port = free_port()
    with _process([str(PEER / "bin" / "moto_server"), "-p", str(port)], {}, port):
        yield port


@contextmanager
def _process(command: list[str], settings: dict[str, str], port: int) -> Generator[None]:
    process = subprocess.Popen(
        command,
        env={**os.environ, **settings},
        # The gateway ends when its parent's end of this pipe closes.
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(_answers(port), seconds=120, what=f"an answer of {command[:3]}")
        yield
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> Callable[[], bool]:
    async def ask() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    return lambda: asyncio.run(ask())


if __name__ == "__main__":
    main()
