"""The files of a batch job: copies of the input, checked whole; answers as they come; output in the order of the input.

    <job folder>/inputs/<digest of the URI>.jsonl   copies of the input files
    <job folder>/inputs.json                        what is in them; written when all of them are right
    <job folder>/answers/<attempt>.jsonl            one entry an answer, appended when it is given, by one attempt
    <job folder>/outputs/0.jsonl.out …              made of the entries, for S3

An entry is in the file before anything counts it, so a process that is killed loses what was under way and nothing that
was answered. A torn last entry is left out. No two attempts write one file: a late one spoils nothing.

Cost     one line in memory, and about 200 bytes for each record that is answered.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from tanren.data.batch_rows import BatchRecord, check_batch_file, read_batch_records
from tanren.domain.errors import JobFailed
from tanren.domain.model_invocation_jobs import ModelInvocationJob, RecordCounts
from tanren.runtime.batch_records import RecordAnswer
from tanren.storage.objects import ObjectStore, S3Location, child_of, parse_s3_uri
from tanren.workflows.data_files import checked, fetch_copy

SUFFIX = ".jsonl"
MANIFEST = "manifest.json.out"
PROBE_KEY = ".write_access_check_file.tmp"
"""Written and removed below the output location before anything is asked; customization jobs have the same."""
AWS_FILE_BYTES = 1_000_000_000
AWS_JOB_BYTES = 5_000_000_000
"""AWS's default quotas for one file and for all files of a job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    uri: str
    output_name: str
    """Of its output, below the job's own folder in the output location."""
    record_count: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchInput:
    """The input of a job, checked."""

    folder: Path
    files: tuple[InputFile, ...]
    job_id: str

    @property
    def record_count(self) -> int:
        return sum(file.record_count for file in self.files)

    def records(self) -> Iterator[tuple[int, BatchRecord]]:
        """Every record, with the number of its file."""
        for number, file in enumerate(self.files):
            with _copy(self.folder, file.uri).open("rb") as lines:
                for record in read_batch_records(lines, file=file.uri, id_seed=self.job_id):
                    yield number, record


def checked_input(folder: Path, job_id: str) -> BatchInput | None:
    """The input that an earlier attempt has checked; None where none has."""
    try:
        listed = json.loads((folder / "inputs.json").read_text())
    except FileNotFoundError:
        return None
    return BatchInput(folder=folder, files=tuple(InputFile(**file) for file in listed), job_id=job_id)


def check_input(
    job: ModelInvocationJob,
    objects: ObjectStore,
    folder: Path,
    *,
    check_wanted: Callable[[], None],
    tell: Callable[[str], None],
) -> BatchInput:
    """The input, fetched and checked. `tell` hears what AWS would refuse and tanren takes.

    Raises   JobFailed for what cannot be read, DataInvalid with every finding of a file that is wrong;
             whatever `check_wanted` raises.
    """
    files: list[InputFile] = []
    for location, name in _located(job.input_s3_uri, objects):
        path = _copy(folder, location.uri)
        fetch_copy(location.uri, path, objects, check_wanted)
        with path.open("rb") as lines:
            summary = check_batch_file(checked(lines, check_wanted), file=location.uri)
        for warning in summary.warnings:
            tell(warning)
        if summary.size_bytes > AWS_FILE_BYTES:
            tell(f"{location.uri} has {summary.size_bytes} bytes; AWS takes at most {AWS_FILE_BYTES} in a file.")
        files.append(
            InputFile(
                uri=location.uri,
                output_name=f"{name}.out",
                record_count=summary.record_count,
                size_bytes=summary.size_bytes,
            )
        )
    total = sum(file.size_bytes for file in files)
    if total > AWS_JOB_BYTES:
        tell(f"The input has {total} bytes; AWS takes at most {AWS_JOB_BYTES} in a job.")
    _write_whole(folder / "inputs.json", json.dumps([asdict(file) for file in files]))
    return BatchInput(folder=folder, files=tuple(files), job_id=job.job_id)


