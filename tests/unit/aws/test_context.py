"""Which handlers run on the event loop."""

from typing import Any

from tanren.aws.context import Members, Reply, RequestContext, is_async


class AsyncCallable:
    async def __call__(self, context: RequestContext, params: Members) -> Members:
        return {}


def test_functions_methods_and_objects_are_told_apart() -> None:
    def plain(context: RequestContext, params: Members) -> Members:
        return {}

    async def waiting(context: RequestContext, params: Members) -> Members:
        return {}

    assert not is_async(plain)
    assert is_async(waiting)
    assert is_async(AsyncCallable())
    assert is_async(AsyncCallable().__call__)


def test_a_reply_needs_no_headers() -> None:
    empty: dict[str, Any] = {}
    assert Reply(members=empty).extra_headers == {}
