"""One request as it goes over the wire, by botocore's own serializer."""

from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote_plus

from botocore.serialize import create_serializer
from botocore.utils import percent_encode_sequence

from tanren.aws.service_models import Operation

Params = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnRequest:
    operation: Operation
    params: Params
    """As they were before anything of the wire was spoilt."""
    fault: str
    """What is wrong with it by intention; empty where nothing is."""
    must_be_refused: bool
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """All that a caller wrote, as an error may repeat it."""
        return "\n".join((unquote_plus(f"{self.path}?{self.query}"), self.body.decode(errors="replace")))

    def __str__(self) -> str:
        place = f"{self.path}?{self.query}"[:300]
        return f"{self.operation.name} [{self.fault or 'right'}] {self.method} {place} {self.body[:600]!r}"


@cache
def _serializer(protocol: str) -> Any:
    return create_serializer(protocol, include_validation=False)


def on_the_wire(
    operation: Operation, model: Any, params: Params, *, fault: str = "", must_be_refused: bool = False
) -> DrawnRequest:
    """The request as botocore's serializer writes it; `model` is botocore's of the operation."""
    found = _serializer(operation.protocol).serialize_to_request(params, model)
    path, _, query = found["url_path"].partition("?")
    more = percent_encode_sequence(found["query_string"]) if found["query_string"] else ""
    body = found["body"]
    headers = dict(found["headers"])
    if operation.protocol == "query":
        body = percent_encode_sequence(body)
        headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
    return DrawnRequest(
        operation=operation,
        params=params,
        fault=fault,
        must_be_refused=must_be_refused,
        method=found["method"],
        path=path,
        query="&".join(filter(None, (query, more))),
        headers=headers,
        body=body.encode() if isinstance(body, str) else bytes(body),
    )
