"""A page becomes what its reader sees."""

import pytest

from tanren.data.documents.html_text import html_text


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (b"<p>one\n  two</p><p>three", "one two\n\nthree"),
        (b"a<br>b", "a\nb"),
        (b"<table><tr><td>1<td>2<tr><td>3</table>", "1\t2\n3"),
        (b"<style>x{}</style>a<script>if (1 < 2) {}</script>b<!-- c --><noscript>d</noscript>", "ab"),
        (b"<head><title>t</title><body>shown", "shown"),
        (b"&lt;system&gt; &#26481;&nbsp;x", "<system> 東 x"),
        ("<meta charset='shift_jis'>日本".encode("shift_jis"), "日本"),
        (b"<meta charset=nonsense>\xe3\x81\x82", "あ"),
        (b"no tags at all", "no tags at all"),
    ],
)
def test_a_page_is_read_as_it_is_seen(page: bytes, text: str):
    assert html_text(page) == text
