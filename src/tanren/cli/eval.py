"""`tanren eval …`: whether a tuned model is better than its base, on any Bedrock endpoint; the report; two compared."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tanren.cli.calls import Api, Call, open_api
from tanren.cli.data_source import pieces_from
from tanren.cli.endpoint import DataDir, EndpointUrl
from tanren.cli.eval_memorisation import canaries, memorisation
from tanren.cli.exit_codes import ExitCode
from tanren.cli.language import say
from tanren.cli.output import Column, Output, OutputOption, as_json, aside, show_rows
from tanren.domain.errors import AccessDenied, ResourceNotFound, ValidationFailed
from tanren.settings import read_settings

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from tanren.evaluation.answers import Answer, Unanswered
    from tanren.evaluation.results import Evaluation

eval_ = typer.Typer(help="Measure a tuned model against its base, and say what the figures show.", no_args_is_help=True)
eval_.command()(canaries)
eval_.command()(memorisation)


@eval_.command()
def run(
    questions: Annotated[
        str, typer.Argument(help="Questions with reference answers: a path, or s3://BUCKET/KEY.", metavar="QUESTIONS")
    ],
    base: Annotated[str, typer.Option("--base", help="Id or ARN of the base model.")],
    folder: Annotated[
        Path, typer.Option("--report", help="Folder of the report; answers are kept there as they come.")
    ],
    tuned: Annotated[
        list[str], typer.Option("--tuned", help="Id or ARN of a tuned model, or NAME=ID; may be repeated.")
    ] = [],  # noqa: B006
    system_prompt: Annotated[
        str | None, typer.Option("--system-prompt", help="A further arm: the base with this system prompt.")
    ] = None,
    few_shot: Annotated[
        int, typer.Option("--few-shot", min=0, help="A further arm: the base with so many examples from --train.")
    ] = 0,
    train: Annotated[
        str | None, typer.Option("--train", help="The training data: for --few-shot, leaked questions and copies.")
    ] = None,
    validation: Annotated[str | None, typer.Option("--validation", help="The validation data, for leaks.")] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            "--metrics", help="Names with commas. Default: by the questions. loss is of this machine's models alone."
        ),
    ] = None,
    encoder: Annotated[
        Path | None, typer.Option("--encoder", help="Folder of an encoder model on this machine, for bertscore.")
    ] = None,
    criteria: Annotated[
        str | None, typer.Option("--criteria", help="What makes it SHIP: 'rougeL >= base + 0.1; forgetting <= minor'.")
    ] = None,
    judge: Annotated[
        str | None, typer.Option("--judge", help="A model that rates and compares answers; not of the same family.")
    ] = None,
    grader: Annotated[
        Path | None, typer.Option("--grader", help="Python with grade(item, answer); runs closed in by itself.")
    ] = None,
    learning_curve: Annotated[
        str | None, typer.Option("--learning-curve", help="NAME=PERCENT of tuned arms: 'quarter=25,half=50,all=100'.")
    ] = None,
    curves: Annotated[
        list[Path], typer.Option("--curve", help="A job's step_wise_…_metrics.csv, for the picture; may be repeated.")
    ] = [],  # noqa: B006
    rates: Annotated[
        str | None, typer.Option("--rates", help="Money per 1,000 tokens in and out: '0.0003,0.0006'.")
    ] = None,
    general: Annotated[
        bool, typer.Option("--general/--no-general", help="Ask the general set, for forgetting.")
    ] = True,
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, help="Of an answer.")] = 256,
    temperature: Annotated[float, typer.Option("--temperature", min=0.0, help="0 is greedy.")] = 0.0,
    concurrency: Annotated[int, typer.Option("--concurrency", min=1, max=64, help="Questions under way.")] = 8,
    name: Annotated[str | None, typer.Option("--name", help="Of the report. Default: that of the folder.")] = None,
    output: OutputOption = Output.TABLE,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Ask base and tuned model the same questions, compare, and write the report.

    Ends with 3 where criteria are stated and the verdict is DON'T SHIP. What was answered before an end by force is
    not asked again.

    Example: tanren eval run questions.jsonl --base amazon.titan-text-lite-v1 --tuned first-throughput --report out
    """
    # Imported here: `tanren --help` needs no arrays.
    from tanren.cli.eval_converse import ConverseModel
    from tanren.cli.eval_journal import AnswerJournal, digest_of_run
    from tanren.cli.eval_plan import (
        arms_of,
        chosen_metrics,
        curve_of,
        model_ids,
        rates_of,
        records_of,
        settings_of,
        shares_of,
    )
    from tanren.cli.eval_weights import ProcessEncoder, ProcessLikelihoods, own_store
    from tanren.domain.success_criteria import parse_criteria
    from tanren.evaluation.answers import Decoding
    from tanren.evaluation.plan import Plan
    from tanren.evaluation.questions import read_questions
    from tanren.evaluation.report.folder import write_report
    from tanren.evaluation.run import Models, evaluate

    stated = None if criteria is None else parse_criteria(criteria)  # before anything is asked
    asked = read_questions(pieces_from(questions, endpoint_url, data_dir), questions)
    chosen = chosen_metrics(metrics, asked, has_encoder=encoder is not None)
    store = own_store(endpoint_url, data_dir) if chosen.needs_weights else None
    training = records_of(train, endpoint_url, data_dir)
    plan = Plan(
        name=name or folder.name,
        questions=asked,
        arms=arms_of(base, tuned, system_prompt, few_shot, training, asked),
        metrics=chosen.computed,
        decoding=Decoding(max_new_tokens=max_tokens, temperature=temperature),
        criteria=stated,
        training=training,
        validation=records_of(validation, endpoint_url, data_dir),
        asks_general_set=general and bool(tuned),
        rates=rates_of(rates),
        grader=None if grader is None else grader.read_text("utf-8"),
        data_shares=shares_of(learning_curve),
        curves=tuple(curve_of(path) for path in curves),
        settings=settings_of(questions, train, validation, endpoint_url, data_dir),
    )
    with open_api(endpoint_url, data_dir) as api:
        runtime = api.client("bedrock-runtime")
        meant = {each: _meant(api, each, is_needed=judge is not None) for each in (base, *model_ids(tuned))}
        key = digest_of_run(plan.digest, meant)
        models = Models(
            answerer=lambda model_id: ConverseModel(runtime, model_id, concurrency=concurrency),
            decider=None if judge is None else ConverseModel(runtime, judge, concurrency=concurrency),
            judge_names=() if judge is None else _names(api, judge),
            tuned_names=tuple(name for names in meant.values() for name in names) if judge is not None else (),
            scorer=None if store is None else partial(ProcessLikelihoods, store),
            encoder=None if encoder is None else ProcessEncoder(encoder, read_settings(data_dir=data_dir)),
        )
        with AnswerJournal(folder, key, criteria=criteria) as journal, _Shown(journal.add) as shown:
            if journal.kept_count:
                kept = say(
                    "{count} answers and verdicts are kept from the run that began at {begun}.",
                    count=journal.kept_count,
                    begun=journal.begun_at,
                )
                aside().print(kept, markup=False)
                plan = replace(plan, settings={**plan.settings, "kept answers": kept})
            if models.decider is not None:
                models = replace(models, decider=journal.keeping(models.decider))
            evaluation = evaluate(plan, models, known=journal.known, progress=shown)
            write_report(evaluation, folder)
            journal.finish()
    _tell(evaluation, folder, output)


