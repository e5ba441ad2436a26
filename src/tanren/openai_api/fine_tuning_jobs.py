"""/v1/fine_tuning/jobs: customization jobs of type FINE_TUNING, whichever API they were made by.

    ftjob-⟨id⟩   the job whose ARN ends in that id

What Bedrock requires and OpenAI has not is filled in: names of the job and its model, an output folder in the bucket of
the uploaded files, and a role of the name `DEFAULT_ROLE`, which governs the job only if the account has such a role.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from tanren.control.customization_jobs import CustomizationJobControl, NewCustomizationJob
from tanren.control.model_references import refer
from tanren.domain.clock import IdMaker
from tanren.domain.customization_jobs import CustomizationJob, CustomizationType
from tanren.domain.errors import ResourceNotFound
from tanren.domain.pages import Cursor, PageRequest
from tanren.domain.scope import Scope
from tanren.openai_api.calls import Answer, Call, Json, json_answer, list_answer, read_json, read_list_request
from tanren.openai_api.errors import InvalidParameter, UnknownModel
from tanren.openai_api.fine_tuning_requests import NewFineTuningJob, bedrock_hyperparameters, read_new_job
from tanren.openai_api.fine_tuning_views import FineTuningViews, event_id_of
from tanren.openai_api.training_files import TrainingFiles, output_uri
from tanren.storage.custom_models import CustomModels
from tanren.storage.resources import ListFilter
from tanren.storage.training_records import TrainingRecords
from tanren.threads import WAITING

PREFIX: Final = "ftjob-"
DEFAULT_ROLE: Final = "OpenAIFineTuningRole"

_DEFAULT_LIMIT: Final = 20
_MOST: Final = 100


class FineTuningJobs:
    def __init__(
        self,
        control: CustomizationJobControl,
        models: CustomModels,
        records: TrainingRecords,
        files: TrainingFiles,
        views: FineTuningViews,
        *,
        new_id: IdMaker,
    ) -> None:
        self._control = control
        self._models = models
        self._records = records
        self._files = files
        self._views = views
        self._new_id = new_id

    async def create(self, call: Call, _: str) -> Answer:
        new = read_new_job(await read_json(call))
        wanted = self._names(call.scope, new)
        await call.permit("bedrock", "CreateModelCustomizationJob", wanted)
        # The training file may have to be copied into S3 first.
        job = await WAITING.run(self._create, call.scope, new, wanted)
        described = await asyncio.to_thread(self._views.job, job)
        return json_answer(described, noted={"jobArn": job.job_arn})

    async def list_jobs(self, call: Call, _: str) -> Answer:
        await call.permit("bedrock", "ListModelCustomizationJobs", {})
        asked = read_list_request(call, default=_DEFAULT_LIMIT, most=_MOST)

        def look() -> Answer:
            after = None
            if asked.after is not None:
                last = self._get(call.scope, asked.after)
                after = Cursor(created_at=last.created_at, arn=last.job_arn)
            page = self._control.page(
                call.scope,
                PageRequest(size=asked.limit, after=after),
                ListFilter(equals={"customization_type": CustomizationType.FINE_TUNING}),
            )
            return list_answer(self._views.jobs(page.items), has_more=page.next_token is not None)

        return await asyncio.to_thread(look)

    async def get(self, call: Call, identifier: str) -> Answer:
        job = await self._permitted(call, identifier, "GetModelCustomizationJob")
        return json_answer(await asyncio.to_thread(self._views.job, job))

    async def cancel(self, call: Call, identifier: str) -> Answer:
        job = await self._permitted(call, identifier, "StopModelCustomizationJob")

        def stop() -> Json:
            self._control.stop(call.scope, job.job_arn)
            return self._views.job(self._control.get(call.scope, job.job_arn))

        return json_answer(await asyncio.to_thread(stop))

    async def events(self, call: Call, identifier: str) -> Answer:
        job = await self._permitted(call, identifier, "GetModelCustomizationJob")
        asked = read_list_request(call, default=_DEFAULT_LIMIT, most=_MOST)
        beyond = None if asked.after is None else event_id_of(asked.after)
        found = await asyncio.to_thread(
            lambda: self._records.event_page(job.job_arn, beyond=beyond, most=asked.limit + 1, descending=True)
        )
        page = [self._views.event(event) for event in found[: asked.limit]]
        return list_answer(page, has_more=len(found) > asked.limit)

    async def checkpoints(self, call: Call, identifier: str) -> Answer:
        job = await self._permitted(call, identifier, "GetModelCustomizationJob")
        asked = read_list_request(call, default=10, most=_MOST)
        found: Sequence[Json] = await asyncio.to_thread(self._views.checkpoints, job)
        if asked.after is not None:
            places = [index for index, each in enumerate(found) if each["id"] == asked.after]
            if not places:
                raise InvalidParameter(f"after is '{asked.after}', which is no checkpoint of this job.", "after")
            found = found[places[0] + 1 :]
        return list_answer(list(found[: asked.limit]), has_more=len(found) > asked.limit)

    async def _permitted(self, call: Call, identifier: str, operation: str) -> CustomizationJob:
        """The job, if the caller may do this with it. An unknown one is judged by the id: the answer tells nothing."""
        try:
            job = await asyncio.to_thread(self._get, call.scope, identifier)
        except ResourceNotFound:
            await call.permit("bedrock", operation, {"jobIdentifier": identifier.removeprefix(PREFIX)})
            raise
        await call.permit("bedrock", operation, {"jobIdentifier": job.job_arn})
        return job

    def _get(self, scope: Scope, identifier: str) -> CustomizationJob:
        unknown = ResourceNotFound(
            f"Could not find fine tune: {identifier}. GET /v1/fine_tuning/jobs lists those of this account and region."
        )
        if not identifier.startswith(PREFIX):
            raise unknown
        try:
            job = self._control.get(scope, identifier.removeprefix(PREFIX), or_id=True)
        except ResourceNotFound as error:
            raise unknown from error
        if job.job_id != identifier.removeprefix(PREFIX) or job.customization_type is not CustomizationType.FINE_TUNING:
            raise unknown
        return job

    def _names(self, scope: Scope, new: NewFineTuningJob) -> Json:
        """The request as Bedrock's operation has it, as far as it is known before anything is looked up."""
        token = self._new_id()
        tags = [{"key": key, "value": value} for key, value in new.metadata.items()]
        return {
            "jobName": f"openai-{token}",
            "customModelName": f"{new.suffix.rstrip('-_') if new.suffix else 'openai'}-{token}",
            "baseModelIdentifier": new.model,
            "customizationType": CustomizationType.FINE_TUNING.value,
            "outputDataConfig": {"s3Uri": output_uri(scope)},
            **({"jobTags": tags} if tags else {}),
        }

    def _create(self, scope: Scope, new: NewFineTuningJob, wanted: Json) -> CustomizationJob:
        try:
            base = refer(self._models, scope, new.model)
        except ResourceNotFound as error:
            raise UnknownModel(str(error)) from error
        hyperparameters = bedrock_hyperparameters(new, base.foundation)
        validation = () if new.validation_file is None else (new.validation_file,)
        arn = self._control.create(
            scope,
            NewCustomizationJob(
                job_name=wanted["jobName"],
                custom_model_name=wanted["customModelName"],
                role_arn=f"arn:aws:iam::{scope.account_id}:role/{DEFAULT_ROLE}",
                base_model_identifier=new.model,
                customization_type=CustomizationType.FINE_TUNING,
                training_s3_uri=self._files.provide(scope, new.training_file, param="training_file"),
                validation_s3_uris=tuple(
                    self._files.provide(scope, each, param="validation_file") for each in validation
                ),
                output_s3_uri=wanted["outputDataConfig"]["s3Uri"],
                hyperparameters=hyperparameters,
                client_request_token=None,
                job_tags=new.metadata,
            ),
        )
        return self._control.get(scope, arn)
