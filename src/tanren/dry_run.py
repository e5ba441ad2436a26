"""The process of one dry run of a customization job. Composition root; tensors live here.

    python -m tanren.dry_run            orders on standard input, the answer on standard output: a JSON object each
    python -m tanren.dry_run --forks    the same for each fork of a server that has loaded what a look at data needs

It ends with 0 and what was found, or with 1 and `{"refused": kind of error, "message": …}`. Any other end is a crash,
or its patience. `DryRunProcess` is the caller's side; the gateway has it.

An estimate needs torch, which the others must not load (`forbid_torch`), so it has a process that is started for it.
"""

import json
import math
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

from tanren.catalog.foundation_models import root_model
from tanren.control.account_places import AccountPlaces
from tanren.data.reading import FileSummary
from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.errors import (
    JobFailed,
    ResourceNotFound,
    ServiceUnavailable,
    TanrenError,
    Throttled,
    ValidationFailed,
)
from tanren.domain.scope import Scope
from tanren.domain.sentences import parts_of, sentence_json
from tanren.domain.weights import BoundWeights
from tanren.jobs.fork_server import CAN_FORK, ForkServer, serve_forks
from tanren.object_stores import object_store_address
from tanren.settings import Settings, read_settings
from tanren.storage.objects import ObjectStore, ObjectStoreAddress

if TYPE_CHECKING:
    from tanren.workflows.data_examination import DataExamination
    from tanren.workflows.dry_run import Estimate

MOST_BYTES: Final = 256 * 1024 * 1024
MOST_AT_ONCE: Final = 2
"""Dry runs of one gateway process; an estimate takes as much memory as a tokenizer and torch do."""
MOST_OF_AN_ACCOUNT: Final = 1
"""Of these. Whoever asks for one after the other leaves a place for the next."""
MOST_MEMORY_BYTES: Final = 6 * 1024**3
"""Of its own data, threads' stacks included. A row is held whole while it is read, and a file that was made to may have
one long row that becomes many small objects."""
PATIENCE_SECONDS: Final = 55.0
"""boto3 gives up after 60."""
PROCESSOR_SECONDS: Final = 900
"""Of all threads; far more than they can use in that time on the largest machines that train on their processor."""

TOO_MUCH_MEMORY: Final = (
    f"The dry run takes more than {MOST_MEMORY_BYTES // 1024**3} GiB of memory, which it may not. Give a part of the "
    "data, or look for a row that is far longer than the others."
)

_MOST_NAMED: Final = 50
"""Languages, labels and lines of an examination; there may be as many as records."""

_COMMAND: Final = (sys.executable, "-m", "tanren.dry_run")
_FORKS: Final = "--forks"

_OUT_OF_MEMORY: Final = re.compile(rb"memory allocation of \d+ bytes failed|std::bad_alloc|an't allocate memory")
"""The last words of libraries in Rust, in C++, and of torch, which raise no MemoryError."""

_ERRORS: Final[Mapping[str, type[TanrenError]]] = {
    kind.__name__: kind for kind in (JobFailed, ResourceNotFound, ServiceUnavailable, ValidationFailed)
}


