"""What a worker's child does with a customization job, from top to bottom:

    validation         every file read whole, every row checked, the output location written to; where the job has a
                       test set, the base evaluated on it
    data processing    rows to tokens
    training           steps, validations, checkpoints; goes on from the newest checkpoint of an earlier attempt
    publishing         weights into the artifact store, CSVs into the customer's bucket, then one transaction:
                       model, job `Completed`, the evaluation of base and model begun

Every write carries the attempt: a process that has lost its job changes nothing. A file that is wrong ends in `Failed`
with file, line, rule and fix. Stop ends in `Stopped`; SIGTERM in a checkpoint and `Yielded`.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tanren.catalog.foundation_models import foundation_model
from tanren.catalog.weights import WeightsCatalogue
from tanren.control.customization_evaluations import CustomizationEvaluations, baseline_job_id
from tanren.domain import arns
from tanren.domain.clock import Clock
from tanren.domain.custom_models import CustomModel, CustomModelStatus
from tanren.domain.customization_evaluations import TrainedFile
from tanren.domain.customization_jobs import CustomizationJob, JobStatus, Phase, PhaseStatus
from tanren.domain.errors import Conflict, JobFailed, ResourceNotFound, ServiceUnavailable, TanrenError
from tanren.domain.evaluation_jobs import CLAIMABLE, EvaluationJobStatus
from tanren.domain.hyperparameters import keys_without_effect, resolve_hyperparameters
from tanren.domain.sentences import joined, sentence, told_by
from tanren.domain.weights import BINDING_MEMBER, BoundWeights
from tanren.jobs.queue import Assignment, JobQueue
from tanren.model_files.digests import weights_digest
from tanren.storage.artifacts import ArtifactStore, is_adapter_folder
from tanren.storage.custom_models import CustomModels
from tanren.storage.customization_jobs import CustomizationJobs, with_current_phase, with_phase
from tanren.storage.evaluation_jobs import EvaluationJobs
from tanren.storage.objects import ObjectStore, child_of
from tanren.storage.tags import replace_tags
from tanren.storage.training_records import TrainingRecords, write_event
from tanren.training.device import chosen_device
from tanren.training.metrics import StepRecord, ValidationRecord, training_csv, validation_csv
from tanren.training.preparation import RecordStream
from tanren.training.progress import Progress, in_words
from tanren.training.reporting import StopRequest, TrainingStopped, TrainingYielded
from tanren.training.run import TrainingOutcome, train
from tanren.training.run_record import RECORD_FILE, STEPS_FILE
from tanren.training.samples import Sample
from tanren.training.token_cache import TokenCache
from tanren.weights.base_models import read_facts
from tanren.workflows.data_files import DataFile, DataFiles, checked, fetch_data_files
from tanren.workflows.publishing import kept_if_published
from tanren.workflows.reporting import StoreReporter
from tanren.workflows.training_specs import sample_steps, training_spec

logger = logging.getLogger(__name__)

PROBE_KEY = ".write_access_check_file.tmp"
"""AWS writes and removes a probe of this name below the output location."""
FAILURE_MESSAGE_LENGTH = 2048
MILESTONES = (0.05, 0.25, 0.5, 0.75)
"""Shares of the training at which an event says how long the rest will take."""


class Yielded(Exception):
    """The job has a checkpoint and goes back to the queue."""


class CannotGoOnNow(Exception):
    """Something around the job is away, S3 or space on the disk; the job is as it was and is tried again later."""


class Superseded(Exception):
    """A later attempt has the job; this one ends without a word."""


class StopAsked(Exception):
    """The user has stopped the job."""


class CustomizationWorkflow:
    def __init__(
        self,
        assignment: Assignment,
        *,
        jobs: CustomizationJobs,
        models: CustomModels,
        records: TrainingRecords,
        queue: JobQueue,
        objects: ObjectStore,
        artifacts: ArtifactStore,
        weights: WeightsCatalogue,
        clock: Clock,
        yield_asked: Callable[[], bool],
        device: str,
        checkpoint_seconds: float,
        token_folder: Path,
        token_bytes: int,
    ) -> None:
        self._assignment = assignment
        self._arn = assignment.job_arn
        self._attempt = assignment.attempt
        self._jobs = jobs
        self._models = models
        self._records = records
        self._queue = queue
        self._objects = objects
        self._artifacts = artifacts
        self._weights = weights
        self._clock = clock
        self._yield_asked = yield_asked
        self._device = device
        self._checkpoint_seconds = checkpoint_seconds
        self._evaluations = CustomizationEvaluations(EvaluationJobs(jobs.database), clock=clock)
        # Without room for later jobs, the tokens go with the job's folder.
        self._token_cache = TokenCache(token_folder, max_bytes=token_bytes) if token_bytes else None

    def run(self) -> None:
        """The job has a terminal status afterwards, or a later attempt has it. Raises Yielded or CannotGoOnNow."""
        job = self._jobs.by_arn(self._arn)
        folder = self._artifacts.job_folder(job.scope, job.job_id)
        try:
            self._check_wanted()
            # Before the files are read anew: an attempt that only finds that it must wait costs two queries.
            self._check_baseline(job)
            files = self._validate(job, folder)
            self._begin_baseline(job)
            self._set_phase(Phase.VALIDATION, PhaseStatus.COMPLETED)
            outcome = self._train(job, folder, files)
            self._publish(job, folder, outcome, files)
            is_over = True
        except (StopAsked, TrainingStopped):
            is_over = self._end(JobStatus.STOPPED, PhaseStatus.STOPPED, None)
        except TrainingYielded as error:
            if self._yield_asked():
                raise Yielded from error
            # Nobody asked: the disk is full, and the run let go rather than break.
            raise self._later(error) from error
        except ServiceUnavailable as error:
            raise self._later(error) from error
        except Superseded:
            logger.warning("attempt %d of %s has been superseded", self._attempt, self._arn)
            is_over = False
        except TanrenError as error:
            logger.info("%s fails: %s", self._arn, error)
            is_over = self._end(JobStatus.FAILED, PhaseStatus.FAILED, told_by(error))
        if is_over:
            # Only whoever ended the job clears up: the folder may be a later attempt's.
            self._artifacts.remove_job_folder(job.scope, job.job_id)
            if self._jobs.by_arn(self._arn).status is not JobStatus.COMPLETED:
                # No comparison will go on with what the base has replied.
                self._artifacts.remove_job_folder(job.scope, baseline_job_id(job))

    def _later(self, reason: Exception) -> CannotGoOnNow:
        self._tell(joined(sentence("The job waits: "), told_by(reason)))
        return CannotGoOnNow(str(reason))

    def _check_wanted(self) -> None:
        job = self._jobs.by_arn(self._arn)
        if job.attempt != self._attempt:
            raise Superseded
        if job.status is JobStatus.STOPPING:
            raise StopAsked
        if self._yield_asked():
            raise Yielded

    def _set_phase(self, phase: Phase, status: PhaseStatus) -> None:
        if not self._jobs.set_phase(self._arn, self._attempt, phase, status, at=self._clock()):
            raise Superseded

    def _tell(self, message: str) -> None:
        """An event on the job."""
        logger.info("%s: %s", self._arn, message)
        self._records.add_event(self._arn, self._attempt, message, at=self._clock())

    def _validate(self, job: CustomizationJob, folder: Path) -> DataFiles:
        self._set_phase(Phase.VALIDATION, PhaseStatus.IN_PROGRESS)
        probe = child_of(job.output_s3_uri, PROBE_KEY)
        self._objects.put(probe, b"", content_type="text/plain")
        self._objects.delete(probe)
        model = foundation_model(job.foundation_model_id)
        files = fetch_data_files(job, model, self._objects, folder / "data", check_wanted=self._check_wanted)
        for warning in files.warnings():
            self._tell(warning)
        return files

    def _begin_baseline(self, job: CustomizationJob) -> None:
        """Returns where the job has no test set, or its base has been evaluated on it.

        Raises   CannotGoOnNow where the evaluation is only begun by this.
        """
        if self._evaluations.baseline(job) is None and (arn := self._evaluations.begin_baseline(job)) is not None:
            self._tell(sentence("The base is evaluated on the test set first: {arn}", arn=arn))
            raise CannotGoOnNow(f"the base is being evaluated: {arn}")

    def _check_baseline(self, job: CustomizationJob) -> None:
        """Returns if there is no evaluation of the base, or it has ended.

        Raises   CannotGoOnNow while it is under way: the training's place is free for other jobs meanwhile; JobFailed
                 where it has failed.
        """
        baseline = self._evaluations.baseline(job)
        if baseline is None:
            return
        if baseline.status in CLAIMABLE:
            raise CannotGoOnNow(f"the base is being evaluated: {baseline.job_arn}")
        if baseline.status is EvaluationJobStatus.FAILED:
            raise JobFailed(
                sentence(
                    "The base could not be evaluated on the test set ({arn}): {reason}",
                    arn=baseline.job_arn,
                    reason=" ".join(baseline.failure_messages),
                )
            )
        if baseline.status is EvaluationJobStatus.STOPPED:
            self._tell(
                sentence(
                    "The evaluation of the base was stopped; the training goes on without it: {arn}",
                    arn=baseline.job_arn,
                )
            )

    def _train(self, job: CustomizationJob, folder: Path, files: DataFiles) -> TrainingOutcome:
        self._check_wanted()
        self._set_phase(Phase.DATA_PROCESSING, PhaseStatus.IN_PROGRESS)
        model = foundation_model(job.foundation_model_id)
        weights = self._weights.bound_to(job.request)
        base = self._base(job)
        values = resolve_hyperparameters(
            model.hyperparameters, job.hyperparameters, customization_type=job.customization_type
        )
        for without_effect in keys_without_effect(
            model.hyperparameters, job.hyperparameters, has_validation_data=bool(files.validation)
        ).values():
            self._tell(without_effect)
        facts = read_facts(base.folder)
        device = chosen_device(self._device)
        spec = training_spec(
            model,
            weights,
            job.customization_type,
            values,
            context_length=facts.context_length,
            parameter_count=facts.parameter_count,
            has_validation=bool(files.validation),
            checkpoint_seconds=self._checkpoint_seconds,
            device=device,
        )
        self._tell(
            sentence(
                "Training {method} on {weights} at learning rate {rate}, {epochs} epochs of batches of {batch}, in "
                "{dtype}, on {device}.",
                method=spec.method,
                weights=weights.name,
                rate=f"{spec.learning_rate:g}",
                epochs=spec.epochs,
                batch=spec.batch_size,
                dtype=spec.dtype,
                device=device,
            )
        )
        with StoreReporter(self._assignment, jobs=self._jobs, records=self._records, queue=self._queue) as store:
            outcome = train(
                spec,
                base_folder=base.folder,
                base_adapter=base.adapter,
                base_name=base.name,
                training_records=self._stream(files.training),
                validation_sets=[self._stream(file) for file in files.validation],
                token_cache=self._token_cache,
                work_folder=folder,
                reporter=(reporter := _Reporter(store, self._on_phase, self._tell)),
                viewer=reporter,
                device=device,
                sample_steps=sample_steps(values),
                should_stop=lambda: self._should_stop(store),
            )
        self._tell(outcome.memory)
        self._tell(outcome.diagnosis)
        return outcome

    def _stream(self, file: DataFile) -> RecordStream:
        return RecordStream(
            read=lambda: checked(file.records(), self._check_wanted), digest=file.digest, count=file.summary.rows
        )

    def _base(self, job: CustomizationJob) -> "_Base":
        """Where the job starts from, read through once and compared with its digest. Raises JobFailed."""
        bound, parent = self._bound(job), self._parent(job)
        artifact = None if parent is None else self._artifacts.resolve(parent.artifact_path)
        adapter = artifact if artifact is not None and is_adapter_folder(artifact) else None
        if bound.artifact_path is not None:
            folder = self._artifacts.resolve(bound.artifact_path)
        else:
            try:
                folder = self._weights.folder_of(bound)
            except ResourceNotFound as error:
                raise JobFailed(told_by(error)) from error
        if bound.sha256 and weights_digest(folder) != bound.sha256:
            raise JobFailed(
                sentence(
                    "The weights in {folder} are not the ones that the job was made for ({name}): their digest is "
                    "another. Get them again, and create the job anew.",
                    folder=folder,
                    name=bound.name,
                )
            )
        return _Base(folder=folder, adapter=adapter, name=None if bound.artifact_path else bound.name)

    def _bound(self, job: CustomizationJob) -> BoundWeights:
        """The base as it was noted when the job was made; where the job starts from a custom model that has
        whole weights of its own, these."""
        bound, parent = self._weights.bound_to(job.request), self._parent(job)
        if parent is None or is_adapter_folder(self._artifacts.resolve(parent.artifact_path)):
            return bound
        return replace(bound, sha256=parent.artifact_sha256, artifact_path=parent.artifact_path)

    def _parent(self, job: CustomizationJob) -> CustomModel | None:
        """The custom model that the job starts from; None where it starts from a foundation model."""
        arn = arns.parse_arn(job.base_model_arn)
        if arn is not None and arn.kind == arns.FOUNDATION_MODEL:
            return None
        parent = self._models.get(job.scope, job.base_model_arn)
        if parent is None:
            raise JobFailed(
                sentence("The base model {arn} has been deleted since the job was created.", arn=job.base_model_arn)
            )
        return parent

    def _should_stop(self, store: StoreReporter) -> StopRequest | None:
        if store.superseded:
            raise Superseded
        if store.stop_asked:
            return "stop"
        return "yield" if self._yield_asked() else None

    def _on_phase(self, name: str, detail: str) -> None:
        """A part of the run begins: an event, and for the training itself the job's own phase."""
        if name == "training":
            self._set_phase(Phase.DATA_PROCESSING, PhaseStatus.COMPLETED)
            self._set_phase(Phase.TRAINING, PhaseStatus.IN_PROGRESS)
        self._tell(detail)

    def _publish(self, job: CustomizationJob, folder: Path, outcome: TrainingOutcome, files: DataFiles) -> None:
        """Weights and CSVs first, then model and job in one transaction, which happens only if the attempt is current
        and nobody pressed stop. The weights' place carries the attempt: a late one neither overwrites nor removes
        what a later one has published."""
        self._check_wanted()
        self._write_metrics(job, outcome.step_records, outcome.validation_records)
        # Named by the job, not drawn: whichever attempt publishes, the model's ARN is the same.
        model_id = hashlib.sha256(job.job_arn.encode()).hexdigest()[:12]
        path = self._artifacts.custom_model_path(job.scope, model_id, self._attempt)
        self._write_run_record(job, folder, outcome, files)
        self._artifacts.publish(outcome.folder, path)
        model = self._custom_model(job, outcome, model_id=model_id, artifact_path=path)
        with kept_if_published(self._artifacts, path, lambda: self._models.get(job.scope, model.model_arn)):
            self._complete(job, model, files)
        self._artifacts.remove_other_attempts(path)

    def _complete(self, job: CustomizationJob, model: CustomModel, files: DataFiles) -> None:
        """Model and job in one transaction. Raises Superseded, StopAsked, or JobFailed where the name is taken."""
        now = model.created_at
        phases = with_phase(self._jobs.by_arn(self._arn).phases, Phase.TRAINING, PhaseStatus.COMPLETED, at=now)
        with self._jobs.database.writing() as connection:
            completed = self._jobs.move(
                connection,
                self._arn,
                JobStatus.COMPLETED,
                at=now,
                attempt=self._attempt,
                output_model_arn=model.model_arn,
                training_loss=model.training_loss,
                validation_losses=list(model.validation_losses),
                phases=phases,
            )
            if completed:
                try:
                    self._models.add(connection, job.scope, model)
                except Conflict as error:
                    raise JobFailed(str(error)) from error
                replace_tags(connection, model.model_arn, job.request.get("customModelTags", {}))
                evaluation_arn = self._evaluations.begin_comparison(
                    connection, job, model.model_arn, _trained_files(files)
                )
                if evaluation_arn is not None:
                    message = sentence("Base and model are evaluated on the test set: {arn}", arn=evaluation_arn)
                    write_event(connection, self._arn, self._attempt, message, at=now)
        if not completed:
            self._check_wanted()
            raise Superseded

    def _custom_model(
        self, job: CustomizationJob, outcome: TrainingOutcome, *, model_id: str, artifact_path: str
    ) -> CustomModel:
        # Whole weights are their own base.
        is_adapter = is_adapter_folder(outcome.folder)
        bound = self._bound(job) if is_adapter else replace(self._weights.bound_to(job.request), artifact_path=None)
        return CustomModel(
            scope=job.scope,
            model_id=model_id,
            model_arn=arns.custom_model_arn(job.scope, job.foundation_model_id, model_id),
            model_name=job.output_model_name,
            status=CustomModelStatus.ACTIVE,
            job_arn=job.job_arn,
            job_name=job.job_name,
            base_model_arn=job.base_model_arn,
            foundation_model_id=job.foundation_model_id,
            customization_type=job.customization_type,
            hyperparameters=job.hyperparameters,
            request={
                "training_s3_uri": job.training_s3_uri,
                "validation_s3_uris": list(job.validation_s3_uris),
                "output_s3_uri": job.output_s3_uri,
                BINDING_MEMBER: bound.to_json(),
            },
            artifact_path=artifact_path,
            artifact_sha256=outcome.sha256,
            training_loss=outcome.training_loss,
            validation_losses=tuple(outcome.validation_losses),
            created_at=self._clock(),
        )

    def _write_metrics(
        self, job: CustomizationJob, steps: Sequence[StepRecord], validations: Sequence[ValidationRecord]
    ) -> None:
        root = f"model-customization-job-{job.job_id}"
        files = {f"{root}/training_artifacts/step_wise_training_metrics.csv": training_csv(steps)}
        if validations:
            folder = f"{root}/validation_artifacts/post_fine_tuning_validation"
            # AWS's guide names the first key, AWS's notebooks read the second.
            for name in ("validation_metrics.csv", "validation/validation_metrics.csv"):
                files[f"{folder}/{name}"] = validation_csv(validations)
        for key, text in files.items():
            self._objects.put(child_of(job.output_s3_uri, key), text.encode(), content_type="text/csv")

    def _write_run_record(
        self, job: CustomizationJob, folder: Path, outcome: TrainingOutcome, files: DataFiles
    ) -> None:
        """run.json beside the weights: what training wrote of itself, and the job and the files that it was for."""
        record = {
            **json.loads((folder / RECORD_FILE).read_text()),
            "job": {
                "arn": job.job_arn,
                "attempt": self._attempt,
                "base_model_arn": job.base_model_arn,
                "foundation_model_id": job.foundation_model_id,
                "hyperparameters": job.hyperparameters,
                BINDING_MEMBER: self._bound(job).to_json(),
            },
            "files": [
                {
                    "uri": file.uri,
                    "sha256": file.summary.sha256,
                    "rows": file.summary.rows,
                    "prompt_templates": list(file.prompt_templates),
                }
                for file in files.every()
            ],
        }
        if (folder / STEPS_FILE).exists():
            shutil.copyfile(folder / STEPS_FILE, outcome.folder / STEPS_FILE)
        (outcome.folder / RECORD_FILE).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")

    def _end(self, status: JobStatus, phase_status: PhaseStatus, message: str | None) -> bool:
        """Whether job and current phase have ended by this; nothing changes if a later attempt has the job."""
        now = self._clock()
        phases = with_current_phase(self._jobs.by_arn(self._arn).phases, phase_status, at=now)
        with self._jobs.database.writing() as connection:
            has_ended = self._jobs.move(
                connection,
                self._arn,
                status,
                at=now,
                attempt=self._attempt,
                phases=phases,
                failure_message=None if message is None else message[:FAILURE_MESSAGE_LENGTH],
            )
            if has_ended and message is not None:
                # Whole, and as what a client can say in its own language.
                write_event(connection, self._arn, self._attempt, message, at=now)
            return has_ended


