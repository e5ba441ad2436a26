import json
import re
from pathlib import Path
from typing import Any

import pytest

from tanren.domain.policies.documents import PolicyKind
from tanren.domain.policies.parsing import CURRENT_VERSION, LONGEST_TEXT, MalformedPolicy, parse_policy, policy_size

ALLOW = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*"}
TRUST = {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}
IDENTITY, RESOURCE, ROLE_TRUST = PolicyKind.IDENTITY, PolicyKind.RESOURCE, PolicyKind.TRUST
SYNTAX = "Syntax errors in policy."
NO_VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
NO_OPERATOR = "Invalid Condition type : "
PRINCIPAL = "Invalid principal in policy."


def document(*statements: Any, **members: Any) -> str:
    return json.dumps({"Version": CURRENT_VERSION, "Statement": list(statements), **members})


def without(statement: dict[str, Any], *names: str, **members: Any) -> dict[str, Any]:
    return {**{name: value for name, value in statement.items() if name not in names}, **members}


def condition(operator: str, keys: Any) -> str:
    return document({**ALLOW, "Condition": {operator: keys}})


MALFORMED: list[tuple[str, PolicyKind, str, str]] = [
    # Text, kind, what AWS says first, and the place or the fix that we add.
    ("", IDENTITY, "This policy contains invalid Json.", "Line 1, column 1"),
    ("{\n  'Version'", IDENTITY, "This policy contains invalid Json.", "Line 2, column 3"),
    ("[]", IDENTITY, SYNTAX, "The policy is []; write an object"),
    ('{"Version": NaN}', IDENTITY, "This policy contains invalid Json.", "NaN"),
    ("[" * 100_000, IDENTITY, "This policy contains invalid Json.", ""),
    ('{"Statement": ' + "[" * 50 + "]" * 50 + "}", IDENTITY, SYNTAX, "deeper"),
    ('{"Statement": [], "Statement": []}', IDENTITY, SYNTAX, '"Statement" stands twice'),
    (document(ALLOW, Version="2012-10-18"), IDENTITY, "The policy must contain a valid version string.", "2012-10-17"),
    (document(ALLOW, Version=2012), IDENTITY, "The policy must contain a valid version string.", "2012"),
    (document(ALLOW, statement=[]), IDENTITY, SYNTAX, 'unknown element "statement"'),
    (document(ALLOW, Id=3), IDENTITY, SYNTAX, "Id is 3"),
    (json.dumps({"Version": CURRENT_VERSION}), IDENTITY, SYNTAX, "Statement is nothing"),
    (document(), IDENTITY, SYNTAX, "Statement is []"),
    (document("all"), IDENTITY, SYNTAX, 'Statement[0] is "all"'),
    (document(ALLOW, {**ALLOW, "Actions": []}), IDENTITY, SYNTAX, 'Statement[1] has the unknown element "Actions"'),
    (
        document({**ALLOW, "Sid": "no blanks"}),
        IDENTITY,
        "Statement IDs (SID) must be ",
        'Statement[0].Sid is "no blanks"',
    ),
    (document({**ALLOW, "Sid": 1}), IDENTITY, "Statement IDs (SID) must be ", "Statement[0].Sid is 1"),
    (
        document({**ALLOW, "Sid": "A"}, {**ALLOW, "Sid": "A"}),
        IDENTITY,
        "Statement IDs (SID) in a single policy must be unique.",
        "Statement[0] and Statement[1]",
    ),
    (document(without(ALLOW, "Effect")), IDENTITY, "Missing required field Effect.", "Statement[0]"),
    (document({**ALLOW, "Effect": "allow"}), IDENTITY, "Invalid effect.", 'Statement[0].Effect is "allow"'),
    (document(without(ALLOW, "Action")), IDENTITY, "Policy statement must contain actions.", "Statement[0]"),
    (document({**ALLOW, "NotAction": "s3:*"}), IDENTITY, SYNTAX, "both Action and NotAction"),
    (document({**ALLOW, "Action": []}), IDENTITY, SYNTAX, "Statement[0].Action is []"),
    (document({**ALLOW, "Action": {"a": "b"}}), IDENTITY, SYNTAX, "Statement[0].Action"),
    (document({**ALLOW, "Action": "InvokeModel"}), IDENTITY, NO_VENDOR, "'InvokeModel'"),
    (
        document({**ALLOW, "Action": "bedrock:Invoke Model"}),
        IDENTITY,
        "Action bedrock:Invoke Model is not valid.",
        "Statement[0].Action",
    ),
    (
        document({**ALLOW, "Action": "bed*:InvokeModel"}),
        IDENTITY,
        "Action bed*:InvokeModel is not valid.",
        "Statement[0].Action",
    ),
    (document({**ALLOW, "Action": "s3:${aws:username}"}), IDENTITY, SYNTAX, "actions take no variables"),
    (document(without(ALLOW, "Resource")), IDENTITY, "Policy statement must contain resources.", "Statement[0]"),
    (document({**ALLOW, "NotResource": "*"}), IDENTITY, SYNTAX, "both Resource and NotResource"),
    (
        document({**ALLOW, "Resource": "bucket"}),
        IDENTITY,
        'Resource bucket must be in ARN format or "*".',
        "Statement[0].Resource",
    ),
    (document({**ALLOW, "Resource": ""}), IDENTITY, 'Resource  must be in ARN format or "*".', "Statement[0].Resource"),
    (
        document({**ALLOW, "Resource": "arn:azure:s3:::b"}),
        IDENTITY,
        'Partition "azure" is not valid for resource "arn:azure:s3:::b".',
        "Statement[0]",
    ),
    (document({**ALLOW, "Resource": "arn:aws:s3:::${aws:username"}), IDENTITY, SYNTAX, "a variable that does not end"),
    (document({**ALLOW, "Resource": 'arn:aws:s3:::${aws:username, "d"}'}), IDENTITY, SYNTAX, "is no variable"),
    (document({**ALLOW, "Resource": "arn:aws:s3:::${}"}), IDENTITY, SYNTAX, "is no variable"),
    (
        document({**ALLOW, "Principal": "*"}),
        IDENTITY,
        "Policy document should not specify a principal.",
        "Statement[0] has Principal",
    ),
    (
        document({**ALLOW, "NotPrincipal": "*"}),
        PolicyKind.SESSION,
        "Policy document should not specify a principal.",
        "NotPrincipal",
    ),
    (document(ALLOW, Version="2008-10-17"), PolicyKind.SESSION, "A session policy must have", CURRENT_VERSION),
    (document({**ALLOW, "Condition": []}), IDENTITY, SYNTAX, "Statement[0].Condition is []"),
    (condition("StringEquals", "x"), IDENTITY, SYNTAX, 'Condition.StringEquals is "x"'),
    (
        condition("StringMatches", {"aws:SourceIp": "x"}),
        IDENTITY,
        "Invalid Condition type : StringMatches.",
        "StringEquals",
    ),
    (
        condition("stringequals", {"aws:SourceIp": "x"}),
        IDENTITY,
        "Invalid Condition type : stringequals.",
        "StringEquals",
    ),
    (condition("ForSomeValues:StringEquals", {"aws:SourceIp": "x"}), IDENTITY, NO_OPERATOR, "ForAnyValue:"),
    (condition("NullIfExists", {"aws:SourceIp": "true"}), IDENTITY, NO_OPERATOR, "Null"),
    (condition("ForAnyValue:Null", {"aws:SourceIp": "true"}), IDENTITY, NO_OPERATOR, "Null"),
    (condition("StringEquals", {"SourceIp": "x"}), IDENTITY, NO_VENDOR, "'SourceIp'"),
    (condition("StringEquals", {"aws:SourceIp": []}), IDENTITY, SYNTAX, "Condition.StringEquals.aws:SourceIp is []"),
    (condition("StringEquals", {"aws:SourceIp": {}}), IDENTITY, SYNTAX, "a string, number or boolean"),
    (condition("StringEquals", {"aws:SourceIp": None}), IDENTITY, SYNTAX, "is nothing"),
    (condition("NumericEquals", {"s3:max-keys": "ten"}), IDENTITY, SYNTAX, "'ten' is no number"),
    (condition("NumericEquals", {"s3:max-keys": "NaN"}), IDENTITY, SYNTAX, "no finite number"),
    (condition("NumericEquals", {"s3:max-keys": "${aws:username}"}), IDENTITY, SYNTAX, "is no number"),
    (condition("DateLessThan", {"aws:CurrentTime": "tomorrow"}), IDENTITY, SYNTAX, "'tomorrow' is no date"),
    (condition("DateLessThan", {"aws:CurrentTime": "2026-13-01"}), IDENTITY, SYNTAX, "is no date"),
    (condition("Bool", {"aws:SecureTransport": "yes"}), IDENTITY, SYNTAX, "neither true nor false"),
    (condition("Null", {"aws:SourceIp": "1"}), IDENTITY, SYNTAX, "neither true nor false"),
    (condition("BinaryEquals", {"a:b": "€"}), IDENTITY, SYNTAX, "is not base64"),
    (condition("IpAddress", {"aws:SourceIp": "203.0.113.0/33"}), IDENTITY, SYNTAX, "203.0.113.0/24"),
    (condition("ArnLike", {"aws:SourceArn": "bucket"}), IDENTITY, SYNTAX, "begins with arn:"),
    (document(ALLOW), RESOURCE, "Missing required field Principal.", "Statement[0]"),
    (document({**ALLOW, "Principal": "all"}), RESOURCE, PRINCIPAL, "Statement[0].Principal"),
    (document({**ALLOW, "Principal": {}}), RESOURCE, PRINCIPAL, "{}"),
    (document({**ALLOW, "Principal": {"User": "x"}}), RESOURCE, PRINCIPAL, "AWS, Service"),
    (
        document({**ALLOW, "Principal": {"AWS": "arn:aws:iam::1:root"}}),
        RESOURCE,
        'Invalid principal in policy: "AWS":"arn:aws:iam::1:root".',
        "an account id",
    ),
    (
        document({**ALLOW, "Principal": {"AWS": "arn:aws:iam::111122223333:user/*"}}),
        RESOURCE,
        "Invalid principal in policy:",
        "without wildcards",
    ),
    (
        document({**ALLOW, "Principal": {"AWS": "*"}, "NotPrincipal": "*"}),
        RESOURCE,
        SYNTAX,
        "both Principal and NotPrincipal",
    ),
    (document({**TRUST, "Resource": "*"}), ROLE_TRUST, "Has prohibited field Resource.", "Statement[0]"),
    (document({**TRUST, "NotResource": "*"}), ROLE_TRUST, "Has prohibited field NotResource.", "Statement[0]"),
    (document(without(TRUST, "Principal")), ROLE_TRUST, "Missing required field Principal.", "Statement[0]"),
    (
        document(without(TRUST, "Principal", NotPrincipal="*")),
        ROLE_TRUST,
        "Has prohibited field NotPrincipal.",
        "Statement[0]",
    ),
    (
        document({**TRUST, "Principal": {"Service": "bedrock"}}),
        ROLE_TRUST,
        'Invalid principal in policy: "Service":"bedrock".',
        "bedrock.amazonaws.com",
    ),
    (
        document({**TRUST, "Action": "s3:GetObject"}),
        ROLE_TRUST,
        "AssumeRole policy may only specify STS AssumeRole actions.",
        "'s3:GetObject'",
    ),
    (
        document({**TRUST, "Action": "*"}),
        ROLE_TRUST,
        "AssumeRole policy may only specify STS AssumeRole actions.",
        "'*'",
    ),
]

