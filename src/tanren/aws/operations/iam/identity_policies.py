"""What hangs on users and on roles: the same operations for both, under their own names.

PutUserPolicy, GetUserPolicy, ListUserPolicies, DeleteUserPolicy, AttachUserPolicy, DetachUserPolicy,
ListAttachedUserPolicies, PutUserPermissionsBoundary, DeleteUserPermissionsBoundary, TagUser, UntagUser,
ListUserTags; and with Role in the place of User.
"""

from typing import Any, Literal

from tanren.aws.context import Handler, Members, RequestContext
from tanren.aws.operations.iam.shapes import asked_page, encoded_document, page_members, tag_list, tag_map
from tanren.control.identity_policies import IdentityPolicyControl


def identity_policy_handlers(control: IdentityPolicyControl[Any], noun: Literal["User", "Role"]) -> dict[str, Handler]:
    name_member = f"{noun}Name"

    def put(context: RequestContext, params: Members) -> Members:
        control.put_inline(*_owner(context, params), params["PolicyName"], params["PolicyDocument"])
        return {}

    def get(context: RequestContext, params: Members) -> Members:
        document = control.get_inline(*_owner(context, params), params["PolicyName"])
        return {
            name_member: params[name_member],
            "PolicyName": params["PolicyName"],
            "PolicyDocument": encoded_document(document),
        }

    def list_inline(context: RequestContext, params: Members) -> Members:
        page = control.list_inline(*_owner(context, params), **asked_page(params))
        return {"PolicyNames": list(page.items), **page_members(page)}

    def delete(context: RequestContext, params: Members) -> Members:
        control.delete_inline(*_owner(context, params), params["PolicyName"])
        return {}

    def attach(context: RequestContext, params: Members) -> Members:
        control.attach(*_owner(context, params), params["PolicyArn"])
        return {}

    def detach(context: RequestContext, params: Members) -> Members:
        control.detach(*_owner(context, params), params["PolicyArn"])
        return {}

    def list_attached(context: RequestContext, params: Members) -> Members:
        prefix = params.get("PathPrefix", "/")
        page = control.attached(*_owner(context, params), path_prefix=prefix, **asked_page(params))
        found = [{"PolicyName": policy.name, "PolicyArn": policy.arn} for policy in page.items]
        return {"AttachedPolicies": found, **page_members(page)}

    def put_boundary(context: RequestContext, params: Members) -> Members:
        control.set_boundary(*_owner(context, params), params["PermissionsBoundary"])
        return {}

    def delete_boundary(context: RequestContext, params: Members) -> Members:
        control.set_boundary(*_owner(context, params), None)
        return {}

    def tag(context: RequestContext, params: Members) -> Members:
        control.tag(*_owner(context, params), tag_map(params["Tags"]))
        return {}

    def untag(context: RequestContext, params: Members) -> Members:
        control.untag(*_owner(context, params), params["TagKeys"])
        return {}

    def list_tags(context: RequestContext, params: Members) -> Members:
        page = control.tags(*_owner(context, params), **asked_page(params))
        return {"Tags": tag_list(dict(page.items)), **page_members(page)}

    def _owner(context: RequestContext, params: Members) -> tuple[str, str]:
        return context.scope.account_id, params[name_member]

    return {
        f"Put{noun}Policy": put,
        f"Get{noun}Policy": get,
        f"List{noun}Policies": list_inline,
        f"Delete{noun}Policy": delete,
        f"Attach{noun}Policy": attach,
        f"Detach{noun}Policy": detach,
        f"ListAttached{noun}Policies": list_attached,
        f"Put{noun}PermissionsBoundary": put_boundary,
        f"Delete{noun}PermissionsBoundary": delete_boundary,
        f"Tag{noun}": tag,
        f"Untag{noun}": untag,
        f"List{noun}Tags": list_tags,
    }
