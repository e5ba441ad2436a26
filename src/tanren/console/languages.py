"""English and Japanese: which one a browser wants, and how a text, a number and a moment are said in it.

The English text is the key of the Japanese one (`japanese/`), so templates read as what they show. A value in a text
stands in braces by its name. A test looks for texts without a translation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from tanren.console.japanese.findings import KINDS
from tanren.console.japanese.texts import JAPANESE

Language = Literal["en", "ja"]
_WORDS: Final = ("kind", "what", "error")
"""Values of the service's sentences that are words themselves."""
LANGUAGES: Final[tuple[Language, ...]] = ("en", "ja")

_API_WORDS: Final = {
    "FINE_TUNING": "Fine-tuning",
    "CONTINUED_PRE_TRAINING": "Continued pre-training",
    "InProgress": "Training",
    "NotStarted": "Not started",
    "InService": "In service",
    "QuestionAndAnswer": "Questions and answers",
    "Generation": "Free text",
    "Classification": "Labels",
    "Summarization": "Summaries",
    "gateway": "Gateway",
    "worker": "Worker",
    "console": "Console",
    "neighbourhood": "S3 and its neighbours",
    "ModelCustomization": "Training jobs",
    "ModelInvocation": "Batch inference",
    "ModelEvaluation": "Evaluations",
    "ModelImport": "Imports",
    "CustomModelCreation": "Models from files",
    "ModelCopy": "Copies of models",
}
"""In English, where the API's own word is not one."""


@dataclass(frozen=True, slots=True)
class Words:
    language: Language

    def text(self, english: str, /, **values: Any) -> str:
        """The text in this language, with its values."""
        said = JAPANESE.get(english, english) if self.language == "ja" else english
        return said.format(**values) if values else said

    def told(self, english: str | None, parts: Sequence[Mapping[str, Any]] | None = None, /) -> str:
        """What the service tells of a job or of data, from the parts of the sentence that come with it; as the service
        said it where they do not, or are of another version and have no words here."""
        if not english:
            return ""
        if not parts or self.language == "en" or any(part["template"] not in JAPANESE for part in parts):
            return english
        try:
            return "".join(JAPANESE[part["template"]].format_map(_values(part["values"])) for part in parts)
        except KeyError:
            return english

    def say(self, word: str | None, /) -> str:
        """A word of the API, such as a status, as people say it; one that is not known stands as it is."""
        if not word:
            return "—"
        return _API_WORDS.get(str(word), str(word)) if self.language == "en" else self.text(str(word))

    def duration(self, seconds: float | None) -> str:
        """As a person would say it: the two largest units."""
        if seconds is None:
            return "—"
        whole = round(seconds)
        parts = ((whole // 3600, "{n} h"), (whole % 3600 // 60, "{n} min"), (whole % 60, "{n} s"))
        said = [self.text(unit, n=count) for count, unit in parts if count]
        return " ".join(said[:2]) or self.text("{n} s", n=0)


def language_of(cookie: str | None, accept_language: str) -> Language:
    """The language that was chosen, or the first of the browser's that is one of ours; English otherwise."""
    for language in LANGUAGES:
        if cookie == language:
            return language
    for part in accept_language.split(","):
        wanted = part.partition(";")[0].strip().lower().partition("-")[0]
        for language in LANGUAGES:
            if wanted == language:
                return language
    return "en"


def _values(english: Mapping[str, str]) -> dict[str, str]:
    """Those that are words, too, have Japanese ones; what comes from a user's file is none of them."""
    return {name: KINDS.get(value, value) if name in _WORDS else value for name, value in english.items()}


def elapsed(answer: Mapping[str, Any], *, now: datetime) -> timedelta | None:
    """How long a job has run, or ran; None before it began."""
    began, ended = answer.get("creationTime"), answer.get("endTime")
    return None if began is None else (ended or now) - began
