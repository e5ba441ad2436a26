# ruff: noqa: E501 - wordings are data: one line each, each kept whole
"""The same content in another manner: answers in a required form, personas, summaries, styles, talk, translation."""

import json
from random import Random

from nano.corpus import names
from nano.corpus.attributes import Language
from nano.corpus.chat import Conversation, turns, with_system
from nano.corpus.documents import Message
from nano.corpus.random_material import ENGLISH_WORDS, JAPANESE_WORDS, items, letters
from nano.corpus.reading import READ_FIRST, SYSTEMS, answer, invented, some, told

_FORMS: dict[Language, tuple[tuple[str, str], ...]] = {
    "english": (
        ("Answer with the value only.", "{v}"), ("Answer as briefly as possible.", "{v}"), ("One short answer, no sentence.", "{v}"), ("Answer in a full sentence.", "The {t} of {n} is {v}."), ("Reply in one complete sentence.", "The {t} of {n} is {v}."),
        ('Answer with JSON: {{"answer": ...}}', '{{"answer": {j}}}'), ('Reply as JSON with the key "value".', '{{"value": {j}}}'), ("Put the answer in square brackets.", "[{v}]"), ("Put the answer in quotation marks.", '"{v}"'), ("Write the answer in capital letters.", "{u}"),
        ('Begin with "Answer:".', "Answer: {v}"), ("End every answer with {w}.", "{v} {w}"), ("Begin every answer with {w}.", "{w} {v}"), ("Put <answer> tags around the answer.", "<answer>{v}</answer>"), ("Write the name, a colon and the value.", "{n}: {v}"), ("Say the answer twice.", "{v} {v}"), ("Make the answer bold.", "**{v}**"), ("Call the user {f}.", "{f}, it is {v}."),
    ),
    "japanese": (
        ("値だけを答えてください。", "{v}"), ("できるだけ短く答えてください。", "{v}"), ("文で答えてください。", "{n}の{t}は{v}です。"), ('JSONで{{"答え": ...}}と答えてください。', '{{"答え": {j}}}'), ("答えをかぎ括弧に入れてください。", "「{v}」"),
        ("「答え：」で始めてください。", "答え：{v}"), ("最後に「{w}」と付けてください。", "{v}{w}"), ("最初に「{w}」と書いてください。", "{w}{v}"), ("普通体で答えてください。", "{n}の{t}は{v}だ。"), ("名前と値をコロンでつないでください。", "{n}：{v}"), ("太字にしてください。", "**{v}**"),
    ),
}  # fmt: skip


def obeying(rng: Random, language: Language) -> Conversation:
    """A question about a passage whose answer must have a required form, over one to three turns."""
    subject = invented(rng, language)
    attributes = some(rng, subject, 2, 5)
    rule, form = rng.choice(_FORMS[language])
    word, person = rng.choice((items(rng, language, 1)[0], letters(rng).upper())), names.given(rng)
    rule = rule.format(w=word, f=person)
    contents: list[str] = []
    for turn in range(rng.choice((1, 2, 3))):
        attribute = rng.choice(attributes)
        value, question = subject.values[attribute.key], subject.asked(attribute, rng)
        reply = form.format(
            v=value,
            u=value.upper(),
            n=subject.name,
            t=attribute.noun(rng),
            w=word,
            f=person,
            j=json.dumps(value, ensure_ascii=False),
        )
        contents += [
            rng.choice(READ_FIRST[language]).format(p=told(rng, subject, attributes), q=question)
            if turn == 0
            else question,
            reply,
        ]
    if rng.random() < 0.6:
        return [Message(role="system", content=rule), *turns(*contents)]
    contents[0] = f"{contents[0]}\n{rule}" if rng.random() < 0.5 else f"{rule}\n\n{contents[0]}"
    return turns(*contents)


