"""GetCallerIdentity, AssumeRole, GetSessionToken."""

from tanren.aws.authorization import Circumstances, context_of, tag_keys
from tanren.aws.context import Handler, Members, RequestContext
from tanren.aws.operations.iam.shapes import tag_map
from tanren.control.sessions import Asker, RoleSessionRequest, SessionControl
from tanren.domain.errors import NotImplementedHere, ValidationFailed
from tanren.domain.identities import Session
from tanren.domain.policies.principals import caller_of
from tanren.storage.principals import Principals

_REFUSED = ("SerialNumber", "TokenCode", "SourceIdentity", "ProvidedContexts", "MinimumSessionTokenSize")


def sts_handlers(control: SessionControl, principals: Principals) -> dict[str, Handler]:
    def get_caller_identity(context: RequestContext, params: Members) -> Members:
        asker = _asker(context, params)
        return {"UserId": control.user_id_of(asker), "Account": asker.account_id, "Arn": asker.arn}

    def assume_role(context: RequestContext, params: Members) -> Members:
        _refuse_unsupported(params)
        made = control.assume_role(
            _asker(context, params),
            RoleSessionRequest(
                role_arn=params["RoleArn"],
                session_name=params["RoleSessionName"],
                duration_seconds=params.get("DurationSeconds"),
                policy=params.get("Policy"),
                policy_arns=_policy_arns(params),
                tags=tag_map(params.get("Tags")),
                transitive_tag_keys=tuple(params.get("TransitiveTagKeys", [])),
                external_id=params.get("ExternalId"),
            ),
        )
        name = params["RoleSessionName"]
        return {
            "Credentials": _credentials(made.session),
            "AssumedRoleUser": {
                "AssumedRoleId": f"{made.role.identity_id}:{name}",
                "Arn": made.role.session_arn(name),
            },
            "PackedPolicySize": made.packed_policy_percent,
        }

    def get_session_token(context: RequestContext, params: Members) -> Members:
        _refuse_unsupported(params)
        session = control.session_of_caller(_asker(context, params), duration_seconds=params.get("DurationSeconds"))
        return {"Credentials": _credentials(session)}

    def _asker(context: RequestContext, params: Members) -> Asker:
        principal = context.principal
        policies = principals.policies_of(principal.arn, principal.access_key_id)
        circumstances = Circumstances(
            principal=principal,
            region=context.scope.region,
            source_ip=context.source_ip,
            user_agent=context.user_agent,
            received_at=context.received_at,
            is_secure=context.is_secure,
        )
        keys = context_of(circumstances, caller_of(principal.arn, role_arn=policies.role_arn), policies)
        tags = tag_map(params.get("Tags"))
        if tags:
            keys |= {**tag_keys("aws:requesttag/", tags), "aws:tagkeys": tuple(tags)}
        return Asker(
            arn=principal.arn,
            account_id=principal.account_id,
            access_key_id=principal.access_key_id,
            context=keys,
        )

    return {
        "GetCallerIdentity": get_caller_identity,
        "AssumeRole": assume_role,
        "GetSessionToken": get_session_token,
    }


def _refuse_unsupported(params: Members) -> None:
    given = [member for member in _REFUSED if params.get(member) is not None]
    if given:
        raise NotImplementedHere(f"{', '.join(given)} of this operation is not implemented by tanren; leave it out.")


def _policy_arns(params: Members) -> tuple[str, ...]:
    # The model lets an entry be without its ARN. To pass over it would widen what the session may do.
    given = [policy.get("arn") for policy in params.get("PolicyArns", [])]
    if None in given:
        raise ValidationFailed(f"PolicyArns.member.{given.index(None) + 1} has no arn; give one, or leave it out.")
    return tuple(given)


def _credentials(session: Session) -> Members:
    return {
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "SessionToken": session.session_token,
        "Expiration": session.expires_at,
    }
