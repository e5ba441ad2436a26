"""Rows of a data set for an evaluation job, one JSON object a line, as Bedrock has them:

    {"prompt": …, "referenceResponse": …, "category": …, "modelResponses": [{"response": …, "modelIdentifier": …}]}

`prompt` alone is always needed. What else is depends on the metrics (a reference) and on whether answers are brought
along. Other keys are no fault, since the results repeat each record whole; they are told of once, for one may be
misspelt. Source   the fact sheet §6.

A row may also be one of training data, of one question and its answer, so that a part of them held back can be asked:

    {"prompt": …, "completion": …}
    {"system": …, "messages": [{"role": "user", "content": …}, {"role": "assistant", "content": …}]}

the texts as strings, or as Converse's list of text blocks.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from tanren.data.findings import FINDINGS_CAP, DataInvalid, Finding
from tanren.data.json_lines import JsonRow, NotJsonLines, json_rows
from tanren.data.positions import column_of

PROMPT: Final = "prompt"
REFERENCE: Final = "referenceResponse"
CATEGORY: Final = "category"
RESPONSES: Final = "modelResponses"
COMPLETION: Final = "completion"
MESSAGES: Final = "messages"
SYSTEM: Final = "system"
MOST_BYTES: Final = 200_000_000
"""Of a file. Ours; AWS bounds the number of prompts alone."""
_KEYS: Final = (PROMPT, REFERENCE, CATEGORY, RESPONSES)
_TRAINING_KEYS: Final = (COMPLETION, MESSAGES, SYSTEM, "schemaVersion")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRecord:
    line: int
    """In its file, from 1."""
    prompt: str
    reference: str
    """Empty where there is none."""
    system: str | None
    category: str | None
    responses: Mapping[str, str]
    """Answers that were brought along, by their source."""
    record: Mapping[str, Any]
    """The whole row, and as `prompt` and `referenceResponse` what it asks where it has these under other names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRecords:
    records: tuple[EvaluationRecord, ...]
    warnings: tuple[str, ...]


def read_evaluation_records(
    lines: Iterable[bytes], *, file: str, needs_reference: bool, sources: Collection[str], most: int
) -> EvaluationRecords:
    """The rows of a file. `sources`: of each there must be an answer in every row.

    Raises   DataInvalid with all that is wrong with them; an empty file is wrong, too, and one with too many rows.
    """
    reader = _Reader(file, needs_reference=needs_reference, sources=sources)
    bounded = _Bounded(lines)
    try:
        for row in json_rows(bounded, file=file):
            reader.take(row)
            if len(reader.records) > most:
                break
    except NotJsonLines as error:
        reader.refuse(error.finding)
    if bounded.is_cut:
        message = f"the file has more than {MOST_BYTES} bytes; all of its prompts are held in memory."
        reader.refuse(reader.finding(0, "too-large", message, "Take a sample of them, or shorter prompts."))
    if not reader.records and not reader.error_count:
        reader.refuse(reader.finding(0, "empty-file", "the file is empty.", "Give it at least one prompt."))
    if len(reader.records) > most:
        message, fix = f"the file has more than {most} prompts, which is the most.", "Take a sample of them."
        reader.refuse(reader.finding(0, "too-many-prompts", message, fix))
    if reader.error_count:
        raise DataInvalid(reader.errors, error_count=reader.error_count)
    return EvaluationRecords(records=tuple(reader.records), warnings=tuple(reader.warnings()))


