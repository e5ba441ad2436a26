"""Objects in S3 as a job's role may reach them: each access is a decision over the role's policies, before it happens.

Why      S3 knows the service and not the role: with the embedded neighbour the service may do everything, elsewhere
         what its own keys may do. So what the role may not do is refused here, in the words that AWS has for a job
         that lacks a permission, with the statement that would give it.
"""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

from tanren.domain.clock import Clock
from tanren.domain.errors import JobFailed
from tanren.domain.policies.evaluation import AccessRequest, evaluate
from tanren.domain.policies.principals import Caller, caller_of
from tanren.domain.policies.sources import KnownRole
from tanren.domain.policies.templates import ContextValue
from tanren.domain.scope import Scope
from tanren.storage.objects import ListedObject, ObjectStore, ObjectStoreAddress, S3Location, lacking_permission

logger = logging.getLogger(__name__)


class RoleObjects(ObjectStore):
    """An `ObjectStore` that asks the role first. Raises JobFailed where it may not, besides what the store raises.

    Deletion is not asked about: the service only removes what it has put there to try the place.
    """

    def __init__(
        self,
        address: ObjectStoreAddress,
        role: KnownRole,
        *,
        scope: Scope,
        job_arn: str,
        clock: Clock,
        is_enforced: bool,
    ) -> None:
        """Without `is_enforced`, what the role may not do is logged and done."""
        super().__init__(address)
        self._role = role
        self._scope = scope
        self._job_arn = job_arn
        self._clock = clock
        self._is_enforced = is_enforced
        self._caller = _session_of(role, scope, job_arn)

    def chunks(self, location: S3Location) -> Iterator[bytes]:
        self._check("GetObject", location, f"{location.bucket}/{location.key}")
        yield from super().chunks(location)

    def put(self, location: S3Location, content: bytes, *, content_type: str) -> None:
        self._check("PutObject", location, f"{location.bucket}/{location.key}")
        super().put(location, content, content_type=content_type)

    def put_file(self, location: S3Location, path: Path, *, content_type: str) -> None:
        self._check("PutObject", location, f"{location.bucket}/{location.key}")
        super().put_file(location, path, content_type=content_type)

    def below(self, folder: S3Location) -> Iterator[S3Location]:
        self._check("ListBucket", folder, folder.bucket)
        yield from super().below(folder)

    def listed(self, folder: S3Location) -> Iterator[ListedObject]:
        self._check("ListBucket", folder, folder.bucket)
        yield from super().listed(folder)

    def _check(self, operation: str, location: S3Location, named: str) -> None:
        action, resource = f"s3:{operation}", f"arn:aws:s3:::{named}"
        context = self._context()
        if operation == "ListBucket":
            context["s3:prefix"] = location.key
        # A bucket's ARN names no account; a policy can still ask for it by aws:ResourceAccount.
        request = AccessRequest(caller=self._caller, action=action, resource=resource, account_id="", context=context)
        decision = evaluate(request, self._role.policies)
        if decision.is_allowed:
            return
        statement = json.dumps({"Effect": "Allow", "Action": action, "Resource": resource})
        if not self._is_enforced:
            logger.warning("iam=audit: would be refused: %s", decision.explanation)
            return
        logger.info("refused: %s", decision.explanation)
        raise JobFailed(
            f"{lacking_permission(operation, location)}. {decision.message}. A statement that would allow it, in a "
            f"policy of role {self._role.arn}: {statement}"
        )

    def _context(self) -> dict[str, ContextValue]:
        now = self._clock()
        return {
            "aws:currenttime": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "aws:epochtime": str(int(now.timestamp())),
            "aws:principalaccount": self._scope.account_id,
            "aws:principalarn": self._role.arn,
            "aws:principaltype": self._caller.kind,
            "aws:requestedregion": self._scope.region,
            "aws:resourceaccount": self._scope.account_id,
            "aws:securetransport": "true",
            "aws:sourceaccount": self._scope.account_id,
            "aws:sourcearn": self._job_arn,
            **{f"aws:principaltag/{key.lower()}": value for key, value in self._role.policies.tags.items()},
        }


def _session_of(role: KnownRole, scope: Scope, job_arn: str) -> Caller:
    """The session that the service has of the role, named for the job."""
    name, job_id = role.arn.rpartition("/")[2], job_arn.rpartition("/")[2]
    return caller_of(f"arn:aws:sts::{scope.account_id}:assumed-role/{name}/bedrock-{job_id}", role_arn=role.arn)
