"""One call of an API as a value: it is performed, or shown as the boto3 code and the AWS CLI command that do the same.

    call = Call(operation="GetCustomModel", parameters={"modelIdentifier": "first-model"})
    with open_api(endpoint_url, data_dir) as api:
        found = api.perform(call)

What `--dry-run` prints is made from the same value as the call itself, so it cannot say something else.
"""

import json
import shlex
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tanren.cli.endpoint import Endpoint, is_listening, not_running, own_server, refusals, whom
from tanren.cli.language import say
from tanren.cli.output import Output, as_json, aside
from tanren.domain.errors import ValidationFailed
from tanren.domain.scope import Scope
from tanren.settings import Settings
from tanren.storage.root_keys import read_root_keys

if TYPE_CHECKING:
    from tanren.cli.stopped_server import StoppedServer

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Ask nobody; print the call as boto3 code and as an AWS CLI command.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    operation: str
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])
    service: str = "bedrock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """Performs calls: at an endpoint, or from the store of the own server while that does not run."""

    endpoint: Endpoint | None = None
    stopped: "StoppedServer | None" = None

    @property
    def is_tanren(self) -> bool:
        return self.endpoint is None or self.endpoint.is_tanren

    @property
    def is_aws(self) -> bool:
        return self.endpoint is not None and self.endpoint.is_aws

    def client(self, service: str) -> Any:
        """boto3's, for what streams. Raises   ServiceUnavailable where the own server does not run."""
        if self.endpoint is None:
            assert self.stopped is not None
            raise not_running(self.stopped.settings)
        return self.endpoint.client(service)

    def perform(self, call: Call) -> dict[str, Any]:
        """The answer's members. Raises   what the service refuses with, as one of our errors."""
        if self.endpoint is None:
            assert self.stopped is not None
            return self.stopped.perform(call.service, call.operation, call.parameters)
        if call.service == "tanren" and not self.endpoint.is_tanren:
            raise only_tanren(call.operation, self.endpoint.url)
        from botocore import xform_name

        with refusals():
            method = getattr(self.endpoint.client(call.service), xform_name(call.operation))
            told: dict[str, Any] = method(**call.parameters)
        told.pop("ResponseMetadata", None)
        return told

    def every(self, call: Call, member: str) -> Iterator[dict[str, Any]]:
        """The items of a list, page after page."""
        parameters = call.parameters
        while True:
            page = self.perform(Call(service=call.service, operation=call.operation, parameters=parameters))
            yield from page.get(member, [])
            if not page.get("nextToken"):
                return
            parameters = {**parameters, "nextToken": page["nextToken"]}


def only_tanren(what: str, url: str) -> ValidationFailed:
    return ValidationFailed(
        say("{what} is tanren's own, and {url} is no tanren server. Ask one: --data-dir DIR.", what=what, url=url)
    )


@contextmanager
def open_api(endpoint_url: str | None, data_dir: Path | None) -> Generator[Api]:
    meant = whom(endpoint_url, data_dir)
    if isinstance(meant, Endpoint):
        yield Api(endpoint=meant)
        return
    keys = read_root_keys(meant.data_dir)
    if has_store(meant) and (keys is None or not is_listening(keys.endpoint)):
        scope = Scope(
            account_id=keys.account_id if keys else meant.account, region=keys.region if keys else meant.region
        )
        told = say("The server of {folder} does not run; what follows is from its store.", folder=meant.data_dir)
        aside().print(told, style="dim", markup=False)
        # Imported here: who speaks to a server that runs needs none of it.
        from tanren.cli.stopped_server import open_stopped_server

        with open_stopped_server(meant, scope) as stopped:
            yield Api(stopped=stopped)
    else:
        yield Api(endpoint=own_server(meant))


def has_store(settings: Settings) -> bool:
    return bool(settings.database_url) or (settings.data_dir / "tanren.db").exists()


def show_equivalents(call: Call, output: Output) -> None:
    """The call as code and as a command, on standard output; nobody is asked."""
    if output is Output.TABLE:
        aside().print(
            say(
                'Nothing was called. With the endpoint and the keys of the own server: eval "$(tanren env)"; on AWS '
                "with your credentials there."
            ),
            style="dim",
            markup=False,
        )
        print(f"# boto3\n{boto3_code(call)}\n\n# AWS CLI\n{aws_command(call)}")
    else:
        told = {"service": call.service, "operation": call.operation, "parameters": call.parameters}
        print(as_json({**told, "boto3": boto3_code(call), "awsCli": aws_command(call)}))


def boto3_code(call: Call) -> str:
    """A program that makes the call and prints the answer."""
    from botocore import xform_name

    name = call.service.replace("-", "_")
    lines = ["import boto3", "", f'{name} = boto3.client("{call.service}")']
    if call.service == "tanren":
        lines.insert(0, '# needs the SDK overlay: export AWS_DATA_PATH="$(tanren sdk path)"')
    method = f"response = {name}.{xform_name(call.operation)}("
    arguments = [f"    {member}={_literal(value)}," for member, value in call.parameters.items()]
    lines += [method, *arguments, ")"] if arguments else [f"{method})"]
    return "\n".join([*lines, "print(response)"])


def aws_command(call: Call) -> str:
    """For a POSIX shell. Structures are JSON, everything else is as it is."""
    from botocore import xform_name

    overlay = 'AWS_DATA_PATH="$(tanren sdk path)" ' if call.service == "tanren" else ""
    parts = [f"{overlay}aws {call.service} {xform_name(call.operation, '-')}"]
    parts += [_aws_option(xform_name(member, "-"), value) for member, value in call.parameters.items()]
    return " \\\n    ".join(parts)


def _aws_option(flag: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    joint = "=" if text.startswith("-") else " "
    return f"--{flag}{joint}{shlex.quote(text)}"


def _literal(value: Any) -> str:
    """As Python writes it, with double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_literal(key)}: {_literal(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return repr(value)
