from pathlib import Path

import pytest

from nano.corpus.packages import PACKAGES, PERMISSIVE, read_table
from nano.corpus.prose import docstring_passages, read_passages, reads_like_prose, text_of_html, unwrapped_paragraphs
from tests.nano.archives import write_archive

GUIDE = (
    "Boiling water\n=============\n\n"
    ".. note:: The :ref:`kettle <k>` should never be filled above the mark on its side.\n\n"
    "* Heat the water until it boils, and then switch the kettle off.\n"
    "* With *provisioned throughput* the kettle boils as much water as was ordered.\n"
    "* Amazon Bedrock boils no water, however long one waits for it to begin.\n"
)


def test_paragraphs_are_unwrapped_and_their_markup_opened():
    docstring = (
        "Return the :class:`~collections.Counter` of the\n    words, as described in ``README``.\n\n"
        ">>> f()\n3\n\n"
        "short."
    )
    assert unwrapped_paragraphs(docstring) == (
        "Return the `collections.Counter` of the words, as described in `README`.",
    )


def test_tables_code_and_argument_lists_are_not_prose():
    assert not reads_like_prose("Parameters ---------- x : int The number of rows that will be read from the file.")
    assert not reads_like_prose(
        "Args: name (`str`): The name of the model which should be loaded from the given folder."
    )
    assert not reads_like_prose("a = b + c; d = {1: 2, 3: 4}; e = [5, 6, 7]; f(x, y, z) == 0 or g(x).")
    assert reads_like_prose("Deletes the message from the queue, so that no other reader can receive it again.")


def test_html_becomes_paragraphs_without_tags():
    markup = "<p>Creates a <code>bucket</code> &amp; returns its name.</p><note><p>Names are unique.</p></note>"
    assert [line for line in text_of_html(markup).split("\n\n") if line] == [
        "Creates a bucket & returns its name.",
        "Names are unique.",
    ]


def test_a_docstring_is_named_by_where_it_stands():
    docstring = '"""Heats the water until it boils and then switches the kettle off."""'
    source = f"class Kettle:\n    def boil(self, to: int = 100) -> None:\n        {docstring}\n"
    passages = list(docstring_passages("python", source, "kitchen"))
    assert [(passage.subject, passage.kind) for passage in passages] == [("kitchen.Kettle.boil", "function")]


def test_a_string_that_is_no_docstring_is_not_read():
    source = 'def boil():\n    text = """Heats the water until it boils and then switches the kettle off."""\n'
    assert not list(docstring_passages("python", source, "kitchen"))


def test_a_document_is_read_without_markup_and_without_what_stays_unread(tmp_path: Path):
    package = write_archive(tmp_path, {"docs/guide.rst": GUIDE, "tests/docs/guide.rst": GUIDE, "LICENSE.txt": GUIDE})
    (passage,) = read_passages(package, tmp_path)
    assert passage.subject == "Boiling water (kettle)"
    assert passage.paragraphs == (
        "The `kettle` should never be filled above the mark on its side.",
        "Heat the water until it boils, and then switch the kettle off.",
    )


def test_every_source_names_a_permissive_licence_and_an_archive():
    assert {package.licence for package in PACKAGES} <= PERMISSIVE
    assert all(len(package.sha256) == 64 for package in PACKAGES)
    assert len({package.archive for package in PACKAGES}) == len(PACKAGES)


def test_a_line_with_another_licence_is_refused(tmp_path: Path):
    table = tmp_path / "packages.txt"
    table.write_text("pypi\tkettle\t1.0\tGPL-3.0-only\ten\tabc\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"line 1: .*permissive"):
        read_table(table)
