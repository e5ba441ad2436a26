"""CreatePolicy, GetPolicy, ListPolicies, DeletePolicy, their versions, tags, and to whom they are attached."""

from collections.abc import Mapping, Sequence

from tanren.aws.context import Handler, Members, RequestContext
from tanren.aws.operations.iam.shapes import asked_page, encoded_document, page_members, tag_list, tag_map
from tanren.control.managed_policies import ManagedPolicyControl, PolicyInUse, version_named
from tanren.domain.identities import ManagedPolicy, PolicyVersion, Role, User
from tanren.domain.marked_pages import marked_page


def managed_policy_handlers(control: ManagedPolicyControl) -> dict[str, Handler]:
    def create(context: RequestContext, params: Members) -> Members:
        policy = control.create(
            context.scope.account_id,
            params["PolicyName"],
            params["PolicyDocument"],
            path=params.get("Path", "/"),
            description=params.get("Description"),
            tags=tag_map(params.get("Tags")),
        )
        new = PolicyInUse(policy=policy, attachment_count=0, boundary_count=0)
        return {"Policy": _policy(new, tag_map(params.get("Tags")))}

    def get(context: RequestContext, params: Members) -> Members:
        policy, tags = control.get(context.scope.account_id, params["PolicyArn"])
        return {"Policy": {**_policy(policy, tags), "Description": policy.policy.description}}

    def list_policies(context: RequestContext, params: Members) -> Members:
        page = control.list(
            context.scope.account_id,
            scope=params.get("Scope", "All"),
            only_attached=params.get("OnlyAttached", False),
            path_prefix=params.get("PathPrefix", "/"),
            usage=params.get("PolicyUsageFilter"),
            **asked_page(params),
        )
        return {"Policies": [_policy(policy) for policy in page.items], **page_members(page)}

    def delete(context: RequestContext, params: Members) -> Members:
        control.delete(context.scope.account_id, params["PolicyArn"])
        return {}

    def create_version(context: RequestContext, params: Members) -> Members:
        is_default = params.get("SetAsDefault", False)
        version = control.create_version(
            context.scope.account_id, params["PolicyArn"], params["PolicyDocument"], is_default=is_default
        )
        return {"PolicyVersion": _version(version, is_default=is_default)}

    def get_version(context: RequestContext, params: Members) -> Members:
        policy, versions = control.versions(context.scope.account_id, params["PolicyArn"])
        version = version_named(versions, policy.arn, params["VersionId"])
        found = _version(version, is_default=_is_default(policy, version))
        return {"PolicyVersion": {**found, "Document": encoded_document(version.document)}}

    def list_versions(context: RequestContext, params: Members) -> Members:
        policy, versions = control.versions(context.scope.account_id, params["PolicyArn"])
        page = marked_page(versions, _newest_first, **asked_page(params))
        found = [_version(version, is_default=_is_default(policy, version)) for version in page.items]
        return {"Versions": found, **page_members(page)}

    def set_default(context: RequestContext, params: Members) -> Members:
        control.set_default(context.scope.account_id, params["PolicyArn"], params["VersionId"])
        return {}

    def delete_version(context: RequestContext, params: Members) -> Members:
        control.delete_version(context.scope.account_id, params["PolicyArn"], params["VersionId"])
        return {}

    def list_entities(context: RequestContext, params: Members) -> Members:
        attached, bounded = control.users_of(context.scope.account_id, params["PolicyArn"])
        by_usage: Mapping[str | None, Sequence[User | Role]] = {
            "PermissionsPolicy": attached,
            "PermissionsBoundary": bounded,
            None: list({each.identity_id: each for each in (*attached, *bounded)}.values()),
        }
        prefix = params.get("PathPrefix", "/")
        below = [each for each in by_usage[params.get("PolicyUsageFilter")] if each.path.startswith(prefix)]
        kind = params.get("EntityFilter")
        wanted = below if kind is None else [each for each in below if type(each) is _KINDS.get(kind)]
        page = marked_page(wanted, lambda each: each.identity_id, **asked_page(params))
        return {
            "PolicyGroups": [],
            "PolicyUsers": [
                {"UserName": each.name, "UserId": each.identity_id} for each in page.items if isinstance(each, User)
            ],
            "PolicyRoles": [
                {"RoleName": each.name, "RoleId": each.identity_id} for each in page.items if isinstance(each, Role)
            ],
            **page_members(page),
        }

    def tag(context: RequestContext, params: Members) -> Members:
        control.tag(context.scope.account_id, params["PolicyArn"], tag_map(params["Tags"]))
        return {}

    def untag(context: RequestContext, params: Members) -> Members:
        control.untag(context.scope.account_id, params["PolicyArn"], params["TagKeys"])
        return {}

    def list_tags(context: RequestContext, params: Members) -> Members:
        _, tags = control.get(context.scope.account_id, params["PolicyArn"])
        page = marked_page(tags.items(), lambda tag: tag[0], **asked_page(params))
        return {"Tags": tag_list(dict(page.items)), **page_members(page)}

    return {
        "CreatePolicy": create,
        "GetPolicy": get,
        "ListPolicies": list_policies,
        "DeletePolicy": delete,
        "CreatePolicyVersion": create_version,
        "GetPolicyVersion": get_version,
        "ListPolicyVersions": list_versions,
        "SetDefaultPolicyVersion": set_default,
        "DeletePolicyVersion": delete_version,
        "ListEntitiesForPolicy": list_entities,
        "TagPolicy": tag,
        "UntagPolicy": untag,
        "ListPolicyTags": list_tags,
    }


_KINDS: Mapping[str, type[User | Role]] = {"User": User, "Role": Role}
"""By EntityFilter, whose other values name nothing that a policy can be attached to here."""


def _policy(in_use: PolicyInUse, tags: Mapping[str, str] | None = None) -> Members:
    policy = in_use.policy
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.policy_id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": f"v{policy.default_version}",
        "AttachmentCount": in_use.attachment_count,
        "PermissionsBoundaryUsageCount": in_use.boundary_count,
        "IsAttachable": True,
        "CreateDate": policy.created_at,
        "UpdateDate": policy.updated_at,
        "Tags": tag_list(tags) if tags else None,
    }


def _version(version: PolicyVersion, *, is_default: bool) -> Members:
    return {"VersionId": version.version_id, "IsDefaultVersion": is_default, "CreateDate": version.created_at}


def _newest_first(version: PolicyVersion) -> str:
    return f"{10**9 - version.number:09d}"


def _is_default(policy: ManagedPolicy, version: PolicyVersion) -> bool:
    return version.number == policy.default_version
