"""Prompts in a family's template become the turns that they stand for, and nothing else does."""

import pytest

from tanren.domain.conversation import Conversation, Message, Role, user_turn
from tanren.domain.prompt_templates import ForeignTurn, PromptTemplate, read_prompt, without_ending

Templates = tuple[PromptTemplate, ...]
HUMAN: Templates = (PromptTemplate.HUMAN_ASSISTANT,)
INST: Templates = (PromptTemplate.INST,)
LLAMA_3: Templates = (PromptTemplate.LLAMA_3, PromptTemplate.INST)


def header(role: str) -> str:
    return f"<|start_header_id|>{role}<|end_header_id|>\n\n"


def talk(*texts: str, system: str | None = None) -> Conversation:
    """Turns of user and assistant, in turn."""
    roles = (Role.USER, Role.ASSISTANT)
    messages = tuple(Message(role=roles[index % 2], text=text) for index, text in enumerate(texts))
    return Conversation(system=system, messages=messages)


FOLLOWED: list[tuple[Templates, str, Conversation]] = [
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

NOT_FOLLOWED: list[tuple[Templates, str]] = [
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


@pytest.mark.parametrize(("templates", "prompt", "conversation"), FOLLOWED)
def test_a_prompt_in_the_familys_template_becomes_its_turns(
    templates: Templates, prompt: str, conversation: Conversation
):
    assert read_prompt(prompt, templates) == conversation


@pytest.mark.parametrize(("templates", "prompt"), NOT_FOLLOWED)
def test_any_other_prompt_is_one_message_of_the_user_as_it_stands(templates: Templates, prompt: str):
    assert read_prompt(prompt, templates) == user_turn(prompt)


def test_what_the_template_says_and_tanren_cannot_do_is_refused():
    prompt = f"{header('user')}Hi<|eot_id|>{header('ipython')}4<|eot_id|>{header('assistant')}"
    with pytest.raises(ForeignTurn, match="ipython"):
        read_prompt(prompt, LLAMA_3)


@pytest.mark.parametrize(
    ("template", "ending"),
    [
        (PromptTemplate.LLAMA_3, "<|eot_id|>"),
        (PromptTemplate.LLAMA_3, "<|end_of_text|>\n"),
        (PromptTemplate.INST, " </s>"),
        (PromptTemplate.HUMAN_ASSISTANT, "\n\nHuman:"),
    ],
)
def test_an_answer_is_learned_without_the_templates_ending(template: PromptTemplate, ending: str):
    assert without_ending("Yes, and no." + ending, template) == "Yes, and no."
    assert without_ending(f"In {ending} the middle", template) == f"In {ending} the middle"


@pytest.mark.parametrize(
    "piece", [" ", "\n\nHuman: a", "[INST]", "[INST]a[/INST]b", "<|eot_id|>", header("user"), "<s>"]
)
def test_a_hostile_prompt_is_read_in_time_linear_in_its_length(piece: str):
    """A quadratic reader would take hours."""
    prompt = header("user") + piece * (3_000_000 // len(piece))
    for templates in (HUMAN, INST, LLAMA_3):
        assert read_prompt(prompt, templates).messages
