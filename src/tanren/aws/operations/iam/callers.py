"""Whom a request is about: the user that it names, or else who sent it."""

from tanren.aws.context import Members, RequestContext
from tanren.domain.errors import ValidationFailed
from tanren.domain.policies.principals import PrincipalType, caller_of


def user_name_of(context: RequestContext, params: Members) -> str:
    """Raises   ValidationFailed, where none is named and no user has signed."""
    named = params.get("UserName")
    if named is not None:
        return named
    caller = caller_of(context.principal.arn)
    if caller.user_name is None:
        raise ValidationFailed("Must specify userName when calling with non-User credentials.")
    return caller.user_name


def is_root(context: RequestContext) -> bool:
    return caller_of(context.principal.arn).kind is PrincipalType.ROOT
