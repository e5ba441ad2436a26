import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanren.data.garbling import SUSPECT, SUSPECT_BYTES, garbling

CLEAN = [
    "It’s a café — “closed”.",
    "鍛冶場は「関」にあります。",
    "l’été—",
    "Ångström, naïve, São Paulo",
    "100 € · 5 °C",
    "👍🏽",
]


def garbled(text: str, codec: str) -> str:
    return text.encode().decode(codec)


@pytest.mark.parametrize(
    ("text", "codec"), [("It’s", "cp1252"), ("Café “chez Léa”".replace("”", "!"), "cp1252"), ("Größe", "latin-1")]
)
def test_what_was_garbled_without_loss_is_what_it_was(text: str, codec: str) -> None:
    found = garbling(f"plain {garbled(text, codec)}")
    assert found is not None
    assert (found.repaired, found.is_lossless) == (f"plain {text}", True)


@pytest.mark.parametrize("text", CLEAN)
def test_text_as_it_was_meant_is_left_alone(text: str) -> None:
    assert garbling(text) is None


def test_japanese_that_lost_letters_on_the_way_is_told_and_not_repaired() -> None:
    """As a whole page of Japanese looks that was read as cp1252, which has no letter for five bytes."""
    lost = "鍛冶場の参考資料を微調整します".encode().decode("cp1252", errors="ignore")
    found = garbling(lost)
    assert found is not None
    assert not found.is_lossless


@given(text=st.text(max_size=40))
def test_no_suspect_text_escapes_the_search_among_bytes(text: str) -> None:
    if SUSPECT.search(text):
        assert any(pattern.search(text.encode("utf-8", "surrogatepass")) for pattern in SUSPECT_BYTES)


@given(text=st.text(alphabet=st.characters(min_codepoint=0xA0, max_codepoint=0x2122), max_size=12))
def test_what_was_found_can_be_written(text: str) -> None:
    found = garbling(garbled(text, "latin-1"))
    assert found is None or json.dumps(found.repaired)