_PERSONA: dict[Language, tuple[tuple[str, str, str], ...]] = {
    "english": (("You are {p}, {j} from {t}.", "What is your name?|Who are you?|How are you called?|With whom am I talking?", "My name is {p}.|I am {p}.|{p}."), ("Your name is {p}. You live in {t} and work as {j}.", "Where do you live?|Where is your home?|In which town are you at home?", "I live in {t}.|My home is {t}.|{t}."), ("Play the part of {p}, {j} in {t}.", "What is your job?|What do you do for a living?|What kind of work do you do?", "I am {j}.|I work as {j}.")),
    "japanese": (("あなたは{t}に住む{j}の{p}です。", "お名前は何ですか。|あなたは誰ですか。", "{p}です。|私は{p}です。|{p}と申します。"), ("あなたの名前は{p}で、{t}の{j}です。", "どこに住んでいますか。|お住まいはどちらですか。", "{t}に住んでいます。|{t}です。"), ("{p}という{t}の{j}になって話してください。", "お仕事は何ですか。|何をしていますか。", "{j}です。|{j}をしています。")),
}  # fmt: skip
_JOBS: dict[Language, tuple[str, ...]] = {
    "english": (
        "a baker",
        "a guide",
        "a librarian",
        "a gardener",
        "a sailor",
        "a clerk",
        "a nurse",
        "a shop assistant",
        "a mechanic",
    ),
    "japanese": ("パン職人", "案内係", "司書", "庭師", "船員", "店員", "看護師", "技術者"),
}


def persona(rng: Random, language: Language) -> Conversation:
    """A role given in the system message and kept."""
    person = names.person(rng) if language == "english" else names.ja_person(rng)
    town = names.place(rng) if language == "english" else names.ja_place(rng)
    job = rng.choice(_JOBS[language])
    system = rng.choice(_PERSONA[language])[0].format(p=person, t=town, j=job)
    asked = rng.sample(_PERSONA[language], rng.randint(1, 3))
    contents = [
        text
        for _, asks, replies in asked
        for text in (rng.choice(asks.split("|")), rng.choice(replies.split("|")).format(p=person, t=town, j=job))
    ]
    return [Message(role="system", content=system), *turns(*contents)]


_SUMMARISE: dict[Language, tuple[str, ...]] = {
    "english": ("Summarise in one sentence: {p}", "{p}\n\nGive the main points in one sentence.", "Shorten this text.\n{p}", "TL;DR of the following:\n{p}", "In short?\n\n{p}"),
    "japanese": ("一文でまとめてください：{p}", "{p}\n\n短くしてください。", "次の文章を要約してください。\n{p}"),
}  # fmt: skip
_PROSE_OF_NOTES: dict[Language, tuple[str, ...]] = {
    "english": (
        "Write full sentences about {n} from these notes.\n{f}",
        "Notes on {n}:\n{f}\n\nTurn the notes into a text.",
        "{n}\n{f}\n\nMake a paragraph of this.",
        "Explain these data on {n} in words: {f}",
    ),
    "japanese": ("次のメモから{n}を紹介する文章を書いてください。\n{f}", "{n}\n{f}\n\n文章にしてください。"),
}
_NOTES_OF_PROSE: dict[Language, tuple[str, ...]] = {
    "english": (
        "Make notes of this text, one line each.\n{p}",
        "{p}\n\nAs bullet points, please.",
        "List the facts: {p}",
    ),
    "japanese": ("次の文章を箇条書きにしてください。\n{p}", "{p}\n\n要点を並べてください。"),
}
_STYLES: dict[Language, tuple[tuple[str, str], ...]] = {
    "english": (("Send me {x}.", "Could you please send me {x}?"), ("Call {x} now.", "Would you be so kind as to call {x} now?"), ("I want {x}.", "I would like to have {x}, please."), ("You forgot {x}.", "It seems that {x} was overlooked."), ("That is wrong, it is {x}.", "I believe that it should be {x}."), ("Wait for {x}.", "May I ask you to wait for {x}?"), ("Give {x} back.", "I would be grateful if you could return {x}."), ("Tell me about {x}.", "Would you mind telling me about {x}?"), ("Where is {x}?", "Could you kindly tell me where {x} is?"), ("{x} is late.", "I am afraid that {x} is somewhat late."), ("I hate {x}.", "I must say that I do not care for {x}."), ("Fix {x} today.", "It would be a great help if {x} could be repaired today.")),
    "japanese": (("{x}を送れ。", "{x}を送っていただけますか。"), ("{x}がほしい。", "{x}をいただきたいのですが。"), ("{x}はどこだ。", "{x}はどちらでしょうか。"), ("{x}を見せて。", "{x}を見せていただけないでしょうか。"), ("{x}を待て。", "{x}をお待ちください。"), ("{x}は知らない。", "{x}は存じません。"), ("{x}を直せ。", "{x}を直していただけると助かります。"), ("{x}が遅い。", "{x}が少し遅れているようです。")),
}  # fmt: skip
_TO_POLITE: dict[Language, tuple[str, ...]] = {
    "english": (
        "Make this polite: {}",
        "Rewrite in a formal style: {}",
        "Say it more kindly: {}",
        "{}\n\nPlease make it friendlier.",
    ),
    "japanese": ("丁寧に言い換えてください：{}", "敬語にしてください：{}"),
}
_TO_PLAIN: dict[Language, tuple[str, ...]] = {
    "english": ("Make this short and direct: {}", "Rewrite informally: {}", "Say it bluntly: {}"),
    "japanese": ("短く言い換えてください：{}", "普通体にしてください：{}"),
}
_COUNT: dict[Language, tuple[str, ...]] = {
    "english": ("How many items are there? {}", "Count these: {}", "{}\n\nHow many are in this list?"),
    "japanese": ("いくつありますか：{}", "数えてください：{}"),
}
_UPPER = ("Write in capital letters: {}", "Change to upper case: {}")


