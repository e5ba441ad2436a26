# ruff: noqa: E501, SIM905 - wordings are data: one line each, word lists as they are read
"""Generated Japanese conversations: the same skills as `english`, in polite Japanese."""

import json
from random import Random

from nano.corpus import names
from nano.corpus.documents import Message
from nano.corpus.subjects import JAPANESE, Attribute, Subject, invent

Conversation = list[Message]

_SYSTEMS = (
    "あなたは親切なアシスタントです。",
    "質問に短く答えてください。",
    "あなたは正確に答えるアシスタントです。",
    "丁寧な日本語で答えてください。",
    "わからないときは、わからないと答えてください。",
    "あなたはお客様の質問に答える係です。",
)
READ_FIRST = (
    "次の文章を読んで質問に答えてください。\n\n{p}\n\n質問：{q}",
    "{p}\n\n{q}",
    "文章：{p}\n質問：{q}\n答え：",
    "以下の情報だけを使って答えてください。\n{p}\n\n{q}",
    "資料「{p}」\n{q}",
    "質問：{q}\n\n資料：\n{p}",
)
_NOT_GIVEN = (
    "文章には{t}について書かれていません。",
    "わかりません。{t}は文章にありません。",
    "{t}については述べられていません。",
    "この文章からは{t}がわかりません。",
)


def _with_system(rng: Random, messages: Conversation, share: float = 0.4) -> Conversation:
    if rng.random() < share:
        return [Message(role="system", content=rng.choice(_SYSTEMS)), *messages]
    return messages


def _turns(*contents: str) -> Conversation:
    return [Message(role=("user", "assistant")[index % 2], content=content) for index, content in enumerate(contents)]


def _subject(rng: Random) -> Subject:
    return invent(rng.choice(JAPANESE), rng)


def _some(rng: Random, subject: Subject, low: int, high: int) -> list[Attribute]:
    attributes = list(subject.kind.attributes)
    return rng.sample(attributes, min(len(attributes), rng.randint(low, high)))


def _told(rng: Random, subject: Subject, attributes: list[Attribute]) -> str:
    sentences = [subject.stated(attribute, rng) for attribute in attributes]
    if subject.name not in sentences[0]:
        sentences[0] = f"{subject.name}についてお知らせします。{sentences[0]}"
    return "".join(sentences)


def _answer(rng: Random, subject: Subject, attribute: Attribute) -> str:
    return f"{subject.values[attribute.key]}です。" if rng.random() < 0.3 else subject.stated(attribute, rng)


def reading(rng: Random, world: list[Subject]) -> Conversation:
    subject = _subject(rng)
    told = _some(rng, subject, 2, 4)
    passage = _told(rng, subject, told)
    if rng.random() < 0.3:
        other = _subject(rng)
        pieces = [passage, _told(rng, other, _some(rng, other, 1, 3))]
        rng.shuffle(pieces)
        passage = "".join(pieces)
    turns: list[str] = []
    for turn in range(rng.choice((1, 1, 2))):
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
    turns: list[str] = []
    for _ in range(rng.choice((1, 2, 3))):
        subject = rng.choice(world)
        if rng.random() < 0.15:
            attributes = list(subject.kind.attributes)
            rng.shuffle(attributes)
            turns += [
                rng.choice(("{n}について教えてください。", "{n}とは何ですか。", "{n}を紹介してください。")).format(
                    n=subject.name
                ),
                _told(rng, subject, attributes),
            ]
        else:
            attribute = rng.choice(subject.kind.attributes)
            turns += [subject.asked(attribute, rng), _answer(rng, subject, attribute)]
    return _with_system(rng, _turns(*turns))


def extraction(rng: Random, world: list[Subject]) -> Conversation:
    subject = _subject(rng)
    told = _some(rng, subject, 2, 4)
    wanted = _some(rng, subject, 1, 3)
    fields = ["名前", *(attribute.key for attribute in wanted)]
    values = {"名前": subject.name} | {
        attribute.key: subject.values[attribute.key] if attribute in told else None for attribute in wanted
    }
    ask = rng.choice(
        (
            "次の文章から{f}をJSONで取り出してください。\n\n{p}",
            "{p}\n\n{f}をJSONで答えてください。",
            "文章：{p}\n項目：{f}\nJSON：",
            "JSONだけで答えてください。項目は{f}です。\n{p}",
        )
    ).format(f="、".join(fields), p=_told(rng, subject, told))
    return _turns(ask, json.dumps(values, ensure_ascii=False))


