# ruff: noqa: E501 - wordings are data: one line each, each kept whole
"""Text to JSON by a schema that is stated in many manners, and from JSON or CSV to something else."""

import json
from random import Random
from typing import Any

from nano.corpus.attributes import Language
from nano.corpus.chat import Conversation, turns, with_system
from nano.corpus.reading import SYSTEMS, invented, some, told
from nano.corpus.subjects import Attribute, Subject, invent

_NAME_KEYS: dict[Language, tuple[str, ...]] = {
    "english": ("name", "name", "subject", "title", "item", "id"),
    "japanese": ("名前", "名前", "対象", "name", "件名"),
}
_ASK: dict[Language, tuple[str, ...]] = {
    "english": (
        "Extract {f} as JSON.\n\n{p}", "{p}\n\nReturn a JSON object with the fields {f}.", "Read this and give me JSON with {f}: {p}", "Fill in the fields {f} from the text below. Answer with JSON only.\n{p}",
        "Text: {p}\nFields: {f}\nJSON:", "Turn the following note into a JSON object ({f}). Use null for what is missing.\n\n{p}", "{p}\n\nAs JSON, please: {f}", "Which {f} does this text give? Reply with one JSON object.\n{p}",
        "Make a record of this message. Keys: {f}.\n\n{p}", "Keys: {f}\n{p}",
    ),
    "japanese": ("次の文章から{f}をJSONで取り出してください。\n\n{p}", "{p}\n\n{f}をJSONで答えてください。", "文章：{p}\n項目：{f}\nJSON：", "JSONだけで答えてください。項目は{f}です。\n{p}", "{p}\nキー：{f}", "次のメモをJSONにしてください（{f}）。ない項目はnullにします。\n{p}"),
}  # fmt: skip
_BY_SCHEMA: dict[Language, tuple[str, ...]] = {
    "english": ("Schema: {s}\n\nText: {p}", "Answer with JSON that follows this schema:\n{s}\n\n{p}", "{p}\n\nOutput format: {s}", "Extract the data.\n{p}\n\nUse this form:\n{s}", "Fill this template with the values of the text.\n{s}\n{p}"),
    "japanese": ("形式：{s}\n\n文章：{p}", "次の形のJSONで答えてください。\n{s}\n\n{p}", "{p}\n\n出力の形：{s}", "次の文章の値を入れてください。\n{s}\n{p}"),
}  # fmt: skip


def extraction(rng: Random, language: Language) -> Conversation:
    """Fields of a passage as JSON; what is missing is null. One in six is a list of several subjects."""
    if rng.random() < 0.17:
        return _several(rng, language)
    subject = invented(rng, language)
    attributes = some(rng, subject, 2, 6)
    passage = told(rng, subject, attributes)
    if rng.random() < 0.12:
        wanted = some(rng, subject, 1, 4)
    else:
        wanted = rng.sample(attributes, rng.randint(1, len(attributes)))
    keys = _key_names(rng, wanted)
    name_key = rng.choice(_NAME_KEYS[language])
    record: dict[str, Any] = {}
    if rng.random() < 0.7 and name_key not in keys:
        record[name_key] = subject.name
    is_typed = rng.random() < 0.35
    for attribute, key in zip(wanted, keys, strict=True):
        value = subject.values[attribute.key] if attribute in attributes else None
        record[key] = int(value) if is_typed and value is not None and value.isdigit() else value
    nested = bool(record) and rng.random() < 0.12
    if nested:
        record = {"data" if language == "english" else "情報": record}
    return with_system(
        rng, turns(_asked(rng, language, record, passage, nested), _written(rng, record)), SYSTEMS[language], 0.15
    )


def _key_names(rng: Random, wanted: list[Attribute]) -> list[str]:
    """The attributes' keys, their other names, or camel case of them; all different."""
    manner = rng.randrange(4)
    names = [attribute.key if manner < 2 else attribute.noun(rng).replace(" ", "_") for attribute in wanted]
    if manner == 3:
        names = [
            "".join(part if not place else part.capitalize() for place, part in enumerate(name.split("_")))
            for name in names
        ]
    return names if len(set(names)) == len(names) else [attribute.key for attribute in wanted]


def _asked(rng: Random, language: Language, record: dict[str, Any], passage: str, nested: bool) -> str:
    if not nested and rng.random() < 0.5:
        fields = (", " if language == "english" else "、").join(record)
        return rng.choice(_ASK[language]).format(f=fields, p=passage)
    return rng.choice(_BY_SCHEMA[language]).format(s=_schema(rng, record), p=passage)


def _schema(rng: Random, record: dict[str, Any]) -> str:
    manner = rng.randrange(4)
    if manner == 0:
        return json.dumps(_json_schema(record), ensure_ascii=False)
    if manner == 1:
        return json.dumps(_filled(record, "..."), ensure_ascii=False)
    if manner == 2:
        return json.dumps(_filled(record, None), ensure_ascii=False)
    return json.dumps(_filled(record, "null"), ensure_ascii=False).replace(
        '"null"', rng.choice(('"string"', "<value>", '""'))
    )


def _json_schema(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {
            "type": "object",
            "properties": {key: _json_schema(each) for key, each in value.items()},
            "required": list(value),
        }
    if isinstance(value, list):
        return {"type": "array", "items": _json_schema(value[0])}
    return {"type": "integer" if isinstance(value, int) else "string"}


def _filled(value: Any, blank: str | None) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, blank) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(value[0], blank)]
    return 0 if isinstance(value, int) else blank


def _written(rng: Random, value: Any) -> str:
    """Mostly on one line; pretty-printed or compact now and then, which the loss bears and exactness does not need."""
    draw = rng.random()
    if draw < 0.9:
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False, indent=2)


