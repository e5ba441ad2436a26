"""The quick road takes what is right, so that it is one, and nothing else; `test_broken_files.py` has the rest."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanren.data.clean_rows import CleanRows
from tanren.data.families import FamilyRules, family_rules
from tanren.data.formats import SCHEMA_VERSION, DataFormat, read_content, sniff
from tanren.data.json_lines import JsonRow, LineBlock, row_of_line
from tanren.domain.prompt_templates import PromptTemplate

ROWS: dict[DataFormat, Callable[[list[str]], dict[str, Any]]] = {
    DataFormat.PROMPT_COMPLETION: lambda texts: {"prompt": texts[0], "completion": texts[1]},
    DataFormat.INPUT: lambda texts: {"input": texts[0]},
    DataFormat.CLAUDE_MESSAGES: lambda texts: {
        "system": texts[0],
        "messages": [
            {"role": "assistant" if n % 2 else "user", "content": text}
            for n, text in enumerate(texts[: len(texts) & ~1])
        ],
    },
    DataFormat.CONVERSATION: lambda texts: {
        "schemaVersion": SCHEMA_VERSION,
        "messages": [
            {"role": "assistant" if n % 2 else "user", "content": [{"text": text}]}
            for n, text in enumerate(texts[: len(texts) & ~1])
        ],
    },
}
PLAIN = [
    "Where is the forge?",
    "In Seki — près de la rivière.",
    '"Quoted", \\ and \n broken',
    "鍛冶場は？",
    "{}[]: \\\\",
    "\t",
]


def block(*lines: bytes) -> LineBlock:
    return LineBlock(first_line=1, lines=list(lines), raw=b"\n".join(lines))


def line(row: dict[str, Any], *, ascii_only: bool = False) -> bytes:
    return json.dumps(row, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")


def exact_findings(raw: bytes, data_format: DataFormat, family: FamilyRules | None = None) -> bool:
    """Whether the exact road has anything to say of the line."""
    row = row_of_line(raw, file="f", line=1)
    if not isinstance(row, JsonRow) or sniff(row.value) is not data_format:
        return True
    return bool(read_content(row.value, data_format, tuple(PromptTemplate), family)[1])


@pytest.mark.parametrize("data_format", ROWS)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_right_rows_are_passed_over_quickly(data_format: DataFormat, ascii_only: bool) -> None:
    rows = [ROWS[data_format]([PLAIN[n % 5], PLAIN[(n + 1) % 5]] * 2) for n in range(20)]
    clean = CleanRows(data_format, templates=tuple(PromptTemplate), family=family_rules("amazon.nova-lite-v1:0"))
    assert clean.are_clean(block(*(line(row, ascii_only=ascii_only) for row in rows)))


texts = st.lists(
    st.sampled_from(
        [*PLAIN, "Human:", "\nHuman: a", "[INST] a [/INST]", "It\u00e2\u20ac\u2122s", "User: a", "\ud800", " "]
    )
    | st.text(max_size=12),
    min_size=2,
    max_size=6,
)


@settings(max_examples=300, deadline=None)
@given(
    data_format=st.sampled_from(list(ROWS)),
    all_texts=st.lists(texts, min_size=1, max_size=5),
    ascii_only=st.booleans(),
    doubled=st.sampled_from(["", '"prompt": "x", ', '"r\\u006fle": "user", ', '"system": "a\\\\", ', '"more": 1, ']),
    has_family=st.booleans(),
)
def test_what_is_passed_over_is_right(
    data_format: DataFormat, all_texts: list[list[str]], ascii_only: bool, doubled: str, has_family: bool
) -> None:
    family = family_rules("amazon.nova-lite-v1:0") if has_family else None
    lines = [line(ROWS[data_format](texts), ascii_only=ascii_only) for texts in all_texts]
    lines[-1] = b"{" + doubled.encode() + lines[-1][1:]
    if CleanRows(data_format, templates=tuple(PromptTemplate), family=family).are_clean(block(*lines)):
        assert not any(exact_findings(raw, data_format, family) for raw in lines)
