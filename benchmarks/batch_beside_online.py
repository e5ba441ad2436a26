"""What a batch job costs online callers: InvokeModel alone, and beside a job that leaves them places or takes all.

    .venv/bin/python benchmarks/batch_beside_online.py

One server for each share of the engine's places (`TANREN_BATCH_ENGINE_SHARE`), nano on this machine, one online caller.
Prints a table and writes build/benchmarks/batch_beside_online.json.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from benchmarks.origin import origin  # noqa: E402
from tests.service.servers import BASE_MODEL, Server, rows_as_jsonl, wait_until  # noqa: E402

SHARES = (0.75, 1.0)
RECORDS = 400
ALONE_SECONDS = 6.0
"""How long the job is watched while nobody else asks."""
ONLINE_REQUESTS = 20
BUCKET = "bench"
TARGET = REPOSITORY / "build" / "benchmarks" / "batch_beside_online.json"


def main() -> None:
    found: dict[str, dict[str, float]] = {}
    for share in SHARES:
        with tempfile.TemporaryDirectory() as folder:
            server = Server(Path(folder) / "data", {"TANREN_BATCH_ENGINE_SHARE": str(share)})
            server.start()
            try:
                found[f"{share:g}"] = measure(server)
            finally:
                server.stop()
    print(f"{BASE_MODEL}: a batch of answers of at most 96 tokens; online answers of at most 24, milliseconds")
    print("  share   records/s alone   online idle p50   beside p50   beside worst")
    for share, row in found.items():
        online_ms = f"{row['idle_p50_ms']:15.0f}   {row['beside_p50_ms']:10.0f}   {row['beside_worst_ms']:12.0f}"
        print(f"  {share:>5}   {row['records_per_second']:15.2f}   {online_ms}")
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps({"by_share": found, **origin()}, indent=1) + "\n")


def measure(server: Server) -> dict[str, float]:
    runtime, bedrock, s3 = (server.client(name) for name in ("bedrock-runtime", "bedrock", "s3"))
    online(runtime)
    idle = [online(runtime) for _ in range(ONLINE_REQUESTS)]
    s3.create_bucket(Bucket=BUCKET)
    rows = [{"modelInput": body(f"Tell a story about {n} blades.", 96)} for n in range(RECORDS)]
    s3.put_object(Bucket=BUCKET, Key="in.jsonl", Body=rows_as_jsonl(rows))
    arn = bedrock.create_model_invocation_job(
        jobName="bench",
        roleArn=f"arn:aws:iam::{server.keys.account_id}:role/bench",
        modelId=BASE_MODEL,
        inputDataConfig={"s3InputDataConfig": {"s3Uri": f"s3://{BUCKET}/in.jsonl"}},
        outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/out/"}},
    )["jobArn"]

    def answered() -> int:
        return bedrock.get_model_invocation_job(jobIdentifier=arn)["processedRecordCount"]

    wait_until(lambda: answered() >= RECORDS // 20, seconds=120, what="the first answers")
    before, began = answered(), time.monotonic()
    time.sleep(ALONE_SECONDS)
    rate = (answered() - before) / (time.monotonic() - began)
    beside = [online(runtime) for _ in range(ONLINE_REQUESTS)]
    if answered() == RECORDS:
        sys.exit("the job ended before the online requests did: raise RECORDS")
    bedrock.stop_model_invocation_job(jobIdentifier=arn)
    return {
        "records_per_second": rate,
        "idle_p50_ms": statistics.median(idle),
        "beside_p50_ms": statistics.median(beside),
        "beside_worst_ms": max(beside),
    }


def online(runtime: Any) -> float:
    """Milliseconds of one request."""
    began = time.monotonic()
    runtime.invoke_model(modelId=BASE_MODEL, body=json.dumps(body("Hello there.", 24)))["body"].read()
    return (time.monotonic() - began) * 1000


def body(text: str, tokens: int) -> dict[str, Any]:
    return {"inputText": text, "textGenerationConfig": {"maxTokenCount": tokens, "temperature": 0.9}}


if __name__ == "__main__":
    main()
