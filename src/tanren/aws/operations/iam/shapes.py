"""The shapes of IAM that several operations share: pages, tags, users, roles, policy documents."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tanren.aws.context import Members
from tanren.domain.identities import Role, User
from tanren.domain.marked_pages import MarkedPage


def page_members(page: MarkedPage[Any]) -> Members:
    return {"IsTruncated": page.marker is not None, "Marker": page.marker}


def asked_page(params: Members) -> dict[str, Any]:
    return {"marker": params.get("Marker"), "size": params.get("MaxItems")}


def tag_map(tags: list[dict[str, str]] | None) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags or []}


def tag_list(tags: Mapping[str, str]) -> list[Members]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def user_members(user: User, tags: Mapping[str, str] | None = None) -> Members:
    """Without tags where AWS's lists have none."""
    return {
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.identity_id,
        "Arn": user.arn,
        "CreateDate": user.created_at,
        "PermissionsBoundary": boundary_members(user.boundary_arn),
        "Tags": tag_list(tags) if tags else None,
    }


def role_members(role: Role, tags: Mapping[str, str] | None = None) -> Members:
    return {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.identity_id,
        "Arn": role.arn,
        "CreateDate": role.created_at,
        "AssumeRolePolicyDocument": encoded_document(role.trust_policy),
        "Description": role.description,
        "MaxSessionDuration": role.max_session_seconds,
        "PermissionsBoundary": boundary_members(role.boundary_arn),
        "Tags": tag_list(tags) if tags else None,
    }


def boundary_members(arn: str | None) -> Members | None:
    return None if arn is None else {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}


def encoded_document(document: str) -> str:
    """A policy document as IAM answers with it: percent-encoded, which SDKs take off."""
    return quote(document, safe="")
