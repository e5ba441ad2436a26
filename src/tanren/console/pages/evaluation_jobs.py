"""Evaluation: the form that starts a job, a job while it runs, and its report: figures, answers beside each other."""

import asyncio
import csv
import io
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import quote, urlencode

from starlette.responses import Response

from tanren.console.api import Api, ApiRefusal
from tanren.console.data_files import known_uris
from tanren.console.display import short_name
from tanren.console.evaluation_form import COMPUTED, JUDGED, METRIC_PREFIX, TASKS, EvaluationForm
from tanren.console.evaluation_results import (
    COMMENTS,
    LARGEST_FILE_BYTES,
    SUMMARY,
    VERDICTS,
    VIEWS,
    AnswerRow,
    MetricLine,
    Reply,
    ResultFile,
    View,
    answer_rows,
    markdown_table,
    metric_lines,
    read_replies,
    report_keys,
    result_files,
)
from tanren.console.live_parts import Drawing, live_part
from tanren.console.places import faults_of_places
from tanren.console.requests import boto3_script, cli_script
from tanren.console.visits import Visit, next_page, texts

PAGE_SIZE: Final = 20
ROWS_SHOWN: Final = 20
EVENTS_SHOWN: Final = 50
REDRAW_SECONDS: Final = 2.0
DOWNLOAD_SECONDS: Final = 60
OVER: Final = frozenset({"Completed", "Failed", "Stopped"})
LONGEST_COMMENT: Final = 2000
MODEL_KINDS: Final = ("Provisioned throughput", "Deployments", "Custom models", "Base models")
"""What can be asked, those that are at hand first."""
_LISTED: Final = 100
_COMMENT: Final = "comment."


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a job's results are."""

    bucket: str
    prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A data set's answers, as the page shows them."""

    datasets: tuple[tuple[str, str], ...]
    """Data set and task, of all that the job has results of."""
    chosen: tuple[str, str]
    lines: tuple[MetricLine, ...]
    metric: MetricLine | None
    view: View
    rows: tuple[AnswerRow, ...]
    """Those of the view, whole."""
    is_whole: bool
    """Whether the files were read to their ends."""
    findings: Mapping[str, Any]
    """Of summary.json, where a customization job has evaluated its own model: verdict, forgetting, contamination."""

    @property
    def name(self) -> str:
        return "-".join(self.chosen)


async def list_jobs(visit: Visit) -> Response:
    paging: dict[str, Any] = {"maxResults": PAGE_SIZE, "sortBy": "CreationTime", "sortOrder": "Descending"}
    query = visit.request.query_params
    if token := query.get("page"):
        paging["nextToken"] = token
    if wanted := query.get("name"):
        paging["nameContains"] = wanted
    answer, models = await asyncio.gather(visit.api.ask("bedrock", "ListEvaluationJobs", **paging), _models(visit.api))
    return visit.page(
        "evaluation_jobs.html",
        title=visit.words.text("Evaluations"),
        rows=answer.get("jobSummaries", []),
        names=_names(models),
        wanted=wanted or "",
        following=next_page(visit.request, answer.get("nextToken")),
    )


async def new_job(visit: Visit) -> Response:
    """The form, empty but for what its URL says: a deep link may name any field."""
    given = {"new_role_name": f"bedrock-evaluation-{secrets.token_hex(3)}", **visit.request.query_params}
    return await _form_page(visit, EvaluationForm.read(given))


async def check_job(visit: Visit) -> Response:
    """What is still missing, and what submitting would send. Nothing is made."""
    form = EvaluationForm.read(texts(await visit.request.form()))
    requests = [] if form.complaints() else form.requests(visit.user.account_id, visit.user.credentials.region)
    return visit.fragment(
        "evaluation_check.html",
        missing=form.missing(),
        complaints=form.complaints(),
        places=await faults_of_places(
            visit.api,
            visit.words,
            files=() if form.asks_general else (form.dataset_uri,),
            folders=(form.output_uri,),
        ),
        boto3_script=boto3_script(requests) if requests else "",
        cli_script=cli_script(requests) if requests else "",
    )


async def create_job(visit: Visit) -> Response:
    """Sends the requests in their order. What is refused leaves the form as it was typed, with the reason above it."""
    form = EvaluationForm.read(texts(await visit.request.form()))
    if form.missing() or form.complaints():
        return await _form_page(visit, form, status=400)
    made: dict[str, Any] = {}
    try:
        for request in form.requests(visit.user.account_id, visit.user.credentials.region):
            made = await request.send(visit.api)
    except ApiRefusal as refusal:
        return await _form_page(visit, form, refusal=refusal, status=400)
    return visit.go(f"/console/evaluations/{job_id(made['jobArn'])}")


