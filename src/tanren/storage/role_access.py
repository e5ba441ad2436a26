"""What a job's role may do, decided over its policies before it is done.

Why      what a job reaches knows the service and not the role: with the embedded neighbour the service may do
         everything, elsewhere what its own keys may do, and an engine answers whoever reaches its socket. So what the
         role may not do is refused here, with the statement that would allow it.
"""

import json
import logging
from collections.abc import Mapping

from tanren.domain import arns
from tanren.domain.clock import Clock
from tanren.domain.errors import JobFailed
from tanren.domain.policies.evaluation import AccessRequest, evaluate
from tanren.domain.policies.principals import Caller, caller_of
from tanren.domain.policies.sources import KnownRole
from tanren.domain.policies.templates import ContextValue
from tanren.domain.scope import Scope
from tanren.domain.sentences import joined, sentence

logger = logging.getLogger(__name__)


class RoleAccess:
    """The session that the service has of a role, for one job."""

    def __init__(self, role: KnownRole, *, scope: Scope, job_arn: str, clock: Clock, is_enforced: bool) -> None:
        """Without `is_enforced`, what the role may not do is logged and done."""
        self._role = role
        self._scope = scope
        self._job_arn = job_arn
        self._clock = clock
        self._is_enforced = is_enforced
        self._caller = _session_of(role, scope, job_arn)

    def check(
        self,
        action: str,
        resource: str,
        *,
        refusal: str,
        resource_account: str = "",
        context: Mapping[str, ContextValue] | None = None,
    ) -> None:
        """Returns if the role may. `refusal`: what a refusal says first, without the full stop.

        Raises   JobFailed, with the reason and the statement that would allow it.
        """
        request = AccessRequest(
            caller=self._caller,
            action=action,
            resource=resource,
            account_id=resource_account,
            context={**self._context(), **(context or {})},
        )
        decision = evaluate(request, self._role.policies)
        if decision.is_allowed:
            return
        if not self._is_enforced:
            logger.warning("iam=audit: would be refused: %s", decision.explanation)
            return
        logger.info("refused: %s", decision.explanation)
        statement = json.dumps({"Effect": "Allow", "Action": action, "Resource": resource})
        raise JobFailed(
            joined(
                refusal,
                ". ",
                decision.message,
                sentence(
                    ". A statement that would allow it, in a policy of role {role}: {statement}",
                    role=self._role.arn,
                    statement=statement,
                ),
            )
        )

    def check_model(self, model_arn: str) -> None:
        """Returns if the role may ask the model, an inference profile's too. Raises as `check`."""
        parsed = arns.parse_arn(model_arn)
        asked = [model_arn]
        if parsed is not None and parsed.kind == arns.INFERENCE_PROFILE:
            # As on AWS, a profile and the model behind it.
            asked.append(arns.foundation_model_arn(self._scope.region, parsed.path.partition(".")[2]))
        for resource in asked:
            self.check(
                "bedrock:InvokeModel",
                resource,
                refusal=f"The role {self._role.arn} may not invoke {model_arn}",
                resource_account=self._scope.account_id,
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
    """Named for the job."""
    name, job_id = role.arn.rpartition("/")[2], job_arn.rpartition("/")[2]
    return caller_of(f"arn:aws:sts::{scope.account_id}:assumed-role/{name}/bedrock-{job_id}", role_arn=role.arn)
