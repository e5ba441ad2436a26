from tanren.data.comparison import compare
from tests.numerics.tiny_models import pair


def test_a_set_is_compared_by_content_and_not_by_place() -> None:
    first = [pair(1, "a", "1"), pair(2, "b", "2"), pair(3, "c", "3"), pair(4, "c", "3")]
    assert compare(first, [*reversed(first)]).is_equal
    found = compare(first, [pair(1, "c", "3"), pair(2, "b", "other"), pair(3, "d", "4")])
    assert (found.common, found.changed_count, found.added_count) == (1, 1, 1)
    assert [(each.line, each.other_line) for each in found.changed] == [(2, 2)]
    assert [each.line for each in found.added] == [3]
    assert found.only_first == (1, 2, 4)
    assert not found.is_equal