def _several(rng: Random, language: Language) -> Conversation:
    first = invented(rng, language)
    subjects = [first, *(invent(first.kind, rng) for _ in range(rng.randint(1, 2)))]
    wanted = some(rng, first, 1, 3)
    name_key = _NAME_KEYS[language][0]
    records = [
        {name_key: each.name} | {attribute.key: each.values[attribute.key] for attribute in wanted} for each in subjects
    ]
    passage = (" " if language == "english" else "").join(told(rng, each, wanted) for each in subjects)
    fields = (", " if language == "english" else "、").join(records[0])
    if rng.random() < 0.5:
        ask = rng.choice(
            ("{p}\n\nGive a JSON array with {f} for each.", "List all of them as a JSON array ({f}).\n{p}")
            if language == "english"
            else ("{p}\n\nそれぞれの{f}をJSONの配列で答えてください。", "すべてJSONの配列にしてください（{f}）。\n{p}")
        ).format(p=passage, f=fields)
    else:
        ask = rng.choice(_BY_SCHEMA[language]).format(s=_schema(rng, {"items": records}), p=passage)
        return turns(ask, json.dumps({"items": records}, ensure_ascii=False))
    return turns(ask, json.dumps(records, ensure_ascii=False))


_CONVERSIONS: dict[Language, dict[str, tuple[str, ...]]] = {
    "english": {
        "csv_json": ("Convert this CSV to JSON.\n{}", "{}\n\nAs a JSON array, please.", "Turn the rows into JSON objects:\n{}"),
        "json_csv": ("Convert this JSON to CSV.\n{}", "{}\n\nWrite it as CSV with a header.", "Make CSV of this: {}"),
        "json_lines": ("Write this JSON as lines of key: value.\n{}", "Make this readable: {}"),
        "lines_json": ("Make a JSON object of these lines.\n{}", "{}\n\nAs JSON, please."),
        "rename": ('Rename the key "{a}" to "{b}": {}', '{}\n\nUse "{b}" instead of "{a}".'),
        "value": ('{}\n\nWhat is the value of "{a}"?', 'Give me the field "{a}" of this object: {}'),
        "drop": ('Remove the key "{a}" from {}', '{}\n\nThe same without "{a}".'),
        "keys": ("List the keys of {}", "{}\n\nWhich keys does this object have?"),
        "table": ("Make a Markdown table of this CSV.\n{}", "{}\n\nAs a Markdown table."),
    },
    "japanese": {
        "csv_json": ("次のCSVをJSONにしてください。\n{}", "{}\n\nJSONの配列にしてください。"),
        "json_csv": ("次のJSONをCSVにしてください。\n{}", "{}\n\nCSVで書いてください。"),
        "json_lines": ("次のJSONを一行ずつ書いてください。\n{}", "読みやすくしてください：{}"),
        "lines_json": ("次の行をJSONにしてください。\n{}", "{}\n\nJSONで書いてください。"),
        "rename": ("キー「{a}」を「{b}」に変えてください：{}", "{}\n\n「{a}」の代わりに「{b}」を使ってください。"),
        "value": ("{}\n\n「{a}」の値は何ですか。", "次のJSONの「{a}」を答えてください：{}"),
        "drop": ("「{a}」を除いてください：{}", "{}\n\n「{a}」なしで書いてください。"),
        "keys": ("次のJSONのキーを書いてください：{}", "{}\n\nどんなキーがありますか。"),
        "table": ("次のCSVをMarkdownの表にしてください。\n{}", "{}\n\n表にしてください。"),
    },
}  # fmt: skip


def conversion(rng: Random, language: Language) -> Conversation:
    """The same data in another notation: CSV, JSON, lines, a table; a key renamed, dropped or read."""
    first = invented(rng, language)
    wanted = some(rng, first, 2, 4)
    columns = [_NAME_KEYS[language][0], *(attribute.key for attribute in wanted)]
    records = [
        _row(each, columns, wanted) for each in (first, *(invent(first.kind, rng) for _ in range(rng.randint(0, 2))))
    ]
    csv = "\n".join([",".join(columns), *(",".join(record.values()) for record in records)])
    lines = "\n".join(f"{key}: {value}" for key, value in records[0].items())
    one, many = json.dumps(records[0], ensure_ascii=False), json.dumps(records, ensure_ascii=False)
    task = rng.choice(list(_CONVERSIONS[language]))
    key = rng.choice(columns)
    other = rng.choice(
        ("key", "label", "field_1", "x", "info", "value2", "項目", invented(rng, language).kind.attributes[0].key)
    )
    changed = {other if each == key else each: value for each, value in records[0].items()}
    source, answer = {
        "csv_json": (csv, many),
        "json_csv": (many, csv),
        "json_lines": (one, lines),
        "lines_json": (lines, one),
        "rename": (one, json.dumps(changed, ensure_ascii=False)),
        "value": (one, records[0][key]),
        "drop": (
            one,
            json.dumps({each: value for each, value in records[0].items() if each != key}, ensure_ascii=False),
        ),
        "keys": (one, ", ".join(columns)),
        "table": (csv, _markdown(columns, records)),
    }[task]
    return turns(rng.choice(_CONVERSIONS[language][task]).format(source, a=key, b=other), answer)


def _row(subject: Subject, columns: list[str], wanted: list[Attribute]) -> dict[str, str]:
    return dict(
        zip(
            columns,
            [subject.name, *(subject.values[attribute.key].replace(",", "") for attribute in wanted)],
            strict=True,
        )
    )


def _markdown(columns: list[str], records: list[dict[str, str]]) -> str:
    return "\n".join(
        [
            f"| {' | '.join(columns)} |",
            f"|{'---|' * len(columns)}",
            *(f"| {' | '.join(record.values())} |" for record in records),
        ]
    )
