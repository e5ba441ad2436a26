"""The Condition element: operators, and when one holds for a request.

    "ForAnyValue:StringLikeIfExists": {"aws:TagKeys": ["team", "cost-*"]}
     quantifier   operator   if exists   key           values

How      one value of the policy that fits is enough; for a negated operator (`StringNotEquals`) none may fit. A key
         that the request does not have fits nothing, so a negated operator holds for it, and any with `IfExists` does.
         Of a key with several values, `ForAllValues:` asks for all (none is all, too) and `ForAnyValue:` for one;
         without either, one is enough, and for a negated operator no value may fit.
         Values are read with the policy: a number that is none is refused there and not silently never equal.
Source   https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
         https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html
"""

import base64
import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from tanren.domain.policies.templates import Context, Template, Variable, read_template

IF_EXISTS = "IfExists"
NULL = "Null"


class Quantifier(StrEnum):
    FOR_ANY_VALUE = "ForAnyValue"
    FOR_ALL_VALUES = "ForAllValues"


class BadConditionValue(ValueError):
    """A value in a policy that its operator cannot read; the text says what it would be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    read: Callable[[str, bool], Any]
    """A value of the policy, and whether its document has variables. Raises BadConditionValue, BadTemplate."""
    fits: Callable[[str, Any, Context], bool]
    """Whether a value of the request fits what `read` gave."""
    is_negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    name: str
    """The operator as it is written, with quantifier and IfExists."""
    operator: Operator | None
    """None for `Null`, which asks whether there is a value and not which."""
    key: str
    """Lower case: keys are compared without it."""
    values: tuple[Any, ...]
    """As the operator has read them."""
    quantifier: Quantifier | None = None
    is_satisfied_by_absence: bool = False
    """IfExists."""

    @property
    def variables(self) -> Iterator[Variable]:
        for value in self.values:
            if isinstance(value, Template):
                yield from value.variables

    def holds(self, context: Context) -> bool:
        found = context.get(self.key)
        given = () if found is None else (found,) if isinstance(found, str) else found
        operator = self.operator
        if operator is None:
            return (not given) in self.values
        if not given:
            return self._holds_without_value(operator)

        def fits(value: str) -> bool:
            return any(operator.fits(value, wanted, context) for wanted in self.values)

        if self.quantifier is Quantifier.FOR_ALL_VALUES:
            return all(fits(value) != operator.is_negated for value in given)
        if self.quantifier is Quantifier.FOR_ANY_VALUE:
            return any(fits(value) != operator.is_negated for value in given)
        return any(map(fits, given)) != operator.is_negated

    def _holds_without_value(self, operator: Operator) -> bool:
        if self.is_satisfied_by_absence or self.quantifier is Quantifier.FOR_ALL_VALUES:
            return True
        return operator.is_negated and self.quantifier is None


def operator_of(name: str) -> tuple[Quantifier | None, str, bool] | None:
    """Quantifier, bare name and whether it has IfExists; None where there is no such operator."""
    prefix, colon, rest = name.rpartition(":")
    if colon and prefix not in set(Quantifier):
        return None
    bare = rest.removesuffix(IF_EXISTS)
    quantifier = Quantifier(prefix) if colon else None
    if bare == NULL:
        return None if quantifier or bare != rest else (None, NULL, False)
    return (quantifier, bare, bare != rest) if bare in OPERATORS else None


def read_truth(value: str) -> bool:
    """Raises BadConditionValue."""
    if value.lower() not in ("true", "false"):
        raise BadConditionValue(f"'{value}' is neither true nor false")
    return value.lower() == "true"


def _text(value: str, with_variables: bool) -> Template:
    return read_template(value, with_variables=with_variables)


def _arn(value: str, with_variables: bool) -> Template:
    template = _text(value, with_variables)
    if value != "*" and not value.startswith(("arn:", "${", "*")):
        raise BadConditionValue(f"'{value}' is no pattern of an ARN, which begins with arn:")
    return template


def _number(value: str, with_variables: bool) -> Decimal:
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise BadConditionValue(f"'{value}' is no number") from None
    if not number.is_finite():
        raise BadConditionValue(f"'{value}' is no finite number")
    return number


_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?)?)?")


def _moment(value: str, with_variables: bool) -> datetime:
    """ISO 8601 in W3C's profile (a year, month or day is its beginning in UTC), or seconds since 1970."""
    try:
        if re.fullmatch(r"-?\d{5,}", value):
            return datetime.fromtimestamp(int(value), tz=UTC)
        if _DATE.fullmatch(value):
            full = value if len(value) > 7 else (value + "-01-01")[:10]
            # Python reads no more than six digits of a second.
            moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", full))
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise BadConditionValue(f"'{value}' is no date; write 2026-11-21T00:00:00Z, or seconds since 1970")


