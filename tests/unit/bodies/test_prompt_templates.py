"""Prompts in a family's template become the turns that they stand for, and nothing else does."""

from collections.abc import Callable, Sequence

import pytest

from tanren.bodies.prompt_templates import read_human_assistant, read_inst, read_llama_3, read_prompt
from tanren.bodies.schema_violations import Violations
from tanren.domain.conversation import Conversation, Message, Role, user_turn
from tanren.domain.errors import ValidationFailed

HUMAN, INST, LLAMA_3 = (read_human_assistant,), (read_inst,), (read_llama_3, read_inst)
Readers = Sequence[Callable[[str, Violations], Conversation | None]]


def header(role: str) -> str:
    return f"<|start_header_id|>{role}<|end_header_id|>\n\n"


def talk(*texts: str, system: str | None = None) -> Conversation:
    """Turns of user and assistant, in turn."""
    roles = (Role.USER, Role.ASSISTANT)
    messages = tuple(Message(role=roles[index % 2], text=text) for index, text in enumerate(texts))
    return Conversation(system=system, messages=messages)


FOLLOWED: list[tuple[Readers, str, Conversation]] = [
    (HUMAN, "\n\nHuman: Hi\n\nAssistant:", talk("Hi")),
    (HUMAN, "Human: Hi\n\nAssistant:", talk("Hi")),
    (HUMAN, "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: Bye\n\nAssistant: ", talk("Hi", "Hello", "Bye")),
    (HUMAN, "Be short.\n\nHuman: Hi\n\nAssistant:", talk("Hi", system="Be short.")),
    (HUMAN, "\n\nHuman: Hi\n\nHuman: there\n\nAssistant:", talk("Hi\nthere")),
    (HUMAN, "\n\nHuman: Hi", talk("Hi")),
    (HUMAN, "\n\nHuman: What does Human: mean?\n\nAssistant:", talk("What does Human: mean?")),
    (INST, "<s>[INST] Hi [/INST]", talk("Hi")),
    (INST, "[INST]Hi[/INST]", talk("Hi")),
    (INST, "<s>[INST] Hi [/INST] Hello </s><s>[INST] Bye [/INST]", talk("Hi", "Hello", "Bye")),
    (INST, "<s>[INST] Hi [/INST] Hello</s> [INST] Bye [/INST]\n", talk("Hi", "Hello", "Bye")),
    (INST, "<s>[INST] <<SYS>>\nBe short.\n<</SYS>>\n\nHi [/INST]", talk("Hi", system="Be short.")),
    (LLAMA_3, f"<|begin_of_text|>{header('user')}Hi<|eot_id|>{header('assistant')}", talk("Hi")),
    (LLAMA_3, f"{header('user')}Hi<|eot_id|>", talk("Hi")),
    (
        LLAMA_3,
        f"<|begin_of_text|>{header('system')}Be short.<|eot_id|>\n{header('user')}Hi<|eot_id|>\n"
        f"{header('assistant')}Hello<|eot_id|>\n{header('user')}Bye<|eot_id|>\n{header('assistant')}",
        talk("Hi", "Hello", "Bye", system="Be short."),
    ),
    (LLAMA_3, "<s>[INST] Hi [/INST]", talk("Hi")),
    # The beginning of the answer.
    (HUMAN, '\n\nHuman: Hi\n\nAssistant: {"', talk("Hi", '{"')),
    (INST, "[INST] Hi [/INST] Well,", talk("Hi", "Well,")),
    (LLAMA_3, f"{header('user')}Hi<|eot_id|>{header('assistant')}Well,", talk("Hi", "Well,")),
]

NOT_FOLLOWED: list[tuple[Readers, str]] = [
    (HUMAN, "Say hi."),
    (HUMAN, "\n\nAssistant: Hi\n\nHuman: Hello"),
    (HUMAN, "I said\nHuman: no"),
    (HUMAN, "\n\nHuman:\n\nAssistant:"),
    (INST, "What does [INST] mean?"),
    (INST, "[INST] Hi"),
    (INST, "[INST] Hi [/INST] and [/INST] again"),
    (INST, "First [INST] Hi [/INST]"),
    (INST, "<s>[INST] [/INST]"),
    (LLAMA_3, "Say hi."),
    (LLAMA_3, f"First {header('user')}Hi<|eot_id|>"),
    (LLAMA_3, f"{header('user')}Hi<|eot_id|>and more"),
    (LLAMA_3, f"{header('assistant')}Hi<|eot_id|>{header('user')}Hello<|eot_id|>"),
]


@pytest.mark.parametrize(("readers", "prompt", "conversation"), FOLLOWED)
def test_a_prompt_in_the_familys_template_becomes_its_turns(readers: Readers, prompt: str, conversation: Conversation):
    violations = Violations()
    assert read_prompt(prompt, readers, violations) == conversation
    violations.raise_if_any()


@pytest.mark.parametrize(("readers", "prompt"), NOT_FOLLOWED)
def test_any_other_prompt_is_one_message_of_the_user_as_it_stands(readers: Readers, prompt: str):
    violations = Violations()
    assert read_prompt(prompt, readers, violations) == user_turn(prompt)
    violations.raise_if_any()


@pytest.mark.parametrize(
    ("readers", "prompt", "said"),
    [
        (LLAMA_3, f"{header('user')}Hi<|eot_id|>{header('ipython')}4<|eot_id|>{header('assistant')}", "role ipython"),
    ],
)
def test_what_the_template_says_and_tanren_cannot_do_is_refused(readers: Readers, prompt: str, said: str):
    violations = Violations()
    read_prompt(prompt, readers, violations)
    with pytest.raises(ValidationFailed, match=said):
        violations.raise_if_any()


@pytest.mark.parametrize(
    "piece", [" ", "\n\nHuman: a", "[INST]", "[INST]a[/INST]b", "<|eot_id|>", header("user"), "<s>"]
)
def test_a_hostile_prompt_is_read_in_time_linear_in_its_length(piece: str):
    """A quadratic reader would take hours."""
    prompt = header("user") + piece * (3_000_000 // len(piece))
    for readers in (HUMAN, INST, LLAMA_3):
        assert read_prompt(prompt, readers, Violations()).messages
