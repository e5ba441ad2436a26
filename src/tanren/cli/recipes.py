"""`tanren recipes …`: small fine-tunes to learn from, each with its data, its jobs, its checks and an explanation."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from tanren.cli.endpoint import open_endpoint, refusals
from tanren.cli.exit_codes import ExitCode
from tanren.cli.language import is_japanese, say
from tanren.cli.output import Column, Output, OutputOption, as_json, aside, screen, show_rows
from tanren.domain.errors import ValidationFailed
from tanren.recipes.collection import Recipe, copy_recipe, find_recipe
from tanren.recipes.collection import recipes as every_recipe
from tanren.recipes.manifest import Check, Language, Stage
from tanren.recipes.running import Answered, Clients, Order, Outcome, Serving, run_recipe

if TYPE_CHECKING:
    from tanren.recipes.uploading import DataFile

recipes = typer.Typer(
    help="Small fine-tunes with data, settings and an evaluation, to run and to copy.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="Of a recipe, or a folder that `copy` has made.")]
DEFAULT_BUCKET: Final = "tanren-recipes"
DEFAULT_ROLE: Final = "tanren-recipes"
_SHOWN_ANSWERS: Final = 3


@recipes.command("list")
def list_recipes(output: OutputOption = Output.TABLE) -> None:
    """Show all recipes, and what base and tuned model have reached in the first check of each.

    The figures are from runs on nano, the embedded base.
    """
    language = _language()
    columns = (
        Column(heading=say("recipe"), cell=lambda row: row["name"]),
        Column(heading=say("what it teaches"), cell=lambda row: row["summary"]),
        Column(heading=say("base"), cell=lambda row: _percent(row["checks"][0]["measuredBase"]), is_number=True),
        Column(heading=say("tuned"), cell=lambda row: _percent(row["checks"][0]["measuredTuned"]), is_number=True),
        Column(heading=say("seconds"), cell=lambda row: _whole(row["measuredSeconds"]), is_number=True),
    )
    show_rows([_facts(recipe, language) for recipe in every_recipe()], columns, output, none="")


@recipes.command()
def show(name: Name, output: OutputOption = Output.TABLE) -> None:
    """Explain a recipe: its data, jobs and checks, what it shows and what it does not."""
    recipe, language = find_recipe(name), _language()
    if output is not Output.TABLE:
        print(as_json(_facts(recipe, language)))
        return
    page, out = recipe.page(language), screen()
    if out.is_terminal:
        out.print(Markdown(page))
    else:
        print(page)
    out.print(_settings_table(recipe, language))


@recipes.command()
def copy(
    name: Name,
    folder: Annotated[Path, typer.Argument(help="New folder, to be changed at will and run by its path.")],
) -> None:
    """Copy a recipe's files into a folder of your own.

    Example: tanren recipes copy answer-style my-style

    Example: tanren recipes run ./my-style --hyper epochCount=3
    """
    copy_recipe(find_recipe(name), folder)
    told = say("{folder} has the recipe's files. Change them, then: tanren recipes run {folder}", folder=folder)
    aside().print(told, markup=False)


@recipes.command()
def run(
    name: Name,
    model: Annotated[
        str | None,
        typer.Option("--model", help="Base model id; the data are written in its family's format. Default: nano."),
    ] = None,
    hyperparameters: Annotated[
        list[str] | None,
        typer.Option("--hyper", help="NAME=VALUE over the recipe's hyperparameters; may be repeated."),
    ] = None,
    role_arn: Annotated[
        str | None, typer.Option("--role-arn", help="Role that the jobs take on. AWS asks for one.")
    ] = None,
    bucket: Annotated[
        str | None, typer.Option("--bucket", help="For data and metrics. Default tanren-recipes; AWS asks for one.")
    ] = None,
    serving: Annotated[
        Serving, typer.Option("--serving", help="How the model is brought into service: on-demand or provisioned.")
    ] = "on-demand",
    keep: Annotated[bool, typer.Option("--keep", help="Leave the model in service at the end.")] = False,
    output: OutputOption = Output.TABLE,
    endpoint_url: Annotated[
        str | None,
        typer.Option("--endpoint-url", help="Of any Bedrock, or `aws`. Default AWS_ENDPOINT_URL, else the own server."),
    ] = None,
    data_dir: Annotated[Path | None, typer.Option("--data-dir", help="Of the server. Default .tanren.")] = None,
) -> None:
    """Run a recipe from end to end: data to S3, jobs, service, and its checks of base and tuned model.

    The custom models and the files in S3 stay; the service ends, unless --keep is given. On an endpoint without nano,
    such as AWS, name another base with --model.

    Example: tanren recipes run ticket-routing

    Example: tanren recipes run sentiment --model amazon.titan-text-lite-v1 --hyper epochCount=3
    """
    recipe, language, told = find_recipe(name), _language(), aside()
    endpoint = open_endpoint(endpoint_url, data_dir)
    if endpoint.is_aws and (role_arn is None or bucket is None):
        raise ValidationFailed(
            "AWS wants a role that may read and write your bucket: give --role-arn and --bucket. Jobs and provisioned "
            "throughput cost money there."
        )
    with refusals():
        clients = Clients(
            bedrock=endpoint.bedrock, runtime=endpoint.client("bedrock-runtime"), s3=endpoint.client("s3")
        )
        if role_arn is None:
            account = endpoint.client("sts").get_caller_identity()["Account"]
            role_arn = f"arn:aws:iam::{account}:role/{DEFAULT_ROLE}"
        order = Order(
            run_name=f"{recipe.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}",
            base_model=model or recipe.manifest.base_model,
            role_arn=role_arn,
            bucket=bucket or _made_bucket(clients.s3),
            hyperparameters=_hyperparameters(recipe, model, hyperparameters or []),
            serving=serving,
            is_kept=keep,
        )
        try:
            outcome = run_recipe(recipe, order, clients, _Told())
        except KeyboardInterrupt:
            told.print(say("Left. What was begun is named {name}-…; a running job goes on.", name=order.run_name))
            raise typer.Exit(ExitCode.DETACHED) from None
    if output is Output.TABLE:
        _report(outcome, language)
    else:
        print(as_json(_result(recipe, order, outcome, language)))


class _Told:
    """A run's `Listener`: each step as a line of progress."""

    def __init__(self) -> None:
        self._console = aside()
        self._phase = ""

    def uploaded(self, stage: Stage, files: "Sequence[DataFile]") -> None:
        for file in files:
            self._tell(say("data     {name}: {count} records to S3", name=file.name, count=file.row_count))
        masked = sum((file.masked for file in files), start=Counter[str]())
        if masked:
            kinds = ", ".join(f"{count} x {kind}" for kind, count in masked.most_common())
            self._tell(say("         masked on the way: {kinds}; names and addresses are not found", kinds=kinds))
        self._tell(say("job      {kind}", kind=stage.customization_type.value))

    def looked(self, job: Mapping[str, Any]) -> None:
        phases: Mapping[str, Any] = job.get("statusDetails", {})
        running = next((name for name, detail in phases.items() if detail.get("status") == "InProgress"), "")
        if running and running != self._phase:
            self._console.print(f"         {running.removesuffix('Details')}", style="dim")
            self._phase = running

    def finished(self, job: Mapping[str, Any], seconds: float) -> None:
        losses = [f"{job['trainingMetrics']['trainingLoss']:.2f}"] if "trainingMetrics" in job else []
        losses += [f"{each['validationLoss']:.2f}" for each in job.get("validationMetrics", [])]
        self._tell(
            say(
                "         {name} completed in {seconds} s, losses (training, validation): {losses}",
                name=job["jobName"],
                seconds=round(seconds),
                losses=", ".join(losses) or "–",
            )
        )

    def in_service(self, model_id: str, seconds: float) -> None:
        self._tell(say("service  {arn} after {seconds} s", arn=model_id, seconds=round(seconds, 1)))

    def _tell(self, line: str) -> None:
        self._console.print(line, markup=False)