class _Bounded:
    """The first `MOST_BYTES` of the lines, whole lines only."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = lines
        self.is_cut = False

    def __iter__(self) -> Iterator[bytes]:
        left = MOST_BYTES
        for line in self._lines:
            left -= len(line)
            if left < 0:
                self.is_cut = True
                return
            yield line


class _Reader:
    def __init__(self, file: str, *, needs_reference: bool, sources: Collection[str]) -> None:
        self._file = file
        self._needs_reference = needs_reference
        self._sources = sources
        self._unknown: dict[str, int] = {}
        """Keys that mean nothing, with the line where each was first met."""
        self.records: list[EvaluationRecord] = []
        self.errors: list[Finding] = []
        self.error_count = 0

    def take(self, row: JsonRow | Finding) -> None:
        found = row if isinstance(row, Finding) else self._record_of(row)
        if isinstance(found, Finding):
            self.refuse(found)
        else:
            self.records.append(found)

    def refuse(self, finding: Finding) -> None:
        self.error_count += 1
        if len(self.errors) < FINDINGS_CAP:
            self.errors.append(finding)

    def finding(self, line: int, rule: str, message: str, fix: str, *, column: int | None = None) -> Finding:
        return Finding(file=self._file, line=line, column=column, rule=rule, message=message, fix=fix)

    def warnings(self) -> list[str]:
        return [
            f'{self._file} line {line}: the key "{key}" is none of {", ".join(_KEYS)}; it is repeated in the results '
            "and has no other effect."
            for key, line in self._unknown.items()
        ]

    def _record_of(self, row: JsonRow) -> EvaluationRecord | Finding:
        value = row.value
        for key in value:
            if key not in (*_KEYS, *_TRAINING_KEYS):
                self._unknown.setdefault(key, row.line)
        answers = [key for key in (REFERENCE, COMPLETION, MESSAGES) if key in value]
        if len(answers) > 1:
            message = f'the record has "{answers[0]}" and "{answers[1]}": two answers that would be right.'
            column = column_of(row.text, (answers[1],))
            return self.finding(row.line, "two-references", message, "Keep one of them.", column=column)
        if MESSAGES in value:
            exchange = _exchange_of(value)
            if exchange is None:
                return self._no_exchange(row)
            system, prompt, reference = exchange
        else:
            answer = COMPLETION if COMPLETION in value else REFERENCE
            for key, is_needed in ((PROMPT, True), (answer, self._needs_reference), (SYSTEM, False)):
                if (key in value or is_needed) and not _is_text(value.get(key)):
                    return self._no_text(row, key)
            system, prompt, reference = value.get(SYSTEM), value[PROMPT], value.get(answer, "")
        if CATEGORY in value and not _is_text(value[CATEGORY]):
            return self._no_text(row, CATEGORY)
        responses: dict[str, str] = {}
        if self._sources:
            found = self._responses(row)
            if isinstance(found, Finding):
                return found
            responses = found
        asked = {PROMPT: prompt} | ({REFERENCE: reference} if reference else {})
        return EvaluationRecord(
            line=row.line,
            prompt=prompt,
            reference=reference,
            system=system,
            category=value.get(CATEGORY),
            responses=responses,
            record={**value, **asked},
        )

    def _no_text(self, row: JsonRow, key: str) -> Finding:
        is_there = key in row.value
        reason = " The metrics of this data set compare the answers with it." if key in (REFERENCE, COMPLETION) else ""
        return self.finding(
            row.line,
            f"no-{key}",
            f'"{key}" is {"no text" if is_there else "missing"}.{reason}',
            f'Write each record as {{"{PROMPT}": "…", "{REFERENCE}": "…"}}.',
            column=column_of(row.text, (key,)) if is_there else None,
        )

    def _no_exchange(self, row: JsonRow) -> Finding:
        return self.finding(
            row.line,
            "no-exchange",
            f'"{MESSAGES}" is not one question of the user and one answer of the assistant, in text.',
            f'Write "{MESSAGES}": [{{"role": "user", "content": "…"}}, {{"role": "assistant", "content": "…"}}].',
            column=column_of(row.text, (MESSAGES,)),
        )

    def _responses(self, row: JsonRow) -> dict[str, str] | Finding:
        given = row.value.get(RESPONSES)
        found: dict[str, str] = {}
        for item in cast("list[Any]", given) if isinstance(given, list) else []:
            each = cast("dict[str, Any]", item) if isinstance(item, dict) else {}
            response, source = each.get("response"), each.get("modelIdentifier")
            if isinstance(response, str) and isinstance(source, str) and source not in found:
                found[source] = response
        missing = [source for source in self._sources if source not in found]
        if missing:
            return self.finding(
                row.line,
                "no-response",
                f'"{RESPONSES}" has no answer of "{missing[0]}".',
                f'Write "{RESPONSES}": [{{"response": "…", "modelIdentifier": "{missing[0]}"}}], the identifier as '
                "inferenceSourceIdentifier has it.",
                column=column_of(row.text, (RESPONSES,)) if RESPONSES in row.value else None,
            )
        return {source: found[source] for source in self._sources}


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _exchange_of(value: Mapping[str, Any]) -> tuple[str | None, str, str] | None:
    """System prompt, question and answer; None where the row is no such exchange."""
    messages = cast("list[Any]", value[MESSAGES]) if isinstance(value[MESSAGES], list) else []
    turns = [cast("dict[str, Any]", message) for message in messages if isinstance(message, dict)]
    if len(messages) != 2 or [turn.get("role") for turn in turns] != ["user", "assistant"]:
        return None
    asked, answered = (_text_of(turn.get("content")) for turn in turns)
    system = _text_of(value[SYSTEM]) if SYSTEM in value else None
    if not asked or not answered or (SYSTEM in value and not system):
        return None
    return system, asked, answered


def _text_of(content: Any) -> str | None:
    """Of a string, or of Converse's list of text blocks; None of anything else."""
    if _is_text(content):
        return str(content)
    blocks = cast("list[Any]", content) if isinstance(content, list) else []
    texts = [cast("dict[str, Any]", block).get("text") for block in blocks if isinstance(block, dict)]
    if not texts or len(texts) != len(blocks) or not all(_is_text(text) for text in texts):
        return None
    return "\n".join(str(text) for text in texts)
