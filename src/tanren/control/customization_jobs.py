"""The rules of customization jobs: which may be created, how they are found, when they may be stopped."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from tanren.catalog.weights import WeightsCatalogue
from tanren.control.chained_customization import with_adapter_shape
from tanren.control.customization_evaluations import CustomizationEvaluations
from tanren.control.job_stops import cannot_stop
from tanren.control.model_names import check_model_name
from tanren.control.model_references import refer
from tanren.control.quotas import check_quotas
from tanren.control.request_digests import request_digest
from tanren.control.service_roles import check_service_role
from tanren.control.unsupported_members import refuse_unsupported
from tanren.domain import arns
from tanren.domain.clock import Clock, IdMaker
from tanren.domain.customization_jobs import (
    CustomizationJob,
    CustomizationJobSummary,
    CustomizationType,
    JobStatus,
    Phase,
    PhaseState,
    PhaseStatus,
)
from tanren.domain.errors import NotImplementedHere, ResourceNotFound, ValidationFailed
from tanren.domain.hyperparameters import refuse_extensions_without_effect, resolve_hyperparameters
from tanren.domain.pages import Page, PageRequest
from tanren.domain.quotas import NO_QUOTAS, Quotas
from tanren.domain.scope import Scope
from tanren.domain.sdk_dialect import DIALECT_MEMBER, DialectRequest
from tanren.domain.tags import merged_tags
from tanren.domain.test_sets import evaluation_members
from tanren.domain.weights import BINDING_MEMBER
from tanren.storage.custom_models import CustomModels
from tanren.storage.customization_jobs import CustomizationJobs, with_current_phase, with_phase
from tanren.storage.evaluation_jobs import EvaluationJobs
from tanren.storage.resources import ListFilter
from tanren.storage.tags import replace_tags
from tanren.storage.training_records import write_event


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCustomizationJob:
    """What CreateModelCustomizationJob asks for, shapes already checked."""

    job_name: str
    custom_model_name: str
    role_arn: str
    base_model_identifier: str
    customization_type: str
    training_s3_uri: str | None
    validation_s3_uris: tuple[str, ...]
    output_s3_uri: str
    hyperparameters: Mapping[str, str]
    client_request_token: str | None
    job_tags: Mapping[str, str] = field(default_factory=dict[str, str])
    model_tags: Mapping[str, str] = field(default_factory=dict[str, str])
    unsupported: tuple[str, ...] = ()
    """Members that were given and that tanren does not have; the request is refused by the first."""
    dialect: DialectRequest | None = None
    """What was asked in the SDK overlay's dialect, of which the rest is what was made."""


