# ruff: noqa: E501 - wordings are data: one line each, each kept whole
"""Conversations about real documentation: what something is, the first sentence of a passage, a copy of it or of
a sentence in it that is named by a word, its continuation.

The questions are ours; the answers are the documentation's own sentences, so these documents carry the licences of `prose`.
"""

import re
from random import Random

from nano.corpus.documents import Message
from nano.corpus.prose import Passage

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`])")
_ASK = {
    "function": (
        "What does `{s}` do?",
        "What is `{s}` for?",
        "Explain `{s}`.",
        "Describe the function `{s}` in short.",
        "When would I use `{s}`?",
        "Can you tell me what `{s}` does?",
    ),
    "class": (
        "What is `{s}`?",
        "What is the class `{s}` for?",
        "Explain `{s}`.",
        "What does `{s}` represent?",
        "Tell me about the class `{s}`.",
    ),
    "module": (
        "What is the module `{s}` for?",
        "What does `{s}` contain?",
        "Describe the module `{s}`.",
        "What can I do with `{s}`?",
    ),
    "service": (
        "What is {s}?",
        "What is {s} and what is it for?",
        "What can I do with {s}?",
        "Can you describe {s}?",
        "How does {s} help?",
        "Why would I use {s}?",
        "Tell me about {s}.",
    ),
    "operation": (
        "What does {s} do?",
        "What is {s} for?",
        "When do I call {s}?",
        "How can I use {s}?",
        "Explain {s}.",
        "What is the purpose of {s}?",
    ),
    "field": ("What is {s}?", "What does {s} mean?", "Explain {s}.", "What do I put into {s}?"),
    "readme": ("What is {s}?", "What can you tell me about {s}?", "Describe {s}."),
}


def sentences_of(paragraph: str) -> list[str]:
    return _SENTENCE_END.split(paragraph)


def conversation_about(passage: Passage, rng: Random) -> list[Message]:
    """One of seven tasks on the passage; mostly the plain question and its answer."""
    sentences = sentences_of(" ".join(passage.paragraphs))
    draw = rng.random()
    if draw < 0.62:
        ask, answer = rng.choice(_ASK[passage.kind]).format(s=passage.subject), " ".join(sentences[: rng.randint(1, 2)])
    elif draw < 0.74:
        ask = rng.choice(
            (
                "Summarise in one sentence:\n{p}",
                "{p}\n\nWhat is the main point?",
                "Give me the first sentence of this text: {p}",
                "Shorten: {p}",
            )
        ).format(p=" ".join(sentences[:6]))
        answer = sentences[0]
    elif draw < 0.79 and len(sentences) > 1:
        ask, answer = _quoted(sentences[:8], rng)
    elif draw < 0.87:
        ask = rng.choice(
            ("Repeat this sentence: {p}", "Copy: {p}", "Say exactly: {p}", "Write this sentence again.\n{p}")
        ).format(p=sentences[0])
        answer = sentences[0] if rng.random() < 0.5 else _span(sentences, rng)
        ask = ask.replace(sentences[0], answer)
    elif draw < 0.93:
        words = " ".join(sentences[:3]).split()
        cut = max(3, rng.randint(len(words) // 4, len(words) // 2))
        ask, answer = (
            rng.choice(("Continue: {p}", "Finish this text: {p}", "How does this go on? {p}")).format(
                p=" ".join(words[:cut])
            ),
            " ".join(words[cut:]),
        )
    else:
        ask = rng.choice(
            (
                "Which thing is described here? {p}",
                "What is meant? {p}",
                "Documentation of {s}: {p}\n\nWhat is documented here?",
                "Name what this text documents.\n{s} - {p}",
            )
        )
        ask, answer = ask.format(p=sentences[0], s=passage.subject), passage.subject
    system = [Message(role="system", content=rng.choice(_SYSTEMS))] if rng.random() < 0.4 else []
    return [*system, Message(role="user", content=ask), Message(role="assistant", content=answer)]


def _quoted(sentences: list[str], rng: Random) -> tuple[str, str]:
    """The sentence that has a word which no other has, or the one at a place."""
    text, index = " ".join(sentences), rng.randrange(len(sentences))
    rare = [word for word in sentences[index].split() if len(word) > 5 and word.isalpha() and text.count(word) == 1]
    if rare:
        ask = rng.choice(
            (
                '{p}\n\nWhich sentence contains "{k}"?',
                'Quote the sentence with the word "{k}".\n\n{p}',
                "{p}\n\nWhat does the text say about {k}?",
                "Find {k} in this text and copy the whole sentence: {p}",
            )
        ).format(p=text, k=rng.choice(rare))
        return ask, sentences[index]
    place = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")[index]
    return f"{text}\n\nRepeat the {place} sentence.", sentences[index]


def _span(sentences: list[str], rng: Random) -> str:
    """Three to thirty words in a row."""
    words = " ".join(sentences).split(" ")
    start = rng.randrange(max(1, len(words) - 3))
    return " ".join(words[start : start + rng.randint(3, 30)])


_SYSTEMS = (
    "You are a helpful assistant.",
    "You answer technical questions.",
    "You are a documentation assistant. Answer concisely.",
    "You are a question answering assistant for software engineers.",
    "Give short, accurate answers.",
    "You help developers understand cloud services and libraries.",
)