@eval_.command()
def report(
    evaluation: Annotated[Path, typer.Argument(help="An evaluation.json.")],
    folder: Annotated[Path | None, typer.Option("--report", help="Default: that of the file.")] = None,
) -> None:
    """Make the report anew from an evaluation.json, without asking any model.

    Example: tanren eval report out/evaluation.json
    """
    from tanren.evaluation.report.folder import write_report
    from tanren.evaluation.results import read_evaluation

    for path in write_report(read_evaluation(evaluation), folder or evaluation.parent):
        print(path)


@eval_.command()
def compare(
    first: Annotated[Path, typer.Argument(help="An evaluation.json …")],
    second: Annotated[Path, typer.Argument(help="… and another of the same questions.")],
    first_arm: Annotated[str, typer.Option("--first-arm", help="Arm of the first.")] = "tuned",
    second_arm: Annotated[str, typer.Option("--second-arm", help="Arm of the second.")] = "tuned",
    output: OutputOption = Output.TABLE,
) -> None:
    """Compare an arm of one evaluation with an arm of another, such as two tunes of one base.

    Ends with 1 where the second is shown to be worse in any metric.

    Example: tanren eval compare monday/evaluation.json tuesday/evaluation.json
    """
    from tanren.evaluation.report import figures
    from tanren.evaluation.results import read_evaluation
    from tanren.evaluation.scoring import compared_evaluations

    found = compared_evaluations(read_evaluation(first), first_arm, read_evaluation(second), second_arm)
    rows = [
        {
            "metric": each.metric,
            "first": each.base,
            "second": each.tuned,
            "low": each.low,
            "high": each.high,
            "p": each.adjusted_p,
            "outcome": each.outcome,
        }
        for each in found
    ]
    columns = [
        Column(heading=say("metric"), cell=lambda row: row["metric"]),
        *(
            Column(heading=heading, cell=lambda row, key=key: _figure(row, key), is_number=True)
            for heading, key in (
                (say("first"), "first"),
                (say("second"), "second"),
                (say("95 % from"), "low"),
                (say("to"), "high"),
            )
        ),
        Column(heading="p", cell=lambda row: figures.p(row["p"]), is_number=True),
        Column(heading=say("second is"), cell=lambda row: row["outcome"]),
    ]
    show_rows(rows, columns, output, none=say("The two have no metric in common."))
    if any(each.outcome == "worse" for each in found):
        raise typer.Exit(ExitCode.FAILED)


