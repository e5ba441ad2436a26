# ruff: noqa: E501, SIM905 - wordings are data: one line each, word lists as they are read
"""Generated English conversations: one function a family, each a few dozen wordings of one skill.

Every function takes the random generator and a fixed `World` of remembered subjects, and returns the messages of one
conversation. Nothing depends on anything but its arguments.
"""

import json
from random import Random

from nano.corpus import names
from nano.corpus.documents import Message
from nano.corpus.subjects import ENGLISH, Attribute, Subject, invent

Conversation = list[Message]

_SYSTEMS = (
    "You are a helpful assistant.",
    "You are a friendly assistant who gives short answers.",
    "You are a question answering assistant that responds concisely and accurately.",
    "Answer briefly and only with what you know.",
    "You are a careful assistant. If something is not given, say so.",
    "You answer questions of customers in a polite and clear way.",
    "Give complete sentences.",
    "You are an expert who explains things simply.",
)
READ_FIRST = (
    "Read the text and answer the question.\n\nText: {p}\n\nQuestion: {q}",
    "{p}\n\n{q}",
    "Context: {p}\n\nUsing only the context, answer: {q}",
    "Here is some information.\n{p}\n\nNow tell me: {q}",
    "Use the passage below to answer.\nPassage: {p}\nQuestion: {q}\nAnswer:",
    "Question: {q}\n\nPassage:\n{p}",
    "<document>\n{p}\n</document>\n\n{q}",
    'I found this note: "{p}" {q}',
)
_NOT_GIVEN = (
    "The text does not say {t}.",
    "I do not know. The passage does not mention {t}.",
    "That is not given: nothing is said about {t}.",
    "I cannot tell from this text; {t} is not mentioned.",
    "The information does not include {t}.",
)


def _with_system(rng: Random, messages: Conversation, share: float = 0.4) -> Conversation:
    if rng.random() < share:
        return [Message(role="system", content=rng.choice(_SYSTEMS)), *messages]
    return messages


def _turns(*contents: str) -> Conversation:
    return [Message(role=("user", "assistant")[index % 2], content=content) for index, content in enumerate(contents)]


def _subject(rng: Random) -> Subject:
    return invent(rng.choice(ENGLISH), rng)


def _some(rng: Random, subject: Subject, low: int, high: int) -> list[Attribute]:
    attributes = list(subject.kind.attributes)
    return rng.sample(attributes, min(len(attributes), rng.randint(low, high)))


def _told(rng: Random, subject: Subject, attributes: list[Attribute]) -> str:
    """A passage that names the subject in its first sentence."""
    sentences = [_capitalised(subject.stated(attribute, rng)) for attribute in attributes]
    if subject.name.casefold() not in sentences[0].casefold():
        sentences[0] = f"This is about {subject.name}. {sentences[0]}"
    return " ".join(sentences)


def _answer(rng: Random, subject: Subject, attribute: Attribute) -> str:
    if rng.random() < 0.25:
        return _capitalised(subject.values[attribute.key]) + "."
    return _capitalised(subject.stated(attribute, rng))


