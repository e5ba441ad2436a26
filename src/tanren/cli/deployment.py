"""`tanren deployment …`: deployments of custom models, which answer on demand, on any endpoint."""

from datetime import datetime
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from tanren.cli.calls import Api, Call, DryRun, open_api, show_equivalents
from tanren.cli.endpoint import DataDir, EndpointUrl
from tanren.cli.language import say
from tanren.cli.output import Column, Output, OutputOption, as_json, aside, local_time, show_members, show_rows
from tanren.cli.pairs import tags_of
from tanren.cli.waiting import Wait, wait_until_done
from tanren.domain.errors import ValidationFailed

deployment = typer.Typer(
    help="Deployments of custom models: they answer on demand, and cost what they are asked.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="Name or ARN of the deployment.")]
_STYLES: Final = {"Active": "green", "Failed": "red"}


@deployment.command()
def create(
    model: Annotated[str, typer.Argument(help="Name or ARN of a custom model.")],
    name: Annotated[str, typer.Argument(help="Of the deployment.")],
    description: Annotated[str | None, typer.Option("--description", help="For people.")] = None,
    tags: Annotated[list[str] | None, typer.Option("--tag", help="KEY=VALUE; may be repeated.")] = None,
    wait: Wait = False,
    output: OutputOption = Output.TABLE,
    dry_run: DryRun = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Deploy a custom model; prints the ARN with which it is invoked.

    Example: tanren deployment create first-model first-deployment --wait
    """
    more = {"description": description, "tags": tags_of(tags)}
    given = {member: value for member, value in more.items() if value}
    if dry_run:
        if not model.startswith("arn:"):
            raise ValidationFailed(
                say("The call takes an ARN, and --dry-run asks nobody for that of '{name}'; give the ARN.", name=model)
            )
        show_equivalents(_create_call(name, model, given), output)
        return
    with open_api(endpoint_url, data_dir) as api:
        call = _create_call(name, model if model.startswith("arn:") else _model_arn(api, model), given)
        began = datetime.now().astimezone()
        arn: str = api.perform(call)["customModelDeploymentArn"]
        print(arn if output is Output.TABLE else as_json({"customModelDeploymentArn": arn}), flush=True)
        if not wait:
            told = say("{name} is being deployed; `tanren deployment list` shows it.", name=name)
            aside().print(told, markup=False)
            return
        wait_until_done(
            api,
            Call(operation="GetCustomModelDeployment", parameters={"customModelDeploymentIdentifier": arn}),
            is_done=("Active",),
            has_failed=("Failed",),
            reattach=f"tanren deployment get {name}",
        )
    waited = f"{(datetime.now().astimezone() - began).total_seconds():.1f}"
    aside().print(say("{name} is in service after {seconds} s.", name=name, seconds=waited), markup=False)


@deployment.command("list")
def list_deployments(
    output: OutputOption = Output.TABLE,
    dry_run: DryRun = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Show all deployments, the newest first.

    Example: tanren deployment list
    """
    call = Call(
        operation="ListCustomModelDeployments", parameters={"sortBy": "CreationTime", "sortOrder": "Descending"}
    )
    if dry_run:
        show_equivalents(call, output)
        return
    with open_api(endpoint_url, data_dir) as api:
        found = list(api.every(call, "modelDeploymentSummaries"))
    columns = [
        Column(heading=say("name"), cell=lambda row: row["customModelDeploymentName"]),
        Column(heading=say("status"), cell=lambda row: Text(row["status"], style=_STYLES.get(row["status"], "yellow"))),
        Column(heading=say("model"), cell=lambda row: row["modelArn"].rpartition("/")[2]),
        Column(heading=say("created"), cell=lambda row: local_time(row["createdAt"])),
    ]
    show_rows(found, columns, output, none=say("No deployments."))


@deployment.command()
def get(
    name: Name,
    output: OutputOption = Output.TABLE,
    dry_run: DryRun = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Show everything that the API tells of a deployment.

    Example: tanren deployment get first-deployment
    """
    call = Call(operation="GetCustomModelDeployment", parameters={"customModelDeploymentIdentifier": name})
    if dry_run:
        show_equivalents(call, output)
        return
    with open_api(endpoint_url, data_dir) as api:
        show_members(api.perform(call), output)


@deployment.command()
def delete(
    name: Name,
    output: OutputOption = Output.TABLE,
    dry_run: DryRun = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Take a deployment away; its model stays.

    Example: tanren deployment delete first-deployment
    """
    call = Call(operation="DeleteCustomModelDeployment", parameters={"customModelDeploymentIdentifier": name})
    if dry_run:
        show_equivalents(call, output)
        return
    with open_api(endpoint_url, data_dir) as api:
        api.perform(call)
    aside().print(say("{name} is deleted.", name=name), markup=False)


def _create_call(name: str, model_arn: str, given: dict[str, Any]) -> Call:
    parameters = {"modelDeploymentName": name, "modelArn": model_arn, **given}
    return Call(operation="CreateCustomModelDeployment", parameters=parameters)


def _model_arn(api: Api, name: str) -> str:
    found: dict[str, Any] = api.perform(Call(operation="GetCustomModel", parameters={"modelIdentifier": name}))
    return found["modelArn"]
