"""Answers, and the three ports through which an evaluation reaches models: to be answered, to be scored, to be judged.

Who implements them decides where models are: the command line asks any Bedrock endpoint by Converse
(`cli/eval_converse.py`), a worker's child asks the engine hosts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from tanren.domain.conversation import Conversation
from tanren.evaluation.arms import Arm
from tanren.evaluation.questions import Question
from tanren.evaluation.whole_text import whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How all arms are asked: the same for each, or their answers could not be compared."""

    max_new_tokens: int = 256
    temperature: float = 0.0
    """0 is greedy."""
    top_p: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    text: str
    input_token_count: int
    output_token_count: int
    seconds: float
    """From the question to the last token, as its asker saw it."""
    is_cut_off: bool = False
    """It ended at `max_new_tokens`, and not by itself: its figures are those of half an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """The model was asked and gave nothing; scored as an empty answer, and counted in the report."""

    reason: str


OnAnswer = Callable[[int, Answer | Unanswered], None]


class Answerer(Protocol):
    """A model that answers many conversations.

    Why no more   order, concurrency and retries are the implementation's: it knows what its endpoint can bear.
    """

    def answer(self, conversations: Sequence[Conversation], decoding: Decoding, on_answer: OnAnswer) -> None:
        """Calls `on_answer` once for each index, in any order, from the calling thread.

        Raises   what makes all further questions useless: no such model, no right to ask it, no endpoint.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    nats: float
    """Minus the logarithm of the answer's probability, summed over its tokens."""
    token_count: int
    byte_count: int
    """Of the answer in UTF-8: what makes models of different tokenizers comparable."""


class LikelihoodScorer(Protocol):
    """How probable a model finds given answers; Bedrock's API cannot tell, so only what holds the weights has one."""

    def likelihoods(self, conversations: Sequence[Conversation]) -> Sequence[Likelihood | None]:
        """One for each; the last message is the answer that is scored. None where the model cannot read it: it is too
        long."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a judge is asked: it must call the one tool, so its verdict is decoded under the tool's schema."""

    system: str
    prompt: str
    tool_name: str
    description: str
    schema: Mapping[str, Any]


OnVerdict = Callable[[int, Mapping[str, Any] | Unanswered], None]


class Decider(Protocol):
    """A judge model behind Converse with a forced tool."""

    @property
    def model_id(self) -> str: ...

    def decide(self, decisions: Sequence[Decision], on_verdict: OnVerdict) -> None:
        """Calls `on_verdict` once for each index, with the tool's input as it came: perhaps not what its schema says.

        Raises   as `Answerer.answer`.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmAnswers:
    arm: Arm
    answers: tuple[Answer | Unanswered, ...]
    """One for each question, in its order."""

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(answer.text if isinstance(answer, Answer) else "" for answer in self.answers)

    @property
    def unanswered_count(self) -> int:
        return sum(isinstance(answer, Unanswered) for answer in self.answers)


def _whole(answer: Answer | Unanswered) -> Answer | Unanswered:
    if isinstance(answer, Unanswered):
        return Unanswered(reason=whole(answer.reason))
    return replace(answer, text=whole(answer.text))


def ask(
    answerer: Answerer,
    arm: Arm,
    questions: Sequence[Question],
    decoding: Decoding,
    *,
    known: Mapping[int, Answer | Unanswered] | None = None,
    on_answer: OnAnswer = lambda index, answer: None,
) -> ArmAnswers:
    """Every question's answer; those of `known`, by index, are not asked again."""
    found: dict[int, Answer | Unanswered] = dict(known or {})
    todo = [index for index in range(len(questions)) if index not in found]

    def keep(place: int, answer: Answer | Unanswered) -> None:
        found[todo[place]] = kept = _whole(answer)
        on_answer(todo[place], kept)

    if todo:
        answerer.answer([arm.conversation(questions[index]) for index in todo], decoding, keep)
    return ArmAnswers(arm=arm, answers=tuple(found[index] for index in range(len(questions))))
