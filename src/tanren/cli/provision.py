"""`tanren provision …`: provisioned throughput from the command line, by the public API alone, on any endpoint."""

from datetime import datetime
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from tanren.cli.calls import Api, Call, DryRun, open_api, show_equivalents
from tanren.cli.confirmation import Yes, confirm
from tanren.cli.endpoint import DataDir, EndpointUrl
from tanren.cli.language import say
from tanren.cli.output import Column, Output, OutputOption, as_json, aside, local_time, show_members, show_rows
from tanren.cli.waiting import Wait, wait_until_done
from tanren.domain.time_to_live import TTL_TAG, parse_ttl

provision = typer.Typer(
    help="Provisioned throughput: keep a model in service under a name, for a while or for good.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="Name or ARN of the throughput.")]
_STYLES: Final = {"InService": "green", "Failed": "red"}


@provision.command()
def create(
    model: Annotated[str, typer.Argument(help="Id of a foundation model, or name or ARN of a custom model.")],
    name: Annotated[str, typer.Argument(help="Of the throughput.")],
    units: Annotated[int, typer.Option("--units", min=1, help="Model units.")] = 1,
    commitment: Annotated[
        str | None, typer.Option("--commitment", help="OneMonth or SixMonths. Default: none, billed by the hour.")
    ] = None,
    ttl: Annotated[
        str | None,
        typer.Option("--ttl", help="It deletes itself after this time: 7200, 50m, 2h, 1h30m, PT2H. Default: never."),
    ] = None,
    wait: Wait = False,
    yes: Yes = False,
    output: OutputOption = Output.TABLE,
    dry_run: DryRun = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Bring a model into service under a name.

    Prints the ARN with which it is invoked. On AWS it asks before it buys.

    Example: tanren provision create first-model first-throughput --ttl 50m --wait
    """
    span = None if ttl is None else parse_ttl(ttl)
    parameters: dict[str, Any] = {"modelUnits": units, "provisionedModelName": name, "modelId": model}
    if commitment is not None:
        parameters["commitmentDuration"] = commitment
    if ttl is not None:
        parameters["tags"] = [{"key": TTL_TAG, "value": ttl}]
    call = Call(operation="CreateProvisionedModelThroughput", parameters=parameters)
    if dry_run:
        show_equivalents(call, output)
        return
    with open_api(endpoint_url, data_dir) as api:
        if api.is_aws:
            if span is not None:
                aside().print(_only_a_tag("AWS", name), style="yellow", markup=False)  # before anything is bought
            confirm(say("Provisioned throughput on AWS costs money until it is deleted. Buy it?"), yes=yes)
        began = datetime.now().astimezone()
        arn: str = api.perform(call)["provisionedModelArn"]
        print(arn if output is Output.TABLE else as_json({"provisionedModelArn": arn}), flush=True)
        if span is not None and not api.is_aws:
            ends = say("It deletes itself at {time}.", time=f"{began + span:%Y-%m-%d %H:%M}")
            url = "" if api.endpoint is None else api.endpoint.url
            aside().print(ends if api.is_tanren else _only_a_tag(url, name), markup=False)
        if not wait:
            told = say("{name} is being brought into service; `tanren provision list` shows it.", name=name)
            aside().print(told, markup=False)
            return
        wait_until_done(
            api,
            Call(operation="GetProvisionedModelThroughput", parameters={"provisionedModelId": arn}),
            is_done=("InService",),
            has_failed=("Failed",),
            reattach=f"tanren provision get {name}",
        )
    waited = f"{(datetime.now().astimezone() - began).total_seconds():.1f}"
    aside().print(say("{name} is in service after {seconds} s.", name=name, seconds=waited), markup=False)


@provision.command("list")
def list_throughputs(
    output: OutputOption = Output.TABLE,
    dry_run: DryRun = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Show all throughputs, the newest first.

    Example: tanren provision list
    """
    call = Call(
        operation="ListProvisionedModelThroughputs",
        parameters={"sortBy": "CreationTime", "sortOrder": "Descending"},
    )
    if dry_run:
        show_equivalents(call, output)
        return
    with open_api(endpoint_url, data_dir) as api:
        every = api.every(call, "provisionedModelSummaries")
        found = [
            {
                **each,
                "tokensPerMinute": _tokens_per_minute(api, each["provisionedModelArn"]),
                "timeToLive": _time_to_live(api, each["provisionedModelArn"]),
            }
            for each in every
        ]
    columns = [
        Column(heading=say("name"), cell=lambda row: row["provisionedModelName"]),
        Column(heading=say("status"), cell=lambda row: Text(row["status"], style=_STYLES.get(row["status"], "yellow"))),
        Column(heading=say("units"), cell=lambda row: str(row["modelUnits"]), is_number=True),
        Column(heading=say("model"), cell=lambda row: row["modelArn"].rpartition("/")[2]),
        Column(heading=say("created"), cell=lambda row: local_time(row["creationTime"])),
        Column(heading=say("tokens/minute"), cell=lambda row: str(row["tokensPerMinute"] or ""), is_number=True),
        Column(heading=say("time to live"), cell=lambda row: row["timeToLive"] or ""),
    ]
    show_rows(found, columns, output, none=say("No provisioned throughput."))


@provision.command()
def get(
    name: Name,
    output: OutputOption = Output.TABLE,
    dry_run: DryRun = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Show everything that the API tells of a throughput.

    Example: tanren provision get first-throughput
    """
    call = Call(operation="GetProvisionedModelThroughput", parameters={"provisionedModelId": name})
    if dry_run:
        show_equivalents(call, output)
        return
    with open_api(endpoint_url, data_dir) as api:
        found = api.perform(call)
        measured = _tokens_per_minute(api, found["provisionedModelArn"])
    show_members(found if measured is None else {**found, "tokensPerMinute": measured}, output)


@provision.command()
def delete(
    name: Name,
    dry_run: DryRun = False,
    output: OutputOption = Output.TABLE,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Take a throughput out of service; refused inside a commitment term.

    Example: tanren provision delete first-throughput
    """
    call = Call(operation="DeleteProvisionedModelThroughput", parameters={"provisionedModelId": name})
    if dry_run:
        show_equivalents(call, output)
        return
    with open_api(endpoint_url, data_dir) as api:
        api.perform(call)
    aside().print(say("{name} is deleted.", name=name), markup=False)


def _tokens_per_minute(api: Api, arn: str) -> int | None:
    """None before it has been measured, and wherever nobody measures."""
    if not api.is_tanren:
        return None
    call = Call(service="tanren", operation="GetProvisionedCapacity", parameters={"provisionedModelId": arn})
    return api.perform(call).get("tokensPerMinute")


def _time_to_live(api: Api, arn: str) -> str | None:
    tags = api.perform(Call(operation="ListTagsForResource", parameters={"resourceARN": arn}))["tags"]
    return next((tag["value"] for tag in tags if tag["key"] == TTL_TAG), None)


def _only_a_tag(who: str, name: str) -> str:
    return say(
        "{who} is no tanren server and keeps {tag} as a tag, nothing more: the throughput stays, and costs what it "
        "costs there, until you delete it (tanren provision delete {name}).",
        who=who,
        tag=TTL_TAG,
        name=name,
    )
