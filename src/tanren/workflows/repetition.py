"""A finished job done once more from its own record, and compared step by step: is its model what its data make?

    record beside the model → data as recorded → base as recorded → training in a scratch folder → comparison

Data are the recorded ones or none: an object of another digest is refused, and so is a base of another digest. Other
versions, another machine or another kind of CPU are no reason to refuse, but one why bits may differ, and are named.
"""

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import torch

from tanren.catalog.weights import WeightsCatalogue
from tanren.data.containers import pieces_of
from tanren.data.reading import read_records
from tanren.data.records import TrainingRecord
from tanren.domain import arns
from tanren.domain.custom_models import CustomModel
from tanren.domain.customization_jobs import CustomizationJob
from tanren.domain.errors import Conflict, JobFailed, ResourceNotFound
from tanren.domain.prompt_templates import PromptTemplate
from tanren.domain.weights import BINDING_MEMBER, BoundWeights
from tanren.model_files.atomic_folders import file_digest
from tanren.model_files.digests import weights_digest
from tanren.storage.artifacts import ArtifactStore, is_adapter_folder
from tanren.storage.custom_models import CustomModels
from tanren.storage.objects import ObjectStore, parse_s3_uri
from tanren.training.metrics import StepRecord, ValidationRecord
from tanren.training.preparation import RecordStream
from tanren.training.run import TrainingOutcome, train
from tanren.training.run_record import FORMAT, VERSIONED, machine, read_run_record
from tanren.training.spec import TrainingSpec
from tanren.training.token_cache import TokenCache
from tanren.workflows.data_files import records_digest

