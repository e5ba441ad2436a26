"""Batch inference end to end, by unmodified boto3: records in S3, answers in S3, and kill -9 in the middle."""

import json
import os
import signal

import pytest
from botocore.exceptions import ClientError

from tanren.storage.database import Database, sqlite_url
from tanren.storage.training_records import TrainingRecords
from tests.service.servers import BASE_MODEL, Server, rows_as_jsonl, wait_until

BUCKET = "batches"
ENDED = ("Completed", "PartiallyCompleted", "Failed", "Stopped", "Expired")


def _titan(text: str, **config) -> dict:
    return {"inputText": text, "textGenerationConfig": {"maxTokenCount": 8, "temperature": 0, **config}}


def _converse(text: str) -> dict:
    message = {"role": "user", "content": [{"text": text}]}
    return {"messages": [message], "inferenceConfig": {"maxTokens": 8, "temperature": 0}}


def _put(server: Server, rows: dict[str, list[dict]]) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for key, records in rows.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=rows_as_jsonl(records))


def _create(server: Server, name: str, source: str, **changes) -> str:
    request = {
        "jobName": name,
        "roleArn": f"arn:aws:iam::{server.keys.account_id}:role/batch",
        "modelId": BASE_MODEL,
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": f"s3://{BUCKET}/{source}"}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/out/"}},
    }
    return server.client("bedrock").create_model_invocation_job(**{**request, **changes})["jobArn"]


def _ended(server: Server, arn: str, *, seconds: float = 240) -> dict:
    bedrock = server.client("bedrock")

    def look() -> dict | None:
        job = bedrock.get_model_invocation_job(jobIdentifier=arn)
        return job if job["status"] in ENDED else None

    return wait_until(look, seconds=seconds, what=f"the end of {arn}")


def _read(server: Server, arn: str, name: str) -> bytes:
    key = f"out/{arn.rsplit('/', 1)[-1]}/{name}"
    return server.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()


def _lines(server: Server, arn: str, name: str) -> list[dict]:
    return [json.loads(line) for line in _read(server, arn, name).splitlines()]


@pytest.fixture(scope="module")
def batches(server):
    """The files of this module's jobs, in S3."""
    bodies = [_titan("What does the Akane knife cost?"), _titan("What is a whetstone?"), {"prompt": 7}]
    invoked = [{"recordId": f"R{n}", "modelInput": body} for n, body in enumerate(bodies)]
    conversed = [{"modelInput": _converse("What is a whetstone?")}, {"recordId": "bad", "modelInput": {"messages": 3}}]
    _put(
        server,
        {
            "in/first.jsonl": invoked,
            "in/deeper/second.jsonl": invoked[:1],
            "in/notes.txt": [],
            "converse.jsonl": conversed,
            "wrong.jsonl": [{"recordId": "a", "modelInput": {}}, {"recordId": "b", "body": {}}],
        },
    )


def test_a_folder_of_files_is_answered_file_by_file_and_a_bad_record_is_told_in_its_line(server, batches):
    arn = _create(server, "folder", "in/", tags=[{"key": "team", "value": "forge"}])
    job = _ended(server, arn)
    assert job["status"] == "Completed", job
    counts = {name: job[f"{name}RecordCount"] for name in ("total", "processed", "success", "error")}
    assert counts == {"total": 4, "processed": 4, "success": 3, "error": 1}
    first = _lines(server, arn, "first.jsonl.out")
    assert [line["recordId"] for line in first] == ["R0", "R1", "R2"]
    assert first[1]["modelInput"] == _titan("What is a whetstone?")
    body = json.dumps(first[1]["modelInput"])
    online = json.loads(server.client("bedrock-runtime").invoke_model(modelId=BASE_MODEL, body=body)["body"].read())
    assert first[1]["modelOutput"] == online
    assert first[2]["error"]["errorCode"] == 400
    assert first[2]["error"]["errorMessage"].startswith("Malformed input request: ")
    assert "modelOutput" not in first[2]
    assert _lines(server, arn, "deeper/second.jsonl.out")[0]["modelOutput"] == first[0]["modelOutput"]
    manifest = json.loads(_read(server, arn, "manifest.json.out"))
    assert manifest["successRecordCount"] == 3
    answers = [line["modelOutput"] for line in first[:2]] + [first[0]["modelOutput"]]
    assert manifest["outputTokenCount"] == sum(answer["results"][0]["tokenCount"] for answer in answers)
    assert manifest["inputTokenCount"] == sum(answer["inputTextTokenCount"] for answer in answers)
    tags = server.client("bedrock").list_tags_for_resource(resourceARN=arn)["tags"]
    assert tags == [{"key": "team", "value": "forge"}]


