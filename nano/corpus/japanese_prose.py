"""Real Japanese prose, read at build time from the translations inside permissively licensed packages.

Sources  gettext catalogues (.po), parallel JSON files (en / ja), VS Code's message arrays, TypeScript's diagnostics,
         Electron's translated documentation and Markdown written in Japanese. `JAPANESE_SOURCES` names each package.
Reading  tags are taken out and placeholders become the letters X, Y, Z, alike in both languages. A sentence is kept
         when it is long enough and mostly Japanese; sentences of one file that stand together stay together.

Cost     about half a minute of one core.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nano.corpus.packages import PACKAGES, Package, read_members
from nano.corpus.prose import UNREAD_WORDS, Passage, text_of_html

JAPANESE_SOURCES = tuple(package for package in PACKAGES if "ja" in package.reading)
MAX_PASSAGE_CHARACTERS = 1_500
MAX_PLACEHOLDERS = 3

_CATALOGUE = re.compile(r"(?:^|/)locales?/ja(?:_JP)?/LC_MESSAGES/[^/]+\.po$|translations/ja/LC_MESSAGES/[^/]+\.po$")
_PARALLEL = re.compile(r"^(?P<before>.*/)(?P<language>en-US|en|ja)(?P<after>(?:-[0-9a-f]{32})?\.json|/[^/]+\.json)$")
_MARKDOWN = re.compile(r"[._]ja\.md$|/ja\.md$")
_MESSAGES = "esm/nls.messages"
_WHOLE_FILES = frozenset(
    {"dist/docs.json", "lib/ja/diagnosticMessages.generated.json", f"{_MESSAGES}.js", f"{_MESSAGES}.ja.js"}
)
_PLACEHOLDER = re.compile(
    r"%\([\w.]+\)[sdifr]|%(?:\d\$)?[sdifr]\b|\$?\{\{?[^{}]{1,60}\}?\}|\$t\([^)]*\)|\$[A-Z_]{2,}|%\d|\{\d\}"
)
_PLURAL = re.compile(r"\{\w+, *(?:plural|select)")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,300}>")
_SPACES = re.compile(r"\s+")
_SPACE_IN_JAPANESE = re.compile(r"(?<=[ぁ-んァ-ヶ一-龠、。])\s+(?=[ぁ-んァ-ヶ一-龠、。])")
_KANA = re.compile(r"[ぁ-んァ-ヶー]")
_HIRAGANA = re.compile(r"[ぁ-ん]")
_JAPANESE = re.compile(r"[ぁ-んァ-ヶー一-龠々、。「」（）・！？]")
_PREFORMATTED = re.compile(r"<pre\b.*?</pre>|<table\b.*?</table>|<h\d\b.*?</h\d>", re.DOTALL)
_FENCE = re.compile(r"^\s*```.*?^\s*```[^\n]*$", re.MULTILINE | re.DOTALL)
_PO_ENTRY = re.compile(r"\n\s*\n")
_PO_FIELD = re.compile(r'^(msgid|msgid_plural|msgstr|msgstr\[0\]|msgctxt) ((?:"[^\n]*"\s*)+)', re.MULTILINE)
_PO_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """One text in both languages."""

    package: str
    english: str
    japanese: str


def read_japanese(source: Package, archives: Path) -> tuple[list[Passage], list[Translation]]:
    """The source's Japanese texts, gathered file by file, and those of them whose English is known."""
    members = read_members(source, archives, _is_read)
    passages: list[Passage] = []
    translations: list[Translation] = []
    for path, pairs in _texts(source, members):
        kept: list[str] = []
        for english, japanese in pairs:
            plain, original = plain_japanese(japanese), plain_text(english)
            if not reads_like_japanese(plain) or UNREAD_WORDS.search(f"{plain} {original}"):
                continue
            kept.append(plain)
            if len(original.split()) >= 3 and not _KANA.search(original):
                translations.append(Translation(package=source.name, english=original, japanese=plain))
        passages += _gathered(source.name, path, kept)
    return passages, translations


def reads_like_japanese(text: str) -> bool:
    if not 12 <= len(text) <= 1_500 or _PLURAL.search(text) or not _HIRAGANA.search(text):
        return False
    if text[-1] not in "。！？」）" and len(text) < 15:
        return False
    return len(_JAPANESE.findall(text)) / len(text) > 0.5 and len(_KANA.findall(text)) / len(text) > 0.2


def plain_japanese(text: str) -> str:
    return _SPACE_IN_JAPANESE.sub("", plain_text(text))


