import ast

from nano.corpus.prose import SOURCES, _node_passages, reads_like_prose, text_of_html, unwrapped_paragraphs


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
    source = f"class Kettle:\n    def boil(self):\n        {docstring}\n"
    passages = list(_node_passages("python", ast.parse(source), "kitchen"))
    assert [(passage.subject, passage.kind) for passage in passages] == [("kitchen.Kettle.boil", "function")]


def test_every_source_names_a_permissive_licence():
    assert {source.licence for source in SOURCES} <= {"Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "PSF-2.0"}
