"""Service specific credentials: Create, List, Update, Reset, Delete. Those of Bedrock are its long-term API keys."""

from tanren.aws.bearer_tokens import long_term_token
from tanren.aws.context import Handler, Members, RequestContext
from tanren.aws.operations.iam.access_keys import asked_status
from tanren.aws.operations.iam.callers import user_name_of
from tanren.aws.operations.iam.shapes import asked_page, page_members
from tanren.control.service_credentials import HeldCredential, ServiceCredentialControl
from tanren.domain.marked_pages import marked_page


def service_credential_handlers(control: ServiceCredentialControl) -> dict[str, Handler]:
    def create(context: RequestContext, params: Members) -> Members:
        credential, secret = control.create(
            context.scope.account_id,
            params["UserName"],
            params["ServiceName"],
            age_days=params.get("CredentialAgeDays"),
        )
        held = HeldCredential(credential=credential, user_name=params["UserName"])
        return {"ServiceSpecificCredential": _with_secret(held, secret)}

    def list_credentials(context: RequestContext, params: Members) -> Members:
        user_name = None if params.get("AllUsers") else user_name_of(context, params)
        found = control.list(context.scope.account_id, user_name=user_name, service_name=params.get("ServiceName"))
        page = marked_page(found, lambda held: held.credential.credential_id, **asked_page(params))
        return {"ServiceSpecificCredentials": [_metadata(held) for held in page.items], **page_members(page)}

    def update(context: RequestContext, params: Members) -> Members:
        control.set_status(*_named(context, params), asked_status(params["Status"]))
        return {}

    def reset(context: RequestContext, params: Members) -> Members:
        credential, secret = control.reset(*_named(context, params))
        held = HeldCredential(credential=credential, user_name=user_name_of(context, params))
        return {"ServiceSpecificCredential": _with_secret(held, secret)}

    def delete(context: RequestContext, params: Members) -> Members:
        control.delete(*_named(context, params))
        return {}

    return {
        "CreateServiceSpecificCredential": create,
        "ListServiceSpecificCredentials": list_credentials,
        "UpdateServiceSpecificCredential": update,
        "ResetServiceSpecificCredential": reset,
        "DeleteServiceSpecificCredential": delete,
    }


def _named(context: RequestContext, params: Members) -> tuple[str, str, str]:
    return context.scope.account_id, user_name_of(context, params), params["ServiceSpecificCredentialId"]


def _metadata(held: HeldCredential) -> Members:
    credential = held.credential
    return {
        "UserName": held.user_name,
        "Status": credential.status,
        "ServiceCredentialAlias": credential.alias,
        "CreateDate": credential.created_at,
        "ExpirationDate": credential.expires_at,
        "ServiceSpecificCredentialId": credential.credential_id,
        "ServiceName": credential.service_name,
    }


def _with_secret(held: HeldCredential, secret: str) -> Members:
    return {**_metadata(held), "ServiceCredentialSecret": long_term_token(held.credential.alias, secret)}
