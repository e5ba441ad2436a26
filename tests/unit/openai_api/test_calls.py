"""Bodies and list parameters, read."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tanren.domain.errors import ValidationFailed
from tanren.openai_api.calls import LARGEST_BODY_BYTES, list_answer, read_json, read_list_request
from tanren.openai_api.errors import InvalidParameter


class Call:
    def __init__(self, body: bytes = b"", raw_query: str = "") -> None:
        self.body = body
        self.raw_query = raw_query

    async def pieces(self) -> AsyncIterator[bytes]:
        yield self.body


def read(body: bytes) -> dict[str, Any]:
    return asyncio.run(read_json(Call(body)))


def test_a_null_is_as_good_as_absence():
    assert read(b'{"a": null, "b": 0}') == {"b": 0}
    assert read(b"") == {}


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"a": NaN}', b"\xff", b"[" * 100_000, b" " * (LARGEST_BODY_BYTES + 1)])
def test_what_is_no_json_object_is_refused(body: bytes):
    with pytest.raises(ValidationFailed):
        read(body)


def test_a_list_is_asked_for_by_limit_and_after():
    asked = read_list_request(Call(raw_query="limit=3&after=file-1"), default=20, most=100)
    assert (asked.limit, asked.after) == (3, "file-1")
    assert read_list_request(Call(), default=20, most=100).limit == 20


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("limit=", "limit"),
        ("metadata%5Ba%5D=1", "metadata[a]"),
    ],
)
def test_a_list_parameter_that_there_is_not_is_named(query: str, param: str):
    with pytest.raises(InvalidParameter) as raised:
        read_list_request(Call(raw_query=query), default=20, most=100)
    assert raised.value.param == param


def test_a_page_names_its_ends():
    assert (
        b'"first_id":"a","last_id":"b","has_more":true' in list_answer([{"id": "a"}, {"id": "b"}], has_more=True).body
    )
    assert b'"first_id":null' in list_answer([], has_more=False).body
