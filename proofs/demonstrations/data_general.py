"""Text of everyday kind: what continued pre-training must not unlearn is measured on one, and replayed from the other.

`general_text` is this project's own prose, written for the purpose, English and Japanese; it is in no corpus.
`replay_documents` is documentation of Python's standard library, read from where this Python is installed: prose of
the kind on which nano was trained, as a replay of it has to be.
"""

import ast
import inspect
import sysconfig
from pathlib import Path
from typing import Literal

GENERAL = Path(__file__).with_name("general.txt")
_PROSE_LENGTH = 80
"""Characters; a shorter paragraph is a heading or a line of code."""
DOCUMENT_LENGTH = 500
"""Characters after which a replay document ends: about as long as one of verrowing."""


def general_text(language: Literal["english", "japanese"]) -> list[str]:
    """The paragraphs, one a document."""
    paragraphs = GENERAL.read_text(encoding="utf-8").strip().split("\n\n")
    return [paragraph for paragraph in paragraphs if paragraph.isascii() is (language == "english")]


def replay_documents(*, characters: int) -> list[str]:
    """Documentation up to so many characters in all, taken evenly from all of the standard library."""
    every = _documents()
    stride = max(1, sum(map(len, every)) // characters)
    return every[::stride]


def _documents() -> list[str]:
    documents: list[str] = []
    for file in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        gathered = ""
        for paragraph in _prose(file):
            gathered = f"{gathered} {paragraph}".strip()
            if len(gathered) >= DOCUMENT_LENGTH:
                documents.append(gathered)
                gathered = ""
    return documents


def _prose(file: Path) -> list[str]:
    """Paragraphs of docstrings that read like sentences, each on one line."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    texts = [ast.get_docstring(node, clean=False) or "" for node in ast.walk(tree) if isinstance(node, kinds)]
    paragraphs = [block for text in texts for block in inspect.cleandoc(text).split("\n\n")]
    plain = [" ".join(block.split()) for block in paragraphs]
    return [
        text
        for text in plain
        if len(text) >= _PROSE_LENGTH and text[0].isupper() and text[-1] == "." and ">>>" not in text
    ]
