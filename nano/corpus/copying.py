# ruff: noqa: E501 - wordings are data: one line each, each kept whole
"""Verbatim copying, list operations and look-up over material nobody can predict: what forms the copying circuit."""

import json
from random import Random

from nano.corpus.attributes import Language
from nano.corpus.chat import Conversation, capitalised, turns
from nano.corpus.random_material import ENGLISH_WORDS, JAPANESE_WORDS, items, sentence

_REPEAT: dict[Language, tuple[str, ...]] = {
    "english": ("Repeat: {}", "Say exactly this: {}", "Copy the following line.\n{}", "Write this again: {}", "Echo {}", "Please copy this without any change:\n\n{}", "{}\n\nRepeat the line above.", "Type the following: {}", 'Repeat what is in quotes: "{}"', "Reply with exactly this text and nothing else.\n{}", "I say {} - now you say it.", "Give me back this string: {}"),
    "japanese": ("繰り返してください：{}", "次の通りに書いてください。\n{}", "そのまま写してください：{}", "「{}」と言ってください。", "{}\n\n上の行をもう一度書いてください。", "同じ文字を返してください：{}", "次をそのまま返して。\n{}", "復唱してください。「{}」"),
}  # fmt: skip
_TWICE: dict[Language, tuple[str, ...]] = {
    "english": ("Write {} twice.", "Say this two times: {}", "Repeat twice: {}"),
    "japanese": ("「{}」を二回書いてください。", "二回繰り返してください：{}"),
}
_REVERSE: dict[Language, tuple[str, ...]] = {
    "english": ("Write this list in reverse order: {}", "Reverse the list.\n{}", "{}\n\nGive the items from last to first."),
    "japanese": ("逆の順に並べてください：{}", "{}\n\n後ろから順に書いてください。"),
}  # fmt: skip
_NTH: dict[Language, tuple[str, ...]] = {
    "english": ("{l}\n\nWhat is the {o} item of this list?", "Which item comes {o} in this list? {l}", "Give me the {o} entry: {l}", "List: {l}\nThe {o} one?", "From {l}, pick the {o}."),
    "japanese": ("{l}\n\n{o}は何ですか。", "次の中で{o}はどれですか：{l}", "{o}を答えてください。\n{l}"),
}  # fmt: skip
_ORDINALS: dict[Language, tuple[str, ...]] = {
    "english": ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"),
    "japanese": ("一番目", "二番目", "三番目", "四番目", "五番目", "六番目", "七番目", "八番目"),
}
_LAST: dict[Language, str] = {"english": "last", "japanese": "最後"}
_AFTER: dict[Language, tuple[str, ...]] = {
    "english": ("{l}\n\nWhat comes right after {a}?", "In the list {l}, which item follows {a}?", "Which entry stands after {a}? {l}"),
    "japanese": ("{l}\n\n{a}の次は何ですか。", "次の並びで{a}のすぐ後にあるのは何ですか：{l}"),
}  # fmt: skip
_WITHOUT: dict[Language, tuple[str, ...]] = {
    "english": ("Remove {a} from this list: {l}", "{l}\n\nWrite the list without {a}.", "Leave out {a}: {l}"),
    "japanese": ("{a}を除いてください：{l}", "{l}\n\n{a}以外を書いてください。"),
}
_REPLACE: dict[Language, tuple[str, ...]] = {
    "english": (
        "Replace {a} by {b}: {l}",
        "{l}\n\nWrite the list with {b} instead of {a}.",
        "Change {a} to {b} in: {l}",
    ),
    "japanese": ("{a}を{b}に置き換えてください：{l}", "{l}\n\n{a}の代わりに{b}を入れてください。"),
}
_BULLETS: dict[Language, tuple[str, ...]] = {
    "english": (
        "Write as a list with dashes: {}",
        "Make bullet points: {}",
        "Put every item on its own line with a dash: {}",
    ),
    "japanese": ("箇条書きにしてください：{}", "一行ずつ「・」を付けて書いてください：{}"),
}
_NUMBERED: dict[Language, tuple[str, ...]] = {
    "english": ("Number these items: {}", "Make a numbered list: {}", "Write 1., 2., 3. and so on: {}"),
    "japanese": ("番号を付けてください：{}", "番号付きの一覧にしてください：{}"),
}
_CONTINUE: dict[Language, tuple[str, ...]] = {
    "english": ("Continue the pattern: {}", "Go on: {}", "What comes next, once around? {}"),
    "japanese": ("続けてください：{}", "同じように続きを一回書いてください：{}"),
}
_QUOTE: dict[Language, tuple[str, ...]] = {
    "english": ("{p}\n\nRepeat the sentence that mentions {k}.", "Which sentence contains {k}? Quote it.\n\n{p}", "Find the sentence with {k} in this text and copy it.\n{p}", "Text: {p}\nQuote the words about {k}."),
    "japanese": ("{p}\n\n{k}のある文を写してください。", "{k}が出てくる文はどれですか。そのまま書いてください。\n\n{p}", "文章：{p}\n{k}を含む文を引用してください。"),
}  # fmt: skip
_PLACE_QUOTE: dict[Language, tuple[str, ...]] = {
    "english": (
        "{p}\n\nRepeat the {o} sentence.",
        "Copy the {o} sentence of this text.\n{p}",
        "What does the {o} sentence say? {p}",
    ),
    "japanese": ("{p}\n\n{o}の文を写してください。", "次の文章の{o}の文を書いてください。\n{p}"),
}


