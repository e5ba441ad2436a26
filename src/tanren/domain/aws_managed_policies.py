"""Policies that AWS manages and that scripts attach by name: those that say something about what tanren serves.

AWS has some 1,300 of them. The ones below are written anew for the services behind this gateway, under AWS's names:
what they allow of Bedrock, S3, IAM and STS is what AWS's allow; of services that are not here they say nothing. An ARN
that is not among them does not exist here.

Source   https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tanren.domain.identities import MANAGED_BY_AWS, IdPrefix, ManagedPolicy, PolicyVersion, policy_arn

_READ_VERBS: Final = ("Get*", "List*", "Describe*")
_SINCE: Final = datetime(2015, 2, 6, 18, 40, tzinfo=UTC)
"""When AWS made its first ones; nobody asks for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsManagedPolicy:
    policy: ManagedPolicy
    version: PolicyVersion


def _statement(actions: str | list[str], resources: str | list[str] = "*", **conditions: Any) -> dict[str, Any]:
    allowed: dict[str, Any] = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return {**allowed, "Condition": conditions} if conditions else allowed


def _reading(*services: str) -> list[str]:
    return [f"{service}:{verb}" for service in services for verb in _READ_VERBS]


_NETWORK_AND_KEYS: Final = _statement(
    ["kms:DescribeKey", "iam:ListRoles", "ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups"]
)

_CALLING_MODELS: Final = [
    "bedrock:InvokeModel",
    "bedrock:InvokeModelWithResponseStream",
    "bedrock:CountTokens",
    "bedrock:CallWithBearerToken",
]

_STATEMENTS: Final[Mapping[str, list[dict[str, Any]]]] = {
    "AdministratorAccess": [_statement("*")],
    "PowerUserAccess": [
        {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"},
        _statement(["iam:ListRoles", "account:GetAccountInformation", "account:ListRegions"]),
    ],
    "ReadOnlyAccess": [_statement([*_reading("bedrock", "s3", "iam"), "sts:GetCallerIdentity", *_reading("kms")])],
    "IAMFullAccess": [_statement("iam:*")],
    "IAMReadOnlyAccess": [_statement(["iam:Get*", "iam:List*", "iam:Simulate*"])],
    "AmazonS3FullAccess": [_statement(["s3:*", "s3-object-lambda:*"])],
    "AmazonS3ReadOnlyAccess": [_statement(_reading("s3", "s3-object-lambda"))],
    "AmazonBedrockFullAccess": [
        _statement("bedrock:*"),
        _NETWORK_AND_KEYS,
        _statement(
            "iam:PassRole",
            "arn:aws:iam::*:role/*AmazonBedrock*",
            StringEquals={"iam:PassedToService": "bedrock.amazonaws.com"},
        ),
    ],
    "AmazonBedrockReadOnly": [_statement(["bedrock:Get*", "bedrock:List*"])],
    "AmazonBedrockLimitedAccess": [
        _statement(["bedrock:Get*", "bedrock:List*", *_CALLING_MODELS, "bedrock:ApplyGuardrail"]),
        _NETWORK_AND_KEYS,
    ],
}


def _made(name: str, statements: list[dict[str, Any]]) -> AwsManagedPolicy:
    arn = policy_arn(MANAGED_BY_AWS, "/", name)
    document = json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=1)
    policy = ManagedPolicy(
        arn=arn,
        policy_id=IdPrefix.MANAGED_POLICY + hashlib.sha256(name.encode()).hexdigest()[:17].upper(),
        account_id=MANAGED_BY_AWS,
        name=name,
        path="/",
        description=None,
        default_version=1,
        latest_version=1,
        created_at=_SINCE,
        updated_at=_SINCE,
    )
    return AwsManagedPolicy(
        policy=policy, version=PolicyVersion(policy_arn=arn, number=1, document=document, created_at=_SINCE)
    )


AWS_MANAGED_POLICIES: Final[Mapping[str, AwsManagedPolicy]] = {
    made.policy.arn: made for made in (_made(name, statements) for name, statements in _STATEMENTS.items())
}
"""By ARN."""