def plain_text(text: str) -> str:
    """One line without tags, its placeholders named X, Y, Z; empty if it has more of them or a plural rule."""
    if _PLURAL.search(text):
        return ""
    text = html.unescape(_TAG.sub("", text.replace("\\n", "\n")))
    names: dict[str, str] = {}

    def letter(match: re.Match[str]) -> str:
        key = match[0] if len(match[0]) > 2 else f"{match[0]}{len(names)}"
        return names.setdefault(key, "XYZ"[len(names)] if len(names) < MAX_PLACEHOLDERS else "")

    replaced = _PLACEHOLDER.sub(letter, text)
    if len(names) > MAX_PLACEHOLDERS:
        return ""
    return _SPACES.sub(" ", replaced.replace("**", "").replace("``", "`")).strip()


def catalogue_pairs(text: str) -> Iterator[tuple[str, str]]:
    """The translated entries of a gettext catalogue; fuzzy ones are left out."""
    for entry in _PO_ENTRY.split(text):
        if "\n#, fuzzy" in f"\n{entry}" or "\n#~" in f"\n{entry}":
            continue
        fields = {match[1]: _po_string(match[2]) for match in _PO_FIELD.finditer(entry)}
        japanese = fields.get("msgstr") or fields.get("msgstr[0]")
        if japanese and fields.get("msgid"):
            yield fields["msgid"], japanese


def _po_string(quoted: str) -> str:
    joined = "".join(_PO_STRING.findall(quoted))
    return _ESCAPE.sub(lambda match: {"n": "\n", "t": " "}.get(match[1], match[1]), joined)


def _is_read(path: str) -> bool:
    if _CATALOGUE.search(path) or _MARKDOWN.search(path) or path in _WHOLE_FILES:
        return True
    if "node_modules/" in path or "/dist/i18n" in path:
        return False
    parallel = _PARALLEL.match(path)
    if parallel:
        return any(part in path for part in ("locales/", "translations/", "-l10njson/", "editor/"))
    return False


def _texts(source: Package, members: dict[str, bytes]) -> Iterator[tuple[str, Iterable[tuple[str, str]]]]:
    """For each file, (English or nothing, Japanese) in the file's order."""
    for path, raw in members.items():
        text = raw.decode("utf-8", "replace")
        parallel = _PARALLEL.match(path)
        if path.endswith(".po"):
            yield path, catalogue_pairs(text)
        elif _MARKDOWN.search(path):
            yield path, (("", block) for block in _markdown_blocks(text))
        elif path == "dist/docs.json":
            yield from _electron_pages(json.loads(text))
        elif path == f"{_MESSAGES}.ja.js":
            yield path, zip(_array(members[f"{_MESSAGES}.js"].decode()), _array(text), strict=True)
        elif path.startswith("lib/ja/"):
            yield path, (("", message) for message in json.loads(text).values())
        elif parallel and parallel["language"] == "ja":
            yield path, _parallel_pairs(parallel, json.loads(text), members)


def _parallel_pairs(match: re.Match[str], japanese: object, members: dict[str, bytes]) -> Iterator[tuple[str, str]]:
    suffix = match["after"] if match["after"].startswith("/") else ".json"
    english: dict[str, str] = {}
    for path, raw in members.items():
        other = _PARALLEL.match(path)
        if (
            other
            and other["before"] == match["before"]
            and other["language"] != "ja"
            and other["after"].endswith(suffix)
        ):
            english |= dict(_leaves(json.loads(raw)))
    for key, text in _leaves(japanese):
        yield english.get(key, ""), text


def _leaves(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _leaves(child, f"{key}/{name}")
    elif isinstance(value, str):
        yield key, value


def _array(text: str) -> list[str]:
    return [item or "" for item in json.loads(text[text.index("=[") + 1 : text.rindex("]") + 1])]


def _electron_pages(documents: dict[str, dict[str, dict[str, str]]]) -> Iterator[tuple[str, Iterable[tuple[str, str]]]]:
    for page, document in sorted(documents["ja-JP"].items()):
        blocks = text_of_html(_PREFORMATTED.sub("\n\n", document["html"]).replace("&lt;", "&amp;lt;")).split("\n\n")
        yield page, [("", block) for block in blocks]


def _markdown_blocks(text: str) -> list[str]:
    opened = re.sub(r"!?\[([^\]]+)\]\([^)]*\)", r"\1", _FENCE.sub("\n\n", text))
    return [re.sub(r"^\s*(?:#+|[-*+>]|\d+\.)\s+", "", block) for block in re.split(r"\n\s*\n|\n(?=\s*[-*+] )", opened)]


def _gathered(package: str, path: str, sentences: list[str]) -> Iterator[Passage]:
    part, length = [], 0
    for number, sentence in enumerate([*sentences, None]):
        if part and (sentence is None or length + len(sentence) > MAX_PASSAGE_CHARACTERS):
            subject = f"{package}:{path}#{number}"
            yield Passage(package=package, subject=subject, kind="readme", paragraphs=tuple(part))
            part, length = [], 0
        if sentence is not None:
            part.append(sentence)
            length += len(sentence)
