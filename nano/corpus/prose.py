"""Real English prose, read at build time from the documentation inside installed, permissively licensed packages.

Docstrings (by `ast`, nothing is imported), botocore's service models (their HTML stripped), the Python language
reference that ships as `pydoc_data.topics`, and each package's own README in its metadata. A paragraph is kept when
it reads like prose: long enough, mostly letters, ending in punctuation; it is unwrapped to one line, its
reStructuredText roles opened, and kept once in the whole corpus. Nothing read here is committed; `SOURCES` names
every package with its licence.

Services whose name starts with "bedrock" are left out, so that the Bedrock FAQ stays a domain which the base has
never read.

Cost     about one minute of one core for some 300 MB of Python.
"""

import ast
import gzip
import html
import json
import re
import sysconfig
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ProseSource:
    package: str
    """Name of the distribution; `python` is the standard library."""
    folder: str
    """The package's folder inside site-packages."""
    licence: str
    """SPDX identifier, as the package's own metadata has it."""


SOURCES = (
    ProseSource(package="python", folder="", licence="PSF-2.0"),
    ProseSource(package="accelerate", folder="accelerate", licence="Apache-2.0"),
    ProseSource(package="alembic", folder="alembic", licence="MIT"),
    ProseSource(package="anyio", folder="anyio", licence="MIT"),
    ProseSource(package="boto3", folder="boto3", licence="Apache-2.0"),
    ProseSource(package="botocore", folder="botocore", licence="Apache-2.0"),
    ProseSource(package="click", folder="click", licence="BSD-3-Clause"),
    ProseSource(package="httpx", folder="httpx", licence="BSD-3-Clause"),
    ProseSource(package="huggingface_hub", folder="huggingface_hub", licence="Apache-2.0"),
    ProseSource(package="Jinja2", folder="jinja2", licence="BSD-3-Clause"),
    ProseSource(package="Mako", folder="mako", licence="MIT"),
    ProseSource(package="matplotlib", folder="matplotlib", licence="PSF-2.0"),
    ProseSource(package="mpmath", folder="mpmath", licence="BSD-3-Clause"),
    ProseSource(package="networkx", folder="networkx", licence="BSD-3-Clause"),
    ProseSource(package="numpy", folder="numpy", licence="BSD-3-Clause"),
    ProseSource(package="peft", folder="peft", licence="Apache-2.0"),
    ProseSource(package="pip", folder="pip/_internal", licence="MIT"),
    ProseSource(package="pydantic", folder="pydantic", licence="MIT"),
    ProseSource(package="Pygments", folder="pygments", licence="BSD-2-Clause"),
    ProseSource(package="rich", folder="rich", licence="MIT"),
    ProseSource(package="setuptools", folder="setuptools", licence="MIT"),
    ProseSource(package="SQLAlchemy", folder="sqlalchemy", licence="MIT"),
    ProseSource(package="sympy", folder="sympy", licence="BSD-3-Clause"),
    ProseSource(package="torch", folder="torch", licence="BSD-3-Clause"),
    ProseSource(package="transformers", folder="transformers", licence="Apache-2.0"),
    ProseSource(package="typer", folder="typer", licence="MIT"),
)

MAX_DOCUMENT_CHARACTERS = 6_000
UNREAD_FOLDERS = frozenset(
    {"tests", "test", "testing", "_vendor", "site-packages", "lib2to3", "idlelib", "__pycache__"}
)

_ROLE = re.compile(r":[a-z][\w:+-]*:`~?\.?([^`<]+?)(?:\s*<[^`]*>)?`")
_LINK = re.compile(r"`([^`<]+?)\s*<[^`>]+>`_+")
_DOUBLE_TICKS = re.compile(r"``([^`]+)``")
_MARKDOWN_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")
_TAG = re.compile(r"<[^<>]{1,300}>")
_BLOCK_TAG = re.compile(r"</?(?:p|li|ul|ol|dl|dt|dd|note|important|h\d|br|table|tr|fullname)\b[^<>]*>", re.IGNORECASE)
_SPACES = re.compile(r"\s+")
_PARAGRAPH_BREAK = re.compile(r"\n\s*\n")
_NOT_PROSE = re.compile(
    r">>>|====|----|\*, default|\*optional\*"
    r"|^(?:Args|Arguments|Parameters|Attributes|Examples?|Raises|Inputs?|Outputs?|Usage)\b.{0,3}:"
)
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Prose about one subject: what the corpus's prose documents and the grounded questions are made from."""

    package: str
    subject: str
    """What the text documents, for example `statistics.median` or `the CreateBucket operation of Amazon S3`."""
    kind: str
    """module, class, function, service, operation, field or readme."""
    paragraphs: tuple[str, ...]


