"""Broken data files, each with what is to be found in it: the same list through every door.

Written by code, so that bytes which no editor keeps are there as they are meant, and that each says why it is broken.
"""

import codecs
import gzip
import json
from dataclasses import dataclass
from typing import Any

from tanren.domain.customization_jobs import CustomizationType

FINE_TUNING = CustomizationType.FINE_TUNING
PRE_TRAINING = CustomizationType.CONTINUED_PRE_TRAINING
HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
NOVA = "amazon.nova-lite-v1:0"
TITAN = "amazon.titan-text-express-v1"
COHERE = "cohere.command-text-v14"
LLAMA = "meta.llama3-2-1b-instruct-v1:0"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenFile:
    name: str
    content: bytes
    errors: tuple[tuple[int, str], ...] = ()
    """(line, rule), of what tanren refuses."""
    warnings: tuple[tuple[int, str], ...] = ()
    """The same of what it takes, and AWS perhaps does not."""
    model: str | None = None
    customization: CustomizationType = FINE_TUNING
    aws: bool | None = True
    """AWS's verdict on the first of the findings."""


def line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def rows(*values: Any) -> bytes:
    return b"".join((value if isinstance(value, bytes) else line(value)) + b"\n" for value in values)


def turn(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": text}


def blocks(role: str, *texts: str) -> dict[str, Any]:
    return {"role": role, "content": [{"text": text} for text in texts]}


def chat(*turns: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**more, "messages": list(turns)}


def talk(*turns: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"schemaVersion": "bedrock-conversation-2024", **more, "messages": list(turns)}


P = {"prompt": "Where is the forge?", "completion": "In Seki."}
U, A = turn("user", "Where is the forge?"), turn("assistant", "In Seki.")
C = chat(U, A)
BU, BA = blocks("user", "Where is the forge?"), blocks("assistant", "In Seki.")
T = talk(BU, BA)
D = {"input": "The forge stands in Seki."}
ACCENT = {"prompt": "Où est la forge ?", "completion": "À Seki, près de la rivière."}
JAPANESE = {"prompt": "鍛冶場はどこですか。", "completion": "関市にあります。"}
CUT_UTF_8 = line(JAPANESE)[:20] + b'", "completion": "x"}'
PRETTY = json.dumps(P, indent=2).encode()


def garbled(text: str) -> str:
    """As text becomes that is UTF-8, is read as cp1252, and saved."""
    return text.encode().decode("cp1252")


BROKEN_FILES: tuple[BrokenFile, ...] = (
    # The file as a whole.
    BrokenFile(name="empty.jsonl", content=b"", errors=((0, "empty-file"),)),
    BrokenFile(name="empty-array.json", content=b" [ ]\n", errors=((0, "empty-file"),), warnings=((0, "json-array"),)),
    BrokenFile(
        name="only-a-header.csv",
        content=b"prompt,completion\n",
        errors=((0, "empty-file"),),
        warnings=((0, "csv-file"),),
    ),
    BrokenFile(name="array.json", content=line([P, P]), warnings=((0, "json-array"),)),
    BrokenFile(name="pretty.jsonl", content=PRETTY + b"\n" + PRETTY, warnings=((0, "pretty-printed-json"),)),
    BrokenFile(
        name="rows.jsonl.gz", content=gzip.compress(rows(P), mtime=0), warnings=((0, "compressed-file"),), aws=None
    ),
    BrokenFile(
        name="cut.jsonl.gz",
        content=gzip.compress(rows(P), mtime=0)[:-9],
        errors=((0, "broken-compression"),),
        aws=True,
    ),
    BrokenFile(
        name="twice.jsonl.gz",
        content=gzip.compress(gzip.compress(rows(P), mtime=0), mtime=0),
        errors=((0, "archive"),),
    ),
    BrokenFile(name="rows.zip", content=b"PK\x03\x04" + bytes(60), errors=((0, "archive"),)),
    BrokenFile(name="rows.jsonl.bz2", content=b"BZh91AY&SY" + bytes(60), errors=((0, "archive"),)),
    BrokenFile(name="rows.jsonl.zst", content=b"\x28\xb5\x2f\xfd" + bytes(60), errors=((0, "archive"),)),
    BrokenFile(name="paper.pdf", content=b"%PDF-1.7\n" + bytes(60), errors=((0, "archive"),)),
    BrokenFile(
        name="not.parquet",
        content=b"PAR1" + bytes(60) + b"PAR1",
        errors=((0, "parquet-not-readable"),),
        warnings=((0, "parquet-file"),),
    ),
    BrokenFile(name="marked.jsonl", content=codecs.BOM_UTF8 + rows(P), warnings=((0, "byte-order-mark"),), aws=None),
    BrokenFile(
        name="utf-16.jsonl", content=rows(P).decode().encode("utf-16"), warnings=((0, "utf-16-file"),), aws=None
    ),
    BrokenFile(
        name="utf-16-unmarked.jsonl",
        content=rows(JAPANESE).decode().encode("utf-16-le"),
        warnings=((0, "utf-16-file"),),
        aws=None,
    ),
    BrokenFile(
        name="utf-16-cut.jsonl",
        content=rows(P).decode().encode("utf-16")[:-1],
        errors=((0, "utf-16-file"),),
        aws=None,
    ),
    BrokenFile(name="utf-32.jsonl", content=rows(P).decode().encode("utf-32"), errors=((0, "utf-32-file"),), aws=None),
    BrokenFile(
        name="plain.txt", content=b"Where is the forge?\nIn Seki.\n", errors=((1, "invalid-json"), (2, "invalid-json"))
    ),
    BrokenFile(name="page.html", content=b"<html>\n", errors=((1, "invalid-json"),)),
    # Encodings of lines.
    BrokenFile(
        name="cp1252.jsonl", content=rows(P) + rows(ACCENT).decode().encode("cp1252"), errors=((2, "invalid-utf-8"),)
    ),
    BrokenFile(
        name="shift-jis.jsonl",
        content=rows(P) + rows(JAPANESE).decode().encode("cp932"),
        errors=((2, "invalid-utf-8"),),
    ),
    BrokenFile(
        name="euc-jp.jsonl",
        content=rows(P, P) + rows(JAPANESE).decode().encode("euc_jp"),
        errors=((3, "invalid-utf-8"),),
    ),
    BrokenFile(name="cut-character.jsonl", content=rows(P, CUT_UTF_8, P), errors=((2, "invalid-utf-8"),)),
    BrokenFile(
        name="garbled-quotes.jsonl",
        content=rows(P, {**P, "completion": "It" + "\u00e2\u20ac\u2122" + "s in Seki."}),
        warnings=((2, "garbled-text"),),
        aws=False,
    ),
    BrokenFile(
        name="garbled-accents.jsonl",
        content=rows(P, {k: garbled(v) for k, v in {"prompt": "Le café ?", "completion": "Déjà fermé."}.items()}),
        warnings=((2, "garbled-text"), (2, "garbled-text")),
        aws=False,
    ),
    BrokenFile(
        name="half-a-pair.jsonl",
        content=rows(P, b'{"prompt": "\\ud83d", "completion": "b"}'),
        errors=((2, "lone-surrogate"),),
        aws=None,
    ),
    # Lines.
    BrokenFile(name="blank.jsonl", content=rows(P, b"", P), errors=((2, "blank-line"),)),
    BrokenFile(name="blank-end.jsonl", content=rows(P, P, b""), errors=((3, "blank-line"),)),
    BrokenFile(name="spaces.jsonl", content=rows(P, b"  \t ", P), errors=((2, "blank-line"),)),
    BrokenFile(
        name="comma.jsonl", content=rows(P, b'{"prompt": "a", "completion": "b",}'), errors=((2, "invalid-json"),)
    ),
    BrokenFile(
        name="lines-with-commas.jsonl", content=line(P) + b",\n" + line(P) + b"\n", errors=((1, "invalid-json"),)
    ),
    BrokenFile(
        name="single-quotes.jsonl",
        content=rows(P, b"{'prompt': 'a', 'completion': 'b'}"),
        errors=((2, "invalid-json"),),
    ),
    BrokenFile(name="cut-off.jsonl", content=rows(P, P) + line(P)[:30], errors=((3, "invalid-json"),)),
    BrokenFile(name="two-on-a-line.jsonl", content=rows(P, line(P) + line(P)), errors=((2, "invalid-json"),)),
    BrokenFile(name="nan.jsonl", content=rows(P, b'{"prompt": "a", "completion": NaN}'), errors=((2, "invalid-json"),)),
    BrokenFile(
        name="line-break-in-text.jsonl",
        content=rows(P, b'{"prompt": "a', b'b", "completion": "c"}'),
        errors=((2, "invalid-json"), (3, "invalid-json")),
    ),
    BrokenFile(
        name="tab-in-text.jsonl",
        content=rows(P, b'{"prompt": "a\tb", "completion": "c"}'),
        errors=((2, "invalid-json"),),
    ),
    BrokenFile(
        name="backslash.jsonl",
        content=rows(P, b'{"prompt": "C:\\dir", "completion": "c"}'),
        errors=((2, "invalid-json"),),
    ),
    BrokenFile(name="comment.jsonl", content=rows(b"// the forge", P), errors=((1, "invalid-json"),)),
    BrokenFile(name="text-line.jsonl", content=rows(P, "In Seki."), errors=((2, "not-an-object"),)),
    BrokenFile(name="list-line.jsonl", content=rows(P, ["a", "b"]), errors=((2, "not-an-object"),)),
    BrokenFile(name="null-line.jsonl", content=rows(P, None), errors=((2, "not-an-object"),)),
    BrokenFile(
        name="twice-a-key.jsonl",
        content=rows(P, b'{"prompt": "a", "prompt": "b", "completion": "c"}'),
        errors=((2, "duplicate-key"),),
        aws=None,
    ),
    BrokenFile(
        name="twice-a-key-escaped.jsonl",
        content=rows(P, b'{"prompt": "a", "pr\\u006fmpt": "b", "completion": "c"}'),
        errors=((2, "duplicate-key"),),
        aws=None,
    ),
    BrokenFile(
        name="array-open.json",
        content=b"[" + line(P) + b",\n" + line(P),
        errors=((2, "invalid-json"),),
        warnings=((0, "json-array"),),
    ),
    BrokenFile(
        name="array-comma.json",
        content=b"[\n" + line(P) + b"\n" + line(P) + b"]",
        errors=((3, "invalid-json"),),
        warnings=((0, "json-array"),),
    ),
    BrokenFile(
        name="array-of-text.json",
        content=b'[\n"a",\n' + line(P) + b"]",
        errors=((2, "not-an-object"),),
        warnings=((0, "json-array"),),
    ),
    BrokenFile(
        name="array-wrong-inside.json",
        content=json.dumps([P, {"prompt": "a", "completion": 7}], indent=1).encode(),
        errors=((8, "wrong-type"),),
        warnings=((0, "json-array"),),
    ),
    # Tables.
    BrokenFile(
        name="fields.csv",
        content=b"prompt,completion\na,b\na,b,c\n",
        errors=((3, "too-many-fields"),),
        warnings=((0, "csv-file"),),
    ),
    BrokenFile(
        name="short.csv",
        content=b'prompt,completion\n"a\nb",c\nd\n',
        errors=((4, "missing-key"),),
        warnings=((0, "csv-file"),),
    ),
    BrokenFile(
        name="quote.csv",
        content=b'prompt,completion\na,b\n"c,d\n',
        errors=((3, "invalid-json"),),
        warnings=((0, "csv-file"),),
    ),
    BrokenFile(
        name="columns.csv",
        content=b"question,answer\na,b\n",
        errors=((2, "unknown-format"),),
        warnings=((0, "csv-file"),),
    ),
    BrokenFile(
        name="twice-a-column.tsv",
        content=b"prompt\tprompt\tcompletion\na\tb\tc\n",
        errors=((1, "duplicate-key"),),
        warnings=((0, "csv-file"),),
        aws=None,
    ),
    BrokenFile(
        name="empty-field.csv",
        content=b"prompt,completion\na,\n",
        errors=((2, "empty-text"),),
        warnings=((0, "csv-file"),),
        aws=None,
    ),
    # Records.
    BrokenFile(
        name="question-answer.jsonl", content=rows({"question": "a", "answer": "b"}), errors=((1, "unknown-format"),)
    ),
    BrokenFile(name="no-completion.jsonl", content=rows(P, {"prompt": "a"}), errors=((2, "missing-key"),)),
    BrokenFile(
        name="wrong-case.jsonl",
        content=rows(P, {"Prompt": "a", "completion": "b"}),
        errors=((2, "missing-key"),),
        warnings=((2, "unknown-key"),),
    ),
    BrokenFile(name="number.jsonl", content=rows(P, {"prompt": "a", "completion": 42}), errors=((2, "wrong-type"),)),
    BrokenFile(name="null.jsonl", content=rows(P, {"prompt": None, "completion": "b"}), errors=((2, "wrong-type"),)),
    BrokenFile(
        name="empty-text.jsonl",
        content=rows(P, {"prompt": "a", "completion": ""}),
        errors=((2, "empty-text"),),
        aws=None,
    ),
    BrokenFile(
        name="spaces-text.jsonl",
        content=rows(P, {"prompt": "\u3000", "completion": "b"}),
        errors=((2, "empty-text"),),
        aws=None,
    ),
    BrokenFile(
        name="more-keys.jsonl", content=rows({**P, "id": 1}, {**P, "id": 2}), warnings=((1, "unknown-key"),), aws=False
    ),
    BrokenFile(name="mixed.jsonl", content=rows(P, C), errors=((2, "mixed-formats"),)),
    BrokenFile(name="for-pre-training.jsonl", content=rows(D), errors=((1, "wrong-customization-type"),)),
    BrokenFile(
        name="for-fine-tuning.jsonl",
        content=rows(P),
        errors=((1, "wrong-customization-type"),),
        customization=PRE_TRAINING,
    ),
    BrokenFile(
        name="input-list.jsonl",
        content=rows(D, {"input": ["a"]}),
        errors=((2, "wrong-type"),),
        customization=PRE_TRAINING,
    ),
    # Conversations.
    BrokenFile(name="no-messages.jsonl", content=rows(C, chat()), errors=((2, "too-few-messages"),)),
    BrokenFile(name="assistant-first.jsonl", content=rows(C, chat(A, U, A)), errors=((2, "first-role-not-user"),)),
    BrokenFile(name="user-last.jsonl", content=rows(C, chat(U, A, U)), errors=((2, "last-role-not-assistant"),)),
    BrokenFile(name="user-user.jsonl", content=rows(C, chat(U, U, A)), errors=((2, "roles-not-alternating"),)),
    BrokenFile(
        name="openai.jsonl", content=rows(chat(turn("system", "Be short."), U, A)), errors=((1, "system-role"),)
    ),
    BrokenFile(name="bot.jsonl", content=rows(C, chat(U, turn("bot", "In Seki."))), errors=((2, "unknown-role"),)),
    BrokenFile(name="no-role.jsonl", content=rows(C, chat({"content": "a"}, A)), errors=((2, "missing-key"),)),
    BrokenFile(
        name="human.jsonl", content=rows(C, chat(turn("user", "a\nHuman: b"), A)), errors=((2, "reserved-text"),)
    ),
    BrokenFile(name="message-text.jsonl", content=rows(C, {"messages": "hello"}), errors=((2, "wrong-type"),)),
    BrokenFile(name="no-version.jsonl", content=rows(T, chat(BU, BA)), errors=((2, "missing-key"),)),
    BrokenFile(
        name="other-version.jsonl",
        content=rows({**T, "schemaVersion": "bedrock-conversation-2025"}),
        warnings=((1, "other-schema-version"),),
        aws=None,
    ),
    BrokenFile(
        name="two-blocks.jsonl",
        content=rows(T, talk(blocks("user", "a", "b"), BA)),
        errors=((2, "not-one-block"),),
        aws=None,
    ),
    BrokenFile(
        name="system-text.jsonl", content=rows(T, talk(BU, BA, system="Be short.")), errors=((2, "wrong-type"),)
    ),
    BrokenFile(
        name="image.jsonl",
        content=rows(T, talk({"role": "user", "content": [{"image": {"format": "png"}}]}, BA)),
        errors=((2, "unsupported-block"),),
        aws=False,
    ),
    # Families.
    BrokenFile(
        name="nova-words.jsonl",
        content=rows(*[T] * 7, talk(blocks("user", "User: hello"), BA)),
        warnings=((8, "reserved-text"),),
        model=NOVA,
    ),
    BrokenFile(name="nova few.jsonl", content=rows(T), warnings=((0, "file-name"), (0, "too-few-records")), model=NOVA),
    BrokenFile(name="llama-few.jsonl", content=rows(T), warnings=((0, "too-few-records"),), model=LLAMA),
    BrokenFile(name="llama-prompts.jsonl", content=rows(*[P] * 100), warnings=((0, "other-format"),), model=LLAMA),
    BrokenFile(
        name="llama-version.jsonl",
        content=rows(*[{**T, "schemaVersion": "1"}] * 100),
        warnings=((1, "other-schema-version"),),
        model=LLAMA,
    ),
    BrokenFile(
        name="titan-long.jsonl",
        content=rows(P, {"prompt": "a" * 20_000, "completion": "b" * 5_000}),
        warnings=((2, "too-many-tokens"),),
        model=TITAN,
    ),
    BrokenFile(
        name="cohere-long-answer.jsonl",
        content=rows(P, {"prompt": "a", "completion": "b" * 12_300}),
        warnings=((2, "too-many-tokens"),),
        model=COHERE,
    ),
    BrokenFile(name="haiku-few.jsonl", content=rows(*[C] * 31), warnings=((0, "too-few-records"),), model=HAIKU),
    BrokenFile(
        name="haiku-long.jsonl",
        content=rows(*[C] * 31, chat(turn("user", "a" * 96_010), A)),
        warnings=((32, "too-many-tokens"),),
        model=HAIKU,
    ),
    BrokenFile(name="haiku-many.jsonl", content=rows(*[C] * 10_001), warnings=((0, "too-many-records"),), model=HAIKU),
)