WELL_FORMED: list[tuple[str, PolicyKind]] = [
    (document(ALLOW), IDENTITY),
    (json.dumps({"Version": CURRENT_VERSION, "Statement": ALLOW}), IDENTITY),
    (json.dumps({"Statement": ALLOW}), IDENTITY),
    (document(ALLOW, Version="2008-10-17"), IDENTITY),
    (document({**ALLOW, "Action": ["bedrock:*", "*"], "Resource": ["*", "arn:aws:s3:::b/*"]}), PolicyKind.BOUNDARY),
    (document(without(ALLOW, "Action", "Resource", NotAction="iam:*", NotResource="arn:aws:s3:::b")), IDENTITY),
    (document({**ALLOW, "Condition": {}}), IDENTITY),
    (document({**ALLOW, "Condition": {"ForAllValues:StringLikeIfExists": {"aws:TagKeys": ["a*", "b"]}}}), IDENTITY),
    (document({**ALLOW, "Condition": {"StringEquals": {"aws:RequestTag/cost center/x": ""}}}), IDENTITY),
    (document({**ALLOW, "Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": 3600}}}), IDENTITY),
    (document({**ALLOW, "Resource": "arn:aws-cn:s3:::b"}), IDENTITY),
    (document({**ALLOW, "Resource": "arn:aws:bedrock"}), IDENTITY),
    (document({**ALLOW, "Resource": "arn:aws:s3:::${aws:PrincipalTag/team, 'company wide'}/*"}), IDENTITY),
    (document({**ALLOW, "Principal": "*"}), RESOURCE),
    (document({**ALLOW, "Sid": "may have blanks", "Principal": {"AWS": ["111122223333"]}}, Id="x"), RESOURCE),
    (document({**ALLOW, "NotPrincipal": {"AWS": "arn:aws:iam::111122223333:role/path/x"}}), RESOURCE),
    (document({**ALLOW, "Principal": {"AWS": "arn:aws:sts::111122223333:assumed-role/x/y"}}), RESOURCE),
    (document(TRUST), ROLE_TRUST),
    (document({**TRUST, "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": {"AWS": "*"}}), ROLE_TRUST),
    (document({**TRUST, "Principal": {"Federated": "accounts.google.com"}}), ROLE_TRUST),
]


