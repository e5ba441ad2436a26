"""The files of an evaluation job: its data sets, checked whole before anything is asked, and its results in S3.

    <output>/<job name>/<job id>/models/<model>/taskTypes/<task>/datasets/<data set>/<uuid>_output.jsonl
    <output>/<job name>/<job id>/custom_metrics/<metric>.json
    <output>/<job name>/<job id>/summary.json                     ours: means, and two models compared
    <output>/<job name>/<job id>/report/<data set>-<task>/…       ours: the page about a base and a tuned model

A name follows from the job and the place in it, so an attempt that repeats a write replaces what the one before wrote.

Source   https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-report-s3.html; the fact sheet §6. That
         AWS's <job-uuid> is the id at the end of the job's ARN is UNCONFIRMED; here it is, so that a script finds it.
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tanren.data.evaluation_rows import CATEGORY, PROMPT, read_evaluation_records
from tanren.data.findings import DataInvalid
from tanren.domain.evaluation_jobs import EvaluationJob
from tanren.domain.evaluation_metrics import Metric
from tanren.domain.evaluation_plans import MOST_PROMPTS, DatasetPlan, EvaluationPlan
from tanren.evaluation.forgetting import general_questions
from tanren.evaluation.questions import Question
from tanren.evaluation.report.folder import ReportFile
from tanren.storage.objects import ObjectStore, S3Location, child_of
from tanren.workflows.data_files import checked, fetch_copy

PROBE_KEY: Final = ".write_access_check_file.tmp"
"""Written and removed below the output location before anything is asked; other jobs have the same."""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDataset:
    plan: DatasetPlan
    metrics: tuple[Metric, ...]
    questions: tuple[Question, ...]
    records: tuple[Json, ...]
    """As they came: one for each question."""
    responses: tuple[Mapping[str, str], ...]
    """Answers that were brought along, by their source: one mapping for each question."""


class DatasetsInvalid(Exception):
    """Data sets that cannot be used, with what is wrong in each."""

    def __init__(self, messages: tuple[str, ...]) -> None:
        super().__init__(messages)
        self.messages = messages


def check_datasets(
    plan: EvaluationPlan,
    objects: ObjectStore,
    folder: Path,
    *,
    check_wanted: Callable[[], None],
    tell: Callable[[str], None],
) -> list[CheckedDataset]:
    """All data sets, fetched and checked. `tell` hears what is odd and taken all the same.

    Raises   DatasetsInvalid with the findings of every data set that is wrong, JobFailed for an object that cannot be
             read; whatever `check_wanted` raises.
    """
    found: list[CheckedDataset] = []
    wrong: list[str] = []
    for dataset in plan.datasets:
        try:
            found.append(_checked(plan, dataset, objects, folder, check_wanted, tell))
        except DataInvalid as error:
            wrong.append(str(error))
    if wrong:
        raise DatasetsInvalid(tuple(wrong))
    return found


def _checked(
    plan: EvaluationPlan,
    dataset: DatasetPlan,
    objects: ObjectStore,
    folder: Path,
    check_wanted: Callable[[], None],
    tell: Callable[[str], None],
) -> CheckedDataset:
    metrics = tuple(plan.metrics_of(dataset))
    if dataset.s3_uri is None:
        questions = tuple(question.as_question(number) for number, question in enumerate(general_questions(), start=1))
        return CheckedDataset(
            plan=dataset,
            metrics=metrics,
            questions=questions,
            records=tuple({PROMPT: question.prompt, CATEGORY: question.category} for question in questions),
            responses=tuple({} for _ in questions),
        )
    path = folder / "datasets" / f"{hashlib.sha256(dataset.s3_uri.encode()).hexdigest()[:16]}.jsonl"
    fetch_copy(dataset.s3_uri, path, objects, check_wanted)
    with path.open("rb") as lines:
        read = read_evaluation_records(
            checked(lines, check_wanted),
            file=dataset.s3_uri,
            needs_reference=any(metric.needs_reference for metric in metrics),
            sources=[model.identifier for model in plan.models if model.is_precomputed],
            most=MOST_PROMPTS,
        )
    for warning in read.warnings:
        tell(warning)
    return CheckedDataset(
        plan=dataset,
        metrics=metrics,
        questions=tuple(
            Question(
                number=number,
                prompt=record.prompt,
                reference=record.reference,
                system=record.system,
                category=record.category,
                source=f"{dataset.s3_uri}:{record.line}",
            )
            for number, record in enumerate(read.records, start=1)
        ),
        records=tuple(record.record for record in read.records),
        responses=tuple(record.responses for record in read.records),
    )


class Results:
    """The output location of a job."""

    def __init__(self, job: EvaluationJob, objects: ObjectStore) -> None:
        self._job = job
        self._objects = objects

    def check(self) -> None:
        """Raises JobFailed where nothing can be written there."""
        probe = child_of(self._job.plan.output_s3_uri, PROBE_KEY)
        self._objects.put(probe, b"", content_type="text/plain")
        self._objects.delete(probe)

    def lines_at(self, model_number: int, dataset_number: int) -> S3Location:
        """Where the results of one model over one data set are."""
        model, dataset = self._job.plan.models[model_number], self._job.plan.datasets[dataset_number]
        name = uuid.uuid5(uuid.NAMESPACE_URL, f"{self._job.job_arn}/{model_number}/{dataset_number}")
        return self._at(
            f"models/{_folder_name(model.identifier)}/taskTypes/{dataset.task_type}/datasets/{dataset.name}/"
            f"{name}_output.jsonl"
        )

    def put_lines(self, model_number: int, dataset_number: int, lines: Iterable[Json]) -> None:
        content = b"".join(_json(line) + b"\n" for line in lines)
        self._objects.put(self.lines_at(model_number, dataset_number), content, content_type="application/jsonl")

    def put_custom_metrics(self) -> None:
        automated = self._job.request["evaluationConfig"]["automated"]
        for metric in (automated.get("customMetricConfig") or {}).get("customMetrics", ()):
            name = metric["customMetricDefinition"]["name"]
            self._objects.put(self._at(f"custom_metrics/{name}.json"), _json(metric), content_type="application/json")

    def put_summary(self, summary: Json) -> None:
        content = json.dumps(summary, ensure_ascii=False, indent=2, allow_nan=False).encode()
        self._objects.put(self._at("summary.json"), content, content_type="application/json")

    def put_report(self, dataset: DatasetPlan, files: Iterable[ReportFile]) -> None:
        for file in files:
            self._objects.put(self.report_at(dataset, file.name), file.content, content_type=file.content_type)

    def report_at(self, dataset: DatasetPlan, name: str = "report.en.html") -> S3Location:
        return self._at(f"report/{dataset.name}-{dataset.task_type}/{name}")

    def _at(self, name: str) -> S3Location:
        return child_of(self._job.plan.output_s3_uri, f"{self._job.job_name}/{self._job.job_id}/{name}")


def _folder_name(identifier: str) -> str:
    """Of an ARN what stands last: a slash would make two folders of it."""
    return identifier.rpartition("/")[2]


def _json(value: Json) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which only an escape can write
        return json.dumps(value, separators=(",", ":")).encode()