OpenObjects = Callable[[], AbstractContextManager[ObjectStore]]
"""S3 as the job saw it; opened only where the data are not kept as tokens any more."""
_COMPARED: Final = ("training_loss", "gradient_norm", "learning_rate", "tokens", "trained_tokens", "epoch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    is_identical: bool
    verdict: str
    """One sentence: identical, or the first thing that differs, with both values."""
    reasons: tuple[str, ...]
    """Why bits may differ: what is other here than where the job ran."""


def repeat_run(
    job: CustomizationJob,
    *,
    models: CustomModels,
    artifacts: ArtifactStore,
    weights: WeightsCatalogue,
    open_objects: OpenObjects,
    token_folder: Path,
    scratch: Path,
    tell: Callable[[str], None],
    on_step: Callable[[StepRecord, int], None] = lambda record, total: None,
) -> Comparison:
    """Trains in `scratch` what the job trained, and compares.

    Raises   ResourceNotFound where record, data or base are gone; Conflict where they are not what they were.
    """
    record = recorded(job, models, artifacts)
    reasons = differences(record)
    for reason in reasons:
        tell(f"Other than where the job ran, so bits may differ: {reason}.")
    # The number of threads decides the order in which sums are made, so it is that of the job.
    torch.set_num_threads(int(record["machine"]["threads"]))
    base, adapter = _base(record, job, models, artifacts, weights)
    streams = [
        _stream(noted, job, open_objects, scratch / f"data-{number}.jsonl", tell)
        for number, noted in enumerate(record["files"])
    ]
    outcome = train(
        TrainingSpec.from_json(record["spec"]),
        base_folder=base,
        base_adapter=adapter,
        base_name=str(record["job"][BINDING_MEMBER]["name"]),
        training_records=streams[0],
        validation_sets=streams[1:],
        token_cache=TokenCache(token_folder),
        work_folder=scratch / "run",
        reporter=_Telling(tell, on_step, planned_steps=int(record["outcome"]["steps"])),
        should_stop=lambda: None,
        token_budget=int(record["token_budget"]),
    )
    return compared(record, outcome, digests=read_run_record(scratch / "run")["digests"], reasons=reasons)


def recorded(job: CustomizationJob, models: CustomModels, artifacts: ArtifactStore) -> dict[str, Any]:
    """The run.json of the job's model, with all steps. Raises ResourceNotFound where there is none to go by."""
    if job.output_model_arn is None:
        raise ResourceNotFound(f"The job {job.job_name} is {job.status}; only a completed job has a model to verify.")
    found = models.every(models.table.c.arn == job.output_model_arn)
    if not found:
        raise ResourceNotFound(
            f"The model of the job {job.job_name}, {job.output_model_arn}, has been deleted, and its record with it."
        )
    try:
        record = read_run_record(artifacts.resolve(found[0].artifact_path))
    except JobFailed as error:
        raise ResourceNotFound(str(error)) from error
    if record.get("format") != FORMAT or "job" not in record:
        raise Conflict(
            f"The job {job.job_name} was run by an earlier tanren, whose record (format {record.get('format')}) does "
            f"not hold all that a repetition needs; this one reads format {FORMAT}."
        )
    if not str(record["machine"]["device"]).startswith("cpu"):
        raise Conflict(
            f"The job {job.job_name} ran on {record['machine']['gpu']}. Verification repeats jobs on CPU only, where "
            "the same bits come out twice."
        )
    return record


def differences(record: Mapping[str, Any]) -> tuple[str, ...]:
    """What is other here than where the job ran, in words."""
    here = machine()
    found = [
        f"{name} is {version(name)}, the job had {then}"
        for name, then in record["versions"].items()
        if name in VERSIONED and version(name) != then
    ]
    if platform.python_version() != record["python"]:
        found.append(f"Python is {platform.python_version()}, the job had {record['python']}")
    for key, name in (("capability", "the CPU's instruction set"), ("cpu", "the CPU")):
        if here[key] != record["machine"][key]:
            found.append(f"{name} is {here[key]}, the job had {record['machine'][key]}")
    if int(record["machine"]["threads"]) > (here["cores"] or 1):
        found.append(f"the job had {record['machine']['threads']} threads, this machine has {here['cores']} cores")
    return tuple(found)


def _base(
    record: Mapping[str, Any],
    job: CustomizationJob,
    models: CustomModels,
    artifacts: ArtifactStore,
    weights: WeightsCatalogue,
) -> tuple[Path, Path | None]:
    """Folder of the base, and the adapter that the job went on from. Raises ResourceNotFound, Conflict."""
    bound = BoundWeights.from_json(record["job"][BINDING_MEMBER])
    folder = weights.folder_of(bound) if bound.artifact_path is None else artifacts.resolve(bound.artifact_path)
    if not folder.is_dir():
        raise ResourceNotFound(f"The base weights of the job, {bound.name} in {folder}, are not there any more.")
    digest, expected = weights_digest(folder), str(record["digests"]["base_weights"])
    if digest != expected:
        raise Conflict(
            f"The base weights {bound.name} in {folder} are not the ones that the job trained on: their digest is "
            f"{digest[:12]}…, recorded is {expected[:12]}…."
        )
    if not record["digests"]["base_adapter"]:
        return folder, None
    parent = _parent(job, models)
    adapter = None if parent is None else artifacts.resolve(parent.artifact_path)
    if parent is None or adapter is None or not is_adapter_folder(adapter):
        raise ResourceNotFound(f"The custom model that the job went on from, {job.base_model_arn}, has been deleted.")
    if parent.artifact_sha256 != record["digests"]["base_adapter"]:
        raise Conflict(f"{job.base_model_arn} is not the adapter that the job went on from: its digest is another.")
    return folder, adapter


def _parent(job: CustomizationJob, models: CustomModels) -> CustomModel | None:
    arn = arns.parse_arn(job.base_model_arn)
    if arn is not None and arn.kind == arns.FOUNDATION_MODEL:
        return None
    return models.get(job.scope, job.base_model_arn)


def _stream(
    noted: Mapping[str, Any], job: CustomizationJob, open_objects: OpenObjects, path: Path, tell: Callable[[str], None]
) -> RecordStream:
    """The records of one file; fetched when they are first read, and refused if they are not those of the job."""
    uri, sha256 = str(noted["uri"]), str(noted["sha256"])
    templates = [PromptTemplate(name) for name in noted.get("prompt_templates", ())]

    def read() -> Iterator[TrainingRecord]:
        if not path.exists():
            _fetch(uri, sha256, path, open_objects)
            tell(f"{uri} is what the job was trained on, by its SHA-256.")
        yield from read_records(
            pieces_of(path), file=uri, customization_type=job.customization_type, prompt_templates=templates
        )

    digest = records_digest(sha256, uri, job.customization_type, templates)
    return RecordStream(read=read, digest=digest, count=int(noted["rows"]))


def _fetch(uri: str, sha256: str, path: Path, open_objects: OpenObjects) -> None:
    staging = path.with_suffix(".staging")
    staging.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open_objects() as objects, staging.open("wb") as file:
            for chunk in objects.chunks(parse_s3_uri(uri)):
                file.write(chunk)
    except JobFailed as error:
        raise ResourceNotFound(f"The data of the job are gone. {error}") from error
    found = file_digest(staging)
    if found != sha256:
        raise Conflict(
            f"{uri} has changed since the job: its SHA-256 is {found[:12]}…, recorded is {sha256[:12]}…. Put the "
            "recorded version back (in a versioned bucket, by its version id) to verify the job."
        )
    staging.rename(path)


class _Telling:
    def __init__(
        self, tell: Callable[[str], None], on_step: Callable[[StepRecord, int], None], *, planned_steps: int
    ) -> None:
        self._tell = tell
        self._on_step = on_step
        self._planned_steps = planned_steps

    def phase(self, name: str, detail: str) -> None:
        self._tell(detail)

    def step(self, record: StepRecord) -> None:
        self._on_step(record, self._planned_steps)

    def validation(self, record: ValidationRecord) -> None:
        pass


def compared(
    record: Mapping[str, Any], outcome: TrainingOutcome, *, digests: Mapping[str, str], reasons: Sequence[str]
) -> Comparison:
    """What was trained on, then step by step, then validations, then the bytes of the model."""
    noted = record["outcome"]
    kind = "adapter" if outcome.is_adapter else "model"
    problem = _other_text(record["digests"], digests)
    problem = problem or _first_other_step(noted["step_records"], outcome.step_records)
    problem = problem or _first_other_validation(noted["validation_records"], outcome.validation_records)
    if problem is None and outcome.sha256 != noted["sha256"]:
        problem = f"All steps are equal, but the {kind} is not: sha256 {outcome.sha256}, recorded {noted['sha256']}"
    if problem is None:
        verdict = f"identical: {outcome.steps} of {noted['steps']} steps, {kind} sha256 {outcome.sha256}"
        return Comparison(is_identical=True, verdict=verdict, reasons=tuple(reasons))
    return Comparison(is_identical=False, verdict=f"different: {problem}.", reasons=tuple(reasons))


def _other_text(noted: Mapping[str, str], now: Mapping[str, str]) -> str | None:
    for key, what in (("data", "The records give"), ("replay", "The general text that is replayed gives")):
        then, found = noted.get(key, ""), now.get(key, "")
        if then != found:
            return f"{what} other tokens: digest {found[:12] or 'none'}…, recorded {then[:12] or 'none'}…"
    return None


def _first_other_step(noted: Sequence[Mapping[str, Any]], now: Sequence[StepRecord]) -> str | None:
    for then, step in zip(noted, now, strict=False):
        for name in _COMPARED:
            value = getattr(step, name)
            if value != then[name]:
                words = name.replace("_", " ")
                return f"step {step.step} has {words} {value!r}, recorded is {then[name]!r}"
    if len(noted) != len(now):
        return f"there are {len(now)} steps, recorded are {len(noted)}"
    return None


def _first_other_validation(noted: Sequence[Mapping[str, Any]], now: Sequence[ValidationRecord]) -> str | None:
    for then, validation in zip(noted, now, strict=False):
        if validation != ValidationRecord.from_json(dict(then)):
            return (
                f"the validation after step {validation.step} gives {validation.validation_loss!r}, recorded is "
                f"{then['validation_loss']!r}"
            )
    return None if len(noted) == len(now) else f"there are {len(now)} validations, recorded are {len(noted)}"
