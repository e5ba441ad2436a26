"""Requests to the API as values: sent as they are, and shown as the boto3 and AWS CLI calls that send the same."""

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pprint import pformat
from typing import Any, Final

from botocore import xform_name

from tanren.console.api import Api

_WIDTH: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    service: str
    operation: str
    """As AWS names it."""
    params: Mapping[str, Any]

    async def send(self, api: Api) -> dict[str, Any]:
        """Raises   ApiRefusal."""
        return await api.ask(self.service, self.operation, **self.params)


def boto3_script(requests: Iterable[ApiRequest]) -> str:
    """A Python script that sends them, with whatever endpoint and keys its shell has."""
    wanted = list(requests)
    services = dict.fromkeys(request.service for request in wanted)
    lines = ["import json", ""] if any(_is_document(v) for request in wanted for v in request.params.values()) else []
    lines += ["import boto3", ""]
    lines += [f'{_name(service)} = boto3.client("{service}")' for service in services]
    for request in wanted:
        arguments = "".join(f"    {name}={_literal(value)},\n" for name, value in request.params.items())
        lines += ["", f"{_name(request.service)}.{xform_name(request.operation)}(\n{arguments})"]
    return "\n".join(lines) + "\n"


def _literal(value: Any) -> str:
    """Python that makes the value; a policy, which is a document in a text, as the document."""
    if _is_document(value):
        return f"json.dumps({_literal(json.loads(value))})"
    return pformat(value, width=_WIDTH, sort_dicts=False).replace("\n", "\n    ")


def _is_document(value: Any) -> bool:
    if not isinstance(value, str) or not value.startswith("{"):
        return False
    try:
        return isinstance(json.loads(value), dict)
    except ValueError:
        return False


def cli_script(requests: Iterable[ApiRequest]) -> str:
    """Commands of the AWS CLI that send them."""
    return "\n\n".join(_command(request) for request in requests) + "\n"


def _command(request: ApiRequest) -> str:
    command = f"aws {request.service} {xform_name(request.operation, '-')}"
    options = [
        f"  --{xform_name(name, '-')} {shlex.quote(value if isinstance(value, str) else _json(value))}"
        for name, value in request.params.items()
    ]
    return " \\\n".join([command, *options])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _name(service: str) -> str:
    return service.replace("-", "_")