_CLASSES = (
    {
        "請求": ("{x}の請求書が間違っています。", "{x}の料金が二回引かれました。", "{x}の領収書を送ってください。"),
        "配送": ("{x}がまだ届きません。", "{x}はいつ届きますか。", "{x}の届け先を変えたいです。"),
        "故障": ("{x}が動かなくなりました。", "{x}の画面が真っ暗です。", "{x}から変な音がします。"),
        "返品": ("{x}を返品したいです。", "{x}を別の色に交換できますか。", "{x}が合わないので返金してください。"),
        "感想": ("{x}はとても気に入りました。", "{x}を買ってよかったです。", "{x}は家族にも好評です。"),
    },
    {
        "良い": (
            "{x}は最高でした。",
            "{x}にまた行きたいです。",
            "{x}をみんなに勧めます。",
            "{x}は期待より良かったです。",
        ),
        "悪い": (
            "{x}にはがっかりしました。",
            "{x}はもう使いません。",
            "{x}はすぐに壊れました。",
            "{x}は高いのに良くありません。",
        ),
        "普通": (
            "{x}を先月買いました。",
            "{x}は駅の前にあります。",
            "{x}は二階建てです。",
            "{x}のことを新聞で読みました。",
        ),
    },
    {
        "天気": ("{x}では明日、雨が降ります。", "{x}は晴れて暖かくなります。", "{x}に雪が積もりました。"),
        "スポーツ": ("{x}のチームが試合に勝ちました。", "{x}の選手が記録を作りました。", "{x}で大会が開かれます。"),
        "料理": ("{x}の料理人が新しい菓子を作りました。", "{x}の味噌汁には貝が入ります。", "{x}のりんごは甘いです。"),
        "科学": (
            "{x}の研究者が新しい星を見つけました。",
            "{x}で小さな電池が開発されました。",
            "{x}の大学が虫の研究を発表しました。",
        ),
    },
)


def classification(rng: Random, world: list[Subject]) -> Conversation:
    classes = rng.choice(_CLASSES)
    chosen = rng.sample(sorted(classes), rng.randint(2, len(classes)))
    right = rng.choice(chosen)
    what = rng.choice((names.ja_place(rng), invent(JAPANESE[3], rng).name))
    instruction = rng.choice(
        (
            "次の文を分類してください。分類：{l}",
            "次の中から一つ選んでください：{l}",
            "文の種類を答えてください（{l}）。",
            "お問い合わせを振り分けてください。行き先：{l}",
        )
    ).format(l="、".join(chosen))
    text = rng.choice(classes[right]).format(x=what)
    if rng.random() < 0.35:
        return [Message(role="system", content=instruction), *_turns(text, right)]
    return _turns(f"{instruction}\n\n{text}", right)


_WORDS = "りんご 川 七 窓 紙 緑 山 鍵 音楽 虎 電灯 銀 パン 雲 庭 電車 冬 みかん 石 手紙 船 鏡 城 森 籠 島 鉛筆 砂糖 谷 馬 本 机 帽子 時計 海 空 花火".split()


def recall(rng: Random, world: list[Subject]) -> Conversation:
    maker = rng.choice(
        (
            lambda: rng.choice(_WORDS),
            lambda: names.ja_place(rng),
            lambda: names.ja_person(rng),
            lambda: str(rng.randrange(10, 10_000)),
        )
    )
    items = [maker() for _ in range(rng.randint(2, 7))]
    kind = rng.randrange(4)
    if kind == 0:
        return _turns(
            rng.choice(
                ("繰り返してください：{}", "次の通りに書いてください。\n{}", "そのまま写してください：{}")
            ).format("、".join(items)),
            "、".join(items),
        )
    if kind == 1:
        keys = rng.sample(_WORDS, len(items))
        index = rng.randrange(len(items))
        table = "\n".join(f"{key}：{item}" for key, item in zip(keys, items, strict=True))
        return _turns(f"{table}\n\n{keys[index]}は何ですか。", items[index])
    if kind == 2:
        index = rng.randrange(len(items))
        return _turns(f"{'、'.join(items)}\n\n{index + 1}番目は何ですか。", items[index])
    return _turns(f"箇条書きにしてください：{'、'.join(items)}", "\n".join(f"・{item}" for item in items))


_MANNERS = (
    ("{x}を送れ。", "{x}を送っていただけますか。"),
    ("{x}がほしい。", "{x}をいただきたいのですが。"),
    ("{x}はどこだ。", "{x}はどちらでしょうか。"),
    ("{x}を見せて。", "{x}を見せていただけないでしょうか。"),
    ("{x}を待て。", "{x}をお待ちください。"),
    ("{x}は知らない。", "{x}は存じません。"),
)


def rewriting(rng: Random, world: list[Subject]) -> Conversation:
    if rng.random() < 0.5:
        plain, polite = rng.choice(_MANNERS)
        what = rng.choice((rng.choice(_WORDS), names.ja_place(rng), invent(JAPANESE[3], rng).name))
        return _turns(
            rng.choice(("丁寧に言い換えてください：{}", "敬語にしてください：{}")).format(plain.format(x=what)),
            polite.format(x=what),
        )
    subject = _subject(rng)
    attributes = _some(rng, subject, 2, 3)
    facts = "\n".join(f"{attribute.key}：{subject.values[attribute.key]}" for attribute in attributes)
    return _turns(
        f"次のメモから{subject.name}を紹介する文章を書いてください。\n{facts}", _told(rng, subject, attributes)
    )


