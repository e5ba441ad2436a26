"""`tanren config explain`: every setting with its value and where that came from, and whom the commands would ask."""

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from tanren.cli.endpoint import EndpointUrl
from tanren.cli.language import say
from tanren.cli.output import Column, Output, OutputOption, aside, show_rows
from tanren.domain.errors import ValidationFailed
from tanren.settings import explain_settings

config = typer.Typer(help="Settings: their values, and where each came from.", no_args_is_help=True)

_SECRETS = ("access_key", "secret_key", "database_url")
"""Shown as set or not: a database's URL has its password in it."""


@config.callback()
def _root() -> None:
    """Settings: a flag wins over a variable of the environment, that over the file, and that over the default."""


@config.command()
def explain(
    name: Annotated[str | None, typer.Argument(help="Only settings whose name contains this.")] = None,
    changed: Annotated[bool, typer.Option("--changed", help="Only those that are not at their default.")] = False,
    output: OutputOption = Output.TABLE,
    endpoint_url: EndpointUrl = None,
    data_dir: Annotated[Path | None, typer.Option("--data-dir", help="Of the server. Default .tanren.")] = None,
) -> None:
    """Show every setting: its value, where that came from, and what it is for.

    A flag of `tanren serve` wins over TANREN_… in the environment, which wins over settings.toml in the data
    directory, which wins over the default. Below them stands whom the other commands would ask from this shell.

    Example: tanren config explain --changed
    """
    rows: list[dict[str, Any]] = [
        {
            "setting": each.name,
            "value": _shown(each.name, each.value),
            "source": each.source,
            "place": each.place,
            "help": each.help_line,
        }
        for each in explain_settings(data_dir=data_dir)
    ]
    rows += _client_rows(endpoint_url, data_dir)
    rows = [row for row in rows if (name or "") in row["setting"] and not (changed and row["source"] == "default")]
    columns = [
        Column(heading=say("setting"), cell=lambda row: Text(row["setting"], style="bold")),
        Column(heading=say("value"), cell=lambda row: row["value"]),
        Column(heading=say("from"), cell=_source),
    ]
    show_rows(rows, columns, output, none=say("No such setting."))
    if output is Output.TABLE and len(rows) == 1:
        aside().print(rows[0]["help"], style="dim", markup=False)


def _client_rows(endpoint_url: str | None, data_dir: Path | None) -> list[dict[str, Any]]:
    """Whom a command asks that is a client, with which keys, in which region; nobody is asked for it."""
    import boto3

    from tanren.cli.endpoint import Endpoint, own_server, whom

    told = "Whom commands ask that are clients of the API."
    try:
        meant = whom(endpoint_url, data_dir)
        endpoint = meant if isinstance(meant, Endpoint) else own_server(meant)
    except ValidationFailed as error:
        return [_row("endpoint", "-", "none", "", str(error))]
    if not isinstance(meant, Endpoint):
        flag = data_dir is not None
        place = f"{shlex.quote(str(meant.data_dir))}/root-keys.json"
        source = "flag" if flag else "default"
        return [
            _row("endpoint", endpoint.url, source, place, told),
            _row("region", endpoint.bedrock.meta.region_name, "file", place, told),
            _row("credentials", "root", "file", place, told),
        ]
    session = boto3.Session()
    credentials: Any = session.get_credentials()
    method = "" if credentials is None else str(credentials.method)
    source, place = ("flag", "--endpoint-url") if endpoint_url is not None else ("environment", "AWS_ENDPOINT_URL")
    return [
        _row("endpoint", endpoint.url, source, place, told),
        _row("region", endpoint.bedrock.meta.region_name, "boto3", "AWS_REGION, ~/.aws/config", told),
        _row("credentials", "-" if credentials is None else say("set"), "boto3", method, told),
    ]


def _row(setting: str, value: str, source: str, place: str, help_line: str) -> dict[str, Any]:
    return {"setting": setting, "value": value, "source": source, "place": place, "help": help_line}


def _shown(name: str, value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return (say("set") if text else "") if name in _SECRETS else text


def _source(row: dict[str, str]) -> Text:
    words = {
        "flag": say("flag"),
        "environment": say("environment"),
        "file": say("file"),
        "default": say("default"),
        "none": say("nowhere"),
    }
    told = Text(words.get(row["source"], row["source"]), style="dim" if row["source"] == "default" else "")
    return told.append(f"  {row['place']}", style="dim") if row["place"] else told