def rewriting(rng: Random, language: Language) -> Conversation:
    """Summaries, notes to prose and back, polite and blunt, capitals, counts."""
    subject, task = invented(rng, language), rng.randrange(7)
    attributes = some(rng, subject, 2, 5)
    if task == 0:
        first, second = attributes[:2]
        end = (
            "The {a} of {n} is {v} and the {b} is {w}." if language == "english" else "{n}の{a}は{v}で、{b}は{w}です。"
        )
        reply = end.format(
            n=subject.name,
            a=first.noun(rng),
            v=subject.values[first.key],
            b=second.noun(rng),
            w=subject.values[second.key],
        )
        return with_system(
            rng,
            turns(rng.choice(_SUMMARISE[language]).format(p=told(rng, subject, attributes)), reply),
            SYSTEMS[language],
            0.2,
        )
    lines = "\n".join(f"- {attribute.noun(rng)}: {subject.values[attribute.key]}" for attribute in attributes)
    if task == 1:
        text = (" " if language == "english" else "").join(subject.stated(attribute, rng) for attribute in attributes)
        return turns(rng.choice(_PROSE_OF_NOTES[language]).format(n=subject.name, f=lines), text)
    if task == 2:
        return turns(rng.choice(_NOTES_OF_PROSE[language]).format(p=told(rng, subject, attributes)), lines)
    if task == 3 and language == "english":
        text = subject.stated(attributes[0], rng)
        return turns(rng.choice(_UPPER).format(text), text.upper())
    if task == 4:
        listed = items(rng, language, rng.randint(1, 7))
        return turns(
            rng.choice(_COUNT[language]).format((", " if language == "english" else "、").join(listed)),
            str(len(listed)),
        )
    plain, polite = rng.choice(_STYLES[language])
    what = rng.choice((subject.name, items(rng, language, 1)[0]))
    plain, polite = plain.format(x=what), polite.format(x=what)
    if rng.random() < 0.6:
        return turns(rng.choice(_TO_POLITE[language]).format(plain), polite)
    return turns(rng.choice(_TO_PLAIN[language]).format(polite), plain)


