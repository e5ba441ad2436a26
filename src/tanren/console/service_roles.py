"""A new service role as requests: one that Bedrock alone may act as, for this account alone, and what it may do."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tanren.console.requests import ApiRequest


def role_arn(account_id: str, name: str) -> str:
    return f"arn:aws:iam::{account_id}:role/{name}"


def role_requests(
    account_id: str, name: str, *, policy_name: str, statements: Sequence[Mapping[str, Any]]
) -> list[ApiRequest]:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "bedrock.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
    }
    return [
        ApiRequest(
            service="iam",
            operation="CreateRole",
            params={"RoleName": name, "AssumeRolePolicyDocument": _document([trust])},
        ),
        ApiRequest(
            service="iam",
            operation="PutRolePolicy",
            params={"RoleName": name, "PolicyName": policy_name, "PolicyDocument": _document(statements)},
        ),
    ]


def _document(statements: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, indent=2)