def _figure(row: Any, key: str) -> str:
    from tanren.evaluation.report import figures

    return figures.value(row[key], name=row["metric"])


def _tell(evaluation: "Evaluation", folder: Path, output: Output) -> None:
    """Raises   typer.Exit where the verdict is DON'T SHIP."""
    from tanren.cli.language import is_japanese
    from tanren.evaluation.report.content import report_of

    language = "ja" if is_japanese() else "en"
    page = folder / f"report.{language}.html"
    is_ship = any(verdict.is_ship for verdict in evaluation.verdicts) if evaluation.verdicts else None
    if output is Output.TABLE:
        told = report_of(evaluation, language)
        print(told.verdict)
        for headline in told.headlines:
            print(headline.text)
        for result in evaluation.arms:
            if result.cut_off_count:
                print(
                    say(
                        "{count} of {total} answers of {arm} were cut off at {tokens} tokens; more: --max-tokens.",
                        count=result.cut_off_count,
                        total=len(result.replies),
                        arm=result.arm.name,
                        tokens=evaluation.decoding.max_new_tokens,
                    )
                )
        print(page)
    else:
        arms = {result.arm.name: {metric.name: metric.value for metric in result.metrics} for result in evaluation.arms}
        cut_off = {result.arm.name: result.cut_off_count for result in evaluation.arms}
        print(as_json({"isShip": is_ship, "arms": arms, "cutOff": cut_off, "report": str(page)}))
    if is_ship is False:
        raise typer.Exit(ExitCode.NOT_VALID)


def _names(api: Api, model_id: str) -> tuple[str, ...]:
    """What is known of a model: its id, the model behind it, and the foundation model that it comes from.

    Why   a judge that is a provisioned or custom model is of the line of its base, which only the service knows.
    """
    # A bare name is that of a throughput, where it is one; an id has its provider before a dot.
    is_bare = "." not in model_id and not model_id.startswith("arn:")
    if is_bare or ":provisioned-model/" in model_id:
        try:
            found = api.perform(
                Call(operation="GetProvisionedModelThroughput", parameters={"provisionedModelId": model_id})
            )
        except (ResourceNotFound, ValidationFailed):
            if is_bare:
                return ()
            raise
        return found["foundationModelArn"], *_names(api, found["modelArn"])
    if ":custom-model-deployment/" in model_id:
        parameters = {"customModelDeploymentIdentifier": model_id}
        return _names(api, api.perform(Call(operation="GetCustomModelDeployment", parameters=parameters))["modelArn"])
    if ":custom-model/" in model_id:
        found = api.perform(Call(operation="GetCustomModel", parameters={"modelIdentifier": model_id}))
        return model_id, found["baseModelArn"]
    return (model_id,)


def _meant(api: Api, model_id: str, *, is_needed: bool) -> tuple[str, ...]:
    """`_names`; none where the caller may ask the model but not look at it, unless a judge makes them needed."""
    try:
        return _names(api, model_id)
    except AccessDenied:
        if is_needed:
            raise
        return ()


class _Shown:
    """Keeps answers, and shows how many there are."""

    def __init__(self, keep: Any) -> None:
        self._keep = keep
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "_Shown":
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (TextColumn("  {task.description}"), BarColumn(24), MofNCompleteColumn())
        self._progress = Progress(*columns, console=aside(), transient=True)
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def begin(self, stage: str, count: int) -> None:
        if self._progress is not None:
            self._tasks[stage] = self._progress.add_task(stage, total=count)

    def answered(self, stage: str, index: int, answer: "Answer | Unanswered") -> None:
        self._keep(stage, index, answer)
        if self._progress is not None:
            self._progress.advance(self._tasks[stage])