class DryRunProcess:
    """Runs each dry run in a process of its own: one of an account, and a few beside each other. Safe in threads."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._of_accounts = AccountPlaces(MOST_OF_AN_ACCOUNT, of="dry runs")
        self._forks = ForkServer([*_COMMAND, _FORKS])

    def stand_ready(self, *, after_seconds: float) -> None:
        """Loads what a look at data needs, so that the first is as quick as the next, after others have started."""
        if CAN_FORK:
            starting = threading.Timer(after_seconds, self._forks.start)
            starting.daemon = True
            starting.start()

    def close(self) -> None:
        self._forks.close()

    def run(self, orders: Mapping[str, Any]) -> dict[str, Any]:
        """What the process found. Blocks.

        Raises   what it refuses with; Throttled where too many run; ValidationFailed where it takes too long, or too
                 much memory.
        """
        # The folder is made here, so that it goes also when the process is ended.
        with (
            self._of_accounts.place(orders["scope"]["account_id"]),
            self._place(),
            tempfile.TemporaryDirectory(prefix="tanren-dry-run-") as folder,
        ):
            return self._carried_out({**orders, "folder": folder})

    def _carried_out(self, orders: Mapping[str, Any]) -> dict[str, Any]:
        given = json.dumps(orders).encode()
        with tempfile.TemporaryFile() as errors:
            try:
                if CAN_FORK and "estimate" not in orders:
                    answer = self._forks.run(given, errors=errors.fileno(), seconds=PATIENCE_SECONDS)
                else:
                    answer = _run_alone(given, errors)
            except (TimeoutError, subprocess.TimeoutExpired) as error:
                # No error that an SDK tries again by itself: it would take as long each time.
                raise ValidationFailed(
                    f"The dry run took longer than {PATIENCE_SECONDS:g} seconds and was ended. Give a part of the "
                    "data, or try when the machine has less to do."
                ) from error
            errors.seek(0)
            return _told(answer, errors.read())

    @contextmanager
    def _place(self) -> Generator[None]:
        if not self._places.acquire(blocking=False):
            raise Throttled(f"{MOST_AT_ONCE} dry runs are under way, which is the most at a time; try again.")
        try:
            yield
        finally:
            self._places.release()


def _run_alone(orders: bytes, errors: IO[bytes]) -> bytes:
    done = subprocess.run(
        _COMMAND, input=orders, stdout=subprocess.PIPE, stderr=errors, timeout=PATIENCE_SECONDS, check=False
    )
    return done.stdout


def _told(answer: bytes, errors: bytes) -> dict[str, Any]:
    try:
        told = cast("dict[str, Any]", json.loads(answer))
    except ValueError as error:
        if _OUT_OF_MEMORY.search(errors):
            raise ValidationFailed(TOO_MUCH_MEMORY) from error
        last = errors.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise ServiceUnavailable(f"The dry run ended without an answer: {last[0][:300]}") from error
    if "refused" in told:
        raise _ERRORS[told["refused"]](told["message"])
    return told


def main() -> int:
    # After those who wait for it have given up.
    signal.alarm(math.ceil(PATIENCE_SECONDS) + 1)
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
    # Not the address space, of which libraries of graphics cards reserve terabytes.
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    orders = cast("dict[str, Any]", json.load(sys.stdin))
    try:
        told = _obeyed(orders, read_settings())
    except TanrenError as error:
        kinds = (name for name, kind in _ERRORS.items() if isinstance(error, kind))
        kind = next(kinds, ServiceUnavailable.__name__)
        told = {"refused": kind, "message": str(error)}
    except MemoryError:
        told = {"refused": ValidationFailed.__name__, "message": TOO_MUCH_MEMORY}
    json.dump(told, sys.stdout)
    return 1 if "refused" in told else 0


def _obeyed(orders: dict[str, Any], settings: Settings) -> dict[str, Any]:
    # Imported here: the gateway knows this module, and nothing of what a job does.
    from tanren.workflows.data_examination import examination, forbid_torch
    from tanren.workflows.dry_run import DryRun, estimated, examined

    objects = ObjectStore(object_store_address(settings, Scope(**orders["scope"])))
    run = DryRun(
        model=root_model(orders["foundationModelId"]),
        customization_type=CustomizationType(orders["customizationType"]),
        training_s3_uri=orders["trainingS3Uri"],
        validation_s3_uris=orders["validationS3Uris"],
        folder=Path(orders["folder"]),
        most_bytes=MOST_BYTES,
    )
    if looked_at := orders.get("examination"):
        forbid_torch()
        return _examination(
            examination(
                run,
                objects,
                base_folder=Path(looked_at["baseFolder"]),
                first_record=looked_at["firstRecord"],
                record_count=looked_at["recordCount"],
            )
        )
    estimate = orders.get("estimate")
    if estimate is None:
        return {"files": [_report(file.summary) for file in examined(run, objects)]}
    return _estimate(
        estimated(
            run,
            objects,
            hyperparameters=estimate["hyperParameters"],
            bound=BoundWeights.from_json(estimate["weights"]),
            base_folder=Path(estimate["baseFolder"]),
            training_device=settings.training_device,
            threads=settings.worker_threads,
            token_folder=settings.data_dir / "cache" / "tokens",
            token_bytes=int(settings.token_cache_gigabytes * 1e9),
        )
    )


def _estimate(found: "Estimate") -> dict[str, Any]:
    return {
        **asdict(found),
        "memory_parts": sentence_json(found.memory_words),
        "warnings": [[part.to_json() for part in parts_of(each)] for each in found.warnings],
    }


def _report(summary: FileSummary) -> dict[str, Any]:
    return {
        "s3Uri": summary.file,
        "isValid": summary.is_valid,
        "format": None if summary.format is None else str(summary.format),
        "recordCount": summary.rows,
        "lineCount": summary.line_count,
        "sizeBytes": summary.size_bytes,
        "sha256": summary.sha256,
        "errorCount": summary.error_count,
        "findings": [
            {
                "line": finding.line or None,
                "column": finding.column,
                "rule": finding.rule,
                "message": finding.message,
                "fix": finding.fix,
                "messageParts": sentence_json(finding.message),
                "fixParts": sentence_json(finding.fix),
                "severity": str(finding.severity),
                "text": finding.text,
                "awsRefuses": finding.aws_refuses,
            }
            for finding in summary.findings
        ],
    }


def _examination(found: "DataExamination") -> dict[str, Any]:
    """As ExamineTrainingData answers."""
    seen, tokens = found.seen, found.tokens
    return {
        "files": [_report(file.summary) for file in found.files],
        "examinedRecordCount": seen.record_count,
        "score": seen.score,
        "parts": [part.to_json() for part in seen.parts],
        "observations": [each.to_json() for each in seen.observations],
        "languages": _counts(seen.languages),
        "labels": _counts(seen.labels),
        "tokens": None
        if tokens is None
        else {
            "totalTokenCount": tokens.lengths.total,
            "trainedTokenCount": tokens.trained,
            "medianTokenCount": tokens.lengths.median,
            "longestRecordTokenCount": tokens.lengths.largest,
            "maxSequenceLength": tokens.room,
            "tooLongRecordCount": len(tokens.too_long),
            "tooLongLines": list(tokens.too_long[:_MOST_NAMED]),
            "refusedRecordCount": tokens.refused,
            "histogram": [
                {"fromTokens": low, "belowTokens": high, "recordCount": number}
                for low, high, number in tokens.lengths.histogram
            ],
        },
        "records": [
            {
                "line": record.line,
                "tokenCount": record.tokens,
                "trainedTokenCount": record.trained,
                "isWhole": record.is_whole,
                "runs": [{"fate": fate, "text": text} for fate, text in record.runs],
            }
            for record in found.records
        ],
    }


def _counts(found: Mapping[str, int]) -> list[dict[str, Any]]:
    """The most frequent first."""
    return [{"name": name, "recordCount": count} for name, count in list(found.items())[:_MOST_NAMED]]


def serve_looks() -> None:
    """Forks for each order, with everything loaded that no data have a part in."""
    from tanren.workflows.data_examination import forbid_torch, load_libraries

    forbid_torch()
    load_libraries()
    # A process's first client reads botocore's description of S3, which the next ones share.
    ObjectStore(ObjectStoreAddress(endpoint_url=None, region="us-east-1", access_key="none", secret_key="none"))
    serve_forks(main)


if __name__ == "__main__":
    if sys.argv[1:] == [_FORKS]:
        serve_looks()
    else:
        sys.exit(main())
