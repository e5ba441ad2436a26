"""Customization jobs: the form that makes one, and a job while it runs and after it."""

import asyncio
import csv
import io
import secrets
import threading
from collections.abc import AsyncGenerator, Iterator, Mapping
from itertools import zip_longest
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from tanren.console.api import Api, ApiRefusal, if_there
from tanren.console.data_files import known_uris
from tanren.console.job_form import NEW_ROLE_PREFIX, JobForm
from tanren.console.languages import elapsed
from tanren.console.live_parts import event, event_stream
from tanren.console.loss_chart import EarlyStop, early_stop, loss_chart
from tanren.console.pages.checkpoint_trials import taught_by
from tanren.console.places import faults_of_places
from tanren.console.requests import boto3_script, cli_script
from tanren.console.visits import Visit, texts
from tanren.domain.clock import utc_now

EVENTS_SHOWN: Final = 50
CURVE_POINTS: Final = 1000
REDRAW_SECONDS: Final = 0.5
"""A live page is drawn anew no more often than this, however fast the steps are."""
LOOK_AGAIN_SECONDS: Final = 10.0
"""For an endpoint that has no WatchJob, and for what changes beside the job's updates."""
_MEMORY: Final = "Memory: "
"""With which a job begins the sentence about what it takes; the newest of them counts."""
SAID_ABOVE: Final = frozenset(
    {
        "No job of yours has trained on these weights by this method yet, so no time can be told.",
        "There is no price book, so no cost can be told: docs/sdk.md says how to write one.",
    }
)
"""Notes of an estimate that its missing figures say themselves."""
OVER: Final = frozenset({"Completed", "Failed", "Stopped"})


async def new_job(visit: Visit) -> Response:
    """The form, empty but for what its URL says: a deep link may name any field."""
    given = {"new_role_name": _new_role_name(), "stops_early": "on", **visit.request.query_params}
    form = JobForm.read(given)
    return await _form_page(visit, form)


async def hyperparameters(visit: Visit) -> Response:
    """The fields of the model that has been chosen, with what was typed so far."""
    form = JobForm.read(texts(await visit.request.form()))
    return visit.fragment("job_hyperparameters.html", form=form)


async def check_job(visit: Visit) -> Response:
    """What the API says of data and settings before anything is made, and what submitting would send."""
    form = JobForm.read(texts(await visit.request.form()))
    requests = form.requests(visit.user.account_id)
    report, estimate, refusal = None, None, None
    places = asyncio.create_task(faults_of_places(visit.api, visit.words, folders=(form.output_uri,)))
    if form.base_model and form.training_uri:
        try:
            report = await visit.api.ask("tanren", "ValidateTrainingData", **form.data())
            estimate = await visit.api.ask(
                "tanren", "EstimateCustomizationJob", **form.data(), hyperParameters=form.sent_hyperparameters()
            )
        except ApiRefusal as told:
            refusal = told
    return visit.fragment(
        "job_check.html",
        form=form,
        missing=form.missing(),
        complaints=form.complaints(),
        places=await places,
        report=report,
        estimate=estimate,
        notes=_notes(visit, estimate or {}),
        refusal=refusal,
        duration=visit.words.duration,
        boto3_script=boto3_script(requests),
        cli_script=cli_script(requests),
    )


def _notes(visit: Visit, estimate: Mapping[str, Any]) -> list[str]:
    """What the service has to say beside the figures; what stands with the missing ones is left out."""
    told = zip_longest(estimate.get("notes", []), estimate.get("noteParts", []))
    return [visit.words.told(note, parts) for note, parts in told if note and note not in SAID_ABOVE]


async def create_job(visit: Visit) -> Response:
    """Sends the requests in their order. What is refused leaves the form as it was typed, with the reason above it."""
    form = JobForm.read(texts(await visit.request.form()))
    if form.missing() or form.complaints():
        return await _form_page(visit, form, status=400)
    try:
        for request in form.requests(visit.user.account_id):
            await request.send(visit.api)
    except ApiRefusal as refusal:
        return await _form_page(visit, form, refusal=refusal, status=400)
    return visit.go(f"/console/jobs/{quote(form.job_name)}")


