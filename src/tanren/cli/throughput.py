"""`tanren throughput …`: provisioned throughput from the command line, by the public API alone, on any endpoint."""

import json
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from tanren.cli.endpoint import Endpoint, open_endpoint, refusals
from tanren.domain.errors import ServiceUnavailable
from tanren.domain.tags import TOKENS_PER_MINUTE_TAG
from tanren.domain.time_to_live import TTL_TAG, parse_ttl

throughput = typer.Typer(
    help="Provisioned throughput: keep a model in service under a name, for a while or for good.", no_args_is_help=True
)

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Of the server. Default .tanren.")]
EndpointUrl = Annotated[
    str | None,
    typer.Option("--endpoint-url", help="Of any Bedrock, or `aws`. Default AWS_ENDPOINT_URL, else the own server."),
]
LOOK_SECONDS: Final = 0.5
DETACHED: Final = 130
_STYLES: Final = {"InService": "green", "Failed": "red"}


@throughput.command()
def create(
    model: Annotated[str, typer.Argument(help="Id of a foundation model, or name or ARN of a custom model.")],
    name: Annotated[str, typer.Argument(help="Of the throughput.")],
    units: Annotated[int, typer.Option(min=1, help="Model units.")] = 1,
    ttl: Annotated[
        str | None, typer.Option(help="It deletes itself after this time: 7200, 50m, 2h, 1h30m, PT2H. Default: never.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Return when it is in service.")] = False,
    data_dir: DataDir = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Bring a model into service under a name; prints the ARN with which it is invoked."""
    span = None if ttl is None else parse_ttl(ttl)
    endpoint = open_endpoint(endpoint_url, data_dir)
    told = _progress_console()
    if span is not None and endpoint.is_aws:
        told.print(_only_a_tag("AWS", name), style="yellow")  # before anything is bought
    tags = {} if ttl is None else {"tags": [{"key": TTL_TAG, "value": ttl}]}
    began = datetime.now().astimezone()
    with refusals():
        arn: str = endpoint.bedrock.create_provisioned_model_throughput(
            modelId=model, provisionedModelName=name, modelUnits=units, **tags
        )["provisionedModelArn"]
        print(arn)
        if span is not None and not endpoint.is_aws:
            ends = f"It deletes itself at {began + span:%Y-%m-%d %H:%M}."
            told.print(ends if _is_tanren(endpoint) else _only_a_tag(endpoint.url, name))
        if not wait:
            told.print(f"{escape(name)} is being brought into service; `tanren throughput list` shows it.")
            return
        _wait(endpoint, arn)
    waited = datetime.now().astimezone() - began
    told.print(f"{escape(name)} is in service after {waited.total_seconds():.1f} s.")


@throughput.command("list")
def list_throughputs(
    data_dir: DataDir = None,
    endpoint_url: EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show all throughputs, the newest first."""
    endpoint = open_endpoint(endpoint_url, data_dir)
    with refusals():
        found = [_facts(endpoint, summary) for summary in _summaries(endpoint)]
    if as_json:
        print(json.dumps(found))
        return
    if not found:
        print("No provisioned throughput.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "status", "units", "model", "created", "tokens/minute", "time to live"):
        is_number = heading in ("units", "tokens/minute")
        table.add_column(heading, overflow="fold", justify="right" if is_number else "left")
    for each in found:
        table.add_row(
            Text(each["name"]),
            Text(each["status"], style=_STYLES.get(each["status"], "yellow")),
            str(each["units"]),
            Text(each["model"].rpartition("/")[2]),
            f"{datetime.fromisoformat(each['createdAt']).astimezone():%m-%d %H:%M}",
            each["tokensPerMinute"] or "",
            each["timeToLive"] or "",
        )
    Console(file=sys.stdout, highlight=False).print(table)


@throughput.command()
def delete(
    name: Annotated[str, typer.Argument(help="Name or ARN of the throughput.")],
    data_dir: DataDir = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Take a throughput out of service; refused inside a commitment term."""
    endpoint = open_endpoint(endpoint_url, data_dir)
    with refusals():
        endpoint.bedrock.delete_provisioned_model_throughput(provisionedModelId=name)
    _progress_console().print(f"{escape(name)} is deleted.")


def _wait(endpoint: Endpoint, arn: str) -> None:
    """Raises   ServiceUnavailable with the reason where it comes to nothing."""
    console = _progress_console()
    try:
        with console.status("being brought into service"):
            while True:
                found = endpoint.bedrock.get_provisioned_model_throughput(provisionedModelId=arn)
                if found["status"] == "InService":
                    return
                if found["status"] == "Failed":
                    raise ServiceUnavailable(f"{arn} has failed: {found.get('failureMessage', 'no reason is given')}")
                time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        console.print("It goes on; `tanren throughput list` shows it.", style="dim")
        raise typer.Exit(DETACHED) from None


def _summaries(endpoint: Endpoint) -> list[dict[str, Any]]:
    pages = endpoint.bedrock.get_paginator("list_provisioned_model_throughputs").paginate()
    found = [summary for page in pages for summary in page["provisionedModelSummaries"]]
    return sorted(found, key=lambda summary: summary["creationTime"], reverse=True)


def _facts(endpoint: Endpoint, summary: dict[str, Any]) -> dict[str, Any]:
    arn = summary["provisionedModelArn"]
    tags = {tag["key"]: tag["value"] for tag in endpoint.bedrock.list_tags_for_resource(resourceARN=arn)["tags"]}
    return {
        "name": summary["provisionedModelName"],
        "arn": arn,
        "status": summary["status"],
        "units": summary["modelUnits"],
        "model": summary["modelArn"],
        "createdAt": summary["creationTime"].isoformat(),
        "tokensPerMinute": tags.get(TOKENS_PER_MINUTE_TAG),
        "timeToLive": tags.get(TTL_TAG),
    }


def _is_tanren(endpoint: Endpoint) -> bool:
    # Imported here: only a time to live asks for it.
    from tanren.doctor.server import is_tanren_server

    return is_tanren_server(endpoint.url)


def _only_a_tag(who: str, name: str) -> str:
    return (
        f"{escape(who)} is no tanren server and keeps {TTL_TAG} as a tag, nothing more: the throughput stays, and "
        f"costs what it costs there, until you delete it (tanren throughput delete {escape(name)})."
    )


def _progress_console() -> Console:
    """What is told on the way goes to standard error; standard output is for the result."""
    return Console(file=sys.stderr, highlight=False, soft_wrap=True)
