import json
from dataclasses import replace
from typing import Any

import pytest

from tanren.domain.policies.documents import NamedPolicy, PolicyKind
from tanren.domain.policies.evaluation import AccessRequest, Decision, Outcome, evaluate
from tanren.domain.policies.parsing import CURRENT_VERSION, parse_policy
from tanren.domain.policies.principals import caller_of, service_caller
from tanren.domain.policies.sources import NO_POLICIES, PrincipalPolicies
from tests.unit.domain.policies.policy_table import (
    ACTIONS,
    ANNA,
    CONDITIONS,
    DECISIONS,
    MODEL,
    RESOURCES,
    YES,
    Case,
    Request,
    allow,
    deny,
)


def policy(kind: PolicyKind, *statements: dict[str, Any], version: str = CURRENT_VERSION) -> NamedPolicy:
    text = json.dumps({"Version": version, "Statement": list(statements)})
    return NamedPolicy(name=f"the {kind}", document=parse_policy(text, kind))


def policies(kind: PolicyKind, statements: tuple[dict[str, Any], ...]) -> tuple[NamedPolicy, ...]:
    return tuple(policy(kind, statement) for statement in statements)


def request(action: str, resource: str | None, asked: Request | None = None, *, caller: str = ANNA) -> AccessRequest:
    return AccessRequest(
        caller=caller_of(caller) if caller.startswith("arn:") else service_caller(caller),
        action=action,
        resource=resource,
        account_id=resource.split(":")[4] if resource else "",
        context={key.lower(): value for key, value in (asked or {}).items()},
    )


def by_identity(statement: dict[str, Any], asked: AccessRequest) -> Decision:
    return evaluate(asked, PrincipalPolicies(identity=(policy(PolicyKind.IDENTITY, statement),)))


def decide(case: Case) -> Decision:
    own = None
    if case.trust_policy is not None:
        own = policy(PolicyKind.TRUST, *case.trust_policy)
    elif case.resource_policy:
        own = policy(PolicyKind.RESOURCE, *case.resource_policy)
    held = PrincipalPolicies(
        identity=policies(PolicyKind.IDENTITY, case.identity),
        boundary=None if case.boundary is None else policy(PolicyKind.BOUNDARY, *case.boundary),
        session=None if case.session is None else policies(PolicyKind.SESSION, case.session),
    )
    return evaluate(request(case.action, case.resource, case.request, caller=case.caller), held, own)


@pytest.mark.parametrize(("pattern", "asked", "is_covered"), ACTIONS)
def test_an_action_covers_what_the_table_says(pattern: Any, asked: str, is_covered: bool):
    assert by_identity(allow(pattern), request(asked, MODEL)).is_allowed is is_covered


@pytest.mark.parametrize(("pattern", "asked", "context", "is_covered"), RESOURCES)
def test_a_resource_covers_what_the_table_says(pattern: str, asked: str, context: Request, is_covered: bool):
    assert by_identity(allow("*", pattern), request("s3:GetObject", asked, context)).is_allowed is is_covered


@pytest.mark.parametrize(("operator", "condition", "context", "holds"), CONDITIONS)
def test_a_condition_holds_where_the_table_says(operator: str, condition: Any, context: Request, holds: bool):
    statement = allow("*", Condition={operator: condition})
    assert by_identity(statement, request("s3:GetObject", MODEL, context)).is_allowed is holds


@pytest.mark.parametrize("case", DECISIONS, ids=lambda case: case.says.replace(" ", "-"))
def test_a_decision_is_what_the_table_says(case: Case):
    decision = decide(case)
    if case.answer == YES:
        assert decision.is_allowed, decision.explanation
    else:
        assert not decision.is_allowed, decision.explanation
        assert case.answer in decision.message


def test_the_table_has_at_least_two_hundred_cases_and_each_sentence_once():
    assert len(ACTIONS) + len(RESOURCES) + len(CONDITIONS) + len(DECISIONS) >= 200
    assert len({case.says for case in DECISIONS}) == len(DECISIONS)


def test_a_denial_reads_as_aws_writes_it():
    denied = evaluate(request("bedrock:GetCustomModel", MODEL), NO_POLICIES)
    assert denied.message == (
        f"User: {ANNA} is not authorized to perform: bedrock:GetCustomModel on resource: {MODEL} "
        "because no identity-based policy allows the bedrock:GetCustomModel action"
    )
    listed = evaluate(request("bedrock:ListCustomModels", None), NO_POLICIES)
    assert listed.message == (
        f"User: {ANNA} is not authorized to perform: bedrock:ListCustomModels "
        "because no identity-based policy allows the bedrock:ListCustomModels action"
    )


def test_a_decision_names_the_statement_that_made_it_and_the_caller_does_not_read_it():
    denied = by_identity(deny("bedrock:*", Sid="NoBedrock"), request("bedrock:GetCustomModel", MODEL))
    assert denied.outcome is Outcome.EXPLICITLY_DENIED
    assert "Statement[0] (NoBedrock) of the identity-based policy" in denied.explanation
    assert "NoBedrock" not in denied.message


