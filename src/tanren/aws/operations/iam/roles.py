"""CreateRole, GetRole, ListRoles, UpdateRole, UpdateRoleDescription, UpdateAssumeRolePolicy, DeleteRole."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.aws.operations.iam.shapes import asked_page, page_members, role_members, tag_map
from tanren.control.roles import RoleControl


def role_handlers(control: RoleControl) -> dict[str, Handler]:
    def create(context: RequestContext, params: Members) -> Members:
        role, tags = control.create(
            context.scope.account_id,
            params["RoleName"],
            path=params.get("Path", "/"),
            description=params.get("Description"),
            trust_policy=params["AssumeRolePolicyDocument"],
            max_session_seconds=params.get("MaxSessionDuration"),
            boundary_arn=params.get("PermissionsBoundary"),
            tags=tag_map(params.get("Tags")),
        )
        return {"Role": role_members(role, tags)}

    def get(context: RequestContext, params: Members) -> Members:
        role, tags = control.get(context.scope.account_id, params["RoleName"])
        return {"Role": role_members(role, tags)}

    def list_roles(context: RequestContext, params: Members) -> Members:
        prefix = params.get("PathPrefix", "/")
        page = control.list(context.scope.account_id, path_prefix=prefix, **asked_page(params))
        return {"Roles": [role_members(role) for role in page.items], **page_members(page)}

    def update(context: RequestContext, params: Members) -> Members:
        control.update(
            context.scope.account_id,
            params["RoleName"],
            description=params.get("Description"),
            max_session_seconds=params.get("MaxSessionDuration"),
        )
        return {}

    def describe(context: RequestContext, params: Members) -> Members:
        role, tags = control.update(
            context.scope.account_id,
            params["RoleName"],
            description=params["Description"],
            max_session_seconds=None,
        )
        return {"Role": role_members(role, tags)}

    def set_trust_policy(context: RequestContext, params: Members) -> Members:
        control.set_trust_policy(context.scope.account_id, params["RoleName"], params["PolicyDocument"])
        return {}

    def delete(context: RequestContext, params: Members) -> Members:
        control.delete(context.scope.account_id, params["RoleName"])
        return {}

    def list_instance_profiles(context: RequestContext, params: Members) -> Members:
        # There are none, since nothing here makes one; Terraform asks before it deletes a role.
        control.get(context.scope.account_id, params["RoleName"])
        return {"InstanceProfiles": [], "IsTruncated": False}

    return {
        "CreateRole": create,
        "GetRole": get,
        "ListRoles": list_roles,
        "UpdateRole": update,
        "UpdateRoleDescription": describe,
        "UpdateAssumeRolePolicy": set_trust_policy,
        "DeleteRole": delete,
        "ListInstanceProfilesForRole": list_instance_profiles,
    }
