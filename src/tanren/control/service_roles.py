"""The role that a job is given: one that the service may assume, and whose permissions are the job's.

A role that is ours is judged by its trust policy when the job is created, and by its permissions whenever the job
touches S3 (`storage/role_objects.py`), or an evaluation asks a model (`storage/role_access.py`). See docs/adr/0007 for
roles that are not.
"""

from tanren.domain.arns import parse_arn
from tanren.domain.errors import ValidationFailed
from tanren.domain.policies.evaluation import AccessRequest, evaluate
from tanren.domain.policies.principals import service_caller
from tanren.domain.policies.sources import NO_POLICIES, KnownRole, RoleSource
from tanren.domain.scope import Scope

SERVICE_PRINCIPAL = "bedrock.amazonaws.com"


def check_service_role(scope: Scope, role_arn: str) -> None:
    """Raises ValidationFailed for a role of another account, with the same text whether or not it exists."""
    role = parse_arn(role_arn)
    if role is not None and role.account_id not in ("", scope.account_id):
        raise ValidationFailed(
            f"Could not assume provided IAM role {role_arn}: it belongs to account {role.account_id}, the request to "
            f"account {scope.account_id}."
        )


class ServiceRoles:
    def __init__(self, roles: RoleSource) -> None:
        self._roles = roles

    def check_assumable(self, scope: Scope, role_arn: str, *, source_arn: str, must_exist: bool) -> None:
        """Returns if the service may act as the role for `source_arn`: the job, with `*` for an id that it has not yet.

        Raises   ValidationFailed: it does not trust the service, or `must_exist` and there is none.
        """
        check_service_role(scope, role_arn)
        role = self._roles.role_of(role_arn)
        if role is None:
            if must_exist:
                raise ValidationFailed(
                    f"Could not assume provided IAM role {role_arn}. Please ensure that the role exists and that its "
                    f"trust policy allows {SERVICE_PRINCIPAL} to assume it. Create it: aws iam create-role "
                    "--role-name NAME --assume-role-policy-document FILE"
                )
            return
        _check_trust(scope, role, source_arn)


def _check_trust(scope: Scope, role: KnownRole, source_arn: str) -> None:
    request = AccessRequest(
        caller=service_caller(SERVICE_PRINCIPAL),
        action="sts:AssumeRole",
        resource=role.arn,
        account_id=scope.account_id,
        # What AWS's own examples of such a trust policy ask for.
        context={
            "aws:sourceaccount": scope.account_id,
            "aws:sourcearn": source_arn,
            "aws:requestedregion": scope.region,
        },
    )
    decision = evaluate(request, NO_POLICIES, role.trust)
    if not decision.is_allowed:
        raise ValidationFailed(
            f"Could not assume provided IAM role {role.arn}. Please ensure that the role exists and that its trust "
            f"policy allows {SERVICE_PRINCIPAL} to assume it. {decision.message}. A statement that would allow it: "
            f'{{"Effect": "Allow", "Principal": {{"Service": "{SERVICE_PRINCIPAL}"}}, "Action": "sts:AssumeRole"}}'
        )
