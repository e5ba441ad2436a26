"""`tanren job metrics`: the losses of a job, step by step.

From a tanren server while the job runs and afterwards; from any other Bedrock when it is over, out of the two files
that every customization job leaves in its output location.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.text import Text

from tanren.cli.calls import Api, Call, open_api
from tanren.cli.endpoint import DataDir, EndpointUrl, refusals
from tanren.cli.job_view import OVER
from tanren.cli.language import say
from tanren.cli.loss_curve import sparkline
from tanren.cli.output import Output, OutputOption, as_json, screen
from tanren.domain.errors import Conflict, ResourceNotFound

if TYPE_CHECKING:
    from tanren.storage.objects import S3Location

_CURVE_WIDTH: Final = 60
_FILES: Final = (
    ("steps", "trainingLoss", "training_artifacts/step_wise_training_metrics.csv"),
    ("validations", "validationLoss", "validation_artifacts/post_fine_tuning_validation/validation_metrics.csv"),
    ("validations", "validationLoss", "validation_artifacts/validation_metrics.csv"),
)
"""Two places of the validation losses: AWS's pages name both."""


def metrics(
    name: Annotated[str, typer.Argument(help="Name or ARN of the job.")],
    points: Annotated[
        int, typer.Option("--points", min=2, max=10_000, help="Most points of a curve; more are thinned out.")
    ] = 500,
    output: OutputOption = Output.TABLE,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Show the losses of a job, as curves or as points.

    On AWS the points come out of the files that the job has left in S3. With --output jsonl each point is a line.

    Example: tanren job metrics first-job --output jsonl > losses.jsonl
    """
    with open_api(endpoint_url, data_dir) as api:
        found = curves(api, name, points)
    if output is Output.JSON:
        print(as_json(found))
    elif output is Output.JSONL:
        for kind in ("steps", "validations"):
            for point in found[kind]:
                print(as_json({"kind": kind.removesuffix("s"), **point}))
    else:
        _draw(found)


def curves(api: Api, name: str, points: int) -> dict[str, Any]:
    """`steps` and `validations`, in the members of GetJobMetrics."""
    if api.is_tanren:
        parameters = {"jobIdentifier": name, "maxResults": points}
        return api.perform(Call(service="tanren", operation="GetJobMetrics", parameters=parameters))
    job = api.perform(Call(operation="GetModelCustomizationJob", parameters={"jobIdentifier": name}))
    if job["status"] not in OVER:
        raise Conflict(
            say(
                "{name} is {status}; this Bedrock tells the losses when a job is over.", name=name, status=job["status"]
            )
        )
    found: dict[str, Any] = {"jobArn": job["jobArn"], "jobName": job["jobName"], "status": job["status"]}
    found |= {"steps": [], "validations": []}
    for kind, member, file in _FILES:
        if not found[kind]:
            found[kind] = _thinned(list(_points(_object(api, job, file), member)), points)
    if not found["steps"]:
        raise ResourceNotFound(say("There are no metrics in {place}.", place=f"{_folder(job)}/{_FILES[0][2]}"))
    return found


def _folder(job: Mapping[str, Any]) -> str:
    output: str = job["outputDataConfig"]["s3Uri"]
    return f"{output.rstrip('/')}/model-customization-job-{job['jobArn'].rpartition('/')[2]}"


def _object(api: Api, job: Mapping[str, Any], file: str) -> str:
    """Its text; empty where it is not there."""
    from botocore.exceptions import ClientError

    from tanren.storage.objects import parse_s3_uri

    location: S3Location = parse_s3_uri(f"{_folder(job)}/{file}")
    with refusals():
        try:
            body: Any = api.client("s3").get_object(Bucket=location.bucket, Key=location.key)["Body"]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in ("NoSuchKey", "404"):
                return ""
            raise
        return body.read().decode()


def _points(text: str, member: str) -> Iterator[dict[str, Any]]:
    """Of a file with the columns step_number, epoch_number and the loss, third."""
    for row in csv.reader(io.StringIO(text)):
        if row and row[0].strip().isdigit():
            yield {"step": int(row[0]), "epoch": int(row[1]), member: float(row[2])}


def _thinned(points: Sequence[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """Evenly, with the first and the last."""
    if len(points) <= most:
        return list(points)
    return [points[round(place * (len(points) - 1) / (most - 1))] for place in range(most)]


def _draw(found: Mapping[str, Any]) -> None:
    out = screen()
    out.print(Text.assemble((found["jobName"], "bold"), f"  {found['status']}"))
    for kind, member, colour, words in (
        ("steps", "trainingLoss", "cyan", say("training loss")),
        ("validations", "validationLoss", "magenta", say("validation loss")),
    ):
        points = found[kind]
        if not points:
            continue
        losses = [point[member] for point in points]
        best = points[losses.index(min(losses))]
        out.print(f"\n{words}: {losses[0]:.4f} → {losses[-1]:.4f}")
        out.print(Text(sparkline(losses, width=_CURVE_WIDTH), style=colour))
        least = say("lowest {loss} at step {step}, epoch {epoch}", loss=f"{min(losses):.4f}", **_place(best))
        out.print(Text(least, style="dim"))
    if found.get("diagnosis"):
        out.print(Text(f"\n{found['diagnosis']}", style="bold"))


def _place(point: Mapping[str, Any]) -> dict[str, Any]:
    return {"step": point["step"], "epoch": point["epoch"]}
