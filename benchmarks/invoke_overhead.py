"""What the gateway costs: InvokeModel over HTTP beside the same request put straight to the engine host's socket.

    .venv/bin/python benchmarks/invoke_overhead.py

Both in one run, alternating. Prints a table and writes build/benchmarks/invoke_overhead.json.
"""

import asyncio
import json
import platform
import statistics
import sys
import tempfile
import time
from contextlib import aclosing
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from tanren.domain.conversation import user_turn  # noqa: E402
from tanren.domain.generation import GenerationRequest  # noqa: E402
from tanren.serving.client import EngineClient  # noqa: E402
from tanren.storage.database import Database, sqlite_url  # noqa: E402
from tanren.storage.engine_hosts import EngineHosts  # noqa: E402
from tests.service.servers import BASE_MODEL, Server  # noqa: E402

ROUNDS = 200
TARGET = REPOSITORY / "build" / "benchmarks" / "invoke_overhead.json"
PROMPT = "Hello."


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data")
        server.start()
        try:
            measured = measure(server)
        finally:
            server.stop()
    p50 = {name: statistics.median(values) for name, values in measured.items()}
    overhead = p50["gateway"] - p50["engine"]
    print(f"one token of {BASE_MODEL}, p50 of {ROUNDS}, milliseconds")
    print(f"  engine host's socket   {p50['engine']:.2f}")
    print(f"  boto3 to the gateway   {p50['gateway']:.2f}   (+{overhead:.2f}, x{p50['gateway'] / p50['engine']:.2f})")
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    figures = {"p50_ms": p50, "overhead_ms": overhead, "rounds": ROUNDS, "machine": platform.platform()}
    TARGET.write_text(json.dumps(figures, indent=1) + "\n")


def measure(server: Server) -> dict[str, list[float]]:
    runtime = server.client("bedrock-runtime")
    body = json.dumps({"inputText": PROMPT, "textGenerationConfig": {"maxTokenCount": 1, "temperature": 0}})
    runtime.invoke_model(modelId=BASE_MODEL, body=body)
    database = Database(sqlite_url(server.data_dir / "tanren.db"))
    (host,) = EngineHosts(database).every()
    database.close()
    engine = EngineClient(host.socket_path)
    request = GenerationRequest(conversation=user_turn(PROMPT), max_new_tokens=1, temperature=0.0)
    times: dict[str, list[float]] = {"engine": [], "gateway": []}
    with asyncio.Runner() as runner:
        for _ in range(ROUNDS):
            times["engine"].append(timed(lambda: runner.run(_drain(engine, request))))
            times["gateway"].append(timed(lambda: runtime.invoke_model(modelId=BASE_MODEL, body=body)["body"].read()))
    return times


async def _drain(engine: EngineClient, request: GenerationRequest) -> None:
    async with aclosing(engine.generate(request)) as events:
        async for _ in events:
            pass


def timed(call: Any) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
