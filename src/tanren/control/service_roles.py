"""The role that a job is given: it must be one that the service could assume."""

from tanren.domain.arns import parse_arn
from tanren.domain.errors import ValidationFailed
from tanren.domain.scope import Scope


def check_service_role(scope: Scope, role_arn: str) -> None:
    """Raises ValidationFailed for a role of another account. Its policies are not looked at yet."""
    role = parse_arn(role_arn)
    if role is not None and role.account_id not in ("", scope.account_id):
        raise ValidationFailed(
            f"Could not assume provided IAM role {role_arn}: it belongs to account {role.account_id}, the request to "
            f"account {scope.account_id}."
        )
