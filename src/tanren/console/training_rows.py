"""Questions with their answers, as people have judged or edited them in a page, as rows of training data."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

MOST_ROWS: Final = 2_000
RowShape = Literal["messages", "prompt-completion"]


class UnreadableRows(ValueError):
    """What the page sent is no list of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRow:
    question: str
    answer: str
    system: str = ""


def read_rows(text: str) -> tuple[TrainingRow, ...]:
    """`text`: JSON, a list of objects with question, answer and perhaps system; rows without a text are left out,
    as somebody has emptied them. Raises   UnreadableRows."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UnreadableRows("rows") from error
    if not isinstance(found, list) or len(found) > MOST_ROWS:
        raise UnreadableRows("rows")
    rows = [_row(each) for each in cast("list[Any]", found)]
    return tuple(row for row in rows if row.question and row.answer)


def _row(found: Any) -> TrainingRow:
    if not isinstance(found, dict):
        raise UnreadableRows("rows")
    members = cast("dict[str, Any]", found)
    texts = [members.get(name, "") for name in ("question", "answer", "system")]
    if not all(isinstance(text, str) for text in texts):
        raise UnreadableRows("rows")
    question, answer, system = (text.strip() for text in texts)
    return TrainingRow(question=question, answer=answer, system=system)


def split_rows(rows: Sequence[TrainingRow], *, percent: int) -> tuple[list[TrainingRow], list[TrainingRow]]:
    """Rows to train on and rows to hold out, at most half of all: every so-many-th, so that both have all of a text."""
    wanted = min(len(rows) // 2, round(len(rows) * percent / 100))
    if wanted < 1:
        return list(rows), []
    held = {round((index + 0.5) * len(rows) / wanted - 0.5) for index in range(wanted)}
    training = [row for index, row in enumerate(rows) if index not in held]
    return training, [row for index, row in enumerate(rows) if index in held]


def row_shape(rows: Sequence[TrainingRow], wanted: str) -> RowShape:
    """`wanted`, but for rows with a system prompt, which only messages can carry."""
    is_pairs = wanted == "prompt-completion" and not any(row.system for row in rows)
    return "prompt-completion" if is_pairs else "messages"


def jsonl(rows: Sequence[TrainingRow], shape: RowShape) -> bytes:
    """A line for each, in a format that Bedrock trains on."""
    lines = (json.dumps(_written(row, shape), ensure_ascii=False) + "\n" for row in rows)
    return "".join(lines).encode("utf-8", "replace")


def _written(row: TrainingRow, shape: RowShape) -> dict[str, Any]:
    if shape == "prompt-completion":
        return {"prompt": row.question, "completion": row.answer}
    messages = [{"role": "user", "content": row.question}, {"role": "assistant", "content": row.answer}]
    return {"system": row.system, "messages": messages} if row.system else {"messages": messages}
