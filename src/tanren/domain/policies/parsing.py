"""A policy's JSON text to a `PolicyDocument`, or an error: where it is wrong, by which rule, and what would be right.

How      each message begins with the sentence that AWS has for the case, where it has one, and goes on with the place:
         `The policy must contain a valid version string. Version is "2012-10-18"; …`. Nothing is guessed or dropped: an
         unknown element, operator or variable is refused, since it would silently protect nothing.
Source   https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
         https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
         AWS's sentences as they appear in public reports; the part after the first sentence is ours.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from tanren.domain.errors import ValidationFailed
from tanren.domain.policies.conditions import (
    IF_EXISTS,
    NULL,
    OPERATORS,
    BadConditionValue,
    Condition,
    Quantifier,
    operator_of,
    read_truth,
)
from tanren.domain.policies.documents import (
    Actions,
    Effect,
    PolicyDocument,
    PolicyKind,
    Principals,
    Resources,
    Statement,
)
from tanren.domain.policies.principals import PrincipalPattern, PrincipalScheme
from tanren.domain.policies.templates import BadTemplate, Template, literal, read_template

LONGEST_MANAGED_POLICY = 6_144
LONGEST_USER_POLICIES = 2_048
"""Of all inline policies of one user together."""
LONGEST_ROLE_POLICIES = 10_240
LONGEST_TRUST_POLICY = 2_048
LONGEST_SESSION_POLICY = 2_048
LONGEST_TEXT = 131_072
"""Of any policy document as it is sent: the length of the shape `policyDocumentType`."""

CURRENT_VERSION = "2012-10-17"
_VERSIONS = (CURRENT_VERSION, "2008-10-17")
"""The older one has no variables: `${` is text in it. It also stands for a document without Version."""

_DOCUMENT_KEYS = ("Version", "Id", "Statement")
_STATEMENT_KEYS = (
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
)
_DEEPEST = 12
_SID = re.compile(r"[0-9A-Za-z]*")
_BAD_SID = (
    "Statement IDs (SID) must be alpha-numeric. "  # codespell:ignore
    "Check that your input satisfies the regular expression [0-9A-Za-z]*."
)
_ACTION = re.compile(r"(?P<service>[A-Za-z0-9-]+|\*):(?P<name>[A-Za-z0-9*?]+)")
_PARTITION = re.compile(r"aws(-[a-z]+)*|\*|aws\*|aws-\*")
_CONDITION_KEY = re.compile(r"[A-Za-z0-9-]+:[^\s:/]+(/.+)?")
_AWS_PRINCIPAL = re.compile(
    r"\*|\d{12}|arn:aws[a-z-]*:(iam::\d{12}:(root|(user|role)/[^*?]+)"
    r"|sts::\d{12}:(assumed-role/[^*?/]+/[^*?/]+|federated-user/[^*?]+))"
)
_SERVICE_PRINCIPAL = re.compile(r"\*|[a-z0-9][a-z0-9.-]*\.(amazonaws\.com|aws\.internal|amazon\.com)(\.cn)?")


class MalformedPolicy(ValidationFailed):
    """A policy document that breaks a rule; the text names element, rule and fix."""


def policy_size(text: str) -> int:
    """Characters as IAM's quotas count them: white space is free."""
    return sum(not character.isspace() for character in text)


def parse_policy(text: str, kind: PolicyKind) -> PolicyDocument:
    """Raises MalformedPolicy."""
    if len(text) > LONGEST_TEXT:
        raise MalformedPolicy(f"The policy is {len(text)} characters long; {LONGEST_TEXT} are allowed.")
    document = _members(_read_json(text), "The policy")
    _refuse_unknown(document, _DOCUMENT_KEYS, "the policy")
    version = document.get("Version", _VERSIONS[-1])
    if version not in _VERSIONS:
        raise MalformedPolicy(
            f'The policy must contain a valid version string. Version is {_quoted(version)}; write "{CURRENT_VERSION}".'
        )
    if kind is PolicyKind.SESSION and version != CURRENT_VERSION:
        raise MalformedPolicy(f'A session policy must have "Version": "{CURRENT_VERSION}".')
    policy_id = document.get("Id", "")
    if not isinstance(policy_id, str):
        raise MalformedPolicy(f"Syntax errors in policy. Id is {_quoted(policy_id)}; write a string.")
    reader = _StatementReader(kind=kind, with_variables=version == CURRENT_VERSION)
    statements = tuple(
        reader.read(place, statement) for place, statement in enumerate(_statements_of(document.get("Statement")))
    )
    _refuse_repeated_sids(statements)
    return PolicyDocument(
        version=version,
        kind=kind,
        statements=statements,
        policy_id=policy_id,
        context_keys=frozenset(key for statement in statements for key in statement.context_keys()),
    )