def test_a_variable_is_text_in_a_document_of_the_older_version():
    statement = allow("*", "arn:aws:s3:::${aws:username}/*")
    old = PrincipalPolicies(identity=(policy(PolicyKind.IDENTITY, statement, version="2008-10-17"),))
    asked = {"aws:username": "anna"}
    assert not evaluate(request("s3:GetObject", "arn:aws:s3:::anna/x", asked), old).is_allowed
    assert evaluate(request("s3:GetObject", "arn:aws:s3:::${aws:username}/x", asked), old).is_allowed


@pytest.mark.parametrize(
    ("statement", "is_allowed"),
    [
        (allow("lambda:*"), True),
        (allow("*"), True),
        (allow("*:*"), True),
        (allow("lambda:Get*"), False),
        (allow("lambda:?"), False),
        (allow("s3:*"), False),
        ({"Effect": "Allow", "NotAction": "lambda:InvokeFunction", "Resource": "*"}, False),
        ({"Effect": "Allow", "NotAction": "lambda:*", "Resource": "*"}, False),
        ({"Effect": "Allow", "NotAction": "*", "Resource": "*"}, False),
        ({"Effect": "Allow", "NotAction": "s3:PutBucketPolicy", "Resource": "*"}, True),
    ],
)
def test_an_unknown_action_of_a_service_is_allowed_only_by_what_allows_them_all(
    statement: dict[str, Any], is_allowed: bool
):
    assert by_identity(statement, request("lambda:*", None)).is_allowed == is_allowed


@pytest.mark.parametrize(
    ("statement", "is_denied"),
    [
        (deny("lambda:InvokeFunction"), True),
        (deny("s3:*"), False),
        ({"Effect": "Deny", "NotAction": "lambda:GetFunction", "Resource": "*"}, True),
        ({"Effect": "Deny", "NotAction": "lambda:?", "Resource": "*"}, True),
        ({"Effect": "Deny", "NotAction": "lambda:*", "Resource": "*"}, False),
        ({"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}, True),
    ],
)
def test_an_unknown_action_of_a_service_is_denied_by_what_denies_any(statement: dict[str, Any], is_denied: bool):
    held = PrincipalPolicies(identity=policies(PolicyKind.IDENTITY, (allow("*"), statement)))
    assert evaluate(request("lambda:*", None), held).is_allowed == (not is_denied)


def test_not_resource_covers_no_resource_that_is_not_known():
    but_one = {"Effect": "Allow", "Action": "dynamodb:*", "NotResource": "arn:aws:dynamodb:*:*:table/secret"}
    asked = request("dynamodb:GetItem", None)
    assert by_identity(but_one, asked).is_allowed
    assert not by_identity(but_one, replace(asked, is_any_resource=True)).is_allowed
    denied = PrincipalPolicies(
        identity=policies(PolicyKind.IDENTITY, (allow("*"), {**but_one, "Effect": "Deny", "Action": "*"}))
    )
    assert not evaluate(replace(asked, is_any_resource=True), denied).is_allowed


FOLDER = "arn:aws:s3:::bucket/models/"


@pytest.mark.parametrize(
    ("statement", "is_allowed"),
    [
        ({"Effect": "Allow", "Action": "s3:*", "Resource": FOLDER + "*"}, True),
        ({"Effect": "Allow", "Action": "s3:*", "Resource": FOLDER + "?"}, False),
        ({"Effect": "Allow", "Action": "s3:*", "Resource": FOLDER + "a.safetensors"}, False),
        ({"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::other/*"}, True),
        ({"Effect": "Allow", "Action": "s3:*", "NotResource": FOLDER + "secret"}, False),
    ],
)
def test_a_folder_is_allowed_by_what_allows_all_that_is_in_it(statement: dict[str, Any], is_allowed: bool):
    asked = replace(request("s3:GetObject", FOLDER), is_folder=True)
    assert by_identity(statement, asked).is_allowed == is_allowed


@pytest.mark.parametrize(
    ("statement", "is_denied"),
    [
        ({"Effect": "Deny", "Action": "s3:GetObject", "Resource": FOLDER + "secret.safetensors"}, True),
        ({"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::*/secret*"}, True),
        ({"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/other/*"}, False),
        ({"Effect": "Deny", "Action": "s3:GetObject", "NotResource": FOLDER + "*"}, False),
        ({"Effect": "Deny", "Action": "s3:GetObject", "NotResource": FOLDER + "public*"}, True),
    ],
)
def test_a_folder_is_denied_by_what_denies_anything_in_it(statement: dict[str, Any], is_denied: bool):
    held = PrincipalPolicies(identity=policies(PolicyKind.IDENTITY, (allow("*"), statement)))
    asked = replace(request("s3:GetObject", FOLDER), is_folder=True)
    assert evaluate(asked, held).is_allowed == (not is_denied)
