"""Line n of an uploaded file is line n of what the job reads, and what cannot be learned refuses the job."""

import json
from pathlib import Path

import pytest

from tanren.domain.errors import Conflict, ServiceUnavailable
from tanren.openai_api.errors import InvalidParameter
from tanren.openai_api.file_store import FileStore
from tanren.openai_api.training_files import TrainingFiles, bucket_of
from tests.unit.workflows.object_memory import ObjectMemory

ROW = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "答"}]}


class Bucket(ObjectMemory):
    def make_bucket(self, bucket: str) -> None:
        self.bucket = bucket


@pytest.fixture
def bucket() -> Bucket:
    return Bucket({})


@pytest.fixture
def store(tmp_path: Path, clock) -> FileStore:
    return FileStore(tmp_path, clock=clock)


@pytest.fixture
def files(store: FileStore, plane, bucket: Bucket) -> TrainingFiles:
    return TrainingFiles(store, plane.job_rows, lambda scope: bucket)


def put(store: FileStore, scope, content: bytes) -> str:
    with store.upload(scope) as upload:
        upload.write(content)
        return upload.finish(filename="train.jsonl", purpose="fine-tune").id


def line(*messages: dict, **more: object) -> bytes:
    return json.dumps({"messages": [*messages], **more}, ensure_ascii=False).encode() + b"\n"


def test_the_copy_has_the_same_lines_as_conversations(store, files, bucket, scope):
    file_id = put(store, scope, line(*ROW["messages"]) + b"\n" + line(*ROW["messages"]).rstrip())
    uri = files.provide(scope, file_id, param="training_file")
    assert uri == f"s3://{bucket_of(scope)}/files/{file_id}.jsonl"
    assert bucket.bucket == bucket_of(scope)
    lines = bucket.content[f"files/{file_id}.jsonl"].split(b"\n")
    assert [bool(each) for each in lines] == [True, False, True, False]
    assert json.loads(lines[0])["messages"][1] == {"role": "assistant", "content": [{"text": "答"}]}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"[]\n", "no JSON object"),
        (b"{\n", "not valid JSON"),
        (line({"role": "user", "content": "q"}), "do not alternate"),
        (line(*ROW["messages"], tools=[{"type": "function"}]), "tool calls"),
        (line(ROW["messages"][0], {**ROW["messages"][1], "weight": 0}), '"weight" that is not 1'),
        (line({"role": "user", "content": [{"type": "image_url"}]}, ROW["messages"][1]), "text only"),
        (
            b'{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "\\ud800"}]}\n',
            "surrogate",
        ),
    ],
)
def test_a_row_that_cannot_be_learned_is_named_by_its_line_and_nothing_is_copied(
    store, files, bucket, scope, bad: bytes, reason: str
):
    file_id = put(store, scope, line(*ROW["messages"]) + bad)
    with pytest.raises(InvalidParameter, match=f"line 2: .*{reason}") as raised:
        files.provide(scope, file_id, param="validation_file")
    assert raised.value.param == "validation_file"
    assert bucket.content == {}


def test_an_empty_file_has_no_rows(store, files, scope):
    with pytest.raises(InvalidParameter, match="no rows"):
        files.provide(scope, put(store, scope, b"\n\n"), param="training_file")


def test_a_file_that_is_no_longer_what_was_uploaded_trains_nothing(store, files, bucket, scope):
    file_id = put(store, scope, line(*ROW["messages"]))
    (store.folder(scope, file_id) / "content").write_bytes(line(*ROW["messages"]) * 2)
    with pytest.raises(ServiceUnavailable, match="upload it again"):
        files.provide(scope, file_id, param="training_file")
    assert bucket.content == {}


def test_the_copy_goes_with_the_file_but_not_while_a_job_reads_it(store, files, bucket, scope, plane, new_job):
    file_id = put(store, scope, line(*ROW["messages"]))
    uri = files.provide(scope, file_id, param="training_file")
    arn = plane.jobs.create(scope, new_job(training_s3_uri=uri))
    with pytest.raises(Conflict, match="cancel the job"):
        files.remove(scope, file_id)
    plane.jobs.stop(scope, arn)
    files.remove(scope, file_id)
    assert bucket.content == {}
