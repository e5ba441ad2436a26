"""Log events as JSON lines on standard error: one object an event, never a body, a prompt or a key."""

import json
import logging
import os
import sys
from datetime import UTC, datetime

_PLAIN = set(vars(logging.makeLogRecord({})))


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": os.getpid(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        event.update({name: value for name, value in vars(record).items() if name not in _PLAIN and name != "message"})
        if record.exc_info:
            event["traceback"] = self.formatException(record.exc_info)
        return json.dumps(event, ensure_ascii=False, default=str)


def log_to_stderr(level: int = logging.INFO) -> None:
    """The process's log, set up once by its composition root."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # A line names neither its place in the code nor thread or task, so none of that is looked up for every request.
    logging._srcfile = None  # pyright: ignore[reportPrivateUsage]  # as Python's logging HOWTO has it
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    # These say on INFO what our own events say better.
    for noisy in ("httpx", "httpcore", "botocore", "boto3", "alembic", "granian", "_granian"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
