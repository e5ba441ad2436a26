"""The rules of model copy jobs: what may be copied, into which name, and how the jobs are found.

A custom model is copied into another region of its own account by whoever may create copy jobs there. A model of
another account is copied by those whom its resource policy lets `bedrock:CreateModelCopyJob`; whether it is not there
or not shared is answered alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from tanren.control.model_names import check_model_name
from tanren.control.quotas import check_quotas
from tanren.control.request_digests import request_digest
from tanren.control.unsupported_members import refuse_unsupported
from tanren.domain import arns
from tanren.domain.clock import Clock, IdMaker
from tanren.domain.custom_models import CustomModel, CustomModelStatus
from tanren.domain.errors import ResourceNotFound, ValidationFailed
from tanren.domain.model_copy_jobs import CopyJobStatus, ModelCopyJob
from tanren.domain.pages import Page, PageRequest
from tanren.domain.policies.documents import NamedPolicy, PolicyKind
from tanren.domain.policies.evaluation import AccessRequest, evaluate
from tanren.domain.policies.parsing import parse_policy
from tanren.domain.policies.principals import caller_of
from tanren.domain.policies.sources import PrincipalPolicies
from tanren.domain.quotas import NO_QUOTAS, Quotas
from tanren.domain.scope import Scope
from tanren.domain.tags import merged_tags
from tanren.storage.custom_models import CustomModels
from tanren.storage.model_copy_jobs import ModelCopyJobs
from tanren.storage.resource_policies import ResourcePolicies
from tanren.storage.resources import ListFilter

MODEL_TAGS_MEMBER = "targetModelTags"
COPY_ACTION = "bedrock:CreateModelCopyJob"

_ALL_OF_ONES_OWN = NamedPolicy(
    name="the copier's own",
    document=parse_policy(
        '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}',
        PolicyKind.IDENTITY,
    ),
)
"""What the copier's own policies say is the wire layer's question (`aws/authorization.py`), and asked before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewModelCopyJob:
    """What CreateModelCopyJob asks for, shapes already checked."""

    source_model_arn: str
    target_model_name: str
    client_request_token: str | None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    unsupported: tuple[str, ...] = ()
    """Members that were given and that tanren does not have; the request is refused by the first."""


class ModelCopyJobControl:
    def __init__(
        self,
        jobs: ModelCopyJobs,
        models: CustomModels,
        policies: ResourcePolicies,
        *,
        clock: Clock,
        new_id: IdMaker,
        quotas: Quotas = NO_QUOTAS,
    ) -> None:
        self._jobs = jobs
        self._models = models
        self._policies = policies
        self._clock = clock
        self._new_id = new_id
        self._quotas = quotas

    def create(self, scope: Scope, new: NewModelCopyJob, *, principal_arn: str) -> str:
        """The job's ARN; the job is in the queue when this returns. The same token gives the same ARN."""
        refuse_unsupported(new.unsupported)
        source = self._source(scope, new.source_model_arn, principal_arn)
        job_id = self._new_id()
        arn = arns.model_copy_job_arn(scope, job_id)
        # As in the source's ARN: the id of its base, or `imported`.
        base = new.source_model_arn.rpartition("/")[0].partition("/")[2]
        target_arn = arns.custom_model_arn(scope, base, self._new_id())
        now = self._clock()
        with self._jobs.database.writing() as connection:
            return self._jobs.insert(
                connection,
                scope,
                {
                    "arn": arn,
                    "job_id": job_id,
                    "name": new.target_model_name,
                    "client_request_token": new.client_request_token,
                    "request_digest": request_digest(new),
                    "source_account_id": source.scope.account_id,
                    "source_model_arn": source.model_arn,
                    "source_model_name": source.model_name,
                    "target_model_arn": target_arn,
                    "request": {MODEL_TAGS_MEMBER: merged_tags(target_arn, {}, new.tags)},
                    "status": CopyJobStatus.IN_PROGRESS,
                    "created_at": now,
                    "updated_at": now,
                    "attempt": 0,
                    "crash_count": 0,
                },
                also=lambda: self._check_room(connection, scope, new.target_model_name),
            )

    def get(self, scope: Scope, arn: str) -> ModelCopyJob:
        job = self._jobs.get(scope, arn)
        if job is None:
            raise ResourceNotFound(
                f"There is no model copy job '{arn}' in account {scope.account_id}, region {scope.region}; ask where "
                "the copy is."
            )
        return job

    def page(self, scope: Scope, request: PageRequest, wanted: ListFilter) -> Page[ModelCopyJob]:
        return self._jobs.page(scope, request, wanted)

    def _source(self, scope: Scope, source_arn: str, principal_arn: str) -> CustomModel:
        """Raises ResourceNotFound where there is none that the caller may copy; ValidationFailed where it cannot be."""
        parsed = arns.parse_arn(source_arn)
        if parsed is None or parsed.kind != arns.CUSTOM_MODEL:
            raise ValidationFailed(f"sourceModelArn is {source_arn}; give the ARN of a custom model.")
        home = Scope(account_id=parsed.account_id, region=parsed.region)
        if home == scope:
            raise ValidationFailed(
                f"{source_arn} is in region {scope.region} already. A copy job is created in the region that the copy "
                "is to be in: sign for that one."
            )
        found = self._models.get(home, source_arn)
        is_own = home.account_id == scope.account_id
        if found is None or not (is_own or self._is_shared(source_arn, home, principal_arn)):
            raise ResourceNotFound(f"There is no custom model {source_arn} that account {scope.account_id} may copy.")
        if found.status is not CustomModelStatus.ACTIVE:
            raise ValidationFailed(f"{source_arn} is {found.status}; only a model that is Active can be copied.")
        return found

    def _is_shared(self, source_arn: str, home: Scope, principal_arn: str) -> bool:
        """Whether the model's own policy lets the caller copy it.

        Why      asked here too, since the wire layer asks nothing of a root, and nobody with `iam` off.
        """
        caller = caller_of(principal_arn)
        asked = AccessRequest(
            caller=caller,
            action=COPY_ACTION,
            resource=source_arn,
            account_id=home.account_id,
            context={"aws:principalarn": caller.lasting_arn, "aws:principalaccount": caller.account_id},
        )
        own = PrincipalPolicies(identity=(_ALL_OF_ONES_OWN,))
        return evaluate(asked, own, self._policies.policy_on(source_arn)).is_allowed

    def _check_room(self, connection: Connection, scope: Scope, model_name: str) -> None:
        check_model_name(connection, scope, model_name, member="targetModelName")
        check_quotas(connection, scope, self._quotas, "custom_models")
