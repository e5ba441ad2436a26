"""Answers and verdicts of an evaluation as they come, a line each: after an end by force nobody is asked twice.

The first line holds what was asked of whom, and the criteria that were stated before; answers to another plan are
refused, never mixed in, and so are criteria that come when answers are known. A line that was cut off by the end is
left out. Once the report is written the journal has served: the same command then asks everything anew, since a model
may have changed behind its name.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from tanren.domain.clock import utc_now
from tanren.domain.errors import Conflict
from tanren.evaluation.answers import Answer, Decider, Decision, OnVerdict, Unanswered

FILE_NAME: Final = "answers.jsonl"
Verdict = Mapping[str, Any] | Unanswered


def digest_of_run(plan_digest: str, meant: Mapping[str, Sequence[str]]) -> str:
    """Of the plan and of the models that its names mean by now: a throughput may be moved to another model."""
    return hashlib.sha256(json.dumps([plan_digest, sorted(meant.items())]).encode()).hexdigest()


class AnswerJournal:
    def __init__(
        self, folder: Path, plan_digest: str, *, criteria: str | None, clock: Callable[[], datetime] = utc_now
    ) -> None:
        """Raises   Conflict where the folder has answers to another plan, or was begun with other criteria."""
        self._path = folder / FILE_NAME
        self.known: dict[str, dict[int, Answer | Unanswered]] = defaultdict(dict)
        """Stage → index → answer, from before."""
        self._verdicts: dict[str, dict[str, Verdict]] = defaultdict(dict)
        """Judge → digest of the decision → verdict, from before."""
        self.begun_at = clock().isoformat(timespec="seconds")
        """When its first answer was asked for."""
        self._begin = {"plan": plan_digest, "criteria": criteria, "begun": self.begun_at}
        whole = self._read() if self._path.exists() else 0
        folder.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("ab")
        self._file.truncate(whole)
        if not whole:
            self._write(self._begin)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    @property
    def kept_count(self) -> int:
        """Answers and verdicts from before."""
        return sum(len(kept) for kept in (*self.known.values(), *self._verdicts.values()))

    def add(self, stage: str, index: int, answer: Answer | Unanswered) -> None:
        if isinstance(answer, Unanswered):
            self._write({"stage": stage, "index": index, "reason": answer.reason})
        else:
            self._write({"stage": stage, "index": index, "answer": msgspec.to_builtins(answer)})

    def keeping(self, judge: Decider) -> Decider:
        """The judge, whose verdicts are kept as they come, and who is not asked for those that there are."""

        def keep(decision: str, verdict: Verdict) -> None:
            told = {"reason": verdict.reason} if isinstance(verdict, Unanswered) else {"verdict": verdict}
            self._write({"judge": judge.model_id, "decision": decision, **told})

        return _KeptJudge(judge, self._verdicts.get(judge.model_id, {}), keep)

    def finish(self) -> None:
        """The report is written."""
        self._write({"finished": True})

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()

    def _read(self) -> int:
        """How many bytes are whole lines to be gone on with; 0 where the evaluation is finished.

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
                self._check(value)
                self.begun_at = value.get("begun", self.begun_at)
            elif "finished" in value:
                self.known.clear()
                self._verdicts.clear()
                self.begun_at = self._begin["begun"] or ""
                return 0
            elif "decision" in value:
                verdict = value["verdict"] if "verdict" in value else Unanswered(reason=value["reason"])
                self._verdicts[value["judge"]][value["decision"]] = verdict
            else:
                answer = msgspec.convert(value["answer"], Answer) if "answer" in value else None
                self.known[value["stage"]][value["index"]] = answer or Unanswered(reason=value["reason"])
        for kept in (self.known, self._verdicts):
            for name, found in list(kept.items()):
                if all(isinstance(each, Unanswered) for each in found.values()):
                    del kept[name]
        return whole

    def _check(self, first: Mapping[str, Any]) -> None:
        if first.get("plan") != self._begin["plan"]:
            raise Conflict(
                f"{self._path} has answers to other questions, models or settings; give another --report, or remove "
                "that folder."
            )
        if first.get("criteria") != self._begin["criteria"]:
            raise Conflict(
                f"{self._path} was begun with the criteria '{first.get('criteria') or 'none'}', and criteria are "
                "stated before the questions are asked; give those, or another --report, where all is asked anew."
            )


class _KeptJudge:
    """A `Decider` that remembers. The key is all that the judge is shown."""

    def __init__(self, judge: Decider, known: Mapping[str, Verdict], keep: Callable[[str, Verdict], None]) -> None:
        self._judge = judge
        self._known = known
        self._keep = keep

    @property
    def model_id(self) -> str:
        return self._judge.model_id

    def decide(self, decisions: Sequence[Decision], on_verdict: OnVerdict) -> None:
        keys = [hashlib.sha256(msgspec.json.encode(decision)).hexdigest() for decision in decisions]
        todo = [index for index, key in enumerate(keys) if key not in self._known]
        for index, key in enumerate(keys):
            if key in self._known:
                on_verdict(index, self._known[key])

        def kept(place: int, verdict: Verdict) -> None:
            self._keep(keys[todo[place]], verdict)
            on_verdict(todo[place], verdict)

        if todo:
            self._judge.decide([decisions[index] for index in todo], kept)
