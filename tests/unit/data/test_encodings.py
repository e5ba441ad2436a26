import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanren.data.encodings import as_utf_8, legacy_encoding, utf_16_codec

TEXTS = {
    "cp932": "鍛冶場は関市にあります。",
    "euc_jp": "鍛冶場は関市にあります。",
    "cp1252": "Où est la forge ? “À Seki”.",
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_the_encoding_of_a_line_is_named(encoding: str) -> None:
    text = f'{{"prompt": "{TEXTS[encoding]}"}}'
    assert legacy_encoding(text.encode(encoding)) == (encoding, text)


def test_bytes_of_no_encoding_are_given_none() -> None:
    assert legacy_encoding(b'{"a": "\x81\x00\x8d"}') is None


@given(text=st.text(min_size=2, max_size=20), codec=st.sampled_from(["utf-16-le", "utf-16-be"]), size=st.integers(1, 9))
def test_utf_16_becomes_utf_8_however_it_is_cut(text: str, codec: str, size: int) -> None:
    content = f'{{"a": "{text}'.encode(codec)
    found = utf_16_codec(content)
    assert found == codec
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    assert b"".join(as_utf_8(pieces, found)).decode() == f'{{"a": "{text}'