def test_records_of_the_converse_type_are_conversations_and_get_an_id_where_they_have_none(server, batches):
    arn = _create(server, "conversed", "converse.jsonl", modelInvocationType="Converse")
    job = _ended(server, arn)
    assert (job["status"], job["modelInvocationType"], job["errorRecordCount"]) == ("Completed", "Converse", 1)
    good, bad = _lines(server, arn, "converse.jsonl.out")
    assert len(good["recordId"]) == 11
    online = server.client("bedrock-runtime").converse(modelId=BASE_MODEL, **good["modelInput"])
    assert good["modelOutput"]["output"] == online["output"]
    assert good["modelOutput"]["usage"] == online["usage"]
    assert (bad["recordId"], bad["error"]["errorCode"]) == ("bad", 400)


def test_a_file_that_breaks_the_format_fails_the_job_before_anything_is_asked(server, batches):
    job = _ended(server, _create(server, "wrong", "wrong.jsonl"))
    assert job["status"] == "Failed"
    assert f's3://{BUCKET}/wrong.jsonl line 2 column 27: the record has the key "body"' in job["message"]
    assert job["totalRecordCount"] == job["processedRecordCount"] == 0
    bedrock = server.client("bedrock")
    with pytest.raises(ClientError, match="already ended") as stopped:
        bedrock.stop_model_invocation_job(jobIdentifier=job["jobArn"])
    assert stopped.value.response["Error"]["Code"] == "ConflictException"
    failed = bedrock.list_model_invocation_jobs(statusEquals="Failed", nameContains="rong")["invocationJobSummaries"]
    assert [summary["jobArn"] for summary in failed] == [job["jobArn"]]


LONG = [{"recordId": f"R{n:03}", "modelInput": _titan(f"Count from {n}.", maxTokenCount=64)} for n in range(400)]


def _begin_long(server: Server, *, answered: int = 20) -> str:
    """A job in the middle of its work."""
    server.start()
    _put(server, {"long.jsonl": LONG})
    arn = _create(server, "long", "long.jsonl")
    bedrock = server.client("bedrock")

    def is_in_the_middle() -> bool:
        job = bedrock.get_model_invocation_job(jobIdentifier=arn)
        assert job["status"] not in ENDED, job
        return job["processedRecordCount"] >= answered

    wait_until(is_in_the_middle, seconds=120, what="the first answers")
    return arn


def test_kill_9_of_the_jobs_process_asks_nothing_again_that_has_its_answer(own_server):
    arn = _begin_long(own_server)
    (pid,) = [pid for pid, command in own_server.processes().items() if "tanren.assignment" in command]
    os.kill(pid, signal.SIGKILL)
    job = _ended(own_server, arn)
    assert job["status"] == "Completed", job
    assert job["successRecordCount"] == len(LONG)
    lines = _lines(own_server, arn, "long.jsonl.out")
    assert [line["recordId"] for line in lines] == [row["recordId"] for row in LONG]
    assert all(line["modelOutput"]["results"][0]["tokenCount"] > 0 for line in lines)
    database = Database(sqlite_url(own_server.data_dir / "tanren.db"))
    events = [message for _, message in TrainingRecords(database).events(arn)]
    database.close()
    (going_on,) = [message for message in events if message.startswith("Going on")]
    assert int(going_on.split()[2]) >= 20
    assert [message for message in events if "crashed" in message] == [
        "Attempt 1 crashed: its process was ended by SIGKILL."
    ]


def test_a_stopped_job_leaves_the_answers_that_it_had(own_server):
    arn = _begin_long(own_server)
    own_server.client("bedrock").stop_model_invocation_job(jobIdentifier=arn)
    job = _ended(own_server, arn, seconds=30)
    assert job["status"] == "Stopped"
    assert 20 <= job["processedRecordCount"] < len(LONG)
    assert len(_lines(own_server, arn, "long.jsonl.out")) == job["processedRecordCount"]
    assert json.loads(_read(own_server, arn, "manifest.json.out"))["totalRecordCount"] == len(LONG)


def test_kill_9_of_the_engine_host_in_the_middle_costs_no_record_its_answer(own_server):
    arn = _begin_long(own_server)
    (pid,) = [pid for pid, command in own_server.processes().items() if "tanren.engine_host" in command]
    os.kill(pid, signal.SIGKILL)
    job = _ended(own_server, arn)
    assert (job["status"], job["successRecordCount"], job["errorRecordCount"]) == ("Completed", len(LONG), 0)
    assert len(_lines(own_server, arn, "long.jsonl.out")) == len(LONG)
