import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tanren.data.positions import JsonPath, column_of, duplicate_key

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def paths(value: Any, path: JsonPath = ()) -> list[JsonPath]:
    found = [path]
    if isinstance(value, dict):
        for key, inner in value.items():
            found += paths(inner, (*path, key))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            found += paths(inner, (*path, index))
    return found


@given(value=values, indent=st.sampled_from([None, 1]), ascii_only=st.booleans())
def test_the_column_of_every_value_is_where_it_stands(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    for path in paths(value):
        expected = value
        for part in path:
            expected = expected[part]
        read, _ = json.JSONDecoder().raw_decode(text, column_of(text, path) - 1)
        assert read == expected
    assert duplicate_key(text) is None


def test_a_missing_path_gives_the_deepest_value_that_is_there() -> None:
    assert column_of('{"a": [1, {"b": 2}]}', ("a", 1, "c", 0)) == 11