def claim(check: Check) -> str:
    """What is claimed of the tuned model's share, in a few signs."""
    least = f"≥ {check.at_least:.0%}" if check.at_least > 0 else ""
    most = f"≤ {check.at_most:.0%}" if check.at_most < 1 else ""
    return ", ".join(filter(None, (least, most))) or "–"


def _language() -> Language:
    return "ja" if is_japanese() else "en"


def _made_bucket(s3: Any) -> str:
    """The bucket of those who name none; made where it is not there."""
    if DEFAULT_BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=DEFAULT_BUCKET)
    return DEFAULT_BUCKET


def _hyperparameters(recipe: Recipe, model: str | None, given: Sequence[str]) -> list[Mapping[str, str]]:
    """One map a stage: the recipe's where the base is the recipe's, else the family's defaults; `given` over both."""
    own = dict(_pair(each) for each in given)
    if model is None or model == recipe.manifest.base_model:
        return [stage.hyperparameters | own for stage in recipe.manifest.stages]
    told = say(
        "The recipe's hyperparameters are for {own}; {model} takes its family's defaults, and what --hyper says.",
        own=recipe.manifest.base_model,
        model=model,
    )
    aside().print(told, markup=False)
    return [own for _ in recipe.manifest.stages]


def _pair(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not (name and equals):
        raise ValidationFailed(f"--hyper is '{given}'; write NAME=VALUE, such as epochCount=3.")
    return name, value


def _report(outcome: Outcome, language: Language) -> None:
    out = screen()
    for answered in outcome.answered:
        out.print(_answers_table(answered, language))
    table = Table(box=None, pad_edge=False)
    table.add_column(say("check"))
    for heading in (say("base"), say("tuned"), say("questions"), say("claimed")):
        table.add_column(heading, justify="right")
    for answered in outcome.answered:
        table.add_row(
            Text(answered.check.title.of(language)),
            _percent(answered.base_share),
            _percent(answered.tuned_share),
            str(len(answered.questions)),
            Text(claim(answered.check)),
        )
    out.print(table)
    model = outcome.jobs[-1]["outputModelName"]
    out.print(say("Done in {seconds} s. The model stays: {name}", seconds=round(outcome.seconds), name=model))


def _answers_table(answered: Answered, language: Language) -> Table:
    table = Table(title=Text(answered.check.title.of(language)), title_justify="left", show_lines=True)
    widths = ((say("prompt"), 3), (say("expected"), 2), (say("tuned answer"), 2), (say("base answer"), 2))
    for heading, ratio in widths:
        table.add_column(heading, ratio=ratio, overflow="fold")
    rows = zip(answered.questions, answered.tuned, answered.base, strict=True)
    for question, tuned, base in list(rows)[:_SHOWN_ANSWERS]:
        # Answers are text, whatever brackets they hold; never markup.
        table.add_row(Text(question.prompt), Text(question.completion), Text(tuned), Text(base, style="dim"))
    return table


def _settings_table(recipe: Recipe, language: Language) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for number, stage in enumerate(recipe.manifest.stages, 1):
        files = stage.training + ("" if stage.validation is None else f", {stage.validation}")
        values = " ".join(f"{name}={value}" for name, value in stage.hyperparameters.items())
        table.add_row(f"{say('job')} {number}", Text(f"{stage.customization_type.value}: {files}; {values}"))
    for check in recipe.manifest.checks:
        figures = ""
        if (measured := check.measured) is not None:
            figures = f": {say('base')} {measured.base:.0%}, {say('tuned')} {measured.tuned:.0%}"
        table.add_row(say("check"), Text(f"{check.title.of(language)} ({check.metric}, {check.questions}){figures}"))
    return table


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _whole(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.0f}"


def _facts(recipe: Recipe, language: Language) -> dict[str, Any]:
    manifest = recipe.manifest
    return {
        "name": recipe.name,
        "title": manifest.title.of(language),
        "summary": manifest.summary.of(language),
        "baseModel": manifest.base_model,
        "folder": str(recipe.folder),
        "jobs": [
            {"customizationType": stage.customization_type.value, "hyperParameters": stage.hyperparameters}
            for stage in manifest.stages
        ],
        "checks": [
            {
                "title": check.title.of(language),
                "metric": check.metric,
                "measuredBase": None if check.measured is None else check.measured.base,
                "measuredTuned": None if check.measured is None else check.measured.tuned,
            }
            for check in manifest.checks
        ],
        "measuredSeconds": None if manifest.run is None else manifest.run.seconds,
    }


def _result(recipe: Recipe, order: Order, outcome: Outcome, language: Language) -> dict[str, Any]:
    return {
        "recipe": recipe.name,
        "baseModel": order.base_model,
        "jobs": [job["jobArn"] for job in outcome.jobs],
        "model": outcome.jobs[-1]["outputModelArn"],
        "servedModel": outcome.served_model if order.is_kept else None,
        "seconds": round(outcome.seconds, 1),
        "checks": [
            {
                "title": answered.check.title.of(language),
                "metric": answered.check.metric,
                "base": answered.base_share,
                "tuned": answered.tuned_share,
                "isAsClaimed": answered.is_as_claimed,
                "questions": [
                    {"prompt": question.prompt, "expected": question.completion, "base": base, "tuned": tuned}
                    for question, base, tuned in zip(answered.questions, answered.base, answered.tuned, strict=True)
                ],
            }
            for answered in outcome.answered
        ],
    }
