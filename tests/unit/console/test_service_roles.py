"""A new service role trusts Bedrock alone, for one account."""

import json

from tanren.console.service_roles import role_arn, role_requests


def test_a_role_is_made_before_its_policy_and_trusts_bedrock_for_this_account_alone():
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/key"}
    created, put = role_requests("123456789012", "tuning", policy_name="data", statements=[statement])
    (trust,) = json.loads(created.params["AssumeRolePolicyDocument"])["Statement"]
    assert trust["Principal"] == {"Service": "bedrock.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    assert json.loads(put.params["PolicyDocument"])["Statement"] == [statement]
    assert (created.operation, put.operation) == ("CreateRole", "PutRolePolicy")
    assert role_arn("123456789012", "tuning") == "arn:aws:iam::123456789012:role/tuning"