def _read_json(text: str) -> Any:
    try:
        found = json.loads(text, object_pairs_hook=_refuse_repeated_keys, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise MalformedPolicy(
            f"This policy contains invalid Json. Line {error.lineno}, column {error.colno}: {error.msg}."
        ) from None
    except RecursionError:
        raise MalformedPolicy(
            "This policy contains invalid Json. It is nested deeper than any policy can be."
        ) from None
    _refuse_depth(found, _DEEPEST)
    return found


def _refuse_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise MalformedPolicy(f"Syntax errors in policy. The key {_quoted(key)} stands twice in one object.")
        found[key] = value
    return found


def _refuse_constant(name: str) -> Any:
    raise MalformedPolicy(f"This policy contains invalid Json. {name} is no JSON value.")


def _refuse_depth(value: Any, left: int) -> None:
    if left == 0:
        raise MalformedPolicy("Syntax errors in policy. It is nested deeper than any policy can be.")
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in cast("Collection[Any]", children):
        _refuse_depth(child, left - 1)


def _statements_of(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [cast("Any", value)]
    if isinstance(value, list) and value:
        return cast("list[Any]", value)
    raise MalformedPolicy(
        f"Syntax errors in policy. Statement is {_quoted(value)}; write one statement or a list of them."
    )


def _refuse_repeated_sids(statements: Sequence[Statement]) -> None:
    by_sid: dict[str, Statement] = {}
    for statement in statements:
        first = by_sid.setdefault(statement.sid, statement)
        if statement.sid and first is not statement:
            raise MalformedPolicy(
                f"Statement IDs (SID) in a single policy must be unique. Statement[{first.place}] and "
                f"Statement[{statement.place}] are both '{statement.sid}'."
            )


class _StatementReader:
    """Reads the statements of one document; `_at` is the place of the one that is being read, for messages."""

    def __init__(self, *, kind: PolicyKind, with_variables: bool) -> None:
        self._kind = kind
        self._with_variables = with_variables
        self._at = ""

    def read(self, place: int, value: Any) -> Statement:
        self._at = f"Statement[{place}]"
        statement = _members(value, self._at)
        _refuse_unknown(statement, _STATEMENT_KEYS, self._at)
        return Statement(
            place=place,
            sid=self._sid(statement.get("Sid", "")),
            effect=self._effect(statement),
            principals=self._principals(statement),
            actions=self._actions(statement),
            resources=self._resources(statement),
            conditions=self._conditions(statement.get("Condition", {})),
        )

    def _refuse(self, sentence: str, detail: str) -> MalformedPolicy:
        return MalformedPolicy(f"{sentence} {self._at}{detail}")

    def _sid(self, sid: Any) -> str:
        is_free = self._kind is PolicyKind.RESOURCE
        if not isinstance(sid, str) or not (is_free or _SID.fullmatch(sid)):
            raise self._refuse(_BAD_SID, f".Sid is {_quoted(sid)}.")
        return sid

    def _effect(self, statement: Mapping[str, Any]) -> Effect:
        effect = statement.get("Effect")
        if effect is None:
            raise self._refuse("Missing required field Effect.", ' has none; write "Effect": "Allow" or "Deny".')
        if effect not in tuple(Effect):
            raise self._refuse("Invalid effect.", f'.Effect is {_quoted(effect)}; write "Allow" or "Deny".')
        return Effect(effect)

    def _principals(self, statement: Mapping[str, Any]) -> Principals | None:
        name = self._one_of(statement, "Principal", "NotPrincipal")
        if not self._kind.has_principals:
            if name is not None:
                raise self._refuse(
                    "Policy document should not specify a principal.",
                    f" has {name}; the policy counts for whoever it is attached to.",
                )
            return None
        if name is None:
            raise self._refuse("Missing required field Principal.", ' has none; for everyone write "Principal": "*".')
        if name == "NotPrincipal" and self._kind is PolicyKind.TRUST:
            raise self._refuse("Has prohibited field NotPrincipal.", " belongs to a role trust policy.")
        return Principals(patterns=self._principal_patterns(name, statement[name]), is_negated=name != "Principal")

    def _principal_patterns(self, name: str, value: Any) -> tuple[PrincipalPattern, ...]:
        if value == "*":
            return (PrincipalPattern(scheme=PrincipalScheme.AWS, value="*"),)
        schemes = tuple(PrincipalScheme)
        if not isinstance(value, dict) or not value or set(cast("dict[str, Any]", value)) - set(schemes):
            raise self._refuse(
                "Invalid principal in policy.",
                f'.{name} is {_quoted(value)}; write "*" or an object with {", ".join(schemes)}.',
            )
        found: list[PrincipalPattern] = []
        for scheme, named in cast("dict[str, Any]", value).items():
            for each in self._strings(named, f"{name}.{scheme}"):
                self._check_principal(PrincipalScheme(scheme), each)
                found.append(PrincipalPattern(scheme=PrincipalScheme(scheme), value=each))
        return tuple(found)

    def _check_principal(self, scheme: PrincipalScheme, value: str) -> None:
        rule = {PrincipalScheme.AWS: _AWS_PRINCIPAL, PrincipalScheme.SERVICE: _SERVICE_PRINCIPAL}.get(scheme)
        if not value or (rule is not None and not rule.fullmatch(value)):
            right = (
                "an account id, the ARN of an account, user, role or session without wildcards, or *"
                if scheme is PrincipalScheme.AWS
                else "a service's name, such as bedrock.amazonaws.com"
            )
            raise self._refuse(f'Invalid principal in policy: "{scheme}":"{value}".', f" takes {right}.")

    def _actions(self, statement: Mapping[str, Any]) -> Actions:
        name = self._one_of(statement, "Action", "NotAction")
        if name is None:
            raise self._refuse("Policy statement must contain actions.", " has neither Action nor NotAction.")
        patterns = tuple(self._action(each, name) for each in self._strings(statement[name], name))
        return Actions(patterns=patterns, is_negated=name == "NotAction")

    def _action(self, text: str, name: str) -> Template:
        found = _ACTION.fullmatch(text)
        if text != "*" and found is None:
            if "${" in text:
                raise self._refuse("Syntax errors in policy.", f".{name} is '{text}'; actions take no variables.")
            raise self._refuse(
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
                if ":" not in text
                else f"Action {text} is not valid.",
                f".{name} is '{text}'; write service:Operation, such as bedrock:InvokeModel.",
            )
        if self._kind is PolicyKind.TRUST and (found is None or found["service"].lower() != "sts"):
            raise self._refuse("AssumeRole policy may only specify STS AssumeRole actions.", f".{name} is '{text}'.")
        return read_template(text.lower(), with_variables=False)

    def _resources(self, statement: Mapping[str, Any]) -> Resources | None:
        if self._kind is PolicyKind.TRUST:
            for name in ("Resource", "NotResource"):
                if name in statement:
                    raise self._refuse(f"Has prohibited field {name}.", " belongs to a role trust policy.")
            return None
        name = self._one_of(statement, "Resource", "NotResource")
        if name is None:
            raise self._refuse("Policy statement must contain resources.", " has neither Resource nor NotResource.")
        patterns = tuple(self._resource(each, name) for each in self._strings(statement[name], name))
        return Resources(patterns=patterns, is_negated=name == "NotResource")

    def _resource(self, text: str, name: str) -> Template:
        template = self._template(text, name)
        if text == "*" or text.startswith("${"):
            return template
        if not text.startswith("arn:"):
            raise self._refuse(f'Resource {text} must be in ARN format or "*".', f".{name} does not begin with arn:.")
        partition = text.split(":")[1]
        if not _PARTITION.fullmatch(partition) and "${" not in partition:
            raise self._refuse(
                f'Partition "{partition}" is not valid for resource "{text}".', f".{name} takes aws, as in arn:aws:s3:…"
            )
        return template

    def _conditions(self, value: Any) -> tuple[Condition, ...]:
        if not isinstance(value, dict):
            raise self._refuse("Syntax errors in policy.", f".Condition is {_quoted(value)}; write an object.")
        conditions: list[Condition] = []
        for operator, keys in cast("dict[str, Any]", value).items():
            if not isinstance(keys, dict):
                raise self._refuse(
                    "Syntax errors in policy.",
                    f".Condition.{operator} is {_quoted(keys)}; write an object of keys and values.",
                )
            for key, values in cast("dict[str, Any]", keys).items():
                conditions.append(self._condition(operator, key, values))
        return tuple(conditions)

    def _condition(self, name: str, key: str, values: Any) -> Condition:
        where = f"Condition.{name}.{key}"
        parts = operator_of(name)
        if parts is None:
            raise self._refuse(
                f"Invalid Condition type : {name}.",
                f".Condition takes {', '.join((*OPERATORS, NULL))}, each but {NULL} also with {IF_EXISTS} after it and "
                f"{' or '.join(f'{each}:' for each in Quantifier)} before it.",
            )
        quantifier, bare, is_satisfied_by_absence = parts
        if not _CONDITION_KEY.fullmatch(key):
            raise self._refuse(
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
                f".Condition.{name} asks for '{key}'; a key is written as in aws:SourceIp.",
            )
        operator = OPERATORS.get(bare)
        read: list[Any] = []
        for text in self._scalars(values, where):
            try:
                read.append(read_truth(text) if operator is None else operator.read(text, self._with_variables))
            except (BadConditionValue, BadTemplate) as error:
                raise self._refuse("Syntax errors in policy.", f".{where}: {error}.") from None
        return Condition(
            name=name,
            operator=operator,
            key=key.lower(),
            values=tuple(read),
            quantifier=quantifier,
            is_satisfied_by_absence=is_satisfied_by_absence,
        )

    def _template(self, text: str, name: str) -> Template:
        try:
            return read_template(text, with_variables=self._with_variables) if text else literal(text)
        except BadTemplate as error:
            raise self._refuse("Syntax errors in policy.", f".{name}: {error}.") from None

    def _one_of(self, statement: Mapping[str, Any], name: str, negated: str) -> str | None:
        if name in statement and negated in statement:
            raise self._refuse("Syntax errors in policy.", f" has both {name} and {negated}; keep one of them.")
        return next((each for each in (name, negated) if each in statement), None)

    def _strings(self, value: Any, name: str) -> list[str]:
        values: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
        if not values or not all(isinstance(each, str) for each in values):
            raise self._refuse(
                "Syntax errors in policy.", f".{name} is {_quoted(value)}; write a string or a list of strings."
            )
        return values

    def _scalars(self, value: Any, where: str) -> list[str]:
        values: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
        if not values or not all(isinstance(each, str | int | float) for each in values):
            raise self._refuse(
                "Syntax errors in policy.",
                f".{where} is {_quoted(value)}; write a string, number or boolean, or a list of these.",
            )
        return [each if isinstance(each, str) else json.dumps(each) for each in values]


def _members(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise MalformedPolicy(f"Syntax errors in policy. {name} is {_quoted(value)}; write an object.")
    return cast("dict[str, Any]", value)


def _refuse_unknown(members: Mapping[str, Any], known: Sequence[str], name: str) -> None:
    unknown = [key for key in members if key not in known]
    if unknown:
        raise MalformedPolicy(
            f"Syntax errors in policy. {name} has the unknown element {_quoted(unknown[0])}; it may have "
            f"{', '.join(known)}."
        )


def _quoted(value: Any) -> str:
    """As JSON, short enough for a message; `nothing` where the element is missing."""
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."
