"""An uploaded file as a job reads it: OpenAI's chat rows written as conversations of Bedrock's, in S3.

    {"messages": [{"role": "system", …}, {"role": "user", …}, {"role": "assistant", …}]}
      → {"schemaVersion": "bedrock-conversation-2024", "system": […], "messages": […]}

Line n of the file is line n of the copy, so what the job finds in the copy is found there in the file. A row that is
none of OpenAI's refuses the job before there is one, with all such lines named. The copy's key is the file's id:
whoever makes it twice makes it alike, and it goes when the file goes.

Cost   one pass over the file and one over the copy; a line in memory at a time.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol, cast

from tanren.data.converting import NotOfSource, Source, read_source_row, written
from tanren.data.formats import DataFormat
from tanren.data.json_lines import lines_of
from tanren.domain.customization_jobs import JobStatus
from tanren.domain.errors import Conflict, ServiceUnavailable
from tanren.domain.scope import Scope
from tanren.openai_api.errors import InvalidParameter
from tanren.openai_api.file_store import FileStore
from tanren.storage.customization_jobs import CustomizationJobs
from tanren.storage.objects import S3Location

MOST_FAULTS: Final = 20
"""That a refusal names; it says how many more there are."""

_SUFFIX: Final = ".jsonl"


class Objects(Protocol):
    """The account's S3; `storage/objects.py` has it."""

    def make_bucket(self, bucket: str) -> None:
        """There afterwards, whether it was or not."""
        ...

    def put_file(self, location: S3Location, path: Path, *, content_type: str) -> None: ...

    def delete(self, location: S3Location) -> None: ...


class TrainingFiles:
    def __init__(self, store: FileStore, jobs: CustomizationJobs, objects: Callable[[Scope], Objects]) -> None:
        self._store = store
        self._jobs = jobs
        self._objects = objects

    def provide(self, scope: Scope, file_id: str, *, param: str) -> str:
        """The S3 URI of the copy that a job can train on.

        Raises   ResourceNotFound; InvalidParameter, which names every line that cannot be read.
        """
        stored = self._store.get(scope, file_id)
        location = _location(scope, file_id)
        with tempfile.NamedTemporaryFile(dir=self._store.folder(scope, file_id), suffix=_SUFFIX) as copy:
            digest = hashlib.sha256()

            def pieces() -> Iterator[bytes]:
                for piece in self._store.pieces(scope, file_id):
                    digest.update(piece)
                    yield piece

            faults: list[str] = []
            row_count = 0
            for number, line in enumerate(lines_of(pieces(), file=stored.filename), start=1):
                if line.strip():
                    row_count += 1
                    try:
                        line = _converted(line)
                    except NotOfSource as error:
                        faults.append(f"line {number}: {error}")
                copy.write(line)
            if digest.hexdigest() != stored.sha256:
                raise ServiceUnavailable(
                    f"{file_id} is not on the disk as it was uploaded; delete it, upload it again."
                )
            _refuse(stored.filename, file_id, faults, row_count, param)
            copy.flush()
            self._store.mark_copied(scope, file_id)
            objects = self._objects(scope)
            objects.make_bucket(location.bucket)
            objects.put_file(location, Path(copy.name), content_type="application/jsonl")
        return location.uri

    def remove(self, scope: Scope, file_id: str) -> None:
        """Raises   Conflict, as long as a job that has not ended reads the copy."""
        uri = _location(scope, file_id).uri
        columns = self._jobs.table.c
        running = self._jobs.every_in(scope, columns.status.in_([JobStatus.IN_PROGRESS, JobStatus.STOPPING]))
        user = next((job for job in running if uri in (job.training_s3_uri, *job.validation_s3_uris)), None)
        if user is not None:
            raise Conflict(f"{file_id} is what ftjob-{user.job_id} trains on; cancel the job, or wait for its end.")
        if self._store.is_copied(scope, file_id):
            self._objects(scope).delete(_location(scope, file_id))


def bucket_of(scope: Scope) -> str:
    return f"tanren-openai-{scope.account_id}-{scope.region}"


def output_uri(scope: Scope) -> str:
    """Where jobs of this API write what Bedrock's jobs write: the curves."""
    return f"s3://{bucket_of(scope)}/output/"


def file_of(scope: Scope, uri: str) -> str:
    """The id of the file that the copy was made of; the URI itself, where it is no copy: a job of Bedrock's own API."""
    before = f"s3://{bucket_of(scope)}/files/"
    return uri.removeprefix(before).removesuffix(_SUFFIX) if uri.startswith(before) else uri


def _location(scope: Scope, file_id: str) -> S3Location:
    return S3Location(bucket=bucket_of(scope), key=f"files/{file_id}{_SUFFIX}")


def _converted(line: bytes) -> bytes:
    """Raises   NotOfSource."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise NotOfSource(f"it is not valid JSON: {error}") from error
    if not isinstance(row, dict):
        raise NotOfSource("it is no JSON object")
    members = cast("dict[str, Any]", row)
    _refuse_unlearned(members)
    content = read_source_row(members, Source.OPENAI, prompt_key="", completion_key="")
    record = written(content, DataFormat.CONVERSATION)
    try:
        return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    except UnicodeEncodeError as error:
        raise NotOfSource("it has half of a surrogate pair, which is no character") from error


def _refuse_unlearned(row: Mapping[str, Any]) -> None:
    """Raises   NotOfSource for what a row asks of the training and tanren does not do."""
    for name in ("tools", "functions"):
        if row.get(name):
            raise NotOfSource(f'it has "{name}"; tanren does not train on tool calls')
    messages = row.get("messages")
    for message in cast("list[Any]", messages) if isinstance(messages, list) else []:
        if isinstance(message, dict) and cast("dict[str, Any]", message).get("weight", 1) != 1:
            raise NotOfSource(
                'a message has a "weight" that is not 1; tanren learns every answer, so write the turn into a message '
                "of the user, or leave the row out"
            )


def _refuse(filename: str, file_id: str, faults: list[str], row_count: int, param: str) -> None:
    if not faults and row_count:
        return
    if not row_count:
        raise InvalidParameter(f"{filename} ({file_id}) has no rows.", param)
    more = f"; and {len(faults) - MOST_FAULTS} more" if len(faults) > MOST_FAULTS else ""
    raise InvalidParameter(
        f"{filename} ({file_id}) has {len(faults)} of {row_count} rows that cannot be trained on: "
        f"{'; '.join(faults[:MOST_FAULTS])}{more}. A row is "
        '{"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}',
        param,
    )