@pytest.mark.parametrize(("text", "kind", "sentence", "detail"), MALFORMED)
def test_a_malformed_policy_is_refused_in_awss_words_with_the_place(
    text: str, kind: PolicyKind, sentence: str, detail: str
):
    with pytest.raises(MalformedPolicy) as raised:
        parse_policy(text, kind)
    assert str(raised.value).startswith(sentence)
    assert detail in str(raised.value)


@pytest.mark.parametrize(("text", "kind"), WELL_FORMED)
def test_a_well_formed_policy_is_read(text: str, kind: PolicyKind):
    assert parse_policy(text, kind).statements


def test_a_text_longer_than_any_policy_is_refused_before_it_is_read():
    with pytest.raises(MalformedPolicy, match="131073 characters long; 131072 are allowed"):
        parse_policy("x" * (LONGEST_TEXT + 1), IDENTITY)


def test_a_principal_by_its_unique_id_is_refused_since_nobody_would_be_meant():
    with pytest.raises(MalformedPolicy, match='Invalid principal in policy: "AWS":"AIDA'):
        parse_policy(document({**TRUST, "Principal": {"AWS": "AIDAEXAMPLEEXAMPLE123"}}), ROLE_TRUST)


def test_white_space_does_not_count_towards_a_quota():
    assert policy_size('{\n  "a": "b c"\t}') == len('{"a":"bc"}')


def test_a_document_says_which_context_keys_it_asks_for():
    text = document(
        {
            **ALLOW,
            "Resource": "arn:aws:s3:::${aws:PrincipalTag/Team}/*",
            "Condition": {"StringEquals": {"aws:ResourceTag/Team": "${aws:username}"}},
        }
    )
    assert parse_policy(text, IDENTITY).context_keys == {
        "aws:principaltag/team",
        "aws:resourcetag/team",
        "aws:username",
    }


def test_the_policies_of_the_documentation_are_well_formed():
    text = (Path(__file__).resolve().parents[4] / "docs" / "permissions.md").read_text()
    examples = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    assert [len(parse_policy(example, IDENTITY).statements) for example in examples] == [6, 1]
