"""Answers of an evaluation as they come, a line each: what was answered before an end by force is not asked again.

The first line holds the plan's digest; answers to another plan are refused, never mixed in. A line that was cut off by
the end is left out.
"""

import json
from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tanren.domain.errors import Conflict
from tanren.evaluation.answers import Answer, Unanswered

FILE_NAME: Final = "answers.jsonl"


class AnswerJournal:
    def __init__(self, folder: Path, plan_digest: str) -> None:
        """Raises   Conflict where the folder has answers to another plan."""
        self._path = folder / FILE_NAME
        self.known: dict[str, dict[int, Answer | Unanswered]] = defaultdict(dict)
        """Stage → index → answer, from before."""
        whole = self._read(plan_digest) if self._path.exists() else 0
        folder.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("ab")
        self._file.truncate(whole)
        if not whole:
            self._write({"plan": plan_digest})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def add(self, stage: str, index: int, answer: Answer | Unanswered) -> None:
        if isinstance(answer, Unanswered):
            self._write({"stage": stage, "index": index, "reason": answer.reason})
            return
        self._write(
            {
                "stage": stage,
                "index": index,
                "text": answer.text,
                "input_tokens": answer.input_token_count,
                "output_tokens": answer.output_token_count,
                "seconds": answer.seconds,
            }
        )

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()

    def _read(self, plan_digest: str) -> int:
        """How many bytes are whole lines.

        A question that could not be answered is not asked again: it would have no answer once more. Where nothing at
        all was answered, the model could not be asked, and is asked anew.
        """
        whole = 0
        for number, line in enumerate(self._path.read_bytes().splitlines(keepends=True)):
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            value: dict[str, Any] = json.loads(line)
            if number == 0:
                if value.get("plan") != plan_digest:
                    raise Conflict(
                        f"{self._path} has answers to other questions, models or settings; give another --report, or "
                        "remove that folder."
                    )
            elif "text" in value:
                self.known[value["stage"]][value["index"]] = Answer(
                    text=value["text"],
                    input_token_count=value["input_tokens"],
                    output_token_count=value["output_tokens"],
                    seconds=value["seconds"],
                )
            elif "stage" in value:
                self.known[value["stage"]][value["index"]] = Unanswered(reason=value["reason"])
        for stage, answers in list(self.known.items()):
            if all(isinstance(answer, Unanswered) for answer in answers.values()):
                del self.known[stage]
        return whole