async def _form_page(visit: Visit, form: JobForm, *, refusal: ApiRefusal | None = None, status: int = 200) -> Response:
    models, custom_models, uris = await asyncio.gather(
        visit.api.ask("bedrock", "ListFoundationModels", byCustomizationType=form.customization_type),
        visit.api.ask("bedrock", "ListCustomModels", maxResults=50, sortBy="CreationTime", sortOrder="Descending"),
        known_uris(visit.api),
    )
    before = await _job(visit, form.again) if form.again else None
    words = visit.words
    titles = {
        "FINE_TUNING": words.text("Create fine-tuning job"),
        "CONTINUED_PRE_TRAINING": words.text("Create continued pre-training job"),
    }
    return visit.page(
        "job_form.html",
        title=titles[form.customization_type],
        status=status,
        form=form,
        is_typed=status == 400,
        models=models.get("modelSummaries", []),
        custom_models=custom_models.get("modelSummaries", []),
        uris=uris,
        differences=[] if before is None else form.differences(before),
        refusal=refusal,
        missing=form.missing() if status == 400 else [],
        complaints=form.complaints() if status == 400 else [],
    )


def _new_role_name() -> str:
    return NEW_ROLE_PREFIX + secrets.token_hex(3)


async def show_job(visit: Visit) -> Response:
    name = visit.request.path_params["name"]
    view = await _read(visit, name)
    job = view["job"]
    # Of an endpoint that tells no metrics there is no checkpoint to ask; of full fine-tuning there is no adapter.
    is_full = job.get("hyperParameters", {}).get("customizationMethod") == "full"
    can_be_tried = bool(view["metrics"]) and not view["is_over"] and not is_full
    return visit.page(
        "job.html",
        title=job["jobName"],
        name=name,
        can_be_tried=can_be_tried,
        learned=await taught_by(visit, job) if can_be_tried else None,
        **view,
    )


async def train_again(visit: Visit) -> Response:
    """The form with the settings of a job, and what is changed of them beside it."""
    job = await _job(visit, visit.request.path_params["name"])
    return await _form_page(visit, JobForm.of_job(job, new_role_name=_new_role_name()))


async def differences(visit: Visit) -> Response:
    """What the form would have otherwise than the job that it began with."""
    form = JobForm.read(texts(await visit.request.form()))
    job = await _job(visit, form.again)
    return visit.fragment("job_differences.html", form=form, differences=form.differences(job))


async def _job(visit: Visit, name: str) -> dict[str, Any]:
    return await visit.api.ask("bedrock", "GetModelCustomizationJob", jobIdentifier=name)


async def stop_job(visit: Visit) -> Response:
    name = visit.request.path_params["name"]
    await visit.api.ask("bedrock", "StopModelCustomizationJob", jobIdentifier=name)
    return visit.go(f"/console/jobs/{quote(name)}")


async def metrics_csv(visit: Visit) -> Response:
    """The curves of the page as a table: each step, and the validation after it where there was one."""
    name = visit.request.path_params["name"]
    metrics = await visit.api.ask("tanren", "GetJobMetrics", jobIdentifier=name, maxResults=CURVE_POINTS)
    validations = {each["step"]: each["validationLoss"] for each in metrics["validations"]}
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["step_number", "epoch_number", "training_loss", "validation_loss"])
    for step in metrics["steps"]:
        writer.writerow([step["step"], step["epoch"], step["trainingLoss"], validations.get(step["step"], "")])
    return Response(
        text.getvalue(),
        media_type="text/csv",
        headers={"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}.csv"},
    )


async def live_job(visit: Visit) -> Response:
    """An event stream: the live part of the page, each time that something has happened to the job."""
    name = visit.request.path_params["name"]
    return event_stream(_live(visit, name))


async def _live(visit: Visit, name: str) -> AsyncGenerator[str]:
    """Ends with the job. What is drawn is always the whole, so that a browser that was away has missed nothing."""
    async with _Watch(visit.api, name) as watch:
        shown = ""
        while True:
            watch.news.clear()
            view = await _read(visit, name)
            drawn = visit.render("job_live.html", name=name, **view)
            if drawn != shown:
                shown = drawn
                yield event("draw", drawn)
            else:
                # A sign that the page is still listened to: a browser that has left is noticed by it.
                yield ": still here\n\n"
            if view["job"]["status"] in OVER:
                yield event("end", "")
                return
            await asyncio.sleep(REDRAW_SECONDS)
            await watch.wait(LOOK_AGAIN_SECONDS)


