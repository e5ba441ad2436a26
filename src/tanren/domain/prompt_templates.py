"""Prompts that a caller has written in a family's template, read back into the conversation that they stand for.

The weights that answer have a chat template of their own; another family's control words would be noise to them, and
are no turns. So a prompt that follows its family's template becomes turns again, where it is answered and where it is
learned. One that does not follow it is taken as one message of the user, whole.

    LLAMA_3          <|start_header_id|>user<|end_header_id|>\\n\\nHi<|eot_id|><|start_header_id|>assistant…
    INST             <s>[INST] <<SYS>>\\nBe short.\\n<</SYS>>\\n\\nHi [/INST] Hello </s><s>[INST] Bye [/INST]
    HUMAN_ASSISTANT  Be short.\\n\\nHuman: Hi\\n\\nAssistant:

Cost     linear in the prompt, whatever it holds: it is read in the process that answers everybody.

Source   https://www.llama.com/docs/model-cards-and-prompt-formats; https://docs.mistral.ai/guides/tokenization;
         Anthropic's text completions: the text before the first Human is the system prompt.
"""

import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from itertools import groupby
from typing import Final, Literal

from tanren.domain.conversation import Conversation, Message, Role, user_turn


class PromptTemplate(StrEnum):
    LLAMA_3 = "llama-3"
    INST = "inst"
    """Of Llama 2 and Mistral."""
    HUMAN_ASSISTANT = "human-assistant"
    """Of Anthropic's text completions."""


class ForeignTurn(Exception):
    """The template has a turn of somebody whom tanren does not know, such as a tool."""

    def __init__(self, role: str) -> None:
        super().__init__(role)
        self.role = role


_Turn = tuple[Literal["system", "user", "assistant"], str]

TURN_SEPARATOR: Final = "\n"
"""Between neighbouring turns of one role, which are one turn."""

_LLAMA_HEADER: Final = re.compile(r"<\|start_header_id\|>\s*(\w+)\s*<\|end_header_id\|>")
_LLAMA_END: Final = re.compile(r"<\|(?:eot_id|eom_id|end_of_text)\|>")
_HUMAN_OR_ASSISTANT: Final = re.compile(r"(?:\A|\n\n)(Human|Assistant):")


def read_prompt(prompt: str, templates: Sequence[PromptTemplate]) -> Conversation:
    """By the first template that the prompt follows, else as one message of the user. Raises ForeignTurn."""
    found = followed(prompt, templates)
    return user_turn(prompt) if found is None else found[1]


def followed(prompt: str, templates: Sequence[PromptTemplate]) -> tuple[PromptTemplate, Conversation] | None:
    """The first template that the prompt follows, with what it says. Raises ForeignTurn."""
    for template in templates:
        conversation = _READERS[template](prompt)
        if conversation is not None:
            return template, conversation
    return None


def without_ending(answer: str, template: PromptTemplate) -> str:
    """An answer without what the template ends it with; the weights' own template writes its own."""
    bare = answer.rstrip()
    ending = next((each for each in _ENDINGS[template] if bare.endswith(each)), None)
    return answer if ending is None else bare.removesuffix(ending).rstrip()


def _read_llama_3(prompt: str) -> Conversation | None:
    """None where the prompt does not follow the template of Llama 3."""
    text = prompt.strip().removeprefix("<|begin_of_text|>")
    headers = list(_LLAMA_HEADER.finditer(text))
    if not headers or text[: headers[0].start()].strip():
        return None
    turns: list[_Turn] = []
    for index, header in enumerate(headers):
        end = headers[index + 1].start() if index + 1 < len(headers) else len(text)
        content, *rest = _LLAMA_END.split(text[header.end() : end])
        if any(piece.strip() for piece in rest):
            return None
        role = header[1]
        if role == "system" or role == "user" or role == "assistant":
            turns.append((role, content.strip()))
        else:
            raise ForeignTurn(role)
    return _conversation(turns)


def _read_inst(prompt: str) -> Conversation | None:
    """None where the prompt does not follow the template of Llama 2 and Mistral."""
    before, *exchanges = prompt.split("[INST]")
    if before.strip() not in ("", "<s>") or not exchanges:
        return None
    turns: list[_Turn] = []
    for exchange in exchanges:
        asked, closing, answer = exchange.partition("[/INST]")
        if not closing or "[/INST]" in answer:
            return None
        if not turns:
            opening, has_system, rest = asked.partition("<<SYS>>")
            system, is_closed, after = rest.partition("<</SYS>>")
            if has_system and is_closed and not opening.strip():
                turns.append(("system", system.strip()))
                asked = after
        answer = answer.strip().removesuffix("<s>").strip().removesuffix("</s>").strip()
        turns.append(("user", asked.strip()))
        turns.append(("assistant", answer))
    return _conversation(turns)


def _read_human_assistant(prompt: str) -> Conversation | None:
    """None where the prompt does not follow the template of Anthropic's text completions."""
    marks = list(_HUMAN_OR_ASSISTANT.finditer(prompt))
    if not marks or marks[0][1] != "Human":
        return None
    turns: list[_Turn] = [("system", prompt[: marks[0].start()].strip())]
    for index, mark in enumerate(marks):
        end = marks[index + 1].start() if index + 1 < len(marks) else len(prompt)
        turns.append(("user" if mark[1] == "Human" else "assistant", prompt[mark.end() : end].strip()))
    return _conversation(turns)


def _conversation(turns: list[_Turn]) -> Conversation | None:
    """The turns as a conversation that waits for its answer; None where they are none.

    A last turn of the assistant without text is where the model answers. One with text is the answer's beginning.
    """
    system = TURN_SEPARATOR.join(text for role, text in turns if role == "system" and text)
    spoken = [(Role(role), text) for role, text in turns if role != "system"]
    if spoken and spoken[-1] == (Role.ASSISTANT, ""):
        spoken.pop()
    if not spoken or spoken[0][0] is not Role.USER or not all(text for _, text in spoken):
        return None
    messages = tuple(
        Message(role=role, text=TURN_SEPARATOR.join(text for _, text in neighbours))
        for role, neighbours in groupby(spoken, key=lambda turn: turn[0])
    )
    return Conversation(system=system or None, messages=messages)


_READERS: Final[dict[PromptTemplate, Callable[[str], Conversation | None]]] = {
    PromptTemplate.LLAMA_3: _read_llama_3,
    PromptTemplate.INST: _read_inst,
    PromptTemplate.HUMAN_ASSISTANT: _read_human_assistant,
}
_ENDINGS: Final[dict[PromptTemplate, tuple[str, ...]]] = {
    PromptTemplate.LLAMA_3: ("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"),
    PromptTemplate.INST: ("</s>",),
    PromptTemplate.HUMAN_ASSISTANT: ("\n\nHuman:",),
}
