"""What a batch job keeps on its disk: nothing that was answered is lost, and nothing is there twice."""

import json
from pathlib import Path

import pytest

from tanren.data.findings import DataInvalid
from tanren.domain.errors import JobFailed
from tanren.runtime.batch_records import RecordAnswer
from tanren.workflows.batch_files import Answers, BatchInput, Output, check_input, checked_input
from tests.unit.workflows.object_memory import ObjectMemory

ROW = b'{"modelInput": {"q": "%d"}}\n'


@pytest.fixture
def job(plane, scope, new_batch):
    return plane.batches.get(scope, plane.batches.create(scope, new_batch(input_s3_uri="s3://my-bucket/in")))


@pytest.fixture
def objects() -> ObjectMemory:
    rows = {"in/b.jsonl": b"".join(ROW % n for n in range(3)), "in/a/x.jsonl": ROW % 7, "in/notes.txt": b"?"}
    return ObjectMemory({**rows, "inside.jsonl": ROW})


@pytest.fixture
def given(job, objects, tmp_path) -> BatchInput:
    return check_input(job, objects, tmp_path, check_wanted=lambda: None, tell=lambda _: None)


def _answer(line: int, text: str = "answer", **changes) -> RecordAnswer:
    output = {"recordId": str(line), "modelOutput": {"a": text}}
    values = {"line": line, "output": output, "is_error": False, "input_token_count": 2, "output_token_count": 5}
    return RecordAnswer(**{**values, **changes})


def test_the_jsonl_files_below_a_folder_are_the_input_and_give_their_outputs_their_names(given, tmp_path, job):
    assert [(file.uri, file.output_name, file.record_count) for file in given.files] == [
        ("s3://my-bucket/in/a/x.jsonl", "a/x.jsonl.out", 1),
        ("s3://my-bucket/in/b.jsonl", "b.jsonl.out", 3),
    ]
    assert given.record_count == 4
    assert [(number, record.line, record.model_input["q"]) for number, record in given.records()] == [
        (0, 1, "7"),
        (1, 1, "0"),
        (1, 2, "1"),
        (1, 3, "2"),
    ]
    assert checked_input(tmp_path, job.job_id) == given


def test_a_later_attempt_reads_the_copies_whatever_the_bucket_holds_by_then(given, objects, job, tmp_path):
    before = list(given.records())
    objects.content["in/a/x.jsonl"] = b"something else"
    objects.content["in/a/new.jsonl"] = ROW % 9
    again = check_input(job, objects, tmp_path, check_wanted=lambda: None, tell=lambda _: None)
    assert [record for number, record in again.records() if number != 0] == [record for _, record in before]


def test_a_folder_without_a_jsonl_file_is_said_to_have_none(objects, plane, scope, new_batch, tmp_path):
    new = new_batch(job_name="other", input_s3_uri="s3://my-bucket/elsewhere/")
    job = plane.batches.get(scope, plane.batches.create(scope, new))
    with pytest.raises(JobFailed, match=r"no \.jsonl file in s3://my-bucket/elsewhere/"):
        check_input(job, objects, tmp_path, check_wanted=lambda: None, tell=lambda _: None)


def test_input_that_is_wrong_is_not_noted_as_checked(objects, job, tmp_path):
    objects.content["in/b.jsonl"] = b"{}\n"
    with pytest.raises(DataInvalid, match=r"in/b\.jsonl line 1"):
        check_input(job, objects, tmp_path, check_wanted=lambda: None, tell=lambda _: None)
    assert checked_input(tmp_path, job.job_id) is None


def test_answers_are_written_in_the_order_of_the_input_and_counted(given, job, objects):
    with Answers(given, 1) as answers:
        for line in (3, 1, 2):
            answers.add(1, _answer(line, is_error=line == 2))
        Output(job, objects).put(given, answers, [1])
        Output(job, objects).put_manifest(answers.counts)
    written = objects.content[f"out/{job.job_id}/b.jsonl.out"].splitlines()
    assert [json.loads(line)["recordId"] for line in written] == ["1", "2", "3"]
    assert json.loads(objects.content[f"out/{job.job_id}/manifest.json.out"]) == {
        "totalRecordCount": 4,
        "processedRecordCount": 3,
        "successRecordCount": 2,
        "errorRecordCount": 1,
        "inputTokenCount": 6,
        "outputTokenCount": 15,
    }


def test_a_later_attempt_has_the_answers_of_the_ones_before_and_none_that_was_torn(given):
    with Answers(given, 1) as first:
        first.add(1, _answer(2, "鍛錬\n\t\ud800"))
        first.add(1, _answer(3))
    journal = given.folder / "answers" / "1.jsonl"
    torn = journal.read_bytes()[:-5]
    journal.write_bytes(torn)
    with Answers(given, 2) as second:
        assert second.has(1, 2)
        assert not second.has(1, 3)
        assert second.counts.processed == 1
        second.add(1, _answer(3, "anew"))
        # Attempt 1 is late, and not dead yet: what it adds disturbs nobody.
        with journal.open("ab") as file:
            file.write(b"its end\n")
        output: Path = second.write_output(1)
    answers = [json.loads(line)["modelOutput"]["a"] for line in output.read_text().splitlines()]
    assert answers == ["鍛錬\n\t\ud800", "anew"]
