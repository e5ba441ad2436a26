"""Real English prose, read at build time from the documentation inside the archives of permissively licensed packages.

Documents (reStructuredText, Markdown, plain text and release notes), docstrings (found by their text, so that every
Python finds the same ones; nothing is imported) and botocore's service models (their HTML stripped). A paragraph is
kept when it reads like prose: long enough, mostly letters, ending in punctuation; it is unwrapped to one line and its
markup opened. Nothing read here is committed; `SOURCES` names every package with its version and licence.

Left unread: other people's code which a package carries along (its licence may be another), and every paragraph about
Amazon Bedrock or provisioned throughput, so that the Bedrock FAQ stays a domain which the base has never read.

Cost     about two minutes of one core for some 600 MB of text.
"""

import gzip
import html
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nano.corpus.packages import PACKAGES, Package, read_members

SOURCES = tuple(package for package in PACKAGES if "en" in package.reading)

MAX_DOCUMENT_CHARACTERS = 6_000
UNREAD_FOLDERS = frozenset(
    {"tests", "test", "testing", "unit", "functional", "fixtures", "__pycache__", "node_modules", "site-packages"}
    | {"_vendor", "vendor", "vendored", "_vendored", "third_party", "third-party", "extern", "externals", "ext"}
    | {"subprojects", "licenses", "license", "licences", "locale", "locales", "static", "migrations", "data_files"}
)
UNREAD_STEMS = re.compile(
    r"licen[cs]e|copying|authors|contributors|credits|notice|requirements|sources$|top_level|acknowledg|third.?party"
    r"|constraints|thanks|cmakelists|robots|words?list|stopwords",
    re.IGNORECASE,
)
UNREAD_WORDS = re.compile(r"bedrock|provisioned[ -]throughput|copyright|all rights reserved", re.IGNORECASE)

