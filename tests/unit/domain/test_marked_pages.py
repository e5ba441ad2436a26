import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanren.domain.errors import ValidationFailed
from tanren.domain.marked_pages import DEFAULT_SIZE, marked_page

names = st.sets(st.text(min_size=1, max_size=4), max_size=20)


@given(names, st.integers(1, 7))
def test_the_pages_together_are_the_whole_list_in_order(items: set[str], size: int) -> None:
    found: list[str] = []
    marker: str | None = None
    while True:
        page = marked_page(items, str, marker=marker, size=size)
        assert len(page.items) <= size
        found += page.items
        marker = page.marker
        if marker is None:
            break
    assert found == sorted(items)


def test_what_is_made_or_deleted_between_two_pages_neither_hides_nor_doubles_anything_else() -> None:
    first = marked_page(["a", "b", "c", "d"], str, marker=None, size=2)
    second = marked_page(["a", "aa", "d", "e"], str, marker=first.marker, size=2)
    assert (first.items, second.items, second.marker) == (["a", "b"], ["d", "e"], None)


def test_a_page_of_no_stated_size_is_a_hundred() -> None:
    page = marked_page([f"{number:04d}" for number in range(150)], str, marker=None, size=None)
    assert len(page.items) == DEFAULT_SIZE


@pytest.mark.parametrize("marker", ["", "x", "!!!!", "/w==", "日本"])
def test_a_marker_that_no_list_gave_out_is_refused_or_harmless(marker: str) -> None:
    if marker == "":
        assert marked_page(["a"], str, marker=marker, size=1).items == ["a"]
    else:
        with pytest.raises(ValidationFailed, match="Marker is not one"):
            marked_page(["a"], str, marker=marker, size=1)
