# ruff: noqa: E501 - wordings are data: one line each, each kept whole
"""Questions about a passage, about remembered subjects, about lists of questions and answers; and admitting not to know."""

from random import Random

from nano.corpus.attributes import Language
from nano.corpus.chat import Conversation, capitalised, turns, with_system
from nano.corpus.documents import Message
from nano.corpus.subjects import ENGLISH, JAPANESE, Attribute, Subject, invent

SYSTEMS: dict[Language, tuple[str, ...]] = {
    "english": ("You are a helpful assistant.", "You are a friendly assistant who gives short answers.", "You are a question answering assistant that responds concisely and accurately.", "Answer briefly and only with what you know.", "You are a careful assistant. If something is not given, say so.", "You answer questions of customers in a polite and clear way.", "You are an expert who explains things simply.", "You work at a help desk.", "Answer the user's question.", "Be exact."),
    "japanese": ("あなたは親切なアシスタントです。", "質問に短く答えてください。", "あなたは正確に答えるアシスタントです。", "丁寧な日本語で答えてください。", "わからないときは、わからないと答えてください。", "あなたはお客様の質問に答える係です。", "正確に答えてください。"),
}  # fmt: skip
READ_FIRST: dict[Language, tuple[str, ...]] = {
    "english": (
        "Read the text and answer the question.\n\nText: {p}\n\nQuestion: {q}", "{p}\n\n{q}", "Context: {p}\n\nUsing only the context, answer: {q}",
        "Here is some information.\n{p}\n\nNow tell me: {q}", "Use the passage below to answer.\nPassage: {p}\nQuestion: {q}\nAnswer:", "Question: {q}\n\nPassage:\n{p}",
        "<document>\n{p}\n</document>\n\n{q}", 'I found this note: "{p}" {q}', "{p}\n{q}", "{q}\n\n{p}", "Background: {p}\n\n{q}", "From our files:\n\n{p}\n\n{q}",
        "Answer from the text.\n{p}\n- {q}", "Notes:\n{p}\n\nQ: {q}\nA:", "We received this message: {p}\n\nMy question is: {q}", "# Information\n{p}\n\n# Question\n{q}",
    ),
    "japanese": (
        "次の文章を読んで質問に答えてください。\n\n{p}\n\n質問：{q}", "{p}\n\n{q}", "文章：{p}\n質問：{q}\n答え：", "以下の情報だけを使って答えてください。\n{p}\n\n{q}", "資料「{p}」\n{q}",
        "質問：{q}\n\n資料：\n{p}", "{q}\n\n{p}", "メモ：{p}\n\n{q}", "{p}\n{q}", "お知らせ：{p}\n\n{q}", "＜文章＞\n{p}\n＜質問＞\n{q}",
    ),
}  # fmt: skip
NOT_GIVEN: dict[Language, tuple[str, ...]] = {
    "english": ("The text does not say {t}.", "I do not know. The passage does not mention {t}.", "That is not given: nothing is said about {t}.", "I cannot tell from this text; {t} is not mentioned.", "The information does not include {t}.", "I do not know.", "The text does not say."),
    "japanese": ("文章には{t}について書かれていません。", "わかりません。{t}は文章にありません。", "{t}については述べられていません。", "この文章からは{t}がわかりません。", "わかりません。"),
}  # fmt: skip
_ABOUT: dict[Language, tuple[str, ...]] = {
    "english": (
        "This is about {n}. ",
        "{n}: ",
        "Some facts about {n}. ",
        "Let us look at {n}. ",
        "News from {n}. ",
        "{n}\n",
    ),
    "japanese": ("{n}についてお知らせします。", "{n}：", "{n}の紹介です。", "{n}についてのメモです。", "{n}\n"),
}
_DESCRIBE: dict[Language, tuple[str, ...]] = {
    "english": (
        "Tell me about {n}.",
        "What do you know about {n}?",
        "Describe {n}.",
        "Write a few sentences about {n}.",
        "Who or what is {n}?",
        "Give me an overview of {n}.",
    ),
    "japanese": (
        "{n}について教えてください。",
        "{n}とは何ですか。",
        "{n}を紹介してください。",
        "{n}について知っていることを書いてください。",
    ),
}
_ACCORDING: dict[Language, tuple[str, ...]] = {
    "english": ("According to the text: {s}", "It says: {s}", "The text says: {s}", "{s}"),
    "japanese": ("文章によると、{s}", "{s}", "資料には「{s}」とあります。"),
}


