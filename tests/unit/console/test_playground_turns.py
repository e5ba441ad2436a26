"""What a training file says of how its model is to be asked."""

import json

import pytest

from tanren.console.playground_turns import Example, learned_from

CLAUDE = {"system": "S", "messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]}
NOVA = {
    "schemaVersion": "bedrock-conversation-2024",
    "system": [{"text": "S"}],
    "messages": [{"role": "user", "content": [{"text": "Q"}]}, {"role": "assistant", "content": [{"text": "A"}]}],
}
OPENAI = {
    "messages": [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "Q"},
        {"role": "assistant", "content": "A"},
    ]
}


@pytest.mark.parametrize("row", [CLAUDE, NOVA, OPENAI])
def test_every_format_with_messages_says_system_prompt_and_examples(row: dict):
    learned = learned_from(json.dumps(row).encode())
    assert learned.system == "S"
    assert learned.examples == (Example(prompt="Q", completion="A"),)


def test_prompt_and_completion_have_examples_and_no_system_prompt():
    learned = learned_from(b'{"prompt": "Q", "completion": "A"}\n' * 9)
    assert learned.system is None
    assert len(learned.examples) == 3


@pytest.mark.parametrize("beginning", [b"", b"\xff\xfe", b'{"prompt": "cut o', b"[1]\nnull\n", b'{"messages": [1]}'])
def test_what_is_no_row_says_nothing(beginning: bytes):
    assert learned_from(beginning).examples == ()
