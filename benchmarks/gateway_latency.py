"""What the gateway adds to an answer, and how long a token that has been made is under way to its reader.

    .venv/bin/python benchmarks/gateway_latency.py [--rounds 300]

    overhead       InvokeModel as a client sees it, less the engine's own time, from its acceptance to its last token:
                   HTTP, signature, parsing, placement, the socket to the engine host, and all of it back. Asked by a
                   plain HTTP client with a request signed beforehand, and by boto3, which signs and parses itself.
    bare           the same HTTP client and the same HTTP server with an application that answers with the body
    CPU            of the gateway's processes for each of these requests, which says more than a clock on a busy machine
    first token    from the moment when the sampler has drawn a stream's first token until the client has its text:
                   when the bytes are there, and when boto3 hands the event out

One token of nano, one request at a time, all contestants by turns. The engine's moments are noted inside the engine
host by `peers/token_clock`; all processes share the machine's monotonic clock. Writes build/benchmarks/
gateway_latency.json.
"""

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from benchmarks.origin import origin  # noqa: E402
from tests.service.servers import BASE_MODEL, Server, free_port, wait_until  # noqa: E402

WARM_UP = 30
STREAMED_TOKENS = 4
REQUESTS_A_ROUND = 4
"""Of the gateway: two whole answers, two streams."""
OVERHEAD_MS = 3.0
FIRST_TOKEN_MS = 5.0
TARGET = REPOSITORY / "build" / "benchmarks" / "gateway_latency.json"
PROMPT = "Hello."
BODY = json.dumps({"inputText": PROMPT, "textGenerationConfig": {"maxTokenCount": 1, "temperature": 0}}).encode()
CONVERSATION = {
    "modelId": BASE_MODEL,
    "messages": [{"role": "user", "content": [{"text": PROMPT}]}],
    "inferenceConfig": {"maxTokens": STREAMED_TOKENS, "temperature": 0.0},
}
STREAM_BODY = {key: value for key, value in CONVERSATION.items() if key != "modelId"}

Samples = dict[str, list[float]]
"""Milliseconds, by what they are of."""


