"""A chat of the playground as requests: ConverseStream with what stands in the page, and the same as scripts.

What was said so far is in the page, not here; each question comes with all of it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tanren.console.requests import ApiRequest
from tanren.domain.documents import EnclosedDocument

LONGEST_PREVIEW: Final = 262_144
"""Bytes of a training file that are looked at for its system prompt and examples."""
FEW_SHOT: Final = 3
MOST_DOCUMENTS: Final = 5
_NAME_FORBIDS: Final = re.compile(r"[^0-9A-Za-z()\[\]-]+")
"""Converse: a document's name has letters, digits, single spaces, hyphens, parentheses and square brackets."""


class UnreadableQuestion(ValueError):
    """What the page sent is no question; `str(error)` names the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    prompt: str
    completion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedFrom:
    """What a training file shows of how its model was taught to be asked."""

    system: str | None = None
    examples: tuple[Example, ...] = ()
    is_pairs: bool = False
    """Whether its rows are prompt and completion, without roles and without a system prompt."""


def read_question(given: Mapping[str, str], documents: Sequence[EnclosedDocument] = ()) -> ApiRequest:
    """The request of one column. Documents come with its newest question.

    Raises   UnreadableQuestion for a field that is not what its page would send.
    """
    model = given.get("model", "")
    if not model:
        raise UnreadableQuestion("model")
    inference: dict[str, Any] = {"maxTokens": _number(given, "max_tokens", int, 512)}
    for field, member in (("temperature", "temperature"), ("top_p", "topP")):
        if given.get(field):
            inference[member] = _number(given, field, float, 0.0)
    params: dict[str, Any] = {"modelId": model, "messages": _messages(given, documents), "inferenceConfig": inference}
    if system := given.get("system"):
        params["system"] = [{"text": system}]
    if given.get("seed"):
        params["additionalModelRequestFields"] = {"seed": _number(given, "seed", int, 0)}
    return ApiRequest(service="bedrock-runtime", operation="ConverseStream", params=params)


def document_name(file_name: str) -> str:
    """A name that Converse takes."""
    return _NAME_FORBIDS.sub(" ", file_name.rpartition(".")[0]).strip()[:200] or "Document"


def _messages(given: Mapping[str, str], documents: Sequence[EnclosedDocument]) -> list[dict[str, Any]]:
    """`turns`: JSON, a list of texts, the user's and the model's in turn, the user's last."""
    try:
        turns = json.loads(given.get("turns", ""))
    except ValueError as error:
        raise UnreadableQuestion("turns") from error
    if not isinstance(turns, list) or len(turns) % 2 == 0 or not all(isinstance(turn, str) and turn for turn in turns):
        raise UnreadableQuestion("turns")
    messages: list[dict[str, Any]] = [
        {"role": "assistant" if index % 2 else "user", "content": [{"text": turn}]} for index, turn in enumerate(turns)
    ]
    messages[-1]["content"] += [
        {"document": {"name": each.name, "format": str(each.format), "source": {"bytes": each.content}}}
        for each in documents
    ]
    return messages


def _number(given: Mapping[str, str], field: str, kind: type[int] | type[float], absent: int | float) -> int | float:
    text = given.get(field, "")
    try:
        return kind(text) if text else absent
    except ValueError as error:
        raise UnreadableQuestion(field) from error


def learned_from(beginning: bytes) -> LearnedFrom:
    """What the first rows of a data file say, in any format that Bedrock trains on; nothing where they do not."""
    system: str | None = None
    is_pairs = False
    examples: list[Example] = []
    for row in _rows(beginning):
        system = system or _system_of(row)
        is_pairs = is_pairs or "completion" in row
        if (example := _example_of(row)) is not None:
            examples.append(example)
        if len(examples) >= FEW_SHOT:
            break
    return LearnedFrom(system=system, examples=tuple(examples), is_pairs=is_pairs)


def _rows(beginning: bytes) -> list[dict[str, Any]]:
    """The rows that are whole: the last may have been cut."""
    text = beginning.decode("utf-8-sig", errors="ignore")
    rows: list[dict[str, Any]] = []
    for line in text.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows


def _system_of(row: Mapping[str, Any]) -> str | None:
    found = row.get("system")
    if isinstance(found, list):
        found = "".join(_text(part) for part in found)
    if not found:
        found = next((text for role, text in _said(row) if role == "system"), None)
    return found if isinstance(found, str) and found else None


def _example_of(row: Mapping[str, Any]) -> Example | None:
    if isinstance(row.get("prompt"), str) and isinstance(row.get("completion"), str):
        return Example(prompt=row["prompt"], completion=row["completion"])
    said: dict[str, str] = {}
    for role, text in _said(row):
        said.setdefault(role, text)
    if said.get("user") and said.get("assistant"):
        return Example(prompt=said["user"], completion=said["assistant"])
    return None


def _said(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Roles and texts of the row's messages; none of a row that has no such thing."""
    messages = row.get("messages")
    if not isinstance(messages, list):
        return []
    return [(str(m.get("role")), _text(m.get("content"))) for m in messages if isinstance(m, dict)]


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        return str(content.get("text", ""))
    return "".join(_text(part) for part in content) if isinstance(content, Sequence) else ""


def converse_snippet(model_id: str) -> str:
    """A script that asks the model one question with boto3."""
    return (
        "import boto3\n\n"
        'runtime = boto3.client("bedrock-runtime")\n'
        "answer = runtime.converse(\n"
        f"    modelId={model_id!r},\n"
        '    messages=[{"role": "user", "content": [{"text": "Hello"}]}],\n'
        '    inferenceConfig={"maxTokens": 512, "temperature": 0.2},\n'
        ")\n"
        'print(answer["output"]["message"]["content"][0]["text"])\n'
    )


def langchain_snippet(model_id: str) -> str:
    """The same with LangChain. Without `provider` it cannot tell from an ARN which model it speaks to."""
    return (
        "from langchain_aws import ChatBedrockConverse\n\n"
        "chat = ChatBedrockConverse(\n"
        f"    model={model_id!r},\n"
        '    provider="amazon",\n'
        "    max_tokens=512,\n"
        ")\n"
        'print(chat.invoke("Hello").content)\n'
    )