def invented(rng: Random, language: Language) -> Subject:
    return invent(rng.choice(ENGLISH if language == "english" else JAPANESE), rng)


def some(rng: Random, subject: Subject, low: int, high: int) -> list[Attribute]:
    attributes = subject.kind.attributes
    return rng.sample(attributes, min(len(attributes), rng.randint(low, high)))


def told(rng: Random, subject: Subject, attributes: list[Attribute]) -> str:
    """A passage that names the subject at its beginning."""
    language = subject.kind.language
    if rng.random() < 0.12:
        lines = "\n".join(f"{attribute.noun(rng)}: {subject.values[attribute.key]}" for attribute in attributes)
        return f"{subject.name}\n{lines}"
    sentences = [capitalised(subject.stated(attribute, rng)) for attribute in attributes]
    if subject.name.casefold() not in sentences[0].casefold() or rng.random() < 0.15:
        sentences[0] = capitalised(rng.choice(_ABOUT[language]).format(n=subject.name)) + sentences[0]
    return (" " if language == "english" else "").join(sentences)


def answer(rng: Random, subject: Subject, attribute: Attribute) -> str:
    return subject.answered(attribute, rng)


def reading(rng: Random, language: Language) -> Conversation:
    """A question about a passage, often between passages on others; about one in eight asks for what is not there."""
    subject = invented(rng, language)
    attributes = some(rng, subject, 1, 6)
    pieces = [told(rng, subject, attributes)]
    if rng.random() < 0.4:
        for _ in range(rng.choice((1, 1, 2, 3))):
            same_kind = rng.random() < 0.5
            other = invent(subject.kind, rng) if same_kind else invented(rng, language)
            if other.name != subject.name:
                pieces.append(told(rng, other, some(rng, other, 1, 4)))
        rng.shuffle(pieces)
    passage = rng.choice((" ", "\n", "\n\n") if language == "english" else ("", "\n", "\n\n")).join(pieces)
    missing = [attribute for attribute in subject.kind.attributes if attribute not in attributes]
    contents: list[str] = []
    for turn in range(rng.choice((1, 1, 1, 2, 3, 4))):
        if missing and rng.random() < 0.12:
            attribute = rng.choice(missing)
            reply = rng.choice(NOT_GIVEN[language]).format(t=attribute.topic)
        else:
            attribute = rng.choice(attributes)
            reply = answer(rng, subject, attribute)
            if rng.random() < 0.08:
                reply = rng.choice(_ACCORDING[language]).format(s=subject.stated(attribute, rng))
        question = subject.asked(attribute, rng)
        contents += [rng.choice(READ_FIRST[language]).format(p=passage, q=question) if turn == 0 else question, reply]
    return with_system(rng, turns(*contents), SYSTEMS[language], 0.25)


def remembered(rng: Random, world: list[Subject], language: Language) -> Conversation:
    """Questions without a passage about the world's fixed subjects, in changing words: facts are learned from repetition."""
    contents: list[str] = []
    for _ in range(rng.choice((1, 2, 3, 4))):
        subject = rng.choice(world) if world else invented(rng, language)
        if rng.random() < 0.12:
            attributes = rng.sample(subject.kind.attributes, len(subject.kind.attributes))
            contents += [rng.choice(_DESCRIBE[language]).format(n=subject.name), told(rng, subject, attributes)]
        else:
            attribute = rng.choice(subject.kind.attributes)
            contents += [subject.asked(attribute, rng), answer(rng, subject, attribute)]
            if rng.random() < 0.25:  # the same fact again, in other words
                contents += [subject.asked(attribute, rng), answer(rng, subject, attribute)]
    return with_system(rng, turns(*contents), SYSTEMS[language], 0.3)


