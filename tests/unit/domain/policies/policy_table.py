"""Cases of the policy language, one a line, as data: what stands in a policy, what is asked, what follows.

Names are the sentences that the tests print. Condition keys of a request are written as AWS writes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ACCOUNT, OTHER = "111122223333", "444455556666"
ANNA = f"arn:aws:iam::{ACCOUNT}:user/anna"
BEN = f"arn:aws:iam::{ACCOUNT}:user/team/ben"
STRANGER = f"arn:aws:iam::{OTHER}:user/stranger"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
TRAINER = f"arn:aws:iam::{ACCOUNT}:role/trainer"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/trainer/nightly"
BEDROCK = "bedrock.amazonaws.com"

MODEL = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:custom-model/amazon.titan-text-lite-v1/abcdefghijkl"
JOB = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-customization-job/amazon.titan-text-lite-v1/abcdefghijkl"
BASE = "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-text-lite-v1"
OBJECT = "arn:aws:s3:::training-data/anna/rows.jsonl"

Request = Mapping[str, str | tuple[str, ...]]

# fmt: off
ACTIONS: list[tuple[Any, str, bool]] = [
    # Action in the policy, action asked, whether it is covered.
    ("*", "bedrock:InvokeModel", True),
    ("*:*", "bedrock:InvokeModel", True),
    ("bedrock:*", "bedrock:InvokeModel", True),
    ("bedrock:InvokeModel", "bedrock:InvokeModel", True),
    ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream", False),
    ("bedrock:InvokeModel*", "bedrock:InvokeModelWithResponseStream", True),
    ("bedrock:InvokeModel*", "bedrock:InvokeModel", True),
    ("bedrock:invokemodel", "bedrock:InvokeModel", True),
    ("BEDROCK:INVOKEMODEL", "bedrock:InvokeModel", True),
    ("bedrock:*Model", "bedrock:InvokeModel", True),
    ("bedrock:*Model", "bedrock:ListModels", False),
    ("bedrock:*Custom*", "bedrock:CreateModelCustomizationJob", True),
    ("bedrock:Get*Job", "bedrock:GetModelCustomizationJob", True),
    ("bedrock:Get*Job", "bedrock:GetModelCustomizationJobs", False),
    ("bedrock:Get?ustomModel", "bedrock:GetCustomModel", True),
    ("bedrock:Get??ustomModel", "bedrock:GetCustomModel", False),
    ("bedrock:GetCustomModel?", "bedrock:GetCustomModel", False),
    ("bedrock:GetCustomModel*", "bedrock:GetCustomModel", True),
    ("bedrock:*?", "bedrock:A", True),
    ("bedrock:*?*", "bedrock:Ab", True),
    ("s3:*", "bedrock:InvokeModel", False),
    ("bedrock:*", "bedrock-agent:InvokeAgent", False),
    (["s3:GetObject", "bedrock:InvokeModel"], "bedrock:InvokeModel", True),
    (["s3:GetObject", "bedrock:InvokeModel"], "s3:PutObject", False),
    ("bedrock:Create*Job*", "bedrock:CreateModelInvocationJob", True),
    ("bedrock:*a*a*a*", "bedrock:Banana", True),
    ("bedrock:*a*a*a*a*", "bedrock:Banana", False),
]

RESOURCES: list[tuple[str, str, Request, bool]] = [
    # Resource in the policy, ARN asked, request, whether it is covered.
    ("*", MODEL, {}, True),
    (MODEL, MODEL, {}, True),
    (MODEL, MODEL + "x", {}, False),
    (MODEL.replace("titan", "Titan"), MODEL, {}, False),
    (f"arn:aws:bedrock:us-east-1:{ACCOUNT}:custom-model/*", MODEL, {}, True),
    (f"arn:aws:bedrock:us-east-1:{ACCOUNT}:custom-model/*", JOB, {}, False),
    (f"arn:aws:bedrock:*:{ACCOUNT}:custom-model/*", MODEL, {}, True),
    (f"arn:aws:bedrock:us-*:{ACCOUNT}:custom-model/*", MODEL, {}, True),
    (f"arn:aws:bedrock:us-west-2:{ACCOUNT}:custom-model/*", MODEL, {}, False),
    (f"arn:aws:bedrock:us-????-1:{ACCOUNT}:custom-model/*", MODEL, {}, True),
    (f"arn:aws:bedrock:*:{OTHER}:custom-model/*", MODEL, {}, False),
    ("arn:aws:bedrock:*:*:*", MODEL, {}, True),
    ("arn:aws:bedrock:*", MODEL, {}, True),
    ("arn:aws:bedrock", MODEL, {}, True),
    ("arn:aws:s3", MODEL, {}, False),
    ("arn:aws:*:*:*:*", MODEL, {}, True),
    ("arn:*:bedrock:*:*:*", MODEL, {}, True),
    ("arn:aws:bedrock:*:custom-model/*", MODEL, {}, False),
    ("arn:aws:bedrock:*::foundation-model/*", BASE, {}, True),
    ("arn:aws:bedrock:*:*:foundation-model/*", BASE, {}, True),
    ("arn:aws:bedrock:*::foundation-model/amazon.*", BASE, {}, True),
    ("arn:aws:bedrock:*::foundation-model/meta.*", BASE, {}, False),
    ("arn:aws:bedrock:*::*", MODEL, {}, False),
    ("arn:aws:bedrock:*:*:custom-model/amazon.titan*/abc?efghijkl", MODEL, {}, True),
    ("arn:aws:bedrock:*:*:*/abcdefghijkl", MODEL, {}, True),
    ("arn:aws:bedrock:*:*:*/zzz", MODEL, {}, False),
    ("arn:aws:s3:::training-data/*", OBJECT, {}, True),
    ("arn:aws:s3:::training-data", OBJECT, {}, False),
    ("arn:aws:s3:::training-data*", OBJECT, {}, True),
    ("arn:aws:s3:::*/rows.jsonl", OBJECT, {}, True),
    ("arn:aws:s3:::training-data/anna/*.jsonl", OBJECT, {}, True),
    ("arn:aws:s3:::training-data/anna/*.csv", OBJECT, {}, False),
    ("arn:aws:s3:::a:b:c/*", "arn:aws:s3:::a:b:c/d:e", {}, True),
    ("arn:aws:s3:::${aws:username}/*", "arn:aws:s3:::anna/x", {"aws:username": "anna"}, True),
    ("arn:aws:s3:::${aws:username}/*", "arn:aws:s3:::ben/x", {"aws:username": "anna"}, False),
    ("arn:aws:s3:::${aws:username}/*", "arn:aws:s3:::anna/x", {}, False),
    ("arn:aws:s3:::training-data/${aws:username}/*", OBJECT, {"aws:username": "anna"}, True),
    ("arn:aws:s3:::training-data/${AWS:UserName}/*", OBJECT, {"aws:username": "anna"}, True),
    ("arn:aws:s3:::training-data/${aws:username}/*", OBJECT, {"aws:username": "*"}, False),
    ("arn:aws:s3:::training-data/${aws:username}", "arn:aws:s3:::training-data/*", {"aws:username": "*"}, True),
    ("arn:aws:s3:::${aws:PrincipalTag/team}/*", "arn:aws:s3:::red/x", {"aws:PrincipalTag/team": "red"}, True),
    ("arn:aws:s3:::${aws:PrincipalTag/team, 'all'}/*", "arn:aws:s3:::all/x", {}, True),
    ("arn:aws:s3:::${aws:PrincipalTag/team, 'all'}/*", "arn:aws:s3:::red/x", {"aws:PrincipalTag/team": "red"}, True),
    ("arn:aws:s3:::${aws:PrincipalTag/team, 'all'}/*", "arn:aws:s3:::all/x", {"aws:PrincipalTag/team": "red"}, False),
    ("arn:aws:s3:::x/${*}", "arn:aws:s3:::x/*", {}, True),
    ("arn:aws:s3:::x/${*}", "arn:aws:s3:::x/y", {}, False),
    ("arn:aws:s3:::x/a${?}", "arn:aws:s3:::x/a?", {}, True),
    ("arn:aws:s3:::x/a${?}", "arn:aws:s3:::x/ab", {}, False),
    ("arn:aws:s3:::x/${$}", "arn:aws:s3:::x/$", {}, True),
    ("arn:aws:s3:::${aws:TagKeys}/*", "arn:aws:s3:::a/x", {"aws:TagKeys": ("a", "b")}, False),
    ("arn:aws:iam::${aws:PrincipalAccount}:role/*", TRAINER, {"aws:PrincipalAccount": ACCOUNT}, True),
    ("arn:aws:iam::${aws:PrincipalAccount}:role/*", TRAINER, {"aws:PrincipalAccount": f"{ACCOUNT}:x"}, False),
    ("arn:aws:iam::*:role/team/*", f"arn:aws:iam::{ACCOUNT}:role/team/a/b", {}, True),
]

CONDITIONS: list[tuple[str, Any, Request, bool]] = [
    # Operator, {key: values} in the policy, request, whether it holds.
    ("StringEquals", {"aws:RequestedRegion": "us-east-1"}, {"aws:RequestedRegion": "us-east-1"}, True),
    ("StringEquals", {"aws:RequestedRegion": "US-EAST-1"}, {"aws:RequestedRegion": "us-east-1"}, False),
    ("StringEquals", {"AWS:requestedregion": "us-east-1"}, {"aws:RequestedRegion": "us-east-1"}, True),
    ("StringEquals", {"aws:RequestedRegion": ["a", "us-east-1"]}, {"aws:RequestedRegion": "us-east-1"}, True),
    ("StringEquals", {"aws:RequestedRegion": ["a", "b"]}, {"aws:RequestedRegion": "us-east-1"}, False),
    ("StringEquals", {"aws:RequestedRegion": "us-*"}, {"aws:RequestedRegion": "us-east-1"}, False),
    ("StringEquals", {"aws:RequestedRegion": "us-*"}, {"aws:RequestedRegion": "us-*"}, True),
    ("StringEquals", {"aws:RequestTag/team": "red"}, {}, False),
    ("StringEquals", {"aws:RequestTag/team": ""}, {"aws:RequestTag/team": ""}, True),
    ("StringEquals", {"aws:RequestTag/Team": "red"}, {"aws:RequestTag/team": "red"}, True),
    ("StringEquals", {"a:x": "1", "a:y": "2"}, {"a:x": "1", "a:y": "2"}, True),
    ("StringEquals", {"a:x": "1", "a:y": "2"}, {"a:x": "1", "a:y": "3"}, False),
    ("StringEquals", {"a:x": "1", "a:y": "2"}, {"a:x": "1"}, False),
    ("StringEquals", {"a:x": "${a:y}"}, {"a:x": "same", "a:y": "same"}, True),
    ("StringEquals", {"a:x": "${a:y}"}, {"a:x": "same", "a:y": "other"}, False),
    ("StringEquals", {"a:x": "${a:y}"}, {"a:x": ""}, False),
    ("StringEquals", {"a:x": "pre-${a:y}-post"}, {"a:x": "pre-m-post", "a:y": "m"}, True),
    ("StringEquals", {"a:x": "${a:y, 'z'}"}, {"a:x": "z"}, True),
    ("StringEquals", {"a:x": "${*}"}, {"a:x": "*"}, True),
    ("StringEquals", {"a:x": True}, {"a:x": "true"}, True),
    ("StringEquals", {"a:x": 17}, {"a:x": "17"}, True),
    ("StringNotEquals", {"a:x": "1"}, {"a:x": "2"}, True),
    ("StringNotEquals", {"a:x": "1"}, {"a:x": "1"}, False),
    ("StringNotEquals", {"a:x": ["1", "2"]}, {"a:x": "2"}, False),
    ("StringNotEquals", {"a:x": ["1", "2"]}, {"a:x": "3"}, True),
    ("StringNotEquals", {"a:x": "1"}, {}, True),
    ("StringNotEquals", {"a:x": "${a:y}"}, {"a:x": "1"}, True),
    ("StringEqualsIgnoreCase", {"a:x": "ReD"}, {"a:x": "rEd"}, True),
    ("StringEqualsIgnoreCase", {"a:x": "red"}, {"a:x": "blue"}, False),
    ("StringEqualsIgnoreCase", {"a:x": "${a:y}"}, {"a:x": "RED", "a:y": "red"}, True),
    ("StringNotEqualsIgnoreCase", {"a:x": "RED"}, {"a:x": "red"}, False),
    ("StringNotEqualsIgnoreCase", {"a:x": "RED"}, {"a:x": "blue"}, True),
    ("StringLike", {"s3:prefix": "home/*"}, {"s3:prefix": "home/anna"}, True),
    ("StringLike", {"s3:prefix": "home/*"}, {"s3:prefix": "away/anna"}, False),
    ("StringLike", {"s3:prefix": "HOME/*"}, {"s3:prefix": "home/anna"}, False),
    ("StringLike", {"s3:prefix": "home/${aws:username}/*"}, {"s3:prefix": "home/anna/x", "aws:username": "anna"}, True),
    ("StringLike", {"s3:prefix": "home/${aws:username}/*"}, {"s3:prefix": "home/ben/x", "aws:username": "anna"}, False),
    ("StringLike", {"s3:prefix": "home/${aws:username}/*"}, {"s3:prefix": "home/ben/x", "aws:username": "*"}, False),
    ("StringLike", {"s3:prefix": "${*}"}, {"s3:prefix": "x"}, False),
    ("StringLike", {"s3:prefix": ["a?c", "x*"]}, {"s3:prefix": "abc"}, True),
    ("StringLike", {"s3:prefix": "a?c"}, {"s3:prefix": "ac"}, False),
    ("StringLike", {"s3:prefix": "*"}, {"s3:prefix": ""}, True),
    ("StringLike", {"s3:prefix": "*"}, {}, False),
    ("StringLike", {"s3:prefix": "a*\n*b"}, {"s3:prefix": "a\n\nb"}, True),
    ("StringNotLike", {"s3:prefix": "home/*"}, {"s3:prefix": "away"}, True),
    ("StringNotLike", {"s3:prefix": "home/*"}, {"s3:prefix": "home/x"}, False),
    ("StringNotLike", {"s3:prefix": "home/*"}, {}, True),
    ("NumericEquals", {"s3:max-keys": "10"}, {"s3:max-keys": "10.0"}, True),
    ("NumericEquals", {"s3:max-keys": 10}, {"s3:max-keys": "10"}, True),
    ("NumericEquals", {"s3:max-keys": "10"}, {"s3:max-keys": "ten"}, False),
    ("NumericNotEquals", {"s3:max-keys": "10"}, {"s3:max-keys": "11"}, True),
    ("NumericNotEquals", {"s3:max-keys": "10"}, {"s3:max-keys": "10"}, False),
    ("NumericNotEquals", {"s3:max-keys": "10"}, {}, True),
    ("NumericLessThan", {"s3:max-keys": "10"}, {"s3:max-keys": "9"}, True),
    ("NumericLessThan", {"s3:max-keys": "10"}, {"s3:max-keys": "10"}, False),
    ("NumericLessThan", {"s3:max-keys": "9"}, {"s3:max-keys": "10"}, False),
    ("NumericLessThanEquals", {"s3:max-keys": "10"}, {"s3:max-keys": "10"}, True),
    ("NumericLessThanEquals", {"s3:max-keys": "10"}, {"s3:max-keys": "10.5"}, False),
    ("NumericGreaterThan", {"s3:max-keys": "0.1"}, {"s3:max-keys": "0.2"}, True),
    ("NumericGreaterThan", {"s3:max-keys": "-1"}, {"s3:max-keys": "-2"}, False),
    ("NumericGreaterThanEquals", {"s3:max-keys": "1e3"}, {"s3:max-keys": "1000"}, True),
    ("NumericGreaterThanEquals", {"s3:max-keys": "1"}, {}, False),
    ("NumericLessThanEqualsIfExists", {"s3:max-keys": "1"}, {}, True),
    ("DateEquals", {"aws:CurrentTime": "2026-11-21T12:00:00Z"}, {"aws:CurrentTime": "2026-11-21T12:00:00Z"}, True),
    ("DateEquals", {"aws:CurrentTime": "2026-11-21T13:00:00+01:00"}, {"aws:CurrentTime": "2026-11-21T12:00:00Z"}, True),
    ("DateNotEquals", {"aws:CurrentTime": "2026-11-21"}, {"aws:CurrentTime": "2026-11-21T00:00:00Z"}, False),
    ("DateNotEquals", {"aws:CurrentTime": "2026-11-21"}, {"aws:CurrentTime": "2026-11-22T00:00:00Z"}, True),
    ("DateLessThan", {"aws:CurrentTime": "2027"}, {"aws:CurrentTime": "2026-12-31T23:59:59Z"}, True),
    ("DateLessThan", {"aws:CurrentTime": "2027-02"}, {"aws:CurrentTime": "2027-02-01T00:00:00Z"}, False),
    ("DateLessThanEquals", {"aws:CurrentTime": "2027-02"}, {"aws:CurrentTime": "2027-02-01T00:00:00Z"}, True),
    ("DateGreaterThan", {"aws:EpochTime": "1700000000"}, {"aws:EpochTime": "1700000001"}, True),
    ("DateGreaterThan", {"aws:EpochTime": 1700000000}, {"aws:EpochTime": "1700000000"}, False),
    ("DateGreaterThan", {"aws:CurrentTime": "1700000000"}, {"aws:CurrentTime": "2026-11-21T12:00:00Z"}, True),
    ("DateGreaterThanEquals", {"aws:EpochTime": "2026-11-21T12:00Z"}, {"aws:EpochTime": "2026-11-21T12:00:00Z"}, True),
    ("DateGreaterThan", {"aws:TokenIssueTime": "2026-01-01"}, {}, False),
    ("DateGreaterThanIfExists", {"aws:TokenIssueTime": "2026-01-01"}, {}, True),
    ("DateEquals", {"aws:CurrentTime": "2026-11-21"}, {"aws:CurrentTime": "yesterday"}, False),
    ("Bool", {"aws:SecureTransport": "true"}, {"aws:SecureTransport": "true"}, True),
    ("Bool", {"aws:SecureTransport": True}, {"aws:SecureTransport": "true"}, True),
    ("Bool", {"aws:SecureTransport": "TRUE"}, {"aws:SecureTransport": "true"}, True),
    ("Bool", {"aws:SecureTransport": "false"}, {"aws:SecureTransport": "true"}, False),
    ("Bool", {"aws:SecureTransport": "false"}, {"aws:SecureTransport": "false"}, True),
    ("Bool", {"aws:MultiFactorAuthPresent": "false"}, {}, False),
    ("BoolIfExists", {"aws:MultiFactorAuthPresent": "false"}, {}, True),
    ("BinaryEquals", {"a:key": "QmluYXJ5"}, {"a:key": "QmluYXJ5"}, True),
    ("BinaryEquals", {"a:key": "QmluYXJ5"}, {"a:key": "QmluYXJ6"}, False),
    ("BinaryEquals", {"a:key": "QmluYXJ5"}, {"a:key": "no base64!"}, False),
    ("IpAddress", {"aws:SourceIp": "203.0.113.0/24"}, {"aws:SourceIp": "203.0.113.7"}, True),
    ("IpAddress", {"aws:SourceIp": "203.0.113.0/24"}, {"aws:SourceIp": "203.0.114.7"}, False),
    ("IpAddress", {"aws:SourceIp": "203.0.113.7"}, {"aws:SourceIp": "203.0.113.7"}, True),
    ("IpAddress", {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]}, {"aws:SourceIp": "2001:db8::1"}, True),
    ("IpAddress", {"aws:SourceIp": "2001:db8::/32"}, {"aws:SourceIp": "203.0.113.7"}, False),
    ("IpAddress", {"aws:SourceIp": "0.0.0.0/0"}, {"aws:SourceIp": "not an address"}, False),
    ("IpAddress", {"aws:SourceIp": "203.0.113.0/24"}, {}, False),
    ("NotIpAddress", {"aws:SourceIp": "203.0.113.0/24"}, {"aws:SourceIp": "198.51.100.1"}, True),
    ("NotIpAddress", {"aws:SourceIp": ["203.0.113.0/24", "198.51.100.0/24"]}, {"aws:SourceIp": "198.51.100.1"}, False),
    ("NotIpAddress", {"aws:SourceIp": "203.0.113.0/24"}, {}, True),
    ("ArnEquals", {"aws:SourceArn": JOB}, {"aws:SourceArn": JOB}, True),
    ("ArnEquals", {"aws:SourceArn": "arn:aws:bedrock:*:*:model-customization-job/*"}, {"aws:SourceArn": JOB}, True),
    ("ArnLike", {"aws:SourceArn": "arn:aws:bedrock:*:*:model-customization-job/*"}, {"aws:SourceArn": JOB}, True),
    ("ArnLike", {"aws:SourceArn": f"arn:aws:bedrock:*:{OTHER}:*"}, {"aws:SourceArn": JOB}, False),
    ("ArnLike", {"aws:SourceArn": "arn:aws:bedrock:*:model-customization-job/*"}, {"aws:SourceArn": JOB}, False),
    ("ArnLike", {"aws:SourceArn": "*"}, {"aws:SourceArn": "what is no ARN"}, True),
    ("ArnLike", {"aws:SourceArn": "arn:aws:bedrock:*"}, {"aws:SourceArn": "what is no ARN"}, False),
    ("ArnLike", {"aws:PrincipalArn": "arn:aws:iam::*:user/${a:y}"}, {"aws:PrincipalArn": ANNA, "a:y": "anna"}, True),
    ("ArnNotEquals", {"aws:SourceArn": JOB}, {"aws:SourceArn": MODEL}, True),
    ("ArnNotEquals", {"aws:SourceArn": JOB}, {}, True),
    ("ArnNotLike", {"aws:SourceArn": "arn:aws:bedrock:*:*:*"}, {"aws:SourceArn": JOB}, False),
    ("ArnNotLike", {"aws:SourceArn": "arn:aws:s3:::*"}, {"aws:SourceArn": JOB}, True),
    ("Null", {"aws:RequestTag/team": "true"}, {}, True),
    ("Null", {"aws:RequestTag/team": "true"}, {"aws:RequestTag/team": "red"}, False),
    ("Null", {"aws:RequestTag/team": "false"}, {"aws:RequestTag/team": "red"}, True),
    ("Null", {"aws:RequestTag/team": False}, {}, False),
    ("Null", {"aws:TagKeys": "true"}, {"aws:TagKeys": ()}, True),
    ("Null", {"aws:TagKeys": "false"}, {"aws:TagKeys": ("a",)}, True),
    ("StringEqualsIfExists", {"a:x": "1"}, {}, True),
    ("StringEqualsIfExists", {"a:x": "1"}, {"a:x": "1"}, True),
    ("StringEqualsIfExists", {"a:x": "1"}, {"a:x": "2"}, False),
    ("StringNotEqualsIfExists", {"a:x": "1"}, {}, True),
    ("StringNotEqualsIfExists", {"a:x": "1"}, {"a:x": "1"}, False),
    ("IpAddressIfExists", {"aws:SourceIp": "10.0.0.0/8"}, {}, True),
    ("ArnLikeIfExists", {"aws:SourceArn": "arn:aws:s3:::*"}, {"aws:SourceArn": JOB}, False),
    ("ForAllValues:StringEquals", {"aws:TagKeys": ["a", "b"]}, {"aws:TagKeys": ("a", "b")}, True),
    ("ForAllValues:StringEquals", {"aws:TagKeys": ["a", "b"]}, {"aws:TagKeys": ("a",)}, True),
    ("ForAllValues:StringEquals", {"aws:TagKeys": ["a", "b"]}, {"aws:TagKeys": ("a", "c")}, False),
    ("ForAllValues:StringEquals", {"aws:TagKeys": ["a", "b"]}, {"aws:TagKeys": ()}, True),
    ("ForAllValues:StringEquals", {"aws:TagKeys": ["a", "b"]}, {}, True),
    ("ForAllValues:StringLike", {"aws:TagKeys": "cost-*"}, {"aws:TagKeys": ("cost-a", "cost-b")}, True),
    ("ForAllValues:StringLike", {"aws:TagKeys": "cost-*"}, {"aws:TagKeys": ("cost-a", "b")}, False),
    ("ForAllValues:StringNotEquals", {"aws:TagKeys": ["x", "y"]}, {"aws:TagKeys": ("a", "b")}, True),
    ("ForAllValues:StringNotEquals", {"aws:TagKeys": ["x", "y"]}, {"aws:TagKeys": ("a", "x")}, False),
    ("ForAllValues:StringEquals", {"a:x": "1"}, {"a:x": "1"}, True),
    ("ForAnyValue:StringEquals", {"aws:TagKeys": ["a", "b"]}, {"aws:TagKeys": ("c", "b")}, True),
    ("ForAnyValue:StringEquals", {"aws:TagKeys": ["a", "b"]}, {"aws:TagKeys": ("c", "d")}, False),
    ("ForAnyValue:StringEquals", {"aws:TagKeys": ["a", "b"]}, {"aws:TagKeys": ()}, False),
    ("ForAnyValue:StringEquals", {"aws:TagKeys": ["a", "b"]}, {}, False),
    ("ForAnyValue:StringNotEquals", {"aws:TagKeys": "a"}, {"aws:TagKeys": ("a", "b")}, True),
    ("ForAnyValue:StringNotEquals", {"aws:TagKeys": "a"}, {"aws:TagKeys": ("a",)}, False),
    ("ForAnyValue:StringNotEquals", {"aws:TagKeys": "a"}, {}, False),
    ("ForAnyValue:StringEqualsIfExists", {"aws:TagKeys": "a"}, {}, True),
    ("ForAnyValue:ArnLike", {"a:arns": "arn:aws:s3:::*"}, {"a:arns": (JOB, OBJECT)}, True),
    ("ForAllValues:ArnLike", {"a:arns": "arn:aws:s3:::*"}, {"a:arns": (JOB, OBJECT)}, False),
    ("ForAnyValue:NumericLessThan", {"a:n": "5"}, {"a:n": ("9", "4")}, True),
    ("StringEquals", {"aws:TagKeys": "a"}, {"aws:TagKeys": ("a", "b")}, True),
    ("StringNotEquals", {"aws:TagKeys": "a"}, {"aws:TagKeys": ("a", "b")}, False),
]
# fmt: on


def allow(action: Any = "bedrock:*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "bedrock:*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def trust(principal: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A whole decision; `answer` is a yes or AWS's reason for a no."""

    says: str
    answer: str
    caller: str = ANNA
    action: str = "bedrock:GetCustomModel"
    resource: str | None = MODEL
    identity: tuple[dict[str, Any], ...] = ()
    """Each a statement, in a policy of its own."""
    boundary: tuple[dict[str, Any], ...] | None = None
    session: tuple[dict[str, Any], ...] | None = None
    resource_policy: tuple[dict[str, Any], ...] | None = None
    trust_policy: tuple[dict[str, Any], ...] | None = None
    request: Request | None = None