def _trained_files(files: DataFiles) -> list[TrainedFile]:
    return [
        TrainedFile(
            uri=file.uri,
            sha256=file.summary.sha256,
            size_bytes=file.path.stat().st_size,
            is_validation=file is not files.training,
        )
        for file in files.every()
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Base:
    folder: Path
    adapter: Path | None
    """To go on from, where the job starts from a custom model that is one."""
    name: str | None
    """What an adapter's config calls its base; None: its folder's name."""


class _Reporter:
    """What a run tells: records to the store, each with how far the run then was; phases and milestones to the job."""

    def __init__(self, store: StoreReporter, on_phase: Callable[[str, str], None], tell: Callable[[str], None]) -> None:
        self._store = store
        self._on_phase = on_phase
        self._tell = tell
        self._progress: dict[str, Any] = {}
        self._milestones = list(MILESTONES)

    def phase(self, name: str, detail: str) -> None:
        self._on_phase(name, detail)

    def step(self, record: StepRecord) -> None:
        self._store.add_step({**record.to_json(), **self._progress})

    def validation(self, record: ValidationRecord) -> None:
        self._store.add_validation(record.to_json())

    def progress(self, progress: Progress) -> None:
        self._progress = {
            "total_steps": progress.total_steps,
            "share": progress.share,
            "remaining_seconds": progress.remaining_seconds,
        }
        passed = [share for share in self._milestones if share <= progress.share]
        if passed and progress.remaining_seconds is not None and progress.share < 1:
            self._milestones = [share for share in self._milestones if share > progress.share]
            self._tell(
                joined(
                    sentence("{share} of the training is done, about ", share=f"{progress.share:.0%}"),
                    in_words(progress.remaining_seconds),
                    sentence(" left."),
                )
            )

    def sample(self, sample: Sample) -> None:
        self._store.add_sample(sample.to_json())