class TokenClock:
    """What the engine host has noted, line by line, as each answer ends."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen = 0

    def next(self, kind: str) -> list[int]:
        """The numbers of the next line of this kind; lines of the other kind before it are passed over."""

        def found() -> list[int] | None:
            lines = self._file.read_text().splitlines()
            for index in range(self._seen, len(lines)):
                name, *numbers = lines[index].split()
                if name == kind:
                    self._seen = index + 1
                    return [int(number) for number in numbers]
            return None

        return wait_until(found, seconds=5, what=f"the engine's note '{kind}'")

    def pass_over(self) -> None:
        self._seen = len(self._file.read_text().splitlines())


class PlainClient:
    """One connection, kept; requests are signed before the clock starts."""

    def __init__(self, server: Server) -> None:
        keys = server.keys
        self._region, self._endpoint = keys.region, keys.endpoint
        self._credentials = Credentials(keys.access_key_id, keys.secret_access_key)
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port)
        self._connection.connect()
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def signed(self, path: str, body: bytes) -> dict[str, str]:
        request = AWSRequest("POST", self._endpoint + path, {"Content-Type": "application/json"}, body)
        SigV4Auth(self._credentials, "bedrock", self._region).add_auth(request)
        return dict(request.headers)

    def send(self, path: str, body: bytes, headers: dict[str, str]) -> http.client.HTTPResponse:
        self._connection.request("POST", path, body, headers)
        return self._connection.getresponse()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "notes"
        hook = str(REPOSITORY / "benchmarks" / "peers" / "token_clock")
        settings = {"PYTHONPATH": hook, "TOKEN_CLOCK": str(notes), "TANREN_ENGINE_WAIT_SECONDS": "300"}
        server = Server(Path(folder) / "data", settings)
        bare_port = free_port()
        bare = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peers.bare_http", str(bare_port)],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )
        server.start()
        try:
            measured, cpu_ms = measure(server, bare_port, TokenClock(notes), rounds)
        finally:
            server.stop()
            bare.terminate()
            bare.wait()
    result = {
        "rounds": rounds,
        "milliseconds": {name: summary(values) for name, values in measured.items()},
        "gateway_cpu_ms_per_request": round(cpu_ms, 2),
        "load": os.getloadavg()[0],
        **origin(),
    }
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(result, indent=1) + "\n")
    print("\n".join(told(result)))


def measure(server: Server, bare_port: int, clock: TokenClock, rounds: int) -> tuple[Samples, float]:
    runtime = server.client("bedrock-runtime", config=Config(retries={"total_max_attempts": 1}))
    runtime.invoke_model(modelId=BASE_MODEL, body=BODY)["body"].read()
    plain = PlainClient(server)
    bare = http.client.HTTPConnection("127.0.0.1", bare_port)
    wait_until(lambda: _connects(bare), seconds=30, what="the bare server")
    path = f"/model/{BASE_MODEL.replace(':', '%3A')}"
    samples: Samples = {}
    cpu_before = 0.0
    for number in range(WARM_UP + rounds):
        if number == WARM_UP:
            cpu_before = gateway_cpu_ms(server)
        turn = {
            "bare HTTP": timed(lambda: _bare(bare))[0],
            **_invoked("plain HTTP", clock, _plain_invoke(plain, f"{path}/invoke")),
            **_invoked("boto3", clock, lambda: runtime.invoke_model(modelId=BASE_MODEL, body=BODY)["body"].read()),
            "first token, plain HTTP": _plain_stream(plain, f"{path}/converse-stream", clock),
            "first token, boto3": _boto3_stream(runtime, clock),
        }
        if number >= WARM_UP:
            for name, value in turn.items():
                samples.setdefault(name, []).append(value)
    cpu_ms = (gateway_cpu_ms(server) - cpu_before) / (rounds * REQUESTS_A_ROUND)
    return samples, cpu_ms


def gateway_cpu_ms(server: Server) -> float:
    """What its processes have computed so far, in their own code and in the kernel."""
    ticks = 0
    for pid, arguments in server.processes().items():
        if "tanren.gateway" in arguments:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")


def _invoked(client: str, clock: TokenClock, call: Callable[[], object]) -> dict[str, float]:
    clock.pass_over()
    whole, _ = timed(call)
    accepted, ended = clock.next("end")
    engine = (ended - accepted) / 1e6
    return {f"whole, {client}": whole, f"engine, {client}": engine, f"overhead, {client}": whole - engine}


def _plain_invoke(plain: PlainClient, path: str) -> Callable[[], None]:
    headers = plain.signed(path, BODY)

    def call() -> None:
        answer = plain.send(path, BODY, headers)
        body = answer.read()
        assert answer.status == 200, body

    return call


def _plain_stream(plain: PlainClient, path: str, clock: TokenClock) -> float:
    body = json.dumps(STREAM_BODY).encode()
    headers = plain.signed(path, body)
    clock.pass_over()
    answer = plain.send(path, body, headers)
    received = b""
    while b"contentBlockDelta" not in received:
        piece = answer.read1(65536)
        assert piece, received
        received += piece
    arrived = time.monotonic_ns()
    answer.read()
    return (arrived - clock.next("first")[0]) / 1e6


def _boto3_stream(runtime: Any, clock: TokenClock) -> float:
    clock.pass_over()
    arrived = 0
    with closing(runtime.converse_stream(**CONVERSATION)["stream"]) as events:
        for event in events:
            if "contentBlockDelta" in event and not arrived:
                arrived = time.monotonic_ns()
    return (arrived - clock.next("first")[0]) / 1e6


def _bare(connection: http.client.HTTPConnection) -> None:
    connection.request("POST", "/", BODY, {"Content-Type": "application/json"})
    connection.getresponse().read()


def _connects(connection: http.client.HTTPConnection) -> bool:
    with suppress(OSError):
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return True
    return False


def timed(call: Callable[[], object]) -> tuple[float, object]:
    """Milliseconds, and what came of it."""
    began = time.perf_counter()
    made = call()
    return (time.perf_counter() - began) * 1000, made


def summary(values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=20)
    return {"p50": round(statistics.median(values), 3), "p95": round(cuts[-1], 3)}


def told(result: dict[str, Any]) -> list[str]:
    """The table, and the line that says what was to be reached."""
    found = result["milliseconds"]
    lines = [f"{'milliseconds, ' + str(result['rounds']) + ' rounds':32}{'p50':>8}{'p95':>8}"]
    lines += [f"{name:32}{each['p50']:8.2f}{each['p95']:8.2f}" for name, each in found.items()]
    lines.append(f"{'gateway CPU per request, mean':32}{result['gateway_cpu_ms_per_request']:8.2f}")
    overhead, first = found["overhead, plain HTTP"], found["first token, boto3"]
    lines.append(
        f"gateway overhead {overhead['p50']:.2f} ms p50, {overhead['p95']:.2f} p95, of which bare HTTP "
        f"{found['bare HTTP']['p50']:.2f} ({OVERHEAD_MS:g} p50 wanted: {_met(overhead['p50'], OVERHEAD_MS)}); "
        f"first token {first['p50']:.2f} ms p50, {first['p95']:.2f} p95 after it was made "
        f"({FIRST_TOKEN_MS:g} wanted: {_met(first['p95'], FIRST_TOKEN_MS)})"
    )
    return lines


def _met(value: float, wanted: float) -> str:
    return "met" if value <= wanted else "NOT met"


if __name__ == "__main__":
    main()