def _network(value: str, with_variables: bool) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise BadConditionValue(f"'{value}' is no IP address or range, such as 203.0.113.0/24") from None


def _bytes(value: str, with_variables: bool) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        raise BadConditionValue(f"'{value}' is not base64") from None


def _equals(given: str, wanted: Template, context: Context) -> bool:
    return given == wanted.rendered(context)


def _equals_without_case(given: str, wanted: Template, context: Context) -> bool:
    rendered = wanted.rendered(context)
    return rendered is not None and given.lower() == rendered.lower()


def _is_like(given: str, wanted: Template, context: Context) -> bool:
    return wanted.matches(given, context)


def _is_arn_like(given: str, wanted: Template, context: Context) -> bool:
    return wanted.matches_arn(given, context)


def _is_in_network(given: str, wanted: ipaddress.IPv4Network | ipaddress.IPv6Network, context: Context) -> bool:
    try:
        return ipaddress.ip_address(given) in wanted
    except ValueError:
        return False


def _has_truth(given: str, wanted: bool, context: Context) -> bool:
    return given.lower() == str(wanted).lower()


def _has_bytes(given: str, wanted: bytes, context: Context) -> bool:
    try:
        return base64.b64decode(given, validate=True) == wanted
    except ValueError:
        return False


def _ordered(
    read: Callable[[str, bool], Any], compare: Callable[[Any, Any], bool], *, is_negated: bool = False
) -> Operator:
    """An operator over numbers or dates; a value of the request that is none fits nothing."""

    def fits(given: str, wanted: Any, context: Context) -> bool:
        try:
            return compare(read(given, False), wanted)
        except BadConditionValue:
            return False

    return Operator(read=read, fits=fits, is_negated=is_negated)


def _is_equal(given: Any, wanted: Any) -> bool:
    return given == wanted


OPERATORS: dict[str, Operator] = {
    "StringEquals": Operator(read=_text, fits=_equals),
    "StringNotEquals": Operator(read=_text, fits=_equals, is_negated=True),
    "StringEqualsIgnoreCase": Operator(read=_text, fits=_equals_without_case),
    "StringNotEqualsIgnoreCase": Operator(read=_text, fits=_equals_without_case, is_negated=True),
    "StringLike": Operator(read=_text, fits=_is_like),
    "StringNotLike": Operator(read=_text, fits=_is_like, is_negated=True),
    "NumericEquals": _ordered(_number, _is_equal),
    "NumericNotEquals": _ordered(_number, _is_equal, is_negated=True),
    "NumericLessThan": _ordered(_number, lambda given, wanted: given < wanted),
    "NumericLessThanEquals": _ordered(_number, lambda given, wanted: given <= wanted),
    "NumericGreaterThan": _ordered(_number, lambda given, wanted: given > wanted),
    "NumericGreaterThanEquals": _ordered(_number, lambda given, wanted: given >= wanted),
    "DateEquals": _ordered(_moment, _is_equal),
    "DateNotEquals": _ordered(_moment, _is_equal, is_negated=True),
    "DateLessThan": _ordered(_moment, lambda given, wanted: given < wanted),
    "DateLessThanEquals": _ordered(_moment, lambda given, wanted: given <= wanted),
    "DateGreaterThan": _ordered(_moment, lambda given, wanted: given > wanted),
    "DateGreaterThanEquals": _ordered(_moment, lambda given, wanted: given >= wanted),
    "Bool": Operator(read=lambda value, _: read_truth(value), fits=_has_truth),
    "BinaryEquals": Operator(read=_bytes, fits=_has_bytes),
    "IpAddress": Operator(read=_network, fits=_is_in_network),
    "NotIpAddress": Operator(read=_network, fits=_is_in_network, is_negated=True),
    # ArnEquals takes wildcards as ArnLike does: AWS documents that the two behave alike.
    "ArnEquals": Operator(read=_arn, fits=_is_arn_like),
    "ArnLike": Operator(read=_arn, fits=_is_arn_like),
    "ArnNotEquals": Operator(read=_arn, fits=_is_arn_like, is_negated=True),
    "ArnNotLike": Operator(read=_arn, fits=_is_arn_like, is_negated=True),
}
"""Every operator but `Null`."""