def _located(uri: str, objects: ObjectStore) -> list[tuple[S3Location, str]]:
    """The `.jsonl` file that the URI names, or those below the folder that it names; with their names in the output."""
    given = parse_s3_uri(uri)
    if given.key.endswith(SUFFIX):
        return [(given, PurePosixPath(given.key).name)]
    root = S3Location(bucket=given.bucket, key=given.key.rstrip("/") + "/")
    found = [
        (location, location.key.removeprefix(root.key))
        for location in objects.below(root)
        if location.key.endswith(SUFFIX)
    ]
    if not found:
        raise JobFailed(
            f"There is no {SUFFIX} file in {root.uri}. Batch inference reads files whose names end in {SUFFIX}; upload "
            f"one: aws s3 cp FILE{SUFFIX} {root.uri}"
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    journal: Path
    start: int
    """Of the output line in the journal, in bytes."""
    length: int


class Answers:
    """What has been answered, by this attempt and those before it. Use it as a context: leaving it closes its file."""

    def __init__(self, given: BatchInput, attempt: int) -> None:
        self._given = given
        self._folder = given.folder / "answers"
        self._entries: list[dict[int, _Entry]] = [{} for _ in given.files]
        """By number of the file, then by line."""
        self.counts = RecordCounts(total=given.record_count)
        self._folder.mkdir(parents=True, exist_ok=True)
        for journal in sorted(self._folder.glob(f"*{SUFFIX}"), key=lambda path: int(path.stem)):
            self._read(journal)
        self._path = self._folder / f"{attempt}{SUFFIX}"
        # Unbuffered: what is written is the system's, and outlives this process.
        self._file: BinaryIO = self._path.open("ab", buffering=0)
        self._end = self._path.stat().st_size
        self._is_synced = True

    def __enter__(self) -> "Answers":
        return self

    def __exit__(self, *_: object) -> None:
        self.sync()
        self._file.close()

    def has(self, number: int, line: int) -> bool:
        return line in self._entries[number]

    def count_of(self, number: int) -> int:
        """How many records of a file have an answer."""
        return len(self._entries[number])

    def add(self, number: int, answer: RecordAnswer) -> None:
        """The answer outlives this process when this returns, and a power cut after the next `sync`."""
        head = _json(
            {
                "file": number,
                "line": answer.line,
                "is_error": answer.is_error,
                "input_tokens": answer.input_token_count,
                "output_tokens": answer.output_token_count,
            }
        )
        content = head + b"\t" + _json(answer.output) + b"\n"
        written = 0
        while written < len(content):
            written += self._file.write(content[written:]) or 0
        self._is_synced = False
        self._note(json.loads(head), self._path, self._end + len(head) + 1, len(content) - len(head) - 1)
        self._end += len(content)

    def sync(self) -> None:
        """May run in a thread of its own beside `add`."""
        if not self._is_synced:
            self._is_synced = True
            os.fsync(self._file.fileno())

    def write_output(self, number: int) -> Path:
        """The output of one file as far as it is answered, in the order of the input."""
        path = self._given.folder / "outputs" / f"{number}{SUFFIX}.out"
        path.parent.mkdir(exist_ok=True)
        journals: dict[Path, BinaryIO] = {}
        try:
            with path.open("wb") as output:
                for _, entry in sorted(self._entries[number].items()):
                    if entry.journal not in journals:
                        journals[entry.journal] = entry.journal.open("rb")
                    journals[entry.journal].seek(entry.start)
                    output.write(journals[entry.journal].read(entry.length))
        finally:
            for file in journals.values():
                file.close()
        return path

    def _read(self, journal: Path) -> None:
        position = 0
        with journal.open("rb") as entries:
            for entry in entries:
                if not entry.endswith(b"\n"):
                    break  # torn by a kill; the record is asked again
                head, _, output = entry.partition(b"\t")
                self._note(json.loads(head), journal, position + len(head) + 1, len(output))
                position += len(entry)

    def _note(self, head: dict[str, Any], journal: Path, start: int, length: int) -> None:
        lines = self._entries[head["file"]]
        if head["line"] in lines:
            return  # a late attempt answered it as well; the first answer stands
        lines[head["line"]] = _Entry(journal=journal, start=start, length=length)
        counts = self.counts
        self.counts = RecordCounts(
            total=counts.total,
            succeeded=counts.succeeded + (not head["is_error"]),
            failed=counts.failed + head["is_error"],
            input_tokens=counts.input_tokens + head["input_tokens"],
            output_tokens=counts.output_tokens + head["output_tokens"],
        )


class Output:
    """The output location of a job."""

    def __init__(self, job: ModelInvocationJob, objects: ObjectStore) -> None:
        self._job = job
        self._objects = objects

    def check(self) -> None:
        """Raises JobFailed where nothing can be written there."""
        probe = child_of(self._job.output_s3_uri, PROBE_KEY)
        self._objects.put(probe, b"", content_type="text/plain")
        self._objects.delete(probe)

    def put(self, given: BatchInput, answers: Answers, numbers: Sequence[int]) -> None:
        """The outputs of these files, as far as they are answered."""
        for number in numbers:
            self._objects.put_file(
                self._at(given.files[number].output_name),
                answers.write_output(number),
                content_type="application/jsonl",
            )

    def put_manifest(self, counts: RecordCounts) -> None:
        manifest = {
            "totalRecordCount": counts.total,
            "processedRecordCount": counts.processed,
            "successRecordCount": counts.succeeded,
            "errorRecordCount": counts.failed,
            "inputTokenCount": counts.input_tokens,
            "outputTokenCount": counts.output_tokens,
        }
        self._objects.put(self._at(MANIFEST), json.dumps(manifest).encode(), content_type="application/json")

    def _at(self, name: str) -> S3Location:
        return child_of(self._job.output_s3_uri, f"{self._job.job_id}/{name}")


def _copy(folder: Path, uri: str) -> Path:
    # Not by number: another attempt may list a folder that has got another file meanwhile.
    return folder / "inputs" / f"{hashlib.sha256(uri.encode()).hexdigest()[:16]}{SUFFIX}"


def _json(value: dict[str, Any]) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which only an escape can write
        return json.dumps(value, separators=(",", ":")).encode()


def _write_whole(path: Path, text: str) -> None:
    """Complete or not there, also after a power cut."""
    staging = path.with_suffix(f".{os.getpid()}.staging")
    with staging.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    staging.rename(path)