def version_of(source: ProseSource) -> str:
    return sysconfig.get_python_version() if source.package == "python" else metadata.version(source.package)


def installed(source: ProseSource) -> bool:
    return source.package == "python" or (_site_packages() / source.folder).is_dir()


def read_passages(source: ProseSource) -> Iterator[Passage]:
    """The source's documentation in the order of its file names: the same on every machine with the same versions."""
    yield from _docstring_passages(source)
    if source.package == "python":
        yield from _language_reference()
    else:
        yield from _readme(source)
    if source.package == "botocore":
        yield from _service_models(_site_packages() / "botocore" / "data")


def unwrapped_paragraphs(text: str) -> tuple[str, ...]:
    """Those paragraphs of a docstring that read like prose, each on one line, its markup opened."""
    return tuple(plain for block in _PARAGRAPH_BREAK.split(text) if reads_like_prose(plain := _plain(block)))


def reads_like_prose(paragraph: str) -> bool:
    if not 40 <= len(paragraph) <= 2_500 or paragraph[-1] not in ".!?:" or _NOT_PROSE.search(paragraph):
        return False
    words = _WORD.findall(paragraph)
    if len(words) < 7 or not (paragraph[0].isupper() or paragraph[0] in "`'\"("):
        return False
    letters = sum(character.isalpha() or character == " " for character in paragraph)
    return letters / len(paragraph) > 0.86 and sum(map(len, words)) / len(paragraph) > 0.66


def text_of_html(markup: str) -> str:
    """The words of an HTML fragment, one paragraph per block element."""
    return html.unescape(_TAG.sub("", _BLOCK_TAG.sub("\n\n", markup)))


def _plain(block: str) -> str:
    opened = _DOUBLE_TICKS.sub(r"`\1`", _LINK.sub(r"\1", _ROLE.sub(r"`\1`", block)))
    return _SPACES.sub(" ", _MARKDOWN_LINK.sub(r"\1", opened)).strip()


def _site_packages() -> Path:
    return Path(sysconfig.get_paths()["purelib"])


def _docstring_passages(source: ProseSource) -> Iterator[Passage]:
    root = Path(sysconfig.get_paths()["stdlib"]) if source.package == "python" else _site_packages() / source.folder
    for path in sorted(root.rglob("*.py")):
        relative = path.relative_to(root)
        if UNREAD_FOLDERS.intersection(relative.parts):
            continue
        module = (
            ".".join([*source.folder.split("/"), *relative.with_suffix("").parts]).strip(".").removesuffix(".__init__")
        )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SyntaxWarning)
                tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError):  # some packages ship templates and samples in other encodings
            continue
        yield from _node_passages(source.package, tree, module)


def _node_passages(package: str, node: ast.AST, name: str) -> Iterator[Passage]:
    kinds = {ast.Module: "module", ast.ClassDef: "class", ast.FunctionDef: "function", ast.AsyncFunctionDef: "function"}
    if type(node) in kinds:
        docstring = ast.get_docstring(node)  # type: ignore[arg-type]
        paragraphs = unwrapped_paragraphs(docstring) if docstring else ()
        if paragraphs:
            yield Passage(package=package, subject=name, kind=kinds[type(node)], paragraphs=paragraphs)
    for child in ast.iter_child_nodes(node):
        child_name = (
            f"{name}.{child.name}" if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) else name
        )
        yield from _node_passages(package, child, child_name)


def _language_reference() -> Iterator[Passage]:
    from pydoc_data.topics import topics

    for topic, text in sorted(topics.items()):
        paragraphs = unwrapped_paragraphs(re.sub(r"\*{1,2}([\w-]+)\*{1,2}", r"\1", text))
        if paragraphs:
            yield Passage(
                package="python", subject=f"the Python language: {topic}", kind="readme", paragraphs=paragraphs
            )


def _readme(source: ProseSource) -> Iterator[Passage]:
    description = metadata.metadata(source.package).get_payload()
    paragraphs = unwrapped_paragraphs(str(description or ""))
    if paragraphs:
        yield Passage(package=source.package, subject=source.package, kind="readme", paragraphs=paragraphs)


def _service_models(data: Path) -> Iterator[Passage]:
    for service in sorted(path for path in data.iterdir() if path.is_dir() and not path.name.startswith("bedrock")):
        newest = max(version for version in service.iterdir() if version.is_dir())
        model_path = next(iter(sorted(newest.glob("service-2.json*"))), None)
        if model_path is None:
            continue
        raw = model_path.read_bytes()
        yield from _service_passages(json.loads(gzip.decompress(raw) if model_path.suffix == ".gz" else raw))


def _service_passages(model: dict) -> Iterator[Passage]:
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
