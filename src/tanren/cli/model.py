"""`tanren model …`: custom and imported models, on any endpoint; export and lineage are tanren's own."""

import json
import os
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.text import Text
from rich.tree import Tree

from tanren.cli.calls import Api, Call, DryRun, has_store, open_api, show_equivalents
from tanren.cli.confirmation import Yes, confirm
from tanren.cli.endpoint import DataDir, EndpointUrl
from tanren.cli.language import say
from tanren.cli.output import Column, Output, OutputOption, as_json, aside, local_time, screen, show_members, show_rows
from tanren.cli.waiting import Wait, wait_until_done
from tanren.domain.errors import Conflict, ResourceNotFound, ServiceUnavailable
from tanren.settings import read_settings, to_environment

model = typer.Typer(
    help="Custom models, which jobs have made, and imported models, which were brought as weights.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="Name or ARN of a custom or imported model.")]
_IMPORTED: Final = ":imported-model/"


@model.command("list")
def list_models(
    name_contains: Annotated[str | None, typer.Option("--name-contains", help="Only models named so.")] = None,
    output: OutputOption = Output.TABLE,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Show custom and imported models, the newest first.

    Example: tanren model list --name-contains support
    """
    given = {} if name_contains is None else {"nameContains": name_contains}
    with open_api(endpoint_url, data_dir) as api:
        found = [
            {"kind": kind, **each}
            for kind, operation in (("custom", "ListCustomModels"), ("imported", "ListImportedModels"))
            for each in api.every(Call(operation=operation, parameters=given), "modelSummaries")
        ]
    found.sort(key=lambda each: each["creationTime"], reverse=True)
    columns = [
        Column(heading=say("model"), cell=lambda row: row["modelName"]),
        Column(heading=say("kind"), cell=lambda row: row["kind"]),
        Column(heading=say("made of"), cell=_origin),
        Column(heading=say("status"), cell=lambda row: row.get("modelStatus", "")),
        Column(heading=say("created"), cell=lambda row: local_time(row["creationTime"])),
        Column(heading=say("id"), cell=lambda row: row["modelArn"].rpartition("/")[2]),
    ]
    show_rows(found, columns, output, none=say("No custom or imported models yet."))


@model.command()
def get(
    name: Name,
    output: OutputOption = Output.TABLE,
    dry_run: DryRun = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Show everything that the API tells of a model.

    Example: tanren model get first-model
    """
    if dry_run:
        show_equivalents(_get_call(name), output)
        return
    with open_api(endpoint_url, data_dir) as api:
        show_members(found_model(api, name), output)


@model.command()
def delete(
    name: Name,
    yes: Yes = False,
    output: OutputOption = Output.TABLE,
    dry_run: DryRun = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Delete a model and its weights for good.

    Refused while it is in service.

    Example: tanren model delete first-model --yes
    """
    if dry_run:
        operation = "DeleteImportedModel" if _IMPORTED in name else "DeleteCustomModel"
        show_equivalents(Call(operation=operation, parameters={"modelIdentifier": name}), output)
        return
    with open_api(endpoint_url, data_dir) as api:
        found = found_model(api, name)
        question = say("Delete the model {name} and its weights for good?", name=found["modelName"])
        confirm(question, yes=yes)
        operation = "DeleteImportedModel" if _IMPORTED in found["modelArn"] else "DeleteCustomModel"
        api.perform(Call(operation=operation, parameters={"modelIdentifier": found["modelArn"]}))
    aside().print(say("{name} is deleted.", name=name), markup=False)


@model.command("import")
def import_model(
    name: Annotated[str, typer.Argument(help="What to call the model.")],
    source: Annotated[str, typer.Argument(help="s3://BUCKET/FOLDER/ with config.json, *.safetensors, tokenizer.")],
    role_arn: Annotated[str, typer.Option("--role-arn", help="Role that may read the folder.")],
    job_name: Annotated[str | None, typer.Option("--job-name", help="Default: of the model and the time.")] = None,
    wait: Wait = False,
    output: OutputOption = Output.TABLE,
    dry_run: DryRun = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Import a folder of weights in S3 as a model.

    Prints the ARN of the job. Open weights that are to stand behind a Bedrock id come by `tanren models import` or
    `tanren models pull`.

    Example: tanren model import my-llama s3://my-bucket/llama/ --role-arn arn:aws:iam::123456789012:role/ImportRole
    --wait
    """
    call = Call(
        operation="CreateModelImportJob",
        parameters={
            "jobName": job_name or f"{name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}",
            "importedModelName": name,
            "roleArn": role_arn,
            "modelDataSource": {"s3DataSource": {"s3Uri": source}},
        },
    )
    if dry_run:
        show_equivalents(call, output)
        return
    with open_api(endpoint_url, data_dir) as api:
        arn: str = api.perform(call)["jobArn"]
        _tell_job(api, arn, Call(operation="GetModelImportJob", parameters={"jobIdentifier": arn}), output, wait=wait)


@model.command()
def copy(
    source: Annotated[str, typer.Argument(help="ARN of a custom model, also of another account that shares it.")],
    name: Annotated[str, typer.Argument(help="What to call the copy.")],
    wait: Wait = False,
    output: OutputOption = Output.TABLE,
    dry_run: DryRun = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Copy a custom model into the region of this endpoint.

    Prints the ARN of the job.

    Example: tanren model copy arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.titan/abc123 second-model
    """
    call = Call(operation="CreateModelCopyJob", parameters={"sourceModelArn": source, "targetModelName": name})
    if dry_run:
        show_equivalents(call, output)
        return
    with open_api(endpoint_url, data_dir) as api:
        arn: str = api.perform(call)["jobArn"]
        _tell_job(api, arn, Call(operation="GetModelCopyJob", parameters={"jobArn": arn}), output, wait=wait)


@model.command()
def lineage(
    name: Annotated[str, typer.Argument(help="Name or ARN of a custom model.")],
    output: OutputOption = Output.TABLE,
    dry_run: DryRun = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Show what a model was made of, and what of it.

    tanren's own.

    Example: tanren model lineage first-model
    """
    call = Call(service="tanren", operation="GetModelLineage", parameters={"modelIdentifier": name})
    if dry_run:
        show_equivalents(call, output)
        return
    with open_api(endpoint_url, data_dir) as api:
        found = api.perform(call)
    if output is not Output.TABLE:
        print(as_json(found))
        return
    # The ancestors come from the model upwards.
    line = list(reversed(found["ancestors"]))
    weights = f"  ({found['weights']})" if "weights" in found else ""
    root = branch = Tree(Text(_generation(line[0]) + weights) if line else Text(name))
    for each in line[1:]:
        branch = branch.add(Text(_generation(each)))
    for each in found["descendants"]:
        branch.add(Text(_generation(each), style="cyan"))
    screen().print(root)


@model.command()
def export(
    name: Annotated[str, typer.Argument(metavar="MODEL", help="Name or ARN of a custom model.")],
    destination: Annotated[Path, typer.Argument(help="Folder to write; empty, or not there yet.")],
    merged: Annotated[bool, typer.Option("--merged", help="Base and adapter in one; else the adapter alone.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Write a custom model as a folder for other tools.

    tanren's own: AWS keeps the weights. transformers, peft, vLLM and llama.cpp's converter open it; its answers are
    compared with the original's first.

    Example: tanren model export first-model ./first-model --merged
    """
    # Imported here: `--help` needs none of it.
    from tanren.export import CONFLICT_EXIT_CODE, export_command

    settings = read_settings(data_dir=data_dir)
    if not has_store(settings):
        raise ResourceNotFound(
            say("No server has been started in {folder} yet, so it has no custom models.", folder=settings.data_dir)
        )
    told = aside()
    told.print(
        say(
            "Writing {model} to {folder}, and comparing its answers with the original's", model=name, folder=destination
        ),
        markup=False,
    )
    argv = export_command(name, destination.absolute(), merged=merged)
    # Tensors live in a process of their own.
    done = subprocess.run(
        argv, env={**os.environ, **to_environment(settings)}, capture_output=True, text=True, check=False
    )
    if done.returncode == CONFLICT_EXIT_CODE:
        raise Conflict(done.stderr.strip().splitlines()[-1])
    if done.returncode != 0:
        ended = say("The export ended with exit code {code}.", code=done.returncode)
        raise ServiceUnavailable(done.stderr.strip() or ended)
    for line in json.loads(done.stdout.splitlines()[-1])["lines"]:
        told.print(f"  {escape(line)}")
    print(destination)


def found_model(api: Api, name: str) -> dict[str, Any]:
    """Custom or imported, as its name or its ARN says; custom ones first.

    Raises   ResourceNotFound, in the service's words.
    """
    try:
        return api.perform(_get_call(name))
    except ResourceNotFound:
        if name.startswith("arn:"):
            raise
        try:
            return api.perform(Call(operation="GetImportedModel", parameters={"modelIdentifier": name}))
        except ResourceNotFound as error:
            raise ResourceNotFound(
                say("There is no custom or imported model '{name}' here; `tanren model list` shows all.", name=name)
            ) from error


def _get_call(name: str) -> Call:
    operation = "GetImportedModel" if _IMPORTED in name else "GetCustomModel"
    return Call(operation=operation, parameters={"modelIdentifier": name})


def _tell_job(api: Api, arn: str, look: Call, output: Output, *, wait: bool) -> None:
    """Prints the ARN, and waits for the job's end if that is asked."""
    print(arn if output is Output.TABLE else as_json({"jobArn": arn}), flush=True)
    if wait:
        reattach = f"tanren job events {arn} --follow" if api.is_tanren else "tanren model list"
        wait_until_done(api, look, is_done=("Completed",), has_failed=("Failed",), reattach=reattach)
        aside().print(say("The model is there."), markup=False)
    else:
        aside().print(say("It is under way; `tanren model list` shows the model when it is there."), markup=False)


def _origin(row: dict[str, Any]) -> str:
    made_of: str = row.get("baseModelName") or row.get("baseModelArn", "").rpartition("/")[2]
    return made_of or row.get("modelArchitecture", "")


def _generation(each: dict[str, Any]) -> str:
    name = each.get("modelName") or each["modelArn"].rpartition("/")[2]
    parts = [name]
    if "customizationType" in each:
        parts.append(each["customizationType"])
    if "trainingDataS3Uri" in each:
        parts.append(each["trainingDataS3Uri"])
    if each.get("isDeleted"):
        parts.append(say("deleted"))
    return "  ".join(parts)
