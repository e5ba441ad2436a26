"""Audited calls to be written, and the lines of a log to be tampered with."""

from datetime import UTC, datetime
from pathlib import Path

from tanren.domain.audit_events import AuditEvent, Caller
from tanren.storage.audit_records import log_files


def call(number: int, **changes: object) -> AuditEvent:
    values = {
        "event_id": f"event-{number}",
        "request_id": f"request-{number}",
        "at": datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
        "source": "bedrock.amazonaws.com",
        "name": "CreateModelCustomizationJob",
        "region": "us-west-2",
        "caller": Caller(
            principal_arn="arn:aws:iam::123456789012:root", account_id="123456789012", access_key_id="AKIA0"
        ),
        "source_ip": "127.0.0.1",
        "user_agent": "Boto3/1",
        "parameters": {"jobName": f"job-{number}"},
        "is_read_only": False,
    }
    return AuditEvent(**{**values, **changes})  # pyright: ignore


def read_lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def the_file(data_dir: Path) -> Path:
    """Of a log that has not been rotated."""
    (path,) = log_files(data_dir)
    return path
