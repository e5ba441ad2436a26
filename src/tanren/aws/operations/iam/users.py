"""CreateUser, GetUser, ListUsers, UpdateUser, DeleteUser, and the lists of what users cannot have here."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.aws.operations.iam.callers import is_root, user_name_of
from tanren.aws.operations.iam.shapes import asked_page, page_members, tag_map, user_members
from tanren.control.users import UserControl

_ALWAYS_EMPTY = {
    "ListGroupsForUser": "Groups",
    "ListMFADevices": "MFADevices",
    "ListSSHPublicKeys": "SSHPublicKeys",
    "ListSigningCertificates": "Certificates",
}
"""What no user here has, since nothing makes one: the list is empty, and Terraform asks for it before it deletes."""


def user_handlers(control: UserControl) -> dict[str, Handler]:
    def create(context: RequestContext, params: Members) -> Members:
        user, tags = control.create(
            context.scope.account_id,
            params["UserName"],
            path=params.get("Path", "/"),
            boundary_arn=params.get("PermissionsBoundary"),
            tags=tag_map(params.get("Tags")),
        )
        return {"User": user_members(user, tags)}

    def get(context: RequestContext, params: Members) -> Members:
        account_id = context.scope.account_id
        if "UserName" not in params and is_root(context):
            return {"User": {"Path": "/", "UserId": account_id, "Arn": context.principal.arn}}
        user, tags = control.get(account_id, user_name_of(context, params))
        return {"User": user_members(user, tags)}

    def list_users(context: RequestContext, params: Members) -> Members:
        prefix = params.get("PathPrefix", "/")
        page = control.list(context.scope.account_id, path_prefix=prefix, **asked_page(params))
        return {"Users": [user_members(user) for user in page.items], **page_members(page)}

    def update(context: RequestContext, params: Members) -> Members:
        control.update(
            context.scope.account_id,
            params["UserName"],
            new_name=params.get("NewUserName"),
            new_path=params.get("NewPath"),
        )
        return {}

    def delete(context: RequestContext, params: Members) -> Members:
        control.delete(context.scope.account_id, params["UserName"])
        return {}

    def empty(member: str) -> Handler:
        def list_none(context: RequestContext, params: Members) -> Members:
            control.get(context.scope.account_id, user_name_of(context, params))
            return {member: [], "IsTruncated": False}

        return list_none

    return {
        "CreateUser": create,
        "GetUser": get,
        "ListUsers": list_users,
        "UpdateUser": update,
        "DeleteUser": delete,
        **{operation: empty(member) for operation, member in _ALWAYS_EMPTY.items()},
    }
