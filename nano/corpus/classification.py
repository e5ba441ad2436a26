# ruff: noqa: E501 - wordings are data: one line each, each kept whole
"""One label for a message, out of those that the prompt names, describes, codes or shows by example."""

from random import Random

from nano.corpus import names
from nano.corpus.attributes import Language
from nano.corpus.chat import Conversation, capitalised, turns
from nano.corpus.documents import Message
from nano.corpus.random_material import date, ja_date
from nano.corpus.tickets import DETAILS, DOMAINS, OPENERS, MessageClass

_INSTRUCTIONS: dict[Language, tuple[str, ...]] = {
    "english": (
        "Classify the text. Labels: {l}.", "Which label fits? Choose one of: {l}.", "Assign one of these categories: {l}.", "You route messages. The possible routes are: {l}. Answer with the route only.", "Categories: {l}\nGive the category of the message.",
        "Sort this message into one of the following: {l}.", "Decide which department is responsible: {l}.", "Pick the best label ({l}).", "Tag the ticket with one of {l}.", "What is this about? Options: {l}.", "Your task is to label messages. Allowed labels: {l}. Reply with one label and nothing else.",
        "Read the message and answer with exactly one of {l}.", "Possible answers: {l}.",
    ),
    "japanese": ("次の文を分類してください。分類：{l}", "次の中から一つ選んでください：{l}", "文の種類を答えてください（{l}）。", "お問い合わせを振り分けてください。行き先：{l}", "担当はどれですか。{l}の中から答えてください。", "ラベルを一つ付けてください。ラベル：{l}", "{l}のうち、どれに当たりますか。"),
}  # fmt: skip
_CODES = [
    *(f"{letter}{digit}" for letter in "ABCDKQTX" for digit in range(1, 10)),
    *"ABCDEFG",
    *(str(number) for number in range(1, 10)),
]
_FRAMES: dict[Language, tuple[tuple[str, str], ...]] = {
    "english": (
        ("Text: {}", "Label: {}"),
        ("Message: {}", "Category: {}"),
        ("{}", "-> {}"),
        ("Ticket: {}", "Queue: {}"),
        ("Input: {}", "Output: {}"),
    ),
    "japanese": (("文：{}", "分類：{}"), ("{}", "→{}"), ("問い合わせ：{}", "担当：{}")),
}


def message_of(rng: Random, message_class: MessageClass, language: Language) -> str:
    """A message of the class in a new combination of opener, pattern, object and detail."""
    pattern = rng.choice(message_class.patterns).replace("{o}", rng.choice(message_class.objects))
    text = pattern.replace("{x}", _mentioned(rng, language))
    first = pattern.split(" ", 1)[0]
    if language == "english":
        mark = "?" if first in _ASKING else rng.choice((".", ".", ".", "!", ""))
        text += mark
        is_plain = message_class.labels[-1] in ("de", "fr", "es", "ja")
    else:
        text += "" if text.endswith("。") else "。"
        is_plain = False
    if is_plain:
        return capitalised(text)
    if rng.random() < 0.35:
        text = rng.choice(OPENERS[language]).format(f=_family(rng, language)) + text
    if rng.random() < 0.35:
        text += rng.choice(DETAILS[language]).format(
            c=names.code(rng), f=_family(rng, language), n=rng.randrange(1000, 9999),
            t=names.place(rng) if language == "english" else names.ja_place(rng), d=date(rng) if language == "english" else ja_date(rng),
        )  # fmt: skip
    return text if rng.random() < 0.1 else capitalised(text)


_ASKING = frozenset(
    (
        "where",
        "why",
        "when",
        "how",
        "which",
        "who",
        "what",
        "is",
        "are",
        "can",
        "will",
        "does",
        "do",
        "has",
        "shall",
        "would",
        "could",
        "may",
    )
)


def _family(rng: Random, language: Language) -> str:
    return names.person(rng) if language == "english" else names.ja_family(rng)


def _mentioned(rng: Random, language: Language) -> str:
    if language == "japanese":
        return rng.choice((names.ja_place, names.ja_brand))(rng)
    return rng.choice((names.thing, names.place, names.surname))(rng)


def classification(rng: Random, language: Language) -> Conversation:
    """The labels come as words, synonyms, codes with a legend, or with descriptions; sometimes with examples."""
    domains = DOMAINS[language]
    domain = domains[rng.choice(list(domains))]
    if rng.random() < 0.15:  # classes of several domains together
        domain = (*domain, *domains[rng.choice(list(domains))])
    unique = list(dict.fromkeys(domain))
    chosen = rng.sample(unique, rng.randint(2, min(8, len(unique))))
    shown = _shown(rng, chosen)
    right = rng.choice(chosen)
    separator = ", " if language == "english" else "、"
    manner = rng.random()
    if manner < 0.15:
        codes = rng.sample(_CODES, len(chosen))
        legend = "; ".join(f"{code} = {label}" for code, label in zip(codes, shown, strict=True))
        shown = codes
    elif manner < 0.35:
        legend = "\n".join(f"- {label}: {each.description}" for label, each in zip(shown, chosen, strict=True)) + "\n"
        legend = "\n" + legend
    else:
        legend = separator.join(shown)
    label_of = dict(zip((each.description for each in chosen), shown, strict=True))
    instruction = rng.choice(_INSTRUCTIONS[language]).format(l=legend)
    frame = rng.choice(_FRAMES[language])
    examples = ""
    if rng.random() < 0.25:
        picked = rng.sample(chosen, rng.randint(1, len(chosen)))
        examples = "".join(
            f"\n{frame[0].format(message_of(rng, each, language))}\n{frame[1].format(label_of[each.description])}"
            for each in picked
        )
    text, answer = message_of(rng, right, language), label_of[right.description]
    if rng.random() < 0.4:
        contents = [text, answer]
        while rng.random() < 0.35 and len(contents) < 8:
            following = rng.choice(chosen)
            contents += [message_of(rng, following, language), label_of[following.description]]
        return [Message(role="system", content=instruction + examples), *turns(*contents)]
    if examples or rng.random() < 0.4:
        return turns(f"{instruction}{examples}\n\n{frame[0].format(text)}\n{frame[1].format('').strip()}", answer)
    return turns(f"{instruction}\n\n{text}" if rng.random() < 0.7 else f"{text}\n\n{instruction}", answer)


def _shown(rng: Random, chosen: list[MessageClass]) -> list[str]:
    style = rng.choice(
        (
            str,
            str,
            str.upper,
            str.capitalize,
            lambda label: label.replace(" ", "_"),
            lambda label: label.replace(" ", "-").lower(),
        )
    )
    labels = [style(each.labels[0] if rng.random() < 0.5 else rng.choice(each.labels)) for each in chosen]
    if len(set(labels)) < len(labels):
        labels = [style(each.labels[0]) for each in chosen]
    return labels if len(set(labels)) == len(labels) else [f"{label} {place}" for place, label in enumerate(labels, 1)]
