import pytest

from tanren.domain.errors import ResourceNotFound, TooManyTags


def test_tags_are_added_replaced_and_removed(plane, scope):
    arn = plane.has_model(scope)
    plane.tags.add(scope, arn, {"team": "forge", "stage": "trial"})
    plane.tags.add(scope, arn, {"stage": "live"})
    assert plane.tags.list(scope, arn) == {"stage": "live", "team": "forge"}
    plane.tags.remove(scope, arn, ["team", "never-there"])
    assert plane.tags.list(scope, arn) == {"stage": "live"}


def test_the_fifty_first_tag_is_refused_and_none_is_written(plane, scope):
    arn = plane.has_model(scope)
    with pytest.raises(TooManyTags, match="51 tags"):
        plane.tags.add(scope, arn, {f"k{i}": "v" for i in range(51)})
    assert plane.tags.list(scope, arn) == {}


def test_tags_of_another_account_are_neither_read_nor_written(plane, scope, other_scope):
    arn = plane.has_model(scope)
    with pytest.raises(ResourceNotFound):
        plane.tags.list(other_scope, arn)
    with pytest.raises(ResourceNotFound):
        plane.tags.add(other_scope, arn, {"a": "b"})