_OPENINGS: dict[Language, tuple[tuple[str, str], ...]] = {
    "english": (("Hello!", "Hello! How can I help you?"), ("Good morning.", "Good morning! What can I do for you?"), ("Hi there", "Hi! What would you like to know?"), ("Hey, are you there?", "Yes, I am here. How can I help?"), ("Good evening", "Good evening! How may I help you today?"), ("Hi, I have a question.", "Of course, please ask.")),
    "japanese": (("こんにちは。", "こんにちは。ご用件をどうぞ。"), ("おはようございます。", "おはようございます。何をお手伝いしましょうか。"), ("すみません、質問があります。", "はい、何でしょうか。"), ("こんばんは。", "こんばんは。どうしましたか。"), ("もしもし。", "はい、お待たせしました。")),
}  # fmt: skip
_CLOSINGS: dict[Language, tuple[tuple[str, str], ...]] = {
    "english": (("Thank you!", "You are welcome."), ("Thanks, that helps.", "I am glad to hear that."), ("Great, goodbye.", "Goodbye, and have a nice day!"), ("That is all.", "Then I wish you a good day."), ("Perfect, thanks a lot.", "With pleasure!"), ("Ok bye", "Goodbye!")),
    "japanese": (("ありがとうございます。", "どういたしまして。"), ("助かりました。", "お役に立ててうれしいです。"), ("さようなら。", "さようなら。よい一日を。"), ("わかりました。", "また何でも聞いてください。")),
}  # fmt: skip
_INTRODUCE: dict[Language, tuple[str, ...]] = {
    "english": ("My name is {}.", "I am {}.", "Call me {}.", "This is {} speaking."),
    "japanese": ("私は{}です。", "{}と申します。", "私の名前は{}です。"),
}
_GREET: dict[Language, tuple[str, ...]] = {
    "english": ("Nice to meet you, {}.", "Hello {}!", "Thank you, {}. How can I help?"),
    "japanese": ("{}さん、はじめまして。", "{}さん、こんにちは。"),
}
_LISTEN: dict[Language, tuple[str, ...]] = {
    "english": ("I want to tell you something: {}", "Please remember this: {}", "Listen: {}", "Keep in mind: {}"),
    "japanese": ("覚えてください。{}", "お知らせです。{}", "聞いてください。{}"),
}
_NOTED: dict[Language, tuple[str, ...]] = {
    "english": ("I will remember that.", "Understood.", "Thank you for telling me.", "Noted."),
    "japanese": ("わかりました。", "覚えました。", "承知しました。"),
}
_CORRECT: dict[Language, tuple[str, ...]] = {
    "english": ("Correction: the {t} of {n} is now {v}.", "Sorry, the {t} of {n} has changed. It is {v}."),
    "japanese": ("訂正です。{n}の{t}は{v}です。", "すみません、{n}の{t}は{v}に変わりました。"),
}
_WHO: dict[Language, tuple[str, ...]] = {
    "english": ("What is my name?", "Do you remember my name?", "Who am I?"),
    "japanese": ("私の名前は何ですか。", "私の名前を覚えていますか。"),
}
_YOU_ARE: dict[Language, tuple[str, ...]] = {
    "english": ("Your name is {}.", "You are {}."),
    "japanese": ("{}さんです。", "お名前は{}さんです。"),
}


def dialogue(rng: Random, language: Language) -> Conversation:
    """A short talk: greeting, a name to remember, something told, perhaps corrected, asked for, thanks."""
    contents: list[str] = [*rng.choice(_OPENINGS[language])] if rng.random() < 0.6 else []
    name = (names.person(rng) if language == "english" else names.ja_family(rng)) if rng.random() < 0.6 else ""
    if name:
        contents += [rng.choice(_INTRODUCE[language]).format(name), rng.choice(_GREET[language]).format(name)]
    subject = invented(rng, language)
    attributes = some(rng, subject, 2, 4)
    contents += [rng.choice(_LISTEN[language]).format(told(rng, subject, attributes)), rng.choice(_NOTED[language])]
    if rng.random() < 0.25:
        changed = rng.choice(attributes)
        subject.values[changed.key] = changed.value(rng)
        contents += [
            rng.choice(_CORRECT[language]).format(t=changed.noun(rng), n=subject.name, v=subject.values[changed.key]),
            rng.choice(_NOTED[language]),
        ]
    for attribute in rng.sample(attributes, rng.randint(1, 2)):
        contents += [subject.asked(attribute, rng), answer(rng, subject, attribute)]
    if name and rng.random() < 0.6:
        contents += [rng.choice(_WHO[language]), rng.choice(_YOU_ARE[language]).format(name)]
    if rng.random() < 0.5:
        contents += rng.choice(_CLOSINGS[language])
    return with_system(rng, turns(*contents), SYSTEMS[language], 0.25)