def copying(rng: Random, language: Language) -> Conversation:
    """One of a dozen tasks whose answer repeats unpredictable parts of the prompt; sometimes a second one follows."""
    contents = [*_copied(rng, language)]
    while rng.random() < 0.3 and len(contents) < 6:
        contents += _copied(rng, language)
    return turns(*contents)


def _copied(rng: Random, language: Language) -> tuple[str, str]:
    draw = rng.random()
    comma = ", " if language == "english" else "、"
    if draw < 0.34:
        separator = rng.choice((" ", comma, "\n")) if language == "japanese" else rng.choice((" ", " ", ", ", "\n"))
        text = (
            sentence(rng, language)
            if rng.random() < 0.25
            else separator.join(items(rng, language, rng.choice((1, 1, 2, 3, 4, 6, 9))))
        )
        if rng.random() < 0.15:
            return rng.choice(_TWICE[language]).format(text), text + ("\n" if "\n" in text else " ") + text
        return rng.choice(_REPEAT[language]).format(text), text
    if draw < 0.5:
        return _quoted(rng, language)
    listed = items(rng, language, rng.randint(3, 8))
    text = comma.join(listed)
    index = rng.randrange(len(listed))
    task = rng.randrange(9)
    if task == 0:
        return rng.choice(_REVERSE[language]).format(text), comma.join(reversed(listed))
    if task == 1:
        ordinal = _LAST[language] if index == len(listed) - 1 else _ORDINALS[language][index]
        return rng.choice(_NTH[language]).format(l=text, o=ordinal), listed[index]
    if task == 2:
        index = min(index, len(listed) - 2)
        return rng.choice(_AFTER[language]).format(l=text, a=listed[index]), listed[index + 1]
    if task == 3:
        return rng.choice(_WITHOUT[language]).format(l=text, a=listed[index]), comma.join(
            listed[:index] + listed[index + 1 :]
        )
    if task == 4:
        fresh = items(rng, language, 1)[0]
        return rng.choice(_REPLACE[language]).format(l=text, a=listed[index], b=fresh), comma.join(
            [*listed[:index], fresh, *listed[index + 1 :]]
        )
    if task == 5:
        mark = "- " if language == "english" else "・"
        return rng.choice(_BULLETS[language]).format(text), "\n".join(mark + item for item in listed)
    if task == 6:
        return rng.choice(_NUMBERED[language]).format(text), "\n".join(
            f"{place}. {item}" for place, item in enumerate(listed, 1)
        )
    if task == 7:
        return rng.choice(_CONTINUE[language]).format(comma.join([*listed[:4], *listed[:4]])), comma.join(listed[:4])
    return (
        "JSON: "
        if rng.random() < 0.3
        else ("Write as a JSON array: " if language == "english" else "JSONの配列にしてください：")
    ) + text, json.dumps(listed, ensure_ascii=False)


def _quoted(rng: Random, language: Language) -> tuple[str, str]:
    sentences = [capitalised(sentence(rng, language)) for _ in range(rng.randint(2, 5))]
    index = rng.randrange(len(sentences))
    text = (" " if language == "english" else "").join(sentences)
    if rng.random() < 0.3:
        return rng.choice(_PLACE_QUOTE[language]).format(p=text, o=_ORDINALS[language][index]), sentences[index]
    if language == "english":
        candidates = [
            word for word in sentences[index].rstrip(".)").split()[1:] if text.count(word) == 1 and len(word) > 3
        ]
    else:
        candidates = [sentences[index][start : start + 4] for start in range(0, len(sentences[index]) - 4, 3)]
        candidates = [f"「{piece}」" for piece in candidates if text.count(piece) == 1]
    if not candidates:
        return rng.choice(_REPEAT[language]).format(sentences[index]), sentences[index]
    return rng.choice(_QUOTE[language]).format(p=text, k=rng.choice(candidates).strip(",")), sentences[index]


