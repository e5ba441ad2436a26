"""Arms of an evaluation: the same questions, put to different models or in different words.

A tuned model is worth its training only where it beats what costs none: the base with a system prompt, or with a few
examples from the training data in the conversation.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tanren.data.records import Document, TrainingRecord
from tanren.domain.conversation import Conversation, Message, Role
from tanren.evaluation.questions import Question
from tanren.evaluation.whole_text import whole


class ArmKind(StrEnum):
    BASE = "base"
    BASE_SYSTEM = "base+system"
    BASE_FEW_SHOT = "base+few-shot"
    TUNED = "tuned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    prompt: str
    completion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    name: str
    """As the report calls it: "base", "tuned", "tuned (last)"."""
    kind: ArmKind
    model_id: str
    system: str | None = None
    """In place of the question's own."""
    examples: tuple[Example, ...] = ()
    """Turns before the question."""

    def conversation(self, question: Question) -> Conversation:
        turns = [
            message
            for example in self.examples
            for message in (
                Message(role=Role.USER, text=example.prompt),
                Message(role=Role.ASSISTANT, text=example.completion),
            )
        ]
        return Conversation(
            system=self.system if self.system is not None else question.system,
            messages=(*turns, Message(role=Role.USER, text=question.prompt)),
        )


def few_shot_examples(
    training: Sequence[TrainingRecord], count: int, *, questions: Sequence[Question], seed: int = 0
) -> tuple[Example, ...]:
    """At most `count` examples, chosen by the hash of seed and content; none that is itself among the questions."""
    asked = {" ".join(question.prompt.casefold().split()) for question in questions}
    usable = [
        record
        for record in training
        if not isinstance(record.content, Document) and " ".join(record.asked.casefold().split()) not in asked
    ]
    usable.sort(key=lambda record: hashlib.sha256(f"{seed}:{record.digest()}".encode()).digest())
    return tuple(Example(prompt=whole(record.asked), completion=whole(record.answered)) for record in usable[:count])