YES = "yes"
NO_IDENTITY = "because no identity-based policy allows"
NO_BOUNDARY = "because no permissions boundary allows"
NO_SESSION = "because no session policy allows"
NO_RESOURCE = "because no resource-based policy allows"
NO_TRUST = "because no role trust policy allows"
DENIED_BY_IDENTITY = "with an explicit deny in an identity-based policy"
DENIED_BY_BOUNDARY = "with an explicit deny in a permissions boundary"
DENIED_BY_SESSION = "with an explicit deny in a session policy"
DENIED_BY_RESOURCE = "with an explicit deny in a resource-based policy"
DENIED_BY_TRUST = "with an explicit deny in the role trust policy"

_ASSUME: dict[str, Any] = {"action": "sts:AssumeRole", "resource": TRAINER}
_TO_ANNA = allow(Principal={"AWS": ANNA})
_IN_WEST = {"Condition": {"StringEquals": {"aws:RequestedRegion": "us-west-2"}}}

DECISIONS: list[Case] = [
    Case(says="without a policy nothing is allowed", answer=NO_IDENTITY),
    Case(says="an allow allows", answer=YES, identity=(allow(),)),
    Case(says="an allow for another action does not", answer=NO_IDENTITY, identity=(allow("s3:*"),)),
    Case(says="an allow for another resource does not", answer=NO_IDENTITY, identity=(allow(resource=JOB),)),
    Case(says="a deny wins over an allow", answer=DENIED_BY_IDENTITY, identity=(allow(), deny())),
    Case(says="a deny wins whatever the order", answer=DENIED_BY_IDENTITY, identity=(deny(), allow())),
    Case(
        says="a narrow deny wins over everything",
        answer=DENIED_BY_IDENTITY,
        identity=(allow("*"), deny(resource=MODEL)),
    ),
    Case(says="a deny for something else changes nothing", answer=YES, identity=(allow(), deny(resource=JOB))),
    Case(says="a deny whose condition fails changes nothing", answer=YES, identity=(allow(), deny(**_IN_WEST))),
    Case(
        says="a deny whose condition holds denies",
        answer=DENIED_BY_IDENTITY,
        identity=(allow(), deny(**_IN_WEST)),
        request={"aws:RequestedRegion": "us-west-2"},
    ),
    Case(says="an allow whose condition fails does not allow", answer=NO_IDENTITY, identity=(allow(**_IN_WEST),)),
    Case(
        says="all conditions must hold",
        answer=NO_IDENTITY,
        identity=(allow(Condition={"StringEquals": {"a:x": "1"}, "Bool": {"aws:SecureTransport": "true"}}),),
        request={"a:x": "1", "aws:SecureTransport": "false"},
    ),
    Case(
        says="NotAction allows all other actions",
        answer=YES,
        identity=({"Effect": "Allow", "NotAction": "bedrock:Delete*", "Resource": "*"},),
    ),
    Case(
        says="NotAction does not allow its own",
        answer=NO_IDENTITY,
        action="bedrock:DeleteCustomModel",
        identity=({"Effect": "Allow", "NotAction": "bedrock:Delete*", "Resource": "*"},),
    ),
    Case(
        says="a deny of NotAction denies all other actions",
        answer=DENIED_BY_IDENTITY,
        identity=(allow("*"), {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}),
    ),
    Case(
        says="a deny of NotAction lets its own through",
        answer=YES,
        identity=(allow("*"), {"Effect": "Deny", "NotAction": ["bedrock:Get*", "s3:*"], "Resource": "*"}),
    ),
    Case(
        says="NotResource allows all other resources",
        answer=YES,
        identity=({"Effect": "Allow", "Action": "*", "NotResource": JOB},),
    ),
    Case(
        says="NotResource does not allow its own",
        answer=NO_IDENTITY,
        identity=({"Effect": "Allow", "Action": "*", "NotResource": [JOB, "arn:aws:bedrock:*:*:custom-model/*"]},),
    ),
    Case(
        says="a deny of NotResource keeps to one resource",
        answer=DENIED_BY_IDENTITY,
        identity=(allow("*"), {"Effect": "Deny", "Action": "*", "NotResource": JOB}),
    ),
    Case(
        says="a list needs the star", answer=YES, action="bedrock:ListCustomModels", resource=None, identity=(allow(),)
    ),
    Case(
        says="a list is not covered by an ARN",
        answer=NO_IDENTITY,
        action="bedrock:ListCustomModels",
        resource=None,
        identity=(allow(resource="arn:aws:bedrock:*:*:*"),),
    ),
    Case(
        says="a list is denied by the star",
        answer=DENIED_BY_IDENTITY,
        action="bedrock:ListCustomModels",
        resource=None,
        identity=(allow(), deny("bedrock:List*")),
    ),
    Case(says="root may do everything", answer=YES, caller=ROOT),
    Case(
        says="root may do everything in its own account only",
        answer=NO_RESOURCE,
        caller=ROOT,
        resource=MODEL.replace(ACCOUNT, OTHER),
    ),
    Case(
        says="root is stopped by the resource's own deny",
        answer=DENIED_BY_RESOURCE,
        caller=ROOT,
        resource_policy=(deny(Principal="*"),),
    ),
    # Boundaries.
    Case(says="a boundary allows nothing by itself", answer=NO_IDENTITY, boundary=(allow("*"),)),
    Case(says="identity and boundary allow", answer=YES, identity=(allow(),), boundary=(allow("bedrock:Get*"),)),
    Case(
        says="a boundary that does not allow forbids",
        answer=NO_BOUNDARY,
        identity=(allow("*"),),
        boundary=(allow("s3:*"),),
    ),
    Case(
        says="a deny in the boundary denies",
        answer=DENIED_BY_BOUNDARY,
        identity=(allow("*"),),
        boundary=(allow("*"), deny("bedrock:Get*")),
    ),
    # Session policies.
    Case(
        says="identity and session policy allow", answer=YES, caller=SESSION, identity=(allow(),), session=(allow("*"),)
    ),
    Case(says="a session policy allows nothing by itself", answer=NO_IDENTITY, caller=SESSION, session=(allow("*"),)),
    Case(
        says="a session policy that does not allow forbids",
        answer=NO_SESSION,
        caller=SESSION,
        identity=(allow("*"),),
        session=(allow("s3:*"),),
    ),
    Case(
        says="an empty set of session policies forbids all",
        answer=NO_SESSION,
        caller=SESSION,
        identity=(allow("*"),),
        session=(),
    ),
    Case(
        says="a deny in the session policy denies",
        answer=DENIED_BY_SESSION,
        caller=SESSION,
        identity=(allow("*"),),
        session=(allow("*"), deny("bedrock:Get*")),
    ),
    Case(
        says="boundary and session policy both must allow",
        answer=NO_SESSION,
        caller=SESSION,
        identity=(allow("*"),),
        boundary=(allow("*"),),
        session=(allow("s3:*"),),
    ),
    Case(
        says="the boundary is asked before the session policy",
        answer=NO_BOUNDARY,
        caller=SESSION,
        identity=(allow("*"),),
        boundary=(allow("s3:*"),),
        session=(allow("s3:*"),),
    ),
    # Policies on resources, in one account.
    Case(says="a resource's policy that names the user allows", answer=YES, resource_policy=(_TO_ANNA,)),
    Case(
        says="a resource's policy for someone else does not",
        answer=NO_IDENTITY,
        caller=BEN,
        resource_policy=(_TO_ANNA,),
    ),
    Case(
        says="a resource's policy for the account leaves it to the account",
        answer=NO_IDENTITY,
        resource_policy=(allow(Principal={"AWS": ACCOUNT}),),
    ),
    Case(
        says="a resource's policy for the account does not stand in the way",
        answer=YES,
        identity=(allow(),),
        resource_policy=(allow(Principal={"AWS": ROOT}),),
    ),
    Case(says="a resource's policy for everyone allows", answer=YES, resource_policy=(allow(Principal="*"),)),
    Case(
        says="a resource's policy for everyone in AWS allows",
        answer=YES,
        resource_policy=(allow(Principal={"AWS": "*"}),),
    ),
    Case(says="identity alone is enough in one account", answer=YES, identity=(allow(),), resource_policy=()),
    Case(
        says="a resource's deny wins",
        answer=DENIED_BY_RESOURCE,
        identity=(allow("*"),),
        resource_policy=(deny(Principal={"AWS": ANNA}),),
    ),
    Case(
        says="a resource's deny for the whole account counts for its users",
        answer=DENIED_BY_RESOURCE,
        identity=(allow("*"),),
        resource_policy=(deny(Principal={"AWS": ROOT}),),
    ),
    Case(
        says="naming the user is not limited by the boundary",
        answer=YES,
        boundary=(allow("s3:*"),),
        resource_policy=(_TO_ANNA,),
    ),
    Case(
        says="naming everyone is limited by the boundary",
        answer=NO_BOUNDARY,
        boundary=(allow("s3:*"),),
        resource_policy=(allow(Principal="*"),),
    ),
    Case(
        says="naming the role allows its session",
        answer=YES,
        caller=SESSION,
        resource_policy=(allow(Principal={"AWS": TRAINER}),),
    ),
    Case(
        says="naming the role is limited by the session policy",
        answer=NO_SESSION,
        caller=SESSION,
        session=(allow("s3:*"),),
        resource_policy=(allow(Principal={"AWS": TRAINER}),),
    ),
    Case(
        says="naming the session is not limited by the session policy",
        answer=YES,
        caller=SESSION,
        session=(allow("s3:*"),),
        resource_policy=(allow(Principal={"AWS": SESSION}),),
    ),
    Case(
        says="NotPrincipal denies everyone else",
        answer=DENIED_BY_RESOURCE,
        caller=BEN,
        identity=(allow("*"),),
        resource_policy=({"Effect": "Deny", "NotPrincipal": {"AWS": ANNA}, "Action": "*", "Resource": "*"},),
    ),
    Case(
        says="NotPrincipal spares who is named",
        answer=YES,
        identity=(allow("*"),),
        resource_policy=({"Effect": "Deny", "NotPrincipal": {"AWS": ANNA}, "Action": "*", "Resource": "*"},),
    ),
    Case(
        says="NotPrincipal does not spare who is named by the account only",
        answer=DENIED_BY_RESOURCE,
        identity=(allow("*"),),
        resource_policy=({"Effect": "Deny", "NotPrincipal": {"AWS": ACCOUNT}, "Action": "*", "Resource": "*"},),
    ),
    Case(
        says="a resource's policy may have conditions", answer=NO_IDENTITY, resource_policy=({**_TO_ANNA, **_IN_WEST},)
    ),
    # Policies on resources, across accounts.
    Case(
        says="across accounts identity alone is not enough", answer=NO_RESOURCE, caller=STRANGER, identity=(allow("*"),)
    ),
    Case(
        says="across accounts the resource's policy alone is not enough",
        answer=NO_IDENTITY,
        caller=STRANGER,
        resource_policy=(allow(Principal={"AWS": STRANGER}),),
    ),
    Case(
        says="across accounts both allow",
        answer=YES,
        caller=STRANGER,
        identity=(allow(),),
        resource_policy=(allow(Principal={"AWS": STRANGER}),),
    ),
    Case(
        says="across accounts the account may be named",
        answer=YES,
        caller=STRANGER,
        identity=(allow(),),
        resource_policy=(allow(Principal={"AWS": OTHER}),),
    ),
    Case(
        says="across accounts everyone may be named",
        answer=YES,
        caller=STRANGER,
        identity=(allow(),),
        resource_policy=(allow(Principal="*"),),
    ),
    Case(
        says="across accounts the boundary counts",
        answer=NO_BOUNDARY,
        caller=STRANGER,
        identity=(allow(),),
        boundary=(allow("s3:*"),),
        resource_policy=(allow(Principal={"AWS": STRANGER}),),
    ),
    Case(
        says="across accounts the wrong account is not enough",
        answer=NO_RESOURCE,
        caller=STRANGER,
        identity=(allow(),),
        resource_policy=(allow(Principal={"AWS": ACCOUNT}),),
    ),
    Case(
        says="root of another account needs the resource's policy and no other",
        answer=YES,
        caller=f"arn:aws:iam::{OTHER}:root",
        resource_policy=(allow(Principal={"AWS": OTHER}),),
    ),
    # What belongs to no account.
    Case(
        says="a foundation model needs no policy of its own",
        answer=YES,
        resource=BASE,
        action="bedrock:InvokeModel",
        identity=(allow(),),
    ),
    Case(says="a foundation model needs an allow", answer=NO_IDENTITY, resource=BASE, action="bedrock:InvokeModel"),
    # Trust policies.
    Case(says="trust in the user opens the role", answer=YES, **_ASSUME, trust_policy=(trust({"AWS": ANNA}),)),
    Case(
        says="trust in the account needs an identity policy",
        answer=NO_IDENTITY,
        **_ASSUME,
        trust_policy=(trust({"AWS": ACCOUNT}),),
    ),
    Case(
        says="trust in the account and an identity policy open the role",
        answer=YES,
        **_ASSUME,
        identity=(allow("sts:AssumeRole", TRAINER),),
        trust_policy=(trust({"AWS": ROOT}),),
    ),
    Case(
        says="identity policies alone open no role",
        answer=NO_TRUST,
        **_ASSUME,
        identity=(allow("*"),),
        trust_policy=(trust({"AWS": BEN}),),
    ),
    Case(
        says="a role that trusts nobody is closed to root",
        answer=NO_TRUST,
        **_ASSUME,
        caller=ROOT,
        trust_policy=(trust({"Service": BEDROCK}),),
    ),
    Case(
        says="across accounts trust alone is not enough",
        answer=NO_IDENTITY,
        **_ASSUME,
        caller=STRANGER,
        trust_policy=(trust({"AWS": STRANGER}),),
    ),
    Case(
        says="across accounts trust and identity policy open the role",
        answer=YES,
        **_ASSUME,
        caller=STRANGER,
        identity=(allow("sts:*"),),
        trust_policy=(trust({"AWS": OTHER}),),
    ),
    Case(
        says="a deny in the trust policy closes the role",
        answer=DENIED_BY_TRUST,
        **_ASSUME,
        trust_policy=(trust({"AWS": ANNA}), {**trust("*"), "Effect": "Deny"}),
    ),
    Case(
        says="a deny of the identity policy closes the role",
        answer=DENIED_BY_IDENTITY,
        **_ASSUME,
        identity=(deny("sts:*"),),
        trust_policy=(trust({"AWS": ANNA}),),
    ),
    Case(
        says="a service is trusted by name",
        answer=YES,
        **_ASSUME,
        caller=BEDROCK,
        trust_policy=(trust({"Service": BEDROCK}),),
    ),
    Case(
        says="a deny for everyone counts for services",
        answer=DENIED_BY_TRUST,
        **_ASSUME,
        caller=BEDROCK,
        trust_policy=(trust({"Service": BEDROCK}), {**trust("*"), "Effect": "Deny"}),
    ),
    Case(
        says="a service is not trusted as everyone",
        answer=NO_TRUST,
        **_ASSUME,
        caller=BEDROCK,
        trust_policy=(trust({"AWS": "*"}),),
    ),
    Case(
        says="another service is not trusted",
        answer=NO_TRUST,
        **_ASSUME,
        caller=BEDROCK,
        trust_policy=(trust({"Service": "ec2.amazonaws.com"}),),
    ),
    Case(
        says="one of several services is trusted",
        answer=YES,
        **_ASSUME,
        caller=BEDROCK,
        trust_policy=(trust({"Service": ["ec2.amazonaws.com", BEDROCK]}),),
    ),
    Case(
        says="a service is trusted for one account",
        answer=NO_TRUST,
        **_ASSUME,
        caller=BEDROCK,
        request={"aws:SourceAccount": OTHER},
        trust_policy=(trust({"Service": BEDROCK}, Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}}),),
    ),
    Case(
        says="a service is trusted for its jobs",
        answer=YES,
        **_ASSUME,
        caller=BEDROCK,
        request={"aws:SourceAccount": ACCOUNT, "aws:SourceArn": JOB},
        trust_policy=(
            trust(
                {"Service": BEDROCK},
                Condition={
                    "StringEquals": {"aws:SourceAccount": ACCOUNT},
                    "ArnEquals": {"aws:SourceArn": f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-customization-job/*"},
                },
            ),
        ),
    ),
    Case(
        says="another action is not trusted",
        answer=NO_TRUST,
        action="sts:TagSession",
        resource=TRAINER,
        trust_policy=(trust({"AWS": ANNA}),),
    ),
]