_OPENINGS = (
    ("こんにちは。", "こんにちは。ご用件をどうぞ。"),
    ("おはようございます。", "おはようございます。何をお手伝いしましょうか。"),
    ("すみません、質問があります。", "はい、何でしょうか。"),
    ("こんばんは。", "こんばんは。どうしましたか。"),
)
_CLOSINGS = (
    ("ありがとうございます。", "どういたしまして。"),
    ("助かりました。", "お役に立ててうれしいです。"),
    ("さようなら。", "さようなら。よい一日を。"),
    ("わかりました。", "また何でも聞いてください。"),
)


def dialogue(rng: Random, world: list[Subject]) -> Conversation:
    turns = [*rng.choice(_OPENINGS)]
    name = names.ja_family(rng)
    if rng.random() < 0.5:
        turns += [
            rng.choice(("私は{}です。", "{}と申します。", "私の名前は{}です。")).format(name),
            f"{name}さん、はじめまして。",
        ]
    subject = _subject(rng)
    attributes = _some(rng, subject, 2, 3)
    turns += [
        rng.choice(("覚えてください。", "お知らせです。", "聞いてください。")) + _told(rng, subject, attributes),
        rng.choice(("わかりました。", "覚えました。", "承知しました。")),
    ]
    attribute = rng.choice(attributes)
    turns += [subject.asked(attribute, rng), _answer(rng, subject, attribute)]
    if f"{name}さん、はじめまして。" in turns and rng.random() < 0.6:
        turns += [rng.choice(("私の名前は何ですか。", "私の名前を覚えていますか。")), f"{name}さんです。"]
    return _with_system(rng, _turns(*turns, *rng.choice(_CLOSINGS)), 0.3)


_GLOSSARY = (
    ("りんご", "apple"),
    ("川", "river"),
    ("窓", "window"),
    ("紙", "paper"),
    ("緑", "green"),
    ("山", "mountain"),
    ("鍵", "key"),
    ("音楽", "music"),
    ("銀", "silver"),
    ("パン", "bread"),
    ("雲", "cloud"),
    ("庭", "garden"),
    ("電車", "train"),
    ("冬", "winter"),
    ("石", "stone"),
    ("手紙", "letter"),
    ("船", "boat"),
    ("鏡", "mirror"),
    ("森", "forest"),
    ("島", "island"),
    ("鉛筆", "pencil"),
    ("砂糖", "sugar"),
    ("谷", "valley"),
    ("馬", "horse"),
    ("本", "book"),
    ("机", "desk"),
    ("帽子", "hat"),
    ("時計", "clock"),
    ("海", "sea"),
    ("空", "sky"),
    ("水", "water"),
    ("火", "fire"),
    ("木", "tree"),
    ("花", "flower"),
    ("犬", "dog"),
    ("猫", "cat"),
    ("魚", "fish"),
    ("鳥", "bird"),
    ("家", "house"),
    ("道", "road"),
    ("学校", "school"),
    ("駅", "station"),
    ("店", "shop"),
    ("会社", "company"),
    ("先生", "teacher"),
    ("友達", "friend"),
    ("仕事", "work"),
    ("時間", "time"),
    ("お金", "money"),
    ("質問", "question"),
)
_TRANSLATED = (
    ("これは{j}です。", "This is a {e}."),
    ("{j}はどこですか。", "Where is the {e}?"),
    ("{j}が好きです。", "I like the {e}."),
    ("{j}を見ました。", "I saw the {e}."),
    ("新しい{j}がほしいです。", "I want a new {e}."),
    ("{j}はありません。", "There is no {e}."),
    ("{j}を買いました。", "I bought the {e}."),
    ("あの{j}は大きいです。", "That {e} is big."),
)


def translation(rng: Random, world: list[Subject]) -> Conversation:
    japanese, english = rng.choice(_GLOSSARY)
    if rng.random() < 0.6:
        pattern = rng.choice(_TRANSLATED)
        japanese, english = pattern[0].format(j=japanese), pattern[1].format(e=english)
    if rng.random() < 0.5:
        return _turns(
            rng.choice(
                (
                    "英語にしてください：{}",
                    "次を英語に訳してください。\n{}",
                    "Translate into English: {}",
                    "「{}」は英語で何と言いますか。",
                )
            ).format(japanese),
            english,
        )
    return _turns(
        rng.choice(
            (
                "日本語にしてください：{}",
                "Translate into Japanese: {}",
                'How do you say "{}" in Japanese?',
                "次を日本語に訳してください。\n{}",
            )
        ).format(english),
        japanese,
    )


FAMILIES = {
    reading: 26,
    remembered: 14,
    extraction: 12,
    classification: 12,
    recall: 14,
    rewriting: 8,
    dialogue: 9,
    translation: 5,
}
"""How often each family is drawn, relative to the others."""