async def _form_page(
    visit: Visit, form: EvaluationForm, *, refusal: ApiRefusal | None = None, status: int = 200
) -> Response:
    models, uris = await asyncio.gather(_models(visit.api), known_uris(visit.api))
    return visit.page(
        "evaluation_form.html",
        title=visit.words.text("Create evaluation"),
        status=status,
        form=form,
        models=models,
        known=_names(models),
        uris=uris,
        tasks=TASKS,
        computed=COMPUTED,
        judged=JUDGED,
        metric_prefix=METRIC_PREFIX,
        refusal=refusal,
        missing=form.missing() if status == 400 else [],
        complaints=form.complaints() if status == 400 else [],
    )


async def _models(api: Api) -> list[tuple[str, list[tuple[str, str]]]]:
    """What can be asked, by kind: identifiers with their names."""
    newest = {"maxResults": _LISTED, "sortBy": "CreationTime", "sortOrder": "Descending"}
    throughputs, deployments, custom, foundation = await asyncio.gather(
        _listed(api, "ListProvisionedModelThroughputs", "provisionedModelSummaries", **newest),
        _listed(api, "ListCustomModelDeployments", "modelDeploymentSummaries", **newest),
        _listed(api, "ListCustomModels", "modelSummaries", **newest),
        _listed(api, "ListFoundationModels", "modelSummaries"),
    )
    found = (
        [(each["provisionedModelArn"], each["provisionedModelName"]) for each in throughputs],
        [(each["customModelDeploymentArn"], each["customModelDeploymentName"]) for each in deployments],
        [(each["modelArn"], each["modelName"]) for each in custom],
        [(each["modelId"], each["modelId"]) for each in foundation],
    )
    return [(kind, models) for kind, models in zip(MODEL_KINDS, found, strict=True) if models]


