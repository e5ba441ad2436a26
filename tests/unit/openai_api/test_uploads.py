"""A form is read the same however the network cuts it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tanren.domain.errors import ValidationFailed
from tanren.openai_api.errors import InvalidParameter
from tanren.openai_api.uploads import Form, read_form

KIND = "multipart/form-data; boundary=cut"
FILE = b'--cut\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\nx\r\n--cu\r\ny\r\n'
FIELD = b'--cut\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n'
END = b"--cut--\r\n"


class Kept:
    def __init__(self) -> None:
        self.content = b""

    def write(self, piece: bytes) -> None:
        self.content += piece


def read(body: bytes, *, size: int = 1 << 16, kind: str = KIND) -> tuple[Form, bytes]:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    kept = Kept()
    return asyncio.run(read_form(kind, pieces(), kept)), kept.content


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_fields_and_the_file_s_bytes_are_those_that_were_sent(size: int):
    form, content = read(FIELD + FILE + END, size=size)
    assert (form.fields, form.filename) == ({"purpose": "fine-tune"}, "a.jsonl")
    assert content == b"x\r\n--cu\r\ny"


def test_a_form_without_a_file_has_no_filename():
    assert read(FIELD + END)[0].filename is None


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        (FIELD + FILE, KIND, "ends before its last boundary"),
        (b"", KIND, "ends before its last boundary"),
        (b"{}", "application/json", "multipart/form-data"),
        (FIELD + END, "multipart/form-data", "boundary"),
        (b"no boundary at all\r\n", KIND, "no multipart/form-data"),
        (b"--cut\r\nContent-Type: text/plain\r\n\r\nx\r\n" + END, KIND, "no name"),
    ],
)
def test_what_is_no_form_is_refused(body: bytes, kind: str, text: str):
    with pytest.raises(ValidationFailed, match=text):
        read(body, kind=kind)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (FILE + FILE + END, "file"),
        (FIELD + FIELD + END, "purpose"),
        (FIELD.replace(b"fine-tune", b"x" * 70_000) + END, "purpose"),
    ],
)
def test_a_form_takes_one_file_and_each_field_once(body: bytes, param: str):
    with pytest.raises(InvalidParameter) as raised:
        read(body)
    assert raised.value.param == param
