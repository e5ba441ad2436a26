"""`tanren data estimate`: what a job with these data would take, as the service itself foretells it."""

import json
from typing import Annotated, Any

import typer
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from tanren.cli.data_checks import CustomizationOption, DataDir, EndpointUrl, OutputOption
from tanren.cli.data_reports import Output, console
from tanren.cli.data_source import client_of, is_s3
from tanren.cli.endpoint import refusals
from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.errors import ValidationFailed


def estimate(
    file: Annotated[str, typer.Argument(help="Training data, s3://BUCKET/KEY.")],
    model: Annotated[str, typer.Option("--model", help="Base model id, or ARN of a custom model.")],
    validation: Annotated[
        list[str] | None, typer.Option("--validation", help="Validation data in S3; may be repeated.")
    ] = None,
    hyperparameters: Annotated[
        list[str] | None, typer.Option("--hyperparameter", help="NAME=VALUE as of the job; may be repeated.")
    ] = None,
    customization_type: CustomizationOption = None,
    output: OutputOption = Output.TABLE,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Foretell a job's tokens, steps, memory, time and cost, without running it. The server answers; AWS cannot.

    Time is known after a first job on the same weights; the price is that of AWS, from the server's price book.
    """
    files = [file, *(validation or [])]
    if (local := next((name for name in files if not is_s3(name)), None)) is not None:
        raise ValidationFailed(f"'{local}' is not in S3; `tanren data push {local} s3://BUCKET/KEY` uploads it first.")
    request: dict[str, Any] = {
        "baseModelIdentifier": model,
        "trainingDataConfig": {"s3Uri": file},
        "customizationType": CustomizationType.FINE_TUNING if customization_type is None else customization_type.value,
    }
    if validation:
        request["validationDataConfig"] = {"validators": [{"s3Uri": name} for name in validation]}
    if hyperparameters:
        request["hyperParameters"] = dict(_pair(given) for given in hyperparameters)
    client, url = client_of("tanren", endpoint_url, data_dir)
    if url.endswith(".amazonaws.com"):
        raise ValidationFailed(
            "AWS foretells nothing of a job; ask a tanren server, whose price book has AWS's prices."
        )
    with refusals():
        told = client.estimate_customization_job(**request)
    told.pop("ResponseMetadata", None)
    if output is Output.TABLE:
        console().print(_table(told))
        for note in told["notes"]:
            console().print(Text(note, style="dim"))
    else:
        print(json.dumps(told))


def _pair(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not equals or not name:
        raise ValidationFailed(f"--hyperparameter is '{given}'; write NAME=VALUE, such as epochCount=3.")
    return name, value


def _table(told: dict[str, Any]) -> Table:
    tokens, memory = told["tokens"], told["memory"]
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("records", f"{tokens['recordCount']:,}, the longest of {tokens['longestRecordTokenCount']:,} tokens")
    table.add_row(
        "tokens",
        f"{tokens['epochTokenCount']:,} an epoch, {tokens['trainedTokenCount']:,} of them learned; "
        f"{tokens['totalTokenCount']:,} in {tokens['epochs']} epochs and {tokens['stepCount']:,} steps",
    )
    fits = {True: "it fits", False: "it does not fit", None: "what is free is not known"}[memory.get("fits")]
    table.add_row("memory", Text(f"{decimal(memory['neededBytes'])}; {fits}. {memory['explanation']}"))
    if "time" in told:
        rate = told["time"]
        table.add_row("time", f"{_duration(rate['seconds'])} at {rate['tokensPerSecond']:,.0f} tokens a second")
    if "cost" in told:
        cost = told["cost"]
        table.add_row(
            "on AWS",
            f"{cost['amount']:,.2f} {cost['currency']} at {cost['pricePerThousandTokens']} per 1,000 tokens "
            f"({cost['source']})",
        )
    return table


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