_FAQ_HEAD: dict[Language, tuple[str, ...]] = {
    "english": (
        "FAQ of {n}",
        "Frequently asked questions about {n}",
        "{n}: questions and answers",
        "Help pages of {n}",
    ),
    "japanese": ("{n}のよくある質問", "{n}についての質問と答え", "{n}のヘルプ"),
}
_FAQ_ASK: dict[Language, tuple[str, ...]] = {
    "english": ("{d}\n\n{q}", "Use this FAQ to answer the customer.\n\n{d}\n\nCustomer: {q}", "{d}\n\nA user writes: {q}", "{q}\n\nThe answer is in here:\n{d}", "{d}\n\nNew question: {q}"),
    "japanese": ("{d}\n\n{q}", "次のFAQを使って答えてください。\n\n{d}\n\nお客様：{q}", "{d}\n\n質問：{q}", "{q}\n\n{d}"),
}  # fmt: skip


def questions_and_answers(rng: Random, language: Language) -> Conversation:
    """A list of questions and answers about one or two subjects, then one of them in other words: its answer as it stands."""
    subject = invented(rng, language)
    pairs = [(subject, attribute) for attribute in subject.kind.attributes]
    if rng.random() < 0.6:
        other = invented(rng, language)
        pairs += [(other, attribute) for attribute in other.kind.attributes]
    rng.shuffle(pairs)
    pairs = pairs[: rng.randint(3, 9)]
    style = (
        rng.choice((("Q: ", "A: "), ("", ""), ("Question: ", "Answer: "), ("- ", "  ")))
        if language == "english"
        else rng.choice((("問：", "答："), ("Q. ", "A. "), ("", "")))
    )
    replies = [capitalised(each.stated(attribute, rng)) for each, attribute in pairs]
    listed = "\n".join(
        f"{style[0]}{each.asked(attribute, rng)}\n{style[1]}{reply}"
        for (each, attribute), reply in zip(pairs, replies, strict=True)
    )
    document = f"{rng.choice(_FAQ_HEAD[language]).format(n=subject.name)}\n{listed}"
    contents: list[str] = []
    for turn in range(rng.choice((1, 1, 2))):
        index = rng.randrange(len(pairs))
        question = pairs[index][0].asked(pairs[index][1], rng)
        contents += [
            rng.choice(_FAQ_ASK[language]).format(d=document, q=question) if turn == 0 else question,
            replies[index],
        ]
    if rng.random() < 0.15:
        return [Message(role="system", content=document), *turns(pairs[0][0].asked(pairs[0][1], rng), replies[0])]
    return with_system(rng, turns(*contents), SYSTEMS[language], 0.2)


_UNKNOWN: dict[Language, tuple[str, ...]] = {
    "english": (
        "I do not know anything about {n}.",
        "I have no information about {n}.",
        "I am sorry, I do not know {n}.",
        "I cannot answer that, because I have not heard of {n}.",
        "I do not know {t}: {n} was not mentioned before.",
    ),
    "japanese": (
        "{n}については何も知りません。",
        "申し訳ありませんが、{n}の情報はありません。",
        "わかりません。{n}の{t}は聞いていません。",
    ),
}
_ONLY_GIVEN: dict[Language, tuple[str, ...]] = {
    "english": (
        "Answer only if the fact was given in this conversation.",
        "If you were not told, say that you do not know.",
        "Never guess. Use only what the user has told you.",
    ),
    "japanese": ("この会話にあることだけを答えてください。", "聞いていないことは、知らないと答えてください。"),
}


def unknown(rng: Random, language: Language) -> Conversation:
    """A subject that nobody has told of, alone or after one that was: the answer admits it."""
    subject, contents = invented(rng, language), list[str]()
    if rng.random() < 0.5:
        known = invented(rng, language)
        attributes = some(rng, known, 1, 3)
        contents = [
            f"{told(rng, known, attributes)}\n{known.asked(attributes[0], rng)}",
            answer(rng, known, attributes[0]),
        ]
    attribute = rng.choice(subject.kind.attributes)
    reply = rng.choice(_UNKNOWN[language]).format(n=subject.name, t=attribute.topic)
    return [
        Message(role="system", content=rng.choice(_ONLY_GIVEN[language])),
        *turns(*contents, subject.asked(attribute, rng), reply),
    ]