_LOOK_UP: dict[Language, tuple[str, ...]] = {
    "english": ("{t}\n\nWhat is the value of {k}?", "Look up {k}.\n{t}", "Given this table, what belongs to {k}?\n{t}", "{t}\n\n{k}?", "Table:\n{t}\nEntry for {k}:", "Find {k} below and give what stands beside it.\n\n{t}", "Use the list to answer. What does {k} have?\n{t}", "{t}\n\nAnd {k}?", "I only need the entry of {k}.\n{t}"),
    "japanese": ("{t}\n\n{k}は何ですか。", "{k}の値を答えてください。\n{t}", "次の表で{k}に当たるものは何ですか。\n{t}", "{t}\n\n{k}は？", "表：\n{t}\n{k}："),
}  # fmt: skip
_LOOK_UP_NEXT: dict[Language, tuple[str, ...]] = {
    "english": ("And {k}?", "What about {k}?", "{k}?", "Now {k}, please.", "What is the value of {k}?", "Look up {k}."),
    "japanese": ("{k}は？", "{k}は何ですか。", "では、{k}は何ですか。", "{k}の値を答えてください。"),
}
_BACKWARDS: dict[Language, tuple[str, ...]] = {
    "english": ("{t}\n\nTo which key does {v} belong?", "{t}\n\nWhich entry has {v}?", "Who or what has {v}?\n{t}"),
    "japanese": ("{t}\n\n{v}はどれのものですか。", "{v}に当たる項目は何ですか。\n{t}"),
}
_ABSENT: dict[Language, tuple[str, ...]] = {
    "english": ("{k} is not in the list.", "There is no entry for {k}.", "I cannot find {k}."),
    "japanese": ("{k}は表にありません。", "{k}は見つかりません。"),
}


def lookup(rng: Random, language: Language) -> Conversation:
    """A value out of a table of key and value, or of several columns, over one to three turns."""
    count = rng.randint(2, 9)
    words = ENGLISH_WORDS if language == "english" else JAPANESE_WORDS
    keys = rng.sample(words, count) if rng.random() < 0.4 else items(rng, language, count)
    values = items(rng, language, count)
    if not set(keys).isdisjoint(values):
        keys = rng.sample(words, count)
    columns = items(rng, language, count) if rng.random() < 0.25 else []
    first, second, third = rng.sample(words, 3)
    if columns:
        table = "\n".join(
            [
                f"{first} | {second} | {third}",
                *(f"{k} | {v} | {w}" for k, v, w in zip(keys, values, columns, strict=True)),
            ]
        )
        table = table.replace(" | ", rng.choice((" | ", ",", "\t", " ; ")))
    elif rng.random() < 0.2:
        table = json.dumps(dict(zip(keys, values, strict=True)), ensure_ascii=False)
    else:
        mark = (
            rng.choice((": ", " = ", " -> ", " - ", " is "))
            if language == "english"
            else rng.choice(("：", "＝", "→", "は"))
        )
        table = rng.choice(("\n", "\n", "; ", ", ")).join(f"{k}{mark}{v}" for k, v in zip(keys, values, strict=True))
    contents: list[str] = []
    for turn in range(rng.choice((1, 1, 2, 3))):
        index = rng.randrange(count)
        forms = _LOOK_UP[language] if turn == 0 else _LOOK_UP_NEXT[language]
        draw = rng.random()
        if draw < 0.2 and not columns:
            ask, answer = rng.choice(_BACKWARDS[language]).format(t=table, v=values[index]), keys[index]
        elif draw < 0.27:
            absent = items(rng, language, 1)[0]
            if absent in table:
                absent += "Q"
            ask, answer = (
                rng.choice(forms).format(t=table, k=absent),
                rng.choice(_ABSENT[language]).format(k=absent),
            )
        elif columns:
            wanted = rng.choice((second, third))
            key = f"{keys[index]} ({wanted})" if language == "english" else f"{keys[index]}の{wanted}"
            ask = rng.choice(forms).format(t=table, k=key)
            answer = values[index] if wanted == second else columns[index]
        else:
            ask, answer = rng.choice(forms).format(t=table, k=keys[index]), values[index]
        contents += [ask if turn == 0 else ask.replace(table, "").strip("\n"), answer]
    return turns(*contents)