class _Watch:
    """Says when something has happened to a job: WatchJob, read in a thread of its own.

    An endpoint without WatchJob says nothing, and the page looks again in its own time.
    """

    def __init__(self, api: Api, name: str) -> None:
        self._api = api
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._has_left = threading.Event()
        self.news = asyncio.Event()

    async def __aenter__(self) -> "_Watch":
        try:
            updates = await self._api.open_stream("tanren", "WatchJob", "updates", jobIdentifier=self._name)
        except ApiRefusal:
            return self
        threading.Thread(target=self._read, args=(updates,), name=f"watch {self._name}", daemon=True).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        # Noticed at the next update or heartbeat, within fifteen seconds.
        self._has_left.set()

    async def wait(self, seconds: float) -> None:
        """Returns at the next news, or after so long."""
        try:
            await asyncio.wait_for(self.news.wait(), seconds)
        except TimeoutError:
            return

    def _read(self, updates: Iterator[Mapping[str, Any]]) -> None:
        try:
            for update in updates:
                if self._has_left.is_set():
                    return
                if "heartbeat" not in update:
                    self._loop.call_soon_threadsafe(self.news.set)
        except ApiRefusal:
            # The connection broke; the page goes on in its own time, and the browser's next visit watches again.
            return
        finally:
            close = getattr(updates, "close", None)
            if close is not None:
                close()


async def _read(visit: Visit, name: str) -> dict[str, Any]:
    """All that the page shows of a job, as the API has it at this moment."""
    job, metrics, events, samples, evaluation = await asyncio.gather(
        visit.api.ask("bedrock", "GetModelCustomizationJob", jobIdentifier=name),
        if_there(visit.api, "GetJobMetrics", jobIdentifier=name, maxResults=CURVE_POINTS),
        if_there(visit.api, "ListJobEvents", jobIdentifier=name, maxResults=EVENTS_SHOWN, sortOrder="Descending"),
        if_there(visit.api, "GetJobSamples", jobIdentifier=name, maxResults=CURVE_POINTS),
        if_there(visit.api, "GetJobEvaluation", jobIdentifier=name),
    )
    metrics = metrics or {}
    is_there = job["status"] == "Completed" and await _is_there(visit.api, job.get("outputModelName"))
    validations = metrics.get("validations", [])
    stop = _early_stop(job, validations)
    took = elapsed(job, now=utc_now())
    told: list[dict[str, Any]] = (events or {}).get("events", [])
    failure = job.get("failureMessage")  # stands at the top of the page
    return {
        "job": job,
        "metrics": metrics,
        "model_is_there": is_there,
        "events": [each for each in told if not failure or not each["message"].startswith(failure)],
        "evaluation": evaluation,
        "memory": _memory(visit, told),
        "sample": next(iter((samples or {}).get("samples", [])[-1:]), None),
        "chart": loss_chart(metrics.get("steps", []), validations, stop),
        "early_stop": stop,
        "took": None if took is None or job["status"] not in OVER else visit.words.duration(took.total_seconds()),
        "remaining": visit.words.duration(metrics.get("progress", {}).get("remainingSeconds")),
        "is_over": job["status"] in OVER,
    }


async def _is_there(api: Api, model_name: str | None) -> bool:
    """Whether a completed job's model has not been deleted; one that the user may not look at is there."""
    try:
        return model_name is not None and bool(await api.ask("bedrock", "GetCustomModel", modelIdentifier=model_name))
    except ApiRefusal as refusal:
        return not refusal.is_absence


def _memory(visit: Visit, events: list[dict[str, Any]]) -> str | None:
    """What it takes, without the word itself, which stands above it."""
    told = next((each for each in events if each["message"].startswith(_MEMORY)), None)
    if told is None:
        return None
    return visit.words.told(told["message"], told.get("messageParts")).partition(": ")[2]


def _early_stop(job: Mapping[str, Any], validations: list[dict[str, Any]]) -> EarlyStop | None:
    """By the job's own hyperparameters; None where it has no early stopping, or nothing was validated yet."""
    given: Mapping[str, str] = job.get("hyperParameters", {})
    if "earlyStoppingPatience" not in given:
        return None
    return early_stop(
        validations,
        threshold=float(given.get("earlyStoppingThreshold", 0)),
        patience=int(given["earlyStoppingPatience"]),
    )