def _capitalised(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def reading(rng: Random, world: list[Subject]) -> Conversation:
    """A question about a passage; one in five asks for what is not there."""
    subject = _subject(rng)
    told = _some(rng, subject, 2, 5)
    passage = _told(rng, subject, told)
    if rng.random() < 0.35:
        other = _subject(rng)
        pieces = [passage, _told(rng, other, _some(rng, other, 1, 4))]
        rng.shuffle(pieces)
        passage = " ".join(pieces)
    turns: list[str] = []
    for turn in range(rng.choice((1, 1, 1, 2, 3))):
        missing = [attribute for attribute in subject.kind.attributes if attribute not in told]
        if missing and rng.random() < 0.2:
            attribute = rng.choice(missing)
            answer = rng.choice(_NOT_GIVEN).format(t=attribute.topic)
        else:
            attribute = rng.choice(told)
            answer = _answer(rng, subject, attribute)
        question = subject.asked(attribute, rng)
        turns += [rng.choice(READ_FIRST).format(p=passage, q=question) if turn == 0 else question, answer]
    return _with_system(rng, _turns(*turns), 0.25)


def remembered(rng: Random, world: list[Subject]) -> Conversation:
    """Questions without a passage about the world's fixed subjects, in changing words: facts are learned from repetition."""
    turns: list[str] = []
    for _ in range(rng.choice((1, 2, 3))):
        subject = rng.choice(world)
        if rng.random() < 0.15:
            attributes = list(subject.kind.attributes)
            rng.shuffle(attributes)
            ask = rng.choice(
                (
                    "Tell me about {n}.",
                    "What do you know about {n}?",
                    "Describe {n}.",
                    "Write a few sentences about {n}.",
                )
            )
            turns += [ask.format(n=subject.name), _told(rng, subject, attributes)]
        else:
            attribute = rng.choice(subject.kind.attributes)
            turns += [subject.asked(attribute, rng), _answer(rng, subject, attribute)]
    return _with_system(rng, _turns(*turns))


def unknown(rng: Random, world: list[Subject]) -> Conversation:
    """An invented subject nobody has heard of: the answer admits it."""
    subject = _subject(rng)
    attribute = rng.choice(subject.kind.attributes)
    answer = rng.choice(
        (
            "I do not know anything about {n}.",
            "I have no information about {n}.",
            "I am sorry, I do not know {n}.",
            "I cannot answer that, because I have not heard of {n}.",
            "I do not know {t}: {n} was not mentioned before.",
        )
    ).format(n=subject.name, t=attribute.topic)
    return [
        Message(role="system", content="Answer only if the fact was given in this conversation."),
        *_turns(subject.asked(attribute, rng), answer),
    ]


def extraction(rng: Random, world: list[Subject]) -> Conversation:
    """Fields of a passage as JSON; what is missing is null."""
    subject = _subject(rng)
    told = _some(rng, subject, 2, 5)
    wanted = _some(rng, subject, 1, 4) if rng.random() < 0.4 else rng.sample(told, rng.randint(1, len(told)))
    fields = ["name", *(attribute.key for attribute in wanted)]
    values = {"name": subject.name} | {
        attribute.key: subject.values[attribute.key] if attribute in told else None for attribute in wanted
    }
    ask = rng.choice(
        (
            "Extract {f} as JSON.\n\n{p}",
            "{p}\n\nReturn a JSON object with the fields {f}.",
            "Read this and give me JSON with {f}: {p}",
            "Fill in the fields {f} from the text below. Answer with JSON only.\n{p}",
            "Text: {p}\nFields: {f}\nJSON:",
            "Turn the following note into a JSON object ({f}). Use null for what is missing.\n\n{p}",
        )
    ).format(f=", ".join(fields), p=_told(rng, subject, told))
    return _with_system(rng, _turns(ask, json.dumps(values, ensure_ascii=False)), 0.2)


_TICKETS = {
    "billing": (
        "I was charged twice for {x}.",
        "My invoice for {x} is wrong.",
        "Why did the price of {x} go up on my bill?",
        "The payment for {x} was refused.",
        "Please send me a receipt for {x}.",
    ),
    "delivery": (
        "My order of {x} has not arrived.",
        "Where is the parcel with {x}?",
        "The courier left {x} at the wrong house.",
        "When will {x} be delivered?",
        "Can you ship {x} to another address?",
    ),
    "technical problem": (
        "{x} does not start any more.",
        "{x} shows an error every time I open it.",
        "Since the update {x} is very slow.",
        "The screen of {x} stays black.",
        "{x} keeps losing the connection.",
    ),
    "returns": (
        "I want to send {x} back.",
        "How do I return {x}?",
        "{x} does not fit, can I exchange it?",
        "I changed my mind about {x} and want my money back.",
        "What is the address for returning {x}?",
    ),
    "account": (
        "I forgot the password for {x}.",
        "Please change my email address for {x}.",
        "I cannot log in to {x}.",
        "How do I delete my account at {x}?",
        "Someone else is using my account for {x}.",
    ),
    "praise": (
        "I love {x}, thank you!",
        "{x} is the best thing I have bought in years.",
        "Your team was so kind when I asked about {x}.",
        "Great work on {x}!",
        "Everyone in my family enjoys {x}.",
    ),
}
_FEELINGS = {
    "positive": (
        "What a wonderful day at {x}.",
        "{x} was better than I hoped.",
        "I would recommend {x} to anyone.",
        "The food at {x} was delicious.",
        "{x} made me very happy.",
        "Excellent, friendly and quick: {x}.",
    ),
    "negative": (
        "{x} was a waste of money.",
        "I will never go to {x} again.",
        "{x} broke after two days.",
        "The staff of {x} were rude.",
        "I am disappointed with {x}.",
        "Slow, noisy and far too dear: {x}.",
    ),
    "neutral": (
        "{x} is open on weekdays.",
        "I bought {x} last month.",
        "{x} has two floors.",
        "There is a table at {x}.",
        "I read about {x} in the newspaper.",
        "{x} was moved to another street.",
    ),
}
_TOPICS = {
    "sports": (
        "The team from {x} won the match in the last minute.",
        "A runner from {x} broke the record.",
        "The coach of {x} chose a new goalkeeper.",
    ),
    "weather": (
        "Heavy rain is expected in {x} tonight.",
        "It will be sunny and warm in {x}.",
        "Snow closed the road to {x}.",
    ),
    "business": (
        "{x} bought a smaller rival this week.",
        "The shares of {x} fell by a tenth.",
        "{x} will open three new factories.",
    ),
    "health": (
        "Doctors in {x} are testing a new medicine.",
        "The hospital of {x} needs more nurses.",
        "A walk a day keeps the heart well, say researchers in {x}.",
    ),
    "science": (
        "Astronomers in {x} found a new comet.",
        "A laboratory in {x} built a smaller battery.",
        "Scientists from {x} described an unknown beetle.",
    ),
    "food": (
        "A cook in {x} baked the longest loaf.",
        "The soup of {x} needs onions, salt and time.",
        "The apples of {x} are sweet this year.",
    ),
}
_LABEL_STYLES = (str, str.upper, str.capitalize, lambda label: label.replace(" ", "_"))


def classification(rng: Random, world: list[Subject]) -> Conversation:
    """One label out of those that the prompt lists; sometimes with examples, sometimes with arbitrary labels."""
    classes = rng.choice((_TICKETS, _TICKETS, _FEELINGS, _TOPICS))
    chosen = rng.sample(sorted(classes), rng.randint(2, len(classes)))
    style = rng.choice(_LABEL_STYLES)
    if rng.random() < 0.2:
        shown = dict(
            zip(
                chosen,
                rng.sample([f"{letter}{digit}" for letter in "ABCQ" for digit in range(1, 9)], len(chosen)),
                strict=True,
            )
        )
        legend = "; ".join(f"{shown[label]} means {label}" for label in chosen)
    else:
        shown = {label: style(label) for label in chosen}
        legend = ", ".join(shown.values())

    def sentence(label: str) -> str:
        return _capitalised(rng.choice(classes[label]).format(x=_mentioned(rng)))

    right = rng.choice(chosen)
    instruction = rng.choice(
        (
            "Classify the text. Labels: {l}.",
            "Which label fits? Choose one of: {l}.",
            "Assign one of these categories: {l}.",
            "You route messages. The possible routes are: {l}. Answer with the route only.",
            "Categories: {l}\nGive the category of the message.",
        )
    ).format(l=legend)
    examples = ""
    if rng.random() < 0.3:
        examples = "".join(
            f"\nText: {sentence(label)}\nLabel: {shown[label]}" for label in rng.sample(chosen, len(chosen))
        )
    text = sentence(right)
    if rng.random() < 0.4:
        return [Message(role="system", content=instruction + examples), *_turns(text, shown[right])]
    return _turns(
        f"{instruction}{examples}\n\nText: {text}\nLabel:" if rng.random() < 0.6 else f"{instruction}\n{text}",
        shown[right],
    )


def _mentioned(rng: Random) -> str:
    return rng.choice(
        (names.thing, names.place, lambda r: f"the {names.thing(r)}", lambda r: f"{names.surname(r)}'s shop")
    )(rng)


_WORDS = "apple river seven window paper green mountain key bottle music tiger lamp silver bread cloud garden train button winter orange stone letter boat candle mirror pepper castle forest basket hammer violin island pencil rocket spoon carpet ladder needle pocket shadow sugar thunder valley wagon yellow zebra".split()


def recall(rng: Random, world: list[Subject]) -> Conversation:
    """Copying and looking up inside the prompt: what forms the copying circuit."""
    maker = rng.choice(
        (
            lambda: rng.choice(_WORDS),
            lambda: names.thing(rng),
            lambda: names.code(rng),
            lambda: str(rng.randrange(10, 10_000)),
            lambda: names.person(rng),
        )
    )
    items = [maker() for _ in range(rng.randint(2, 9))]
    kind = rng.randrange(7)
    if kind == 0:
        return _turns(
            rng.choice(
                ("Repeat: {}", "Say exactly this: {}", "Copy the following line.\n{}", "Write this again: {}")
            ).format(" ".join(items)),
            " ".join(items),
        )
    if kind == 1:
        keys = rng.sample(_WORDS, len(items))
        index = rng.randrange(len(items))
        table = rng.choice(("\n", "; ", ", ")).join(
            f"{key}{rng.choice((': ', ' = '))}{item}" for key, item in zip(keys, items, strict=True)
        )
        ask = rng.choice(
            ("{t}\n\nWhat is the value of {k}?", "Look up {k}.\n{t}", "Given {t}, what belongs to {k}?")
        ).format(t=table, k=keys[index])
        return _turns(ask, items[index])
    if kind == 2:
        ordinals = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
        index = rng.randrange(len(items))
        return _turns(f"{', '.join(items)}\n\nWhat is the {ordinals[index]} item of this list?", items[index])
    if kind == 3:
        count = rng.randint(2, 5)
        return _turns(f'Write "{items[0]}" {count} times.', " ".join([items[0]] * count))
    if kind == 4:
        return _turns(
            rng.choice(("Write as a list with dashes: {}", "Make bullet points: {}")).format(", ".join(items)),
            "\n".join(f"- {item}" for item in items),
        )
    if kind == 5:
        return _turns(
            rng.choice(("Number these items: {}", "Make a numbered list: {}")).format(", ".join(items)),
            "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1)),
        )
    return _turns(
        rng.choice(("What is the last item? {}", "Which item comes last in {}?")).format(", ".join(items)), items[-1]
    )


def tool_call(rng: Random, world: list[Subject]) -> Conversation:
    """A system message lists tools; the assistant calls one in JSON, reads its result and answers."""
    subject = _subject(rng)
    attribute = rng.choice(subject.kind.attributes)
    noun = subject.kind.noun.replace(" ", "_")
    tools = [
        f"get_{noun}(name, field)",
        "get_weather(city)",
        "send_email(to, text)",
        "search(query)",
        "convert(amount, currency)",
    ]
    offered = [tools[0], *rng.sample(tools[1:], rng.randint(1, 3))]
    rng.shuffle(offered)
    system = Message(
        role="system",
        content=f'Tools: {", ".join(offered)}. To use one, answer with JSON: {{"tool": ..., "arguments": ...}}',
    )
    if rng.random() < 0.35 and "get_weather(city)" in offered:
        town, weather = names.place(rng), rng.choice(("sunny", "cloudy", "rainy", "snowy", "windy"))
        degrees = rng.randrange(-9, 36)
        call = {"tool": "get_weather", "arguments": {"city": town}}
        ask = rng.choice(
            (
                "What is the weather in {}?",
                "Is it cold in {}?",
                "Do I need a coat in {} today?",
                "How warm is it in {} now?",
            )
        ).format(town)
        result, answer = {"weather": weather, "degrees": degrees}, f"It is {weather} in {town}, at {degrees} degrees."
    else:
        call = {"tool": f"get_{noun}", "arguments": {"name": subject.name, "field": attribute.key}}
        ask = subject.asked(attribute, rng)
        result, answer = {attribute.key: subject.values[attribute.key]}, subject.stated(attribute, rng)
    return [
        system,
        Message(role="user", content=ask),
        Message(role="assistant", content=json.dumps(call, ensure_ascii=False)),
        Message(role="tool", content=json.dumps(result, ensure_ascii=False)),
        Message(role="assistant", content=answer),
    ]


def summary(rng: Random, world: list[Subject]) -> Conversation:
    """The one sentence that a note is about, out of several."""
    subject = _subject(rng)
    attributes = _some(rng, subject, 3, 6)
    passage = _told(rng, subject, attributes)
    ask = rng.choice(
        (
            "Summarise in one sentence: {p}",
            "{p}\n\nGive the main point in one sentence.",
            "Shorten this text.\n{p}",
            "TL;DR of the following:\n{p}",
        )
    )
    first, second = attributes[:2]
    answer = f"{subject.name}: {first.topic} is {subject.values[first.key]} and {second.topic} is {subject.values[second.key]}."
    return _with_system(rng, _turns(ask.format(p=passage), answer), 0.2)


_POLITE = (
    ("Send me {x}.", "Could you please send me {x}?"),
    ("Call {x} now.", "Would you be so kind as to call {x} now?"),
    ("I want {x}.", "I would like to have {x}, please."),
    ("You forgot {x}.", "It seems that {x} was overlooked."),
    ("That is wrong, it is {x}.", "I believe that it should be {x}."),
    ("Wait for {x}.", "May I ask you to wait for {x}?"),
    ("Give {x} back.", "I would be grateful if you could return {x}."),
    ("Tell me about {x}.", "Would you mind telling me about {x}?"),
)


def rewriting(rng: Random, world: list[Subject]) -> Conversation:
    """The same content in another manner: polite, capitals, question first, as bullets."""
    subject = _subject(rng)
    kind = rng.randrange(5)
    if kind == 0:
        plain, polite = rng.choice(_POLITE)
        what = _mentioned(rng)
        return _turns(
            rng.choice(("Make this polite: {}", "Rewrite in a formal style: {}", "Say it more kindly: {}")).format(
                plain.format(x=what)
            ),
            polite.format(x=what),
        )
    if kind == 1:
        plain, polite = rng.choice(_POLITE)
        what = _mentioned(rng)
        return _turns(
            rng.choice(("Make this short and direct: {}", "Rewrite informally: {}")).format(polite.format(x=what)),
            plain.format(x=what),
        )
    attributes = _some(rng, subject, 2, 4)
    sentences = [subject.stated(attribute, rng) for attribute in attributes]
    if kind == 2:
        return _turns(
            rng.choice(("Write in capital letters: {}", "Change to upper case: {}")).format(sentences[0]),
            sentences[0].upper(),
        )
    if kind == 3:
        return _turns(
            rng.choice(("Write as bullet points: {}", "Make a list of the sentences: {}")).format(" ".join(sentences)),
            "\n".join(f"- {sentence}" for sentence in sentences),
        )
    facts = "\n".join(f"{attribute.key}: {subject.values[attribute.key]}" for attribute in attributes)
    return _turns(
        rng.choice(
            (
                "Write full sentences about {n} from these notes.\n{f}",
                "Notes on {n}:\n{f}\n\nTurn the notes into a text.",
            )
        ).format(n=subject.name, f=facts),
        _told(rng, subject, attributes),
    )


_OPENINGS = (
    ("Hello!", "Hello! How can I help you?"),
    ("Good morning.", "Good morning! What can I do for you?"),
    ("Hi there", "Hi! What would you like to know?"),
    ("Hey, are you there?", "Yes, I am here. How can I help?"),
    ("Good evening", "Good evening! How may I help you today?"),
    ("Hi, I have a question.", "Of course, please ask."),
)
_CLOSINGS = (
    ("Thank you!", "You are welcome."),
    ("Thanks, that helps.", "I am glad to hear that."),
    ("Great, goodbye.", "Goodbye, and have a nice day!"),
    ("That is all.", "Then I wish you a good day."),
    ("Perfect, thanks a lot.", "With pleasure!"),
    ("Ok bye", "Goodbye!"),
)


def dialogue(rng: Random, world: list[Subject]) -> Conversation:
    """A short talk: greeting, a name to remember, a question about what was said, thanks."""
    turns: list[str] = [*rng.choice(_OPENINGS)] if rng.random() < 0.7 else []
    subject = _subject(rng)
    attributes = _some(rng, subject, 2, 3)
    if rng.random() < 0.6:
        name = names.given(rng)
        turns += [
            rng.choice(("My name is {}.", "I am {}.", "Call me {}.")).format(name),
            rng.choice(("Nice to meet you, {}.", "Hello {}!", "Thank you, {}. How can I help?")).format(name),
        ]
    else:
        name = ""
    turns += [
        rng.choice(("I want to tell you something: {}", "Please remember this: {}", "Listen: {}")).format(
            _told(rng, subject, attributes)
        ),
        rng.choice(("I will remember that.", "Understood.", "Thank you for telling me.", "Noted.")),
    ]
    for attribute in rng.sample(attributes, rng.randint(1, 2)):
        turns += [subject.asked(attribute, rng), _answer(rng, subject, attribute)]
    if name and rng.random() < 0.6:
        turns += [
            rng.choice(("What is my name?", "Do you remember my name?", "Who am I?")),
            rng.choice(("Your name is {}.", "You are {}.")).format(name),
        ]
    if rng.random() < 0.6:
        turns += rng.choice(_CLOSINGS)
    return _with_system(rng, _turns(*turns), 0.3)


FAMILIES = {
    reading: 22,
    remembered: 12,
    unknown: 3,
    extraction: 12,
    classification: 12,
    recall: 14,
    tool_call: 6,
    summary: 4,
    rewriting: 7,
    dialogue: 8,
}
"""How often each family is drawn, relative to the others."""