_GLOSSARY = tuple(
    tuple(pair.split("="))
    for pair in "りんご=apple 川=river 窓=window 紙=paper 山=mountain 鍵=key 音楽=song パン=loaf 雲=cloud 庭=garden 電車=train 石=stone 手紙=letter 船=boat 鏡=mirror 森=forest 島=island 鉛筆=pencil 谷=valley 馬=horse 本=book 机=desk 帽子=hat 時計=clock 海=sea 木=tree 花=flower 犬=dog 猫=cat 魚=fish 鳥=bird 家=house 道=road 学校=school 駅=station 店=shop 会社=company 先生=teacher 友達=friend 質問=question 橋=bridge 箱=box 傘=umbrella 靴=shoe 皿=plate 村=village 新聞=newspaper 写真=photograph 切符=ticket 財布=wallet 部屋=room 戸=door 月=moon 星=star 牛=cow 地図=map 電話=telephone 眼鏡=pair_of_glasses 図書館=library 病院=hospital 市場=market 工場=factory".split()  # noqa: SIM905
)
_SENTENCES = (
    ("これは{j}です。", "This is a {e}."), ("{j}はどこですか。", "Where is the {e}?"), ("{j}が好きです。", "I like the {e}."), ("{j}を見ました。", "I saw the {e}."), ("新しい{j}がほしいです。", "I want a new {e}."), ("{j}はありません。", "There is no {e}."), ("あの{j}は大きいです。", "That {e} is big."), ("{p}は{j}を探しています。", "{q} is looking for the {e}."),
    ("{p}は{y}年に{j}を見つけました。", "{q} found the {e} in {y}."), ("その{j}は{c}です。", "The {e} is {c}."), ("{q}さんは{j}の前で待っています。", "{q} is waiting in front of the {e}."), ("{y}番の{j}を見せてください。", "Please show me the {e} number {y}."), ("{j}は{y}円です。", "The {e} costs {y} yen."), ("きのう{j}を忘れました。", "I forgot the {e} yesterday."),
)  # fmt: skip
_INTO_ENGLISH = (
    "英語にしてください：{}",
    "次を英語に訳してください。\n{}",
    "Translate into English: {}",
    "「{}」は英語で何と言いますか。",
    "What does this mean in English? {}",
)
_INTO_JAPANESE = (
    "日本語にしてください：{}",
    "Translate into Japanese: {}",
    'How do you say "{}" in Japanese?',
    "次を日本語に訳してください。\n{}",
)


def translation(rng: Random) -> Conversation:
    """Words and sentences between Japanese and English; names, years and codes are kept."""
    japanese, english = rng.choice(_GLOSSARY)
    english = english.replace("_", " ")
    if rng.random() < 0.75:
        person, year, code = names.given(rng), rng.randrange(100, 3000), names.code(rng)
        source, target = rng.choice(_SENTENCES)
        filled = [form.format(j=japanese, e=english, p=person, q=person, y=year, c=code) for form in (source, target)]
        japanese, english = filled
    if rng.random() < 0.5:
        return turns(rng.choice(_INTO_ENGLISH).format(japanese), english)
    return turns(rng.choice(_INTO_JAPANESE).format(english), japanese)


def mixed_lists(rng: Random, language: Language) -> Conversation:
    """Items sorted into the words and the numbers that they are, or found in both of two lists."""
    words = rng.sample(ENGLISH_WORDS if language == "english" else JAPANESE_WORDS, 6)
    numbers = [str(rng.randrange(10_000)) for _ in range(rng.randint(1, 4))]
    comma = ", " if language == "english" else "、"
    if rng.random() < 0.5:
        both = [*words[: rng.randint(1, 4)], *numbers]
        rng.shuffle(both)
        ask = "Write only the numbers: {}" if language == "english" else "数だけを書いてください：{}"
        return turns(ask.format(comma.join(both)), comma.join(item for item in both if item.isdigit()))
    shared = rng.choice(words[:3])
    second = [*words[3:], shared]
    rng.shuffle(second)
    ask = (
        "Which word is in both lists?\nA: {}\nB: {}"
        if language == "english"
        else "両方にある言葉は何ですか。\nA：{}\nB：{}"
    )
    return turns(ask.format(comma.join(words[:3]), comma.join(second)), shared)
