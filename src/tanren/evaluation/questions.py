"""The questions of an evaluation: what is asked, what would be right, and what belongs together.

    pieces of a file ──▶ JSONL, or one JSON array ──▶ questions, each with its file and line

A record has one of these shapes, with `category`, `document` and `schema` beside it where wanted:

    {"prompt": …, "completion": …}                                       as training data
    {"prompt": …, "referenceResponse": …, "category": …}                 as an evaluation job of Bedrock
    {"question": …, "answer": …}                                         as `tanren data generate` writes them
    {"system": …, "messages": [{"role": "user", …}, …, {"role": "assistant", …}]}
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, cast

from tanren.domain.errors import ValidationFailed
from tanren.evaluation.whole_text import whole_value

MOST_FINDINGS: Final = 20
_SHAPES: Final = (("prompt", "completion"), ("prompt", "referenceResponse"), ("question", "answer"))
_EXPECTED: Final = (
    "prompt and completion, prompt and referenceResponse, question and answer, or messages of user and assistant"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    number: int
    """Its place in the set, from 1."""
    prompt: str
    reference: str
    """What would be right; empty where nobody said, and then only a judge can score the answer."""
    system: str | None = None
    """Of the record itself; an arm's own system prompt takes its place."""
    category: str | None = None
    """The report tells categories apart."""
    document: str | None = None
    """Questions about one document are right or wrong together, so the statistics take them together."""
    schema: Mapping[str, Any] | None = None
    """JSON schema that the answer is to satisfy."""
    source: str
    """File and line."""

    @property
    def cluster(self) -> str:
        """What the statistics resample as one."""
        return f"document {self.document}" if self.document is not None else f"question {self.number}"


def digest_of(questions: Sequence[Question]) -> str:
    """SHA-256 over what is asked and expected, wherever it stands: the same set has the same digest."""
    content = [{**asdict(question), "source": ""} for question in questions]
    return hashlib.sha256(json.dumps(content, ensure_ascii=True, sort_keys=True).encode()).hexdigest()


def read_questions(pieces: Iterable[bytes], name: str) -> tuple[Question, ...]:
    """The file's questions.

    Raises   ValidationFailed, which names every bad record (the first 20) by file and line.
    """
    text = _decoded(b"".join(pieces), name)
    questions: list[Question] = []
    findings: list[str] = []
    for line, value in _records(text, name, findings):
        try:
            questions.append(_question(value, number=len(questions) + 1, source=f"{name}:{line}"))
        except ValidationFailed as error:
            findings.append(f"{name}:{line}: {error}")
    if findings:
        more = f"\n… and {len(findings) - MOST_FINDINGS} more" if len(findings) > MOST_FINDINGS else ""
        raise ValidationFailed("\n".join(findings[:MOST_FINDINGS]) + more)
    if not questions:
        raise ValidationFailed(f"{name} has no questions; a record a line is expected: {_EXPECTED}.")
    return tuple(questions)


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValidationFailed(
            f"{name} is not UTF-8 at byte {error.start}; `tanren data doctor {name} --repair NEW` writes it anew."
        ) from error


def _records(text: str, name: str, findings: list[str]) -> Iterable[tuple[int, Any]]:
    """Values with the line on which they stand; of a JSON array, with their place in it."""
    if text.lstrip().startswith("["):
        try:
            values: Any = whole_value(json.loads(text))
        except json.JSONDecodeError as error:
            raise ValidationFailed(
                f"{name}:{error.lineno}:{error.colno}: {error.msg}; the file begins as a JSON array."
            ) from error
        except RecursionError as error:
            raise ValidationFailed(f"{name}:1: too deeply nested; {_EXPECTED} is expected.") from error
        yield from enumerate(values, start=1)
        return
    for line, row in enumerate(text.split("\n"), start=1):
        if not row.strip():
            continue
        try:
            yield line, whole_value(json.loads(row))
        except json.JSONDecodeError as error:
            findings.append(f"{name}:{line}:{error.colno}: {error.msg}; a line is one JSON object.")
        except RecursionError:
            findings.append(f"{name}:{line}: too deeply nested; {_EXPECTED} is expected.")


def _question(value: Any, *, number: int, source: str) -> Question:
    """Raises   ValidationFailed without the place, which the caller knows."""
    if not isinstance(value, dict):
        raise ValidationFailed(f"an object is expected: {_EXPECTED}.")
    record = cast(dict[str, Any], value)
    system, prompt, reference = _asked(record)
    schema = record.get("schema")
    if schema is not None and not isinstance(schema, dict):
        raise ValidationFailed('"schema" is not an object; give the JSON schema itself.')
    return Question(
        number=number,
        prompt=prompt,
        reference=reference,
        system=system,
        category=_text(record, "category", optional=True),
        document=_text(record, "document", optional=True),
        schema=cast("Mapping[str, Any] | None", schema),
        source=source,
    )


def _asked(record: dict[str, Any]) -> tuple[str | None, str, str]:
    if "messages" in record:
        return _from_messages(record)
    system = _text(record, "system", optional=True)
    for asked, answered in _SHAPES:
        if asked in record and answered in record:
            return system, _text(record, asked) or "", _text(record, answered) or ""
    if "prompt" in record:  # Bedrock's evaluation takes prompts without a reference, for a judge
        return system, _text(record, "prompt") or "", ""
    raise ValidationFailed(f"the keys are {', '.join(map(repr, record)) or 'none'}; expected {_EXPECTED}.")


def _from_messages(record: dict[str, Any]) -> tuple[str | None, str, str]:
    messages: Any = record["messages"]
    if not isinstance(messages, list) or len(cast(list[Any], messages)) != 2:
        raise ValidationFailed("\"messages\" must be two: the user's question and the assistant's answer.")
    texts: list[str] = []
    for role, message in zip(("user", "assistant"), cast(list[Any], messages), strict=True):
        if not isinstance(message, dict) or cast(dict[str, Any], message).get("role") != role:
            raise ValidationFailed(f'the roles of "messages" must be user and assistant; {role} is missing.')
        texts.append(_content_text(cast(dict[str, Any], message).get("content"), role))
    system: Any = record.get("system")
    return (None if system is None else _content_text(system, "system")), texts[0], texts[1]


def _content_text(content: Any, where: str) -> str:
    """A string, or Converse's list of text blocks."""
    if isinstance(content, str) and content.strip():
        return content
    if isinstance(content, list):
        blocks = cast(list[Any], content)
        texts = [cast(dict[str, Any], block).get("text") for block in blocks if isinstance(block, dict)]
        if texts and all(isinstance(text, str) and text for text in texts):
            return "\n".join(cast(list[str], texts))
    raise ValidationFailed(f'"{where}" has no text; a string or [{{"text": "…"}}] is expected.')


def _text(record: dict[str, Any], key: str, *, optional: bool = False) -> str | None:
    value = record.get(key)
    if value is None and optional:
        return None
    if not isinstance(value, str) or not value.strip():
        raise ValidationFailed(f'"{key}" is {json.dumps(value, ensure_ascii=False)[:60]}; text is expected.')
    return value
