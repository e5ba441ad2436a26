"""What to do about what ExamineTrainingData has seen, by the kind of observation."""

from typing import Final

_ADVICE: Final = (
    ("said twice", "Delete one, unless it is meant to weigh double."),
    ("nearly said twice", "Keep the better one: what is said twice is learned twice."),
    ("one question, two answers", "Decide for one answer: the model would learn a mean of both."),
    ("also in the validation set", "Take it out of one of the two: a validation loss on learned rows says nothing."),
    ("question also in the validation set", "Take it out of one of the two: the model has seen the question."),
    ("answer may be cut off", "Finish the sentence: a model that learns from cut answers stops in the middle."),
    ("personal data", "Take it out, or put something invented in its place: a model may repeat what it learned."),
    ("secret", "Take it out and replace it where it is in use: a model may repeat it to anybody."),
)
"""The beginning of a kind, and the advice in English; the first that fits."""

ADVICE_TEXTS: Final = tuple(advice for _, advice in _ADVICE)


def advice_on(kind: str) -> str:
    """Empty for a kind that is not known here."""
    return next((advice for beginning, advice in _ADVICE if kind.startswith(beginning)), "")
