from typing import Any

import pytest

from tanren.data.converting import NotOfSource, Source, read_source_row, written
from tanren.data.formats import DataFormat, read_content, sniff
from tanren.data.records import Document
from tanren.domain.conversation import Conversation, user_turn

ANSWERED = user_turn("Where?").answered("In Seki.")
SYSTEM = user_turn("Where?", system="Be short.").answered("In Seki.")
LONGER = Conversation(system="Be short.", messages=(*ANSWERED.messages, *user_turn("When?").answered("1650.").messages))


def read(row: dict[str, Any], source: Source) -> Conversation | Document:
    return read_source_row(row, source, prompt_key="q", completion_key="a")


@pytest.mark.parametrize(
    ("source", "row", "content"),
    [
        (Source.PAIRS, {"q": "Where?", "a": "In Seki.", "id": 7}, ANSWERED),
        (Source.ALPACA, {"instruction": "Where?", "input": "", "output": "In Seki."}, ANSWERED),
        (
            Source.ALPACA,
            {"instruction": "Translate.", "input": "Seki", "output": "関"},
            user_turn("Translate.\n\nSeki").answered("関"),
        ),
        (
            Source.SHAREGPT,
            {
                "conversations": [
                    {"from": "system", "value": "Be short."},
                    {"from": "human", "value": "Where?"},
                    {"from": "gpt", "value": "In Seki."},
                ]
            },
            SYSTEM,
        ),
        (
            Source.OPENAI,
            {
                "messages": [
                    {"role": "developer", "content": "Be short."},
                    {"role": "user", "content": [{"type": "text", "text": "Where?"}]},
                    {"role": "assistant", "content": "In Seki."},
                    {"role": "user", "content": "When?"},
                    {"role": "assistant", "content": "1650."},
                ]
            },
            LONGER,
        ),
        (Source.NEMO, {"input": "Where?", "output": "In Seki."}, ANSWERED),
        (
            Source.NEMO,
            {
                "system": "Be short.",
                "mask": "User",
                "conversations": [{"from": "User", "value": "Where?"}, {"from": "Assistant", "value": "In Seki."}],
            },
            SYSTEM,
        ),
        (Source.TOGETHER, {"prompt": "Where?", "completion": "In Seki."}, ANSWERED),
        (Source.TOGETHER, {"text": "Once upon a time."}, Document(text="Once upon a time.")),
    ],
)
def test_rows_of_other_tools_are_read_as_what_they_say(
    source: Source, row: dict[str, Any], content: Conversation | Document
) -> None:
    assert read(row, source) == content


@pytest.mark.parametrize("data_format", [DataFormat.CLAUDE_MESSAGES, DataFormat.CONVERSATION])
@pytest.mark.parametrize("content", [ANSWERED, SYSTEM, LONGER])
def test_what_is_written_is_read_as_it_was(data_format: DataFormat, content: Conversation) -> None:
    row = written(content, data_format)
    assert sniff(row) is data_format
    assert read_content(row, data_format) == (content, [])


def test_prompt_and_completion_hold_one_turn_and_the_system_prompt_before_it() -> None:
    assert written(SYSTEM, DataFormat.PROMPT_COMPLETION) == {"prompt": "Be short.\n\nWhere?", "completion": "In Seki."}
    with pytest.raises(NotOfSource, match="not for 4 turns"):
        written(LONGER, DataFormat.PROMPT_COMPLETION)


@pytest.mark.parametrize(
    ("source", "row", "reason"),
    [
        (
            Source.PAIRS,
            {"question": "a", "answer": "b"},
            '"q" is missing or no text; the keys are "question", "answer"',
        ),
        (Source.OPENAI, {"messages": [{"role": "user", "content": "a"}]}, "do not alternate"),
        (Source.OPENAI, {"messages": [{"role": "tool", "content": "a"}]}, 'a turn is of "tool"'),
        (Source.OPENAI, {"messages": [{"role": "assistant", "content": None, "tool_calls": [{}]}]}, "calls a tool"),
        (Source.OPENAI, {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "image_url"),
        (Source.SHAREGPT, {"conversations": "text"}, "no list of objects"),
    ],
)
def test_a_row_of_another_kind_is_refused_with_what_is_missing(
    source: Source, row: dict[str, Any], reason: str
) -> None:
    with pytest.raises(NotOfSource, match=reason):
        read(row, source)