def _names(models: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> dict[str, str]:
    """By identifier; of one that is gone, or not among the newest, there is none."""
    return {identifier: name for _, found in models for identifier, name in found}


async def _listed(api: Api, operation: str, member: str, **params: Any) -> list[dict[str, Any]]:
    """Nothing from an endpoint that lacks the operation, or for a user who may not ask."""
    try:
        return (await api.ask("bedrock", operation, **params)).get(member, [])
    except ApiRefusal:
        return []


async def show_job(visit: Visit) -> Response:
    job = await _job(visit)
    view, models = await asyncio.gather(_live_view(visit, job), _models(visit.api))
    table, comments, problem, reports = None, dict[str, str](), None, dict[str, str]()
    if job["status"] == "Completed":
        try:
            table, comments, reports = await _read_results(visit, job)
        except ApiRefusal as refusal:
            problem = refusal
    first = _first_row(visit)

    def with_query(**changes: Any) -> str:
        return _with_query(visit, changes)

    return visit.page(
        "evaluation_job.html",
        title=job["jobName"],
        names=_names(models),
        table=table,
        first=first,
        shown=table.rows[first : first + ROWS_SHOWN] if table else (),
        page_size=ROWS_SHOWN,
        comments=comments,
        comment_prefix=_COMMENT,
        problem=problem,
        views=VIEWS,
        verdicts=VERDICTS,
        reports=reports,
        place=_place(job),
        with_query=with_query,
        **view,
    )


async def live_job(visit: Visit) -> Response:
    async def draw() -> Drawing:
        view = await _live_view(visit, await _job(visit))
        return Drawing(html=visit.render("evaluation_live.html", **view), is_final=view["is_over"])

    return live_part(draw, every_seconds=REDRAW_SECONDS)


async def stop_job(visit: Visit) -> Response:
    await visit.api.ask("bedrock", "StopEvaluationJob", jobIdentifier=_arn(visit))
    return visit.go(f"/console/evaluations/{visit.request.path_params['id']}")


async def delete_job(visit: Visit) -> Response:
    """The job alone; its results in S3 stay."""
    given = texts(await visit.request.form())
    if given.get("confirmed") == "on":
        answer = await visit.api.ask("bedrock", "BatchDeleteEvaluationJob", jobIdentifiers=[_arn(visit)])
        for error in answer.get("errors", []):
            raise ApiRefusal(error["message"], code=error["code"], operation="BatchDeleteEvaluationJob", status=400)
        return visit.go("/console/evaluations")
    return visit.go(f"/console/evaluations/{visit.request.path_params['id']}")


async def save_comments(visit: Visit) -> Response:
    """Keeps what was said of the answers beside the results, in S3; an empty comment is removed."""
    job = await _job(visit)
    place = _place(job)
    given = texts(await visit.request.form())
    kept = await _comments(visit.api, place)
    for name, text in given.items():
        if name.startswith(_COMMENT):
            row = name.removeprefix(_COMMENT)
            kept = {key: value for key, value in kept.items() if key != row}
            if text:
                kept[row] = text[:LONGEST_COMMENT]
    await visit.api.ask(
        "s3",
        "PutObject",
        Bucket=place.bucket,
        Key=place.prefix + COMMENTS,
        Body=json.dumps(kept, ensure_ascii=False, indent=1).encode(),
        ContentType="application/json",
    )
    return visit.go(f"/console/evaluations/{visit.request.path_params['id']}{_with_query(visit, {})}#answers")


async def download_report(visit: Visit) -> Response:
    """The service's report, as a file: anybody may have put another page into S3, so none of it is shown here."""
    job = await _job(visit)
    place = _place(job)
    objects = await _objects(visit.api, place)
    key = report_keys(place.prefix, objects, visit.appearance.language).get(visit.request.query_params.get("name", ""))
    if key is None:
        return visit.go(f"/console/evaluations/{visit.request.path_params['id']}")
    url = await visit.api.presigned(
        "GetObject",
        seconds=DOWNLOAD_SECONDS,
        Bucket=place.bucket,
        Key=key,
        ResponseContentDisposition="attachment",
        ResponseContentType="application/octet-stream",
    )
    return visit.go(url)


async def export_markdown(visit: Visit) -> Response:
    head, rows, name = await _exported(visit)
    return _download(markdown_table(head, rows), "text/markdown", f"{name}.md")


async def export_csv(visit: Visit) -> Response:
    head, rows, name = await _exported(visit)
    text = io.StringIO()
    # The mark makes spreadsheets read it as UTF-8.
    text.write("\ufeff")
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([[_no_formula(cell) for cell in row] for row in rows])
    return _download(text.getvalue(), "text/csv", f"{name}.csv")


def job_id(arn: str) -> str:
    return arn.rpartition("/")[2]


async def _job(visit: Visit) -> dict[str, Any]:
    return await visit.api.ask("bedrock", "GetEvaluationJob", jobIdentifier=_arn(visit))


def _arn(visit: Visit) -> str:
    """GetEvaluationJob takes nothing shorter."""
    region, account = visit.user.credentials.region, visit.user.account_id
    return f"arn:aws:bedrock:{region}:{account}:evaluation-job/{visit.request.path_params['id']}"


def _place(job: Mapping[str, Any]) -> Place:
    bucket, _, folder = job["outputDataConfig"]["s3Uri"].removeprefix("s3://").partition("/")
    below = f"{folder.rstrip('/')}/" if folder else ""
    return Place(bucket=bucket, prefix=f"{below}{job['jobName']}/{job_id(job['jobArn'])}/")


def model_names(job: Mapping[str, Any]) -> list[str]:
    """As the request has them; of answers that were brought along, their source. The baseline is before the model."""
    return [
        each["bedrockModel"]["modelIdentifier"]
        if "bedrockModel" in each
        else each["precomputedInferenceSource"]["inferenceSourceIdentifier"]
        for each in job["inferenceConfig"].get("models", [])
    ]


async def _live_view(visit: Visit, job: Mapping[str, Any]) -> dict[str, Any]:
    try:
        told = await visit.api.ask(
            "tanren",
            "ListJobEvents",
            jobIdentifier=job["jobArn"],
            maxResults=EVENTS_SHOWN,
            sortOrder="Descending",
        )
    except ApiRefusal:
        # An endpoint that is not tanren has no events.
        told = {}
    return {
        "job": job,
        "id": job_id(job["jobArn"]),
        "models": model_names(job),
        "events": told.get("events", []),
        "is_over": job["status"] in OVER,
    }


async def _read_results(visit: Visit, job: Mapping[str, Any]) -> tuple[Table | None, dict[str, str], dict[str, str]]:
    """The table, the comments and the service's own reports. Raises   ApiRefusal."""
    place = _place(job)
    objects = await _objects(visit.api, place)
    files = result_files(place.prefix, objects)
    reports = report_keys(place.prefix, objects, visit.appearance.language)
    if not files:
        return None, {}, reports
    table, comments = await asyncio.gather(_table(visit, job, place, files), _comments(visit.api, place))
    return table, comments, reports


async def _objects(api: Api, place: Place) -> list[dict[str, Any]]:
    return (await api.ask("s3", "ListObjectsV2", Bucket=place.bucket, Prefix=place.prefix)).get("Contents", [])


async def _table(visit: Visit, job: Mapping[str, Any], place: Place, files: Sequence[ResultFile]) -> Table:
    datasets = tuple(dict.fromkeys((each.dataset, each.task) for each in files))
    query = visit.request.query_params
    chosen = next((each for each in datasets if "-".join(each) == query.get("dataset")), datasets[0])
    of_chosen = {each.model: each for each in files if (each.dataset, each.task) == chosen}
    names = model_names(job)
    wanted = [of_chosen.get(name.rpartition("/")[2]) for name in names]
    replies, summary = await asyncio.gather(
        asyncio.gather(*(_replies(visit.api, place.bucket, each) for each in wanted)),
        _json(visit.api, place, SUMMARY),
    )
    model, baseline = replies[-1], replies[0] if len(replies) > 1 else []
    of_dataset = next(
        (each for each in summary.get("datasets", []) if (each["name"], each["taskType"]) == chosen), dict[str, Any]()
    )
    lines = metric_lines(model, baseline, of_dataset, names=names)
    metric = next((each for each in lines if each.name == query.get("metric")), lines[0] if lines else None)
    wanted_view = query.get("show")
    view: View = "gains" if wanted_view == "gains" else "losses" if wanted_view == "losses" else "all"
    return Table(
        datasets=datasets,
        chosen=chosen,
        lines=tuple(lines),
        metric=metric,
        view=view,
        rows=tuple(answer_rows(model, baseline, metric, view=view)),
        findings=summary.get("findings", {}),
        is_whole=all(each is None or each.size_bytes <= LARGEST_FILE_BYTES for each in wanted),
    )


async def _replies(api: Api, bucket: str, file: ResultFile | None) -> list[Reply]:
    if file is None or not file.size_bytes:
        return []
    content = await api.beginning_of(bucket, file.key, size_bytes=LARGEST_FILE_BYTES)
    try:
        return read_replies(content, is_whole=file.size_bytes <= LARGEST_FILE_BYTES)
    except ValueError as error:
        raise ApiRefusal(f"s3://{bucket}/{file.key}: {error}", code="NoResults", operation="GetObject") from error


async def _comments(api: Api, place: Place) -> dict[str, str]:
    """By data set, task and number of the row; what is no comment is left out."""
    return {key: text for key, text in (await _json(api, place, COMMENTS)).items() if isinstance(text, str)}


async def _json(api: Api, place: Place, name: str) -> dict[str, Any]:
    """An object that may not be there; also nothing of one that is no JSON object."""
    try:
        found = json.loads(
            await api.beginning_of(place.bucket, place.prefix + name, size_bytes=LARGEST_FILE_BYTES) or b"{}"
        )
    except (ApiRefusal, ValueError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


async def _exported(visit: Visit) -> tuple[list[str], list[list[str]], str]:
    """Head and rows of the view, all its pages: prompt, model, baseline, comment."""
    job = await _job(visit)
    (table, comments, _), models = await asyncio.gather(_read_results(visit, job), _models(visit.api))
    words, names = visit.words, _names(models)
    asked = [names.get(each) or short_name(each) for each in reversed(model_names(job))]
    head = [words.text("Prompt"), *asked, words.text("Comment")]
    rows: list[list[str]] = []
    for row in table.rows if table else ():
        answers = [row.model, *([row.baseline] if row.baseline is not None else [])]
        rows.append(
            [
                row.model.prompt,
                *((each.answer if each.answer is not None else each.error) for each in answers),
                comments.get(f"{table.name if table else ''}.{row.number}", ""),
            ]
        )
    return head, rows, job["jobName"]


def _first_row(visit: Visit) -> int:
    given = visit.request.query_params.get("from", "")
    return int(given) if given.isdigit() and len(given) < 7 else 0


def _with_query(visit: Visit, changes: Mapping[str, Any]) -> str:
    """The query of this page with changes; of those that are empty nothing stands in it."""
    query = {**visit.request.query_params, **changes}
    kept = {name: value for name, value in query.items() if str(value) not in ("", "0")}
    return f"?{urlencode(kept)}" if kept else ""


def _no_formula(cell: str) -> str:
    """Text that a spreadsheet takes for text: what a model says may begin as a formula does."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _download(text: str, media_type: str, name: str) -> Response:
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    return Response(text, media_type=f"{media_type}; charset=utf-8", headers={"content-disposition": disposition})