class CustomizationJobControl:
    def __init__(
        self,
        jobs: CustomizationJobs,
        models: CustomModels,
        weights: WeightsCatalogue,
        *,
        clock: Clock,
        new_id: IdMaker,
        quotas: Quotas = NO_QUOTAS,
    ) -> None:
        self._jobs = jobs
        self._models = models
        self._evaluations = CustomizationEvaluations(EvaluationJobs(jobs.database), clock=clock)
        self._weights = weights
        self._clock = clock
        self._quotas = quotas
        self._new_id = new_id

    def create(self, scope: Scope, new: NewCustomizationJob) -> str:
        """The job's ARN; the job is in the queue when this returns. The same token gives the same ARN."""
        kind = self._checked_type(new)
        base = refer(self._models, scope, new.base_model_identifier)
        supported = base.foundation.customizations + (base.foundation.dialect_customizations if new.dialect else ())
        self._check(scope, new, kind, supported, base.foundation.model_id)
        hyperparameters = with_adapter_shape(base, new.hyperparameters)
        resolve_hyperparameters(base.foundation.hyperparameters, hyperparameters, customization_type=kind)
        refuse_extensions_without_effect(
            base.foundation.hyperparameters, hyperparameters, has_validation_data=bool(new.validation_s3_uris)
        )
        evaluation = evaluation_members(new.job_tags, has_examples=kind is not CustomizationType.CONTINUED_PRE_TRAINING)
        # Noted now, so that every attempt trains on the same weights; a custom model goes on with its own.
        bound = (
            self._weights.weights_of(base.foundation.model_id).bound()
            if base.custom is None
            else self._weights.bound_to(base.custom.request)
        )
        job_id = self._new_id()
        arn = arns.customization_job_arn(scope, base.foundation.model_id, job_id)
        now = self._clock()
        with self._jobs.database.writing() as connection:
            created = self._jobs.insert(
                connection,
                scope,
                {
                    "arn": arn,
                    "job_id": job_id,
                    "name": new.job_name,
                    "output_model_name": new.custom_model_name,
                    "role_arn": new.role_arn,
                    "client_request_token": new.client_request_token,
                    "request_digest": request_digest(new),
                    "customization_type": kind,
                    "base_model_arn": base.arn,
                    "foundation_model_id": base.foundation.model_id,
                    "hyperparameters": hyperparameters,
                    "training_s3_uri": new.training_s3_uri,
                    "validation_s3_uris": list(new.validation_s3_uris),
                    "output_s3_uri": new.output_s3_uri,
                    "request": {
                        "customModelTags": dict(new.model_tags),
                        BINDING_MEMBER: bound.to_json(),
                        **({DIALECT_MEMBER: new.dialect.to_json()} if new.dialect else {}),
                        **evaluation,
                    },
                    "status": JobStatus.IN_PROGRESS,
                    "phases": self._fresh_phases(),
                    "validation_losses": [],
                    "created_at": now,
                    "updated_at": now,
                    "attempt": 0,
                    "crash_count": 0,
                },
                also=lambda: self._check_room(connection, scope, new.custom_model_name),
            )
            if created == arn:
                if new.job_tags:
                    replace_tags(connection, arn, merged_tags(arn, {}, new.job_tags))
                for sentence in new.dialect.sentences() if new.dialect else ():
                    write_event(connection, arn, 0, sentence, at=now)
        return created

    def get(self, scope: Scope, identifier: str, *, or_id: bool = False) -> CustomizationJob:
        """Takes    or_id: whether it may be the last part of the ARN, too; AWS takes that nowhere."""
        job = self._jobs.get(scope, identifier)
        if job is None and or_id:
            job = self._jobs.with_id(scope, identifier)
        if job is None:
            raise ResourceNotFound(
                f"There is no model customization job '{identifier}' in account {scope.account_id}, "
                f"region {scope.region}."
            )
        return job

    def page(self, scope: Scope, request: PageRequest, wanted: ListFilter) -> Page[CustomizationJob]:
        return self._jobs.page(scope, request, wanted)

    def summaries(self, scope: Scope, request: PageRequest, wanted: ListFilter) -> Page[CustomizationJobSummary]:
        """A page of what a list shows; it takes a third of the time of whole jobs."""
        return self._jobs.summaries(scope, request, wanted)

    def stop(self, scope: Scope, identifier: str) -> None:
        """The job is Stopping when this returns, and its worker ends it; one that no worker has is Stopped at once.
        The evaluation of its base stops with it. Stopping a stopping job changes nothing."""
        job = self.get(scope, identifier)
        if job.status is JobStatus.STOPPING:
            return
        now = self._clock()
        with self._jobs.database.writing() as connection:
            stopping = self._jobs.move(connection, job.job_arn, JobStatus.STOPPING, at=now)
            if stopping:
                self._evaluations.stop_baseline(connection, job, at=now)
            if stopping and not self._jobs.is_held(connection, job.job_arn):
                # No worker has it, so there is nobody to end it but us.
                phases = with_current_phase(job.phases, PhaseStatus.STOPPED, at=now)
                self._jobs.move(connection, job.job_arn, JobStatus.STOPPED, at=now, phases=phases)
        if not stopping:
            raise cannot_stop(self._jobs, job.job_arn, identifier)

    def _checked_type(self, new: NewCustomizationJob) -> CustomizationType:
        refuse_unsupported(new.unsupported)
        try:
            return CustomizationType(new.customization_type)
        except ValueError:
            raise NotImplementedHere(
                f"customizationType {new.customization_type} is not implemented by tanren; "
                f"it has {', '.join(CustomizationType)}."
            ) from None

    def _check(
        self,
        scope: Scope,
        new: NewCustomizationJob,
        kind: CustomizationType,
        customizations: tuple[str, ...],
        model_id: str,
    ) -> None:
        if kind not in customizations:
            raise ValidationFailed(
                f"The base model {model_id} does not support customizationType {kind}; it supports "
                f"{', '.join(customizations) or 'none: it can only be invoked, as on AWS'}. ListFoundationModels with "
                f"byCustomizationType {kind} lists the models that do."
            )
        if new.training_s3_uri is None:
            raise ValidationFailed("trainingDataConfig.s3Uri is missing; it names the JSONL file to train on.")
        for uri in (new.training_s3_uri, *new.validation_s3_uris):
            if uri.endswith("/") or uri.count("/") < 3:
                raise ValidationFailed(f"{uri} names no object; give the S3 URI of a file: s3://bucket/path/file.jsonl")
        check_service_role(scope, new.role_arn)

    def _check_room(self, connection: Connection, scope: Scope, model_name: str) -> None:
        check_model_name(connection, scope, model_name, member="customModelName")
        check_quotas(connection, scope, self._quotas, "customization_jobs", "custom_models")

    def _fresh_phases(self) -> dict[str, PhaseState]:
        phases: dict[str, PhaseState] = {}
        for phase in Phase:
            phases = with_phase(phases, phase, PhaseStatus.NOT_STARTED, at=self._clock())
        return phases
