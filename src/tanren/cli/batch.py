"""`tanren batch …`: batch inference, a file of prompts in S3 and a file of answers beside it, on any endpoint."""

from typing import Annotated, Any, Final

import typer
from rich.text import Text

from tanren.cli.calls import Call, DryRun, open_api, show_equivalents
from tanren.cli.confirmation import Yes, confirm
from tanren.cli.endpoint import DataDir, EndpointUrl
from tanren.cli.language import say
from tanren.cli.output import Column, Output, OutputOption, as_json, aside, local_time, show_members, show_rows
from tanren.cli.pairs import tags_of
from tanren.cli.waiting import Wait, wait_until_done

batch = typer.Typer(
    help="Batch inference: a JSONL of prompts in S3 is answered into another, without a client that waits.",
    no_args_is_help=True,
)

_DONE: Final = ("Completed", "PartiallyCompleted")
_FAILED: Final = ("Failed", "Stopped", "Expired")
_STYLES: Final = {"Completed": "green", "PartiallyCompleted": "yellow", "Failed": "red", "Expired": "red"}


@batch.command()
def create(
    job_name: Annotated[str, typer.Option("--job-name", help="Of the batch job.")],
    model: Annotated[str, typer.Option("--model-id", "--model", help="Id of a model, or ARN of one that is tuned.")],
    role_arn: Annotated[str, typer.Option("--role-arn", help="Role that may read the input and write the output.")],
    input_data: Annotated[str, typer.Option("--input-data", help="s3://BUCKET/KEY of a JSONL, or a folder of some.")],
    output_data: Annotated[str, typer.Option("--output-data", help="s3://BUCKET/FOLDER/ for the answers.")],
    converse: Annotated[
        bool, typer.Option("--converse", help="The records are requests of Converse, not of InvokeModel.")
    ] = False,
    timeout_hours: Annotated[
        int | None, typer.Option("--timeout-hours", min=24, max=168, help="It expires then. The service's default: 24.")
    ] = None,
    tags: Annotated[list[str] | None, typer.Option("--tag", help="KEY=VALUE; may be repeated.")] = None,
    wait: Wait = False,
    yes: Yes = False,
    output: OutputOption = Output.TABLE,
    dry_run: DryRun = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Create a batch job; prints its ARN.

    On AWS it asks before it buys. With --wait, exit code 1 where no record was answered.

    Example: tanren batch create --job-name nightly --model-id amazon.titan-text-express-v1
    --role-arn arn:aws:iam::123456789012:role/BatchRole --input-data s3://my-bucket/in/records.jsonl
    --output-data s3://my-bucket/out/ --wait
    """
    parameters: dict[str, Any] = {
        "jobName": job_name,
        "modelId": model,
        "roleArn": role_arn,
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": input_data}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": output_data}},
    }
    if converse:
        parameters["modelInvocationType"] = "Converse"
    if timeout_hours is not None:
        parameters["timeoutDurationInHours"] = timeout_hours
    if tags:
        parameters["tags"] = tags_of(tags)
    call = Call(operation="CreateModelInvocationJob", parameters=parameters)
    if dry_run:
        show_equivalents(call, output)
        return
    with open_api(endpoint_url, data_dir) as api:
        if api.is_aws:
            confirm(say("Every record is billed on AWS. Create the batch job?"), yes=yes)
        arn: str = api.perform(call)["jobArn"]
        print(arn if output is Output.TABLE else as_json({"jobArn": arn}), flush=True)
        if not wait:
            told = say("{name} is under way; `{command}` shows it.", name=job_name, command=f"tanren batch get {arn}")
            aside().print(told, markup=False)
            return
        found = wait_until_done(
            api,
            Call(operation="GetModelInvocationJob", parameters={"jobIdentifier": arn}),
            is_done=_DONE,
            has_failed=_FAILED,
            reattach=f"tanren batch get {arn}",
        )
    aside().print(f"{job_name}: {found['status']}{_records(found)}", markup=False)


@batch.command("list")
def list_batches(
    status: Annotated[str | None, typer.Option("--status", help="Only with this status, such as InProgress.")] = None,
    output: OutputOption = Output.TABLE,
    dry_run: DryRun = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Show all batch jobs, the newest first.

    Example: tanren batch list --status InProgress
    """
    given = {} if status is None else {"statusEquals": status}
    call = Call(
        operation="ListModelInvocationJobs",
        parameters={**given, "sortBy": "CreationTime", "sortOrder": "Descending"},
    )
    if dry_run:
        show_equivalents(call, output)
        return
    with open_api(endpoint_url, data_dir) as api:
        found = list(api.every(call, "invocationJobSummaries"))
    columns = [
        Column(heading=say("job"), cell=lambda row: row["jobName"]),
        Column(heading=say("status"), cell=lambda row: Text(row["status"], style=_STYLES.get(row["status"], "cyan"))),
        Column(heading=say("model"), cell=lambda row: row["modelId"].rpartition("/")[2]),
        Column(heading=say("begun"), cell=lambda row: local_time(row["submitTime"])),
        Column(heading=say("records"), cell=_counts, is_number=True),
        Column(heading=say("id"), cell=lambda row: row["jobArn"].rpartition("/")[2]),
    ]
    show_rows(found, columns, output, none=say("No batch jobs."))


@batch.command()
def get(
    job: Annotated[str, typer.Argument(help="ARN or id of the batch job.")],
    output: OutputOption = Output.TABLE,
    dry_run: DryRun = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Show everything that the API tells of a batch job.

    Example: tanren batch get a1b2c3d4e5f6
    """
    call = Call(operation="GetModelInvocationJob", parameters={"jobIdentifier": job})
    if dry_run:
        show_equivalents(call, output)
        return
    with open_api(endpoint_url, data_dir) as api:
        show_members(api.perform(call), output)


@batch.command()
def stop(
    job: Annotated[str, typer.Argument(help="ARN or id of the batch job.")],
    yes: Yes = False,
    output: OutputOption = Output.TABLE,
    dry_run: DryRun = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Stop a batch job; what is answered is kept.

    Example: tanren batch stop a1b2c3d4e5f6 --yes
    """
    call = Call(operation="StopModelInvocationJob", parameters={"jobIdentifier": job})
    if dry_run:
        show_equivalents(call, output)
        return
    with open_api(endpoint_url, data_dir) as api:
        confirm(say("Stop the job {name} for good?", name=job), yes=yes)
        api.perform(call)
    aside().print(say("{name} is being stopped; `{command}` shows it.", name=job, command=f"tanren batch get {job}"))


def _counts(row: dict[str, Any]) -> str:
    if "totalRecordCount" not in row:
        return ""
    return f"{row.get('processedRecordCount', 0):,}/{row['totalRecordCount']:,}"


def _records(found: dict[str, Any]) -> str:
    if "totalRecordCount" not in found:
        return ""
    return say(
        ", {answered} of {total} records answered",
        answered=f"{found.get('successRecordCount', 0):,}",
        total=f"{found['totalRecordCount']:,}",
    )
