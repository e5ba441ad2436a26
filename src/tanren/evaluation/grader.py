"""A metric that the user writes as Python, run where it can do nothing but count.

    def grade(item, answer):            item: {"prompt", "reference", "category"}; answer: the model's text
        return 1.0 if answer.strip() == item["reference"] else 0.0

The program runs in a process of its own (`grader_child.py`), which closes the door behind itself before it reads the
program: a seccomp filter lets through only what computing needs. It can open no file, no socket and no process, has no
environment, 512 MiB of memory, and so many seconds, of the clock and of the processor, for each answer. Where the
kernel has no such filter, graders are refused: there is no way of running them that is only somewhat closed.

Why a filter and no network namespace   it needs no rights, and holds files and processes too.
"""

import json
import math
import os
import resource
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self, cast

from tanren.domain.errors import ValidationFailed
from tanren.evaluation.metrics.base import ItemScores
from tanren.evaluation.questions import Question

ITEM_SECONDS: Final = 5.0
START_SECONDS: Final = 30.0
MOST_STARTS: Final = 20
"""A grader that dies on so many answers is broken, not unlucky."""
_LONGEST_LINE: Final = 1 << 16


def grade(
    source: str,
    questions: Sequence[Question],
    texts: Sequence[str],
    *,
    item_seconds: float = ITEM_SECONDS,
    on_problem: Callable[[str, str], None] = lambda where, what: None,
) -> ItemScores:
    """The program's grade of each answer.

    Raises   ValidationFailed where the program has no `grade`, breaks on an answer, takes too long, or gives what is no
             number: a grade that was not computed is not counted as 0. `on_problem` is told of each with its place.
    """
    values: list[float] = []
    problems: list[str] = []
    starts = 0
    child: _Child | None = None
    try:
        for question, text in zip(questions, texts, strict=True):
            if child is None:
                starts += 1
                if starts > MOST_STARTS:
                    break
                child = _Child(source)
            item = {"prompt": question.prompt, "reference": question.reference, "category": question.category}
            value, problem = child.graded(item, text, item_seconds)
            values.append(value)
            if problem is not None:
                problems.append(f"{question.source}: {problem}")
                on_problem(question.source, problem)
                if child.is_over:
                    child.close()
                    child = None
    finally:
        if child is not None:
            child.close()
    if problems:
        raise ValidationFailed(
            f"The grader gave no grade for {len(problems)} of {len(questions)} answers, so there is no figure: "
            + "; ".join(problems[:3])
        )
    return ItemScores.mean_of(values, signature="user's grader")


class _Child:
    """A grader's process. Raises ValidationFailed where the program cannot even be loaded."""

    def __init__(self, source: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", "tanren.evaluation.grader_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            close_fds=True,
        )
        self.is_over = False
        told, problem = self._exchange({"source": source}, START_SECONDS)
        if problem is not None or told is None or "ready" not in told:
            self.close()
            raise ValidationFailed(f"The grader cannot be used: {problem or (told or {}).get('error')}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def graded(self, item: dict[str, str | None], answer: str, seconds: float) -> tuple[float, str | None]:
        """The grade, or nan and what went wrong."""
        self._allow_processor(seconds)
        told, problem = self._exchange({"item": item, "answer": answer}, seconds)
        if problem is not None or told is None:
            self.is_over = True
            return math.nan, problem
        if "error" in told:
            return math.nan, str(told["error"])
        grade = told.get("grade")
        if not isinstance(grade, float) or not math.isfinite(grade):
            self.is_over = True
            return math.nan, "it writes into the stream of the grades"
        return grade, None

    def close(self) -> None:
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.wait()

    def _exchange(self, message: dict[str, object], seconds: float) -> tuple[dict[str, object] | None, str | None]:
        to_child, from_child = cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)
        try:
            to_child.write(json.dumps(message).encode() + b"\n")
            to_child.flush()
        except BrokenPipeError:
            return None, "its process has ended; was its memory or its processor time used up?"
        received = b""
        end = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(from_child, selectors.EVENT_READ)
            while not received.endswith(b"\n"):
                if not selector.select(max(0.0, end - time.monotonic())):
                    return None, f"no grade within {seconds:g} seconds"
                piece = os.read(from_child.fileno(), _LONGEST_LINE)
                received += piece
                if not piece or len(received) > _LONGEST_LINE:
                    return None, "its process has ended; was its memory or its processor time used up?"
        try:
            told: object = json.loads(received)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            return None, "it writes into the stream of the grades"
        return cast("dict[str, object]", told), None

    def _allow_processor(self, seconds: float) -> None:
        """So many seconds more from now on. The child itself cannot raise its limit: the filter is shut."""
        if (pid := self._process.pid) and self._process.poll() is None:
            spent = _processor_seconds(pid)
            _, most = resource.prlimit(pid, resource.RLIMIT_CPU)
            resource.prlimit(pid, resource.RLIMIT_CPU, (math.ceil(spent + seconds) + 1, most))


def _processor_seconds(pid: int) -> float:
    """Used so far. Source   proc_pid_stat(5): utime and stime, behind the name in brackets."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