_ROLE = re.compile(r":[a-z][\w:+-]*:`[~!]?\.?([^`<]+?)(?:\s*<[^`]*>)?`")
_LINK = re.compile(r"`([^`<]+?)\s*<[^`>]+>`_+")
_REFERENCE = re.compile(r"`([^`]+)`__?(?!\w)|\b([A-Za-z][\w.-]*\w)_(?=[\s.,;:)])")
_FOOTNOTE = re.compile(r"\s*\[(?:#\w*|\d+|\*)\]_|\s*\[\^\w+\]|\s*\[\w+\]_(?!\w)|\|(\w[\w -]*)\|")
_DOUBLE_TICKS = re.compile(r"``([^`]+)``")
_MARKDOWN_LINK = re.compile(r"!?\[([^\]]+)\](?:\([^)]*\)|\[[^\]]*\])")
_EMPHASIS = re.compile(r"(?<![\w*])(\*{1,2})(?=\S)([^*\n]+?)(?<=\S)\1(?![\w*])")
_TAG = re.compile(r"</?[a-zA-Z!][^<>]{0,300}>")
_BLOCK_TAG = re.compile(r"</?(?:p|li|ul|ol|dl|dt|dd|note|important|h\d|br|table|tr|fullname)\b[^<>]*>", re.IGNORECASE)
_SPACES = re.compile(r"\s+")
_PARAGRAPH_BREAK = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*+]|\d{1,2}[.)]|#\.)\s)")
_BULLET = re.compile(r"^\s*(?:[-*+]|\d{1,2}[.)]|#\.|>)\s+")
_DIRECTIVE = re.compile(r"^\s*\.\.\s+[\w-]+::\s*|^\s*:(?:[\w-]+|[a-z]+ [\w.*]+):\s+")
_FENCE = re.compile(r"^\s*(```|~~~).*?^\s*\1[^\n]*$", re.MULTILINE | re.DOTALL)
_RELEASE_NOTE_KEY = re.compile(r"^\s*(?:- (?:[|>][-+]?\s*$)?|[\w-]+:\s*(?:[|>][-+]?)?\s*$)", re.MULTILINE)
_TITLE = re.compile(
    r"^(?:# +(?P<md>[^\n]{3,80}?) *#*$|(?P<rst>\S[^\n]{2,79})\n(?:={3,}|-{3,}|\*{3,}|#{3,}|~{3,}) *$)", re.MULTILINE
)
_NOT_PROSE = re.compile(
    r">>>|====|----|\*, default|\*optional\*|\\\\|::\s|://|[{}|^]|@\w+|:(?:param|returns?|type|raises?|rtype)\b"
    r"|^(?:Args|Arguments|Parameters|Attributes|Examples?|Raises|Inputs?|Outputs?|Usage)\b.{0,3}:"
)
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]+")
_DEFINITION = re.compile(r"^([ \t]*)(class|def|async def)[ \t]+(\w+)", re.MULTILINE)
_DOCSTRING = re.compile(r"\s*[rRuU]?(\"\"\"|\'\'\')(.*?)\1", re.DOTALL)
_QUOTES = re.compile(r"[rRuU]?(?:\"\"\"|\'\'\')")
_MODULE_HEAD = re.compile(r"(?:\s*#[^\n]*\n)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Prose about one subject: what the corpus's prose documents and the grounded questions are made from."""

    package: str
    subject: str
    """What the text documents, for example `statistics.median` or `the CreateBucket operation of Amazon S3`."""
    kind: str
    """module, class, function, service, operation, field or readme (a document)."""
    paragraphs: tuple[str, ...]


def read_passages(source: Package, archives: Path) -> Iterator[Passage]:
    """The source's documentation in the order of its file names: the same on every machine."""
    for path, raw in read_members(source, archives, _is_read).items():
        text = raw.decode("utf-8", "replace") if not path.endswith(".gz") else ""
        if path.endswith(".py"):
            yield from docstring_passages(source.name, text, _module_of(path))
        elif not path.endswith((".json", ".gz")):
            yield from _document_passages(source.name, text, path)
    if source.name == "botocore":
        yield from _service_models(read_members(source, archives, lambda path: "service-2.json" in path))


def unwrapped_paragraphs(text: str) -> tuple[str, ...]:
    """Those paragraphs of a docstring that read like prose, each on one line, its markup opened."""
    return tuple(plain for block in _PARAGRAPH_BREAK.split(text) if reads_like_prose(plain := _plain(block)))


def reads_like_prose(paragraph: str) -> bool:
    if not 40 <= len(paragraph) <= 2_500 or paragraph[-1] not in ".!?:" or _NOT_PROSE.search(paragraph):
        return False
    if UNREAD_WORDS.search(paragraph):
        return False
    words = _WORD.findall(paragraph)
    if len(words) < 7 or not (paragraph[0].isupper() or paragraph[0] in "`'\"("):
        return False
    letters = sum(map(str.isalpha, paragraph)) + paragraph.count(" ")
    return letters / len(paragraph) > 0.86 and sum(map(len, words)) / len(paragraph) > 0.66


def text_of_html(markup: str) -> str:
    """The words of an HTML fragment, one paragraph per block element."""
    return html.unescape(_TAG.sub("", _BLOCK_TAG.sub("\n\n", markup)))


def docstring_passages(package: str, code: str, module: str) -> Iterator[Passage]:
    """A passage for the module and for each class and function whose docstring has prose, named by where it stands."""
    head = _DOCSTRING.match(code, _MODULE_HEAD.match(code).end())  # type: ignore[union-attr]
    if head and (paragraphs := unwrapped_paragraphs(inspect.cleandoc(head[2]))):
        yield Passage(package=package, subject=module, kind="module", paragraphs=paragraphs)
    definitions = list(_DEFINITION.finditer(code))
    ends = [*(definition.start() for definition in definitions), len(code)][1:]
    enclosing: list[tuple[int, str]] = []
    for definition, end in zip(definitions, ends, strict=True):
        indentation, name = len(definition[1].expandtabs()), definition[3]
        enclosing = [(depth, outer) for depth, outer in enclosing if depth < indentation] + [(indentation, name)]
        quotes = _QUOTES.search(code, definition.end(), end)
        if not quotes or not _is_signature(code[definition.end() : quotes.start()]):
            continue
        docstring = _DOCSTRING.match(code, quotes.start())
        paragraphs = unwrapped_paragraphs(inspect.cleandoc(docstring[2])) if docstring else ()
        if paragraphs:
            subject = ".".join([module, *(outer for _, outer in enclosing)])
            kind = "class" if definition[2] == "class" else "function"
            yield Passage(package=package, subject=subject, kind=kind, paragraphs=paragraphs)


def _is_signature(text: str) -> bool:
    """Whether nothing but parameters stands between a definition's name and its docstring."""
    stripped = re.sub(r"#[^\n]*", "", text).rstrip()
    return stripped.endswith(":") and text.count("(") == text.count(")") and "return" not in stripped


def _plain(block: str) -> str:
    block = _DIRECTIVE.sub("", _BULLET.sub("", block))
    block = _FOOTNOTE.sub(r"\1", _DOUBLE_TICKS.sub(r"`\1`", _LINK.sub(r"\1", _ROLE.sub(r"`\1`", block))))
    block = _REFERENCE.sub(lambda match: match[1] or match[2], block)
    block = _EMPHASIS.sub(r"\2", _MARKDOWN_LINK.sub(r"\1", block))
    plain = _SPACES.sub(" ", _TAG.sub("", block)).strip()
    return plain[:-1] if plain.endswith("::") else plain


def _is_read(path: str) -> bool:
    folders = path.lower().split("/")
    stem, _, suffix = folders.pop().rpartition(".")
    if UNREAD_FOLDERS.intersection(folders) or any(folder.endswith((".egg-info", ".dist-info")) for folder in folders):
        return False
    if suffix == "yaml":
        return "releasenotes" in folders and "notes" in folders
    if suffix in ("rst", "md", "txt"):
        return not UNREAD_STEMS.search(stem) and path != "PKG-INFO"
    return suffix == "py" and not stem.startswith(("test_", "conftest"))


def _module_of(path: str) -> str:
    parts = [part for part in path.removesuffix(".py").split("/") if part not in ("src", "lib", "python", "__init__")]
    return ".".join(parts) or "setup"


def _document_passages(package: str, text: str, path: str) -> Iterator[Passage]:
    """One passage for every `MAX_DOCUMENT_CHARACTERS` or so of a document, under its title."""
    if path.endswith(".yaml"):
        text = _RELEASE_NOTE_KEY.sub("\n\n", text)
        title = None
    else:
        text = _FENCE.sub("\n\n", text)
        title = _TITLE.search(text)
    stem = re.sub(r"[-_.]+", " ", path.rpartition("/")[2].rpartition(".")[0])
    if path.endswith(".yaml"):
        stem = re.sub(r" [0-9a-f]{16}$", "", stem)
    subject = _plain(title["md"] or title["rst"]) if title else stem
    gathered: list[str] = []
    for paragraph in [*unwrapped_paragraphs(text), None]:
        if gathered and (paragraph is None or sum(map(len, gathered)) + len(paragraph) > MAX_DOCUMENT_CHARACTERS - 200):
            subject_here = f"{subject} ({package})"
            yield Passage(package=package, subject=subject_here, kind="readme", paragraphs=tuple(gathered))
            gathered = []
        if paragraph is not None:
            gathered.append(paragraph)


def _service_models(models: dict[str, bytes]) -> Iterator[Passage]:
    newest = {path.split("/")[-3]: path for path in models}  # sorted by date, so the last one stays
    for service, path in sorted(newest.items()):
        if not service.startswith("bedrock"):
            raw = models[path]
            yield from _service_passages(json.loads(gzip.decompress(raw) if path.endswith(".gz") else raw))


def _service_passages(model: dict[str, Any]) -> Iterator[Passage]:
    service = model["metadata"].get("serviceId", model["metadata"]["serviceFullName"])

    def passage(subject: str, kind: str, markup: str | None) -> Iterator[Passage]:
        paragraphs = unwrapped_paragraphs(text_of_html(markup or ""))
        if paragraphs:
            yield Passage(package="botocore", subject=subject, kind=kind, paragraphs=paragraphs)

    yield from passage(model["metadata"]["serviceFullName"], "service", model.get("documentation"))
    for name, operation in sorted(model["operations"].items()):
        yield from passage(f"the {name} operation of {service}", "operation", operation.get("documentation"))
    for name, shape in sorted(model["shapes"].items()):
        yield from passage(f"{name} in {service}", "field", shape.get("documentation"))
        for member, reference in sorted(shape.get("members", {}).items()):
            yield from passage(f"{member} of {name} in {service}", "field", reference.get("documentation"))
