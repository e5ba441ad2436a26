"""CreateAccessKey, ListAccessKeys, UpdateAccessKey, DeleteAccessKey."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.aws.operations.iam.callers import user_name_of
from tanren.aws.operations.iam.shapes import asked_page, page_members
from tanren.control.access_keys import AccessKeyControl
from tanren.domain.errors import ValidationFailed
from tanren.domain.identities import KeyStatus


def access_key_handlers(control: AccessKeyControl) -> dict[str, Handler]:
    def create(context: RequestContext, params: Members) -> Members:
        user_name = user_name_of(context, params)
        key = control.create(context.scope.account_id, user_name)
        return {
            "AccessKey": {
                "UserName": user_name,
                "AccessKeyId": key.access_key_id,
                "Status": key.status,
                "SecretAccessKey": key.secret_access_key,
                "CreateDate": key.created_at,
            }
        }

    def list_keys(context: RequestContext, params: Members) -> Members:
        user_name = user_name_of(context, params)
        page = control.list(context.scope.account_id, user_name, **asked_page(params))
        found = [
            {
                "UserName": user_name,
                "AccessKeyId": key.access_key_id,
                "Status": key.status,
                "CreateDate": key.created_at,
            }
            for key in page.items
        ]
        return {"AccessKeyMetadata": found, **page_members(page)}

    def update(context: RequestContext, params: Members) -> Members:
        control.set_status(
            context.scope.account_id,
            user_name_of(context, params),
            params["AccessKeyId"],
            asked_status(params["Status"]),
        )
        return {}

    def delete(context: RequestContext, params: Members) -> Members:
        control.delete(context.scope.account_id, user_name_of(context, params), params["AccessKeyId"])
        return {}

    return {
        "CreateAccessKey": create,
        "ListAccessKeys": list_keys,
        "UpdateAccessKey": update,
        "DeleteAccessKey": delete,
    }


def asked_status(status: str) -> KeyStatus:
    """Raises   ValidationFailed for `Expired`, which the model's enum has and nobody can ask for."""
    if status not in list(KeyStatus):
        raise ValidationFailed(f"Status is {status}; a key can be made {' or '.join(KeyStatus)}.")
    return KeyStatus(status)
