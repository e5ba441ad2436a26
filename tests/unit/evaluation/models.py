"""Models and judges of evaluations that behave in a known way."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tanren.domain.conversation import Conversation
from tanren.evaluation.answers import Answer, Decision, Decoding, OnAnswer, OnVerdict, Unanswered
from tanren.evaluation.questions import Question


class SpokenModel:
    """Answers by a function of the last user turn; None is no answer. Counts how often it is asked."""

    def __init__(self, say: Callable[[str], str | None]) -> None:
        self._say = say
        self.asked: list[Conversation] = []

    def answer(self, conversations: Sequence[Conversation], decoding: Decoding, on_answer: OnAnswer) -> None:
        self.asked += conversations
        # Not in order: who asks must not count on it.
        for index in reversed(range(len(conversations))):
            text = self._say(conversations[index].messages[-1].text)
            tokens = sum(len(message.text.split()) for message in conversations[index].messages)
            answer = Answer(text=text or "", input_token_count=tokens, output_token_count=3, seconds=0.25)
            on_answer(index, Unanswered(reason="broke") if text is None else answer)


class RuledJudge:
    """Rates and prefers by functions of what it is shown."""

    model_id = "judge.model-v1"

    def __init__(
        self,
        *,
        better: Callable[[str, str], str] = lambda first, second: "tie",
        rating: Callable[[str], Any] = lambda prompt: 5,
    ) -> None:
        self._better = better
        self._rating = rating
        self.decisions: list[Decision] = []

    def decide(self, decisions: Sequence[Decision], on_verdict: OnVerdict) -> None:
        self.decisions += decisions
        for index, decision in enumerate(decisions):
            verdict: Mapping[str, Any]
            if "better" in decision.schema["properties"]:
                first, second = _between(decision.prompt, "first-answer"), _between(decision.prompt, "second-answer")
                verdict = {"reason": "because", "better": self._better(first, second)}
            else:
                verdict = {"reason": "because", "rating": self._rating(decision.prompt)}
            on_verdict(index, verdict)


def _between(text: str, tag: str) -> str:
    return text.split(f"<{tag}>\n")[1].split(f"\n</{tag}>")[0]


def numbered(
    count: int, *, reference: Callable[[int], str] = lambda n: f"The answer to number {n}."
) -> tuple[Question, ...]:
    return tuple(
        Question(number=n, prompt=f"What is number {n}?", reference=reference(n), source=f"test.jsonl:{n}")
        for n in range(1, count + 1)
    )
