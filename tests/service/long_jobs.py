"""A job that is long enough to be interrupted in the middle, and what can be seen of it from outside."""

from tanren.storage.database import Database, sqlite_url
from tanren.storage.training_records import TrainingRecords
from tests.service.servers import FORGE_ROWS, Server, job_request, rows_as_jsonl

BUCKET = "lives"
LONG = {"epochCount": "12", "batchSize": "2"}
"""48 steps. A server that checkpoints twice a second has its first checkpoint after a few."""


def start_long_job(server: Server) -> str:
    s3 = server.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="train.jsonl", Body=rows_as_jsonl(FORGE_ROWS), Metadata={"kept": "yes"})
    request = job_request(server, "long", BUCKET, hyperParameters=LONG)
    return server.client("bedrock").create_model_customization_job(**request)["jobArn"]


def has_checkpoint(server: Server) -> bool:
    return any((server.data_dir / "artifacts" / "jobs").rglob("checkpoints/step-*/*.json"))


def training_pids(server: Server) -> list[int]:
    return [pid for pid, command in server.processes().items() if "tanren.assignment" in command]


def job_events(server: Server, arn: str) -> list[str]:
    database = Database(sqlite_url(server.data_dir / "tanren.db"))
    try:
        return [message for _, message in TrainingRecords(database).events(arn)]
    finally:
        database.close()


def job_logs(server: Server) -> str:
    return "".join(log.read_text() for log in (server.data_dir / "logs" / "jobs").glob("*.log"))
