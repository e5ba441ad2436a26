"""The model's constraints on parsed parameters: required, length, range, pattern, enum. All violations, in AWS's words.

    2 validation errors detected: Value 'bad name!' at 'jobName' failed to satisfy constraint: Member must satisfy
    regular expression pattern: …; Value null at 'roleArn' failed to satisfy constraint: Member must not be null

botocore checks required members, types and minima before it sends; patterns, enums and maxima reach the server
unchecked. How: one walk over the input shape; the checks of a string shape are compiled once. Patterns are Java's:
`pattern_of` rewrites what Python spells differently, and all must match the whole value, as on AWS.

`DEVIATIONS` is the one place where the model is deliberately not followed, each with its reason.

Cost: about 10 µs for a small request. A pattern's cost is bounded: long values fail the length check first and are not
matched, and the model's few patterns with exponential backtracking are rewritten (`_SAFE_SPELLINGS`).
"""

import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast

from tanren.aws.service_models import Member, Operation, Shape
from tanren.domain.errors import ValidationFailed

_LONGEST_SHOWN_VALUE: Final = 512
_LONGEST_REPORT: Final = 50
"""Violations listed before the rest is only counted: a list of 10,000 bad rows is no message."""
_LONGEST_MATCHED_VALUE: Final = 100_000

_BEDROCK_ARN: Final = r"arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:"
_CUSTOM_MODEL_BY_NAME: Final = _BEDROCK_ARN + r"custom-model/([0-9a-zA-Z][_-]?){1,63}"
_CUSTOM_MODEL: Final = _BEDROCK_ARN + r"custom-model/[a-z0-9.:-]{1,140}/[a-z0-9]{12}"
_DEPLOYMENT: Final = _BEDROCK_ARN + r"custom-model-deployment/[a-z0-9]{12}"
_MODEL_ID: Final = r"[a-z0-9-]{1,63}([.][a-z0-9-]{1,63}){1,3}([:][a-z0-9-]{1,63}){0,2}"

_BY_NAME: Final = "scripts in the wild address a custom model by an ARN that ends in its name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """Where the model's constraint on a shape is not enforced as written."""

    service: str
    shape: str
    reason: str
    also_accept: tuple[str, ...] = ()
    """Patterns of which one may match instead of the model's."""
    ignore_enum: bool = False


DEVIATIONS: Final[tuple[Deviation, ...]] = (
    Deviation(
        service="bedrock",
        shape="EvaluationTaskType",
        ignore_enum=True,
        reason="AWS's own LLM-as-a-judge samples send `General`, which the enum lacks; the pattern still holds",
    ),
    Deviation(
        service="bedrock",
        shape="EvaluationBedrockModelIdentifier",
        also_accept=(_CUSTOM_MODEL, _CUSTOM_MODEL_BY_NAME, _DEPLOYMENT, _MODEL_ID),
        reason="the pattern has no custom model, no deployment and no id with two dots or two colons, all of which "
        "Bedrock evaluates",
    ),
    Deviation(
        service="bedrock",
        shape="EvaluatorModelIdentifier",
        also_accept=(_CUSTOM_MODEL, _CUSTOM_MODEL_BY_NAME, _DEPLOYMENT, _MODEL_ID),
        reason="a judge may be a model that was tuned here",
    ),
    Deviation(
        service="bedrock",
        shape="ModelIdentifier",
        also_accept=(_CUSTOM_MODEL_BY_NAME,),
        reason=_BY_NAME,
    ),
    Deviation(
        service="bedrock",
        shape="ModelId",
        also_accept=(_CUSTOM_MODEL, _CUSTOM_MODEL_BY_NAME, _DEPLOYMENT),
        reason=_BY_NAME + "; batch inference takes a deployment as well",
    ),
    Deviation(
        service="bedrock",
        shape="BaseModelIdentifier",
        also_accept=(_CUSTOM_MODEL, _CUSTOM_MODEL_BY_NAME),
        reason=_BY_NAME,
    ),
    Deviation(
        service="bedrock",
        shape="ModelArn",
        also_accept=(_CUSTOM_MODEL_BY_NAME,),
        reason=_BY_NAME,
    ),
    Deviation(
        service="bedrock",
        shape="CustomModelArn",
        also_accept=(_CUSTOM_MODEL_BY_NAME,),
        reason=_BY_NAME,
    ),
    Deviation(
        service="bedrock",
        shape="TeacherModelIdentifier",
        also_accept=(_CUSTOM_MODEL_BY_NAME,),
        reason=_BY_NAME,
    ),
    Deviation(
        service="bedrock",
        shape="TaggableResourcesArn",
        also_accept=(_CUSTOM_MODEL_BY_NAME,),
        reason=_BY_NAME,
    ),
    Deviation(
        service="bedrock-runtime",
        shape="InvokeModelIdentifier",
        also_accept=(_CUSTOM_MODEL, _CUSTOM_MODEL_BY_NAME),
        reason=_BY_NAME + "; and the pattern knows no custom-model ARN with a version after a colon",
    ),
    Deviation(
        service="bedrock-runtime",
        shape="ConversationalModelId",
        also_accept=(_CUSTOM_MODEL, _CUSTOM_MODEL_BY_NAME),
        reason=_BY_NAME + "; and the pattern knows no custom-model ARN with a version after a colon",
    ),
    Deviation(
        service="bedrock",
        shape="ResourcePolicyDocument",
        also_accept=(r"[\t\n\r -\u00ff]+",),
        reason="botocore's copy of the pattern has lost tab and line end to white-space folding",
    ),
)

_SAFE_SPELLINGS: Final = {
    # `-*` before a class that holds `-` can be split in 2^n ways; without it the same texts match (the lengths are
    # bounded by the shape's max).
    r"(-*[a-zA-Z0-9\+\-\.])": r"[a-zA-Z0-9\+\-\.]",
    # Two repeats of one class side by side, unbounded in the second: quadratic at worst, but it is never needed.
    r"[a-zA-Z0-9]{1,256}(-*[a-zA-Z0-9]){0,256}": r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,510}[a-zA-Z0-9])?",
}


def validate(operation: Operation, params: dict[str, Any]) -> None:
    """Raises   ValidationFailed, with every violated constraint in AWS's words."""
    if operation.input is None:
        return
    found = list(_violations(params, operation.input, ""))
    if found:
        count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: "
        raise ValidationFailed(count + "; ".join(found[:_LONGEST_REPORT]))


def pattern_of(java: str) -> re.Pattern[str]:
    """The compiled Python equivalent of a pattern of the model, to be used with `fullmatch`."""
    for slow, safe in _SAFE_SPELLINGS.items():
        java = java.replace(slow, safe)
    # Java's \w, \d and \s know ASCII alone.
    return re.compile(_python_spelling(java), re.ASCII)


@cache
def deviation_of(service: str, shape: str) -> Deviation | None:
    return next(
        (item for item in DEVIATIONS if item.service == service and item.shape == shape),
        None,
    )


def _violations(value: Any, shape: Shape, path: str) -> Iterator[str]:
    kind = shape.kind
    if shape.is_document:
        return
    if kind == "structure":
        if not shape.is_event_stream:
            for member in shape.members.values():
                yield from _member_violations(value, member, path)
    elif kind == "list":
        yield from _size_violations(len(value), value, shape, path)
        element = cast("Shape", shape.element)
        for index, item in enumerate(value, start=1):
            yield from _violations(item, element, f"{path}.{index}.member")
    elif kind == "map":
        yield from _size_violations(len(value), value, shape, path)
        key, element = cast("Shape", shape.key), cast("Shape", shape.element)
        for name, item in value.items():
            yield from _violations(name, key, f"{path}.key")
            yield from _violations(item, element, f"{path}.{name}")
    elif kind == "string":
        yield from _string_violations(value, shape, path)
    elif kind == "blob":
        yield from _size_violations(len(value), None, shape, path)
    elif kind in ("integer", "long", "float", "double"):
        yield from _range_violations(value, shape, path)


def _member_violations(owner: dict[str, Any], member: Member, path: str) -> Iterator[str]:
    value = owner.get(member.name)
    at = f"{path}.{member.name}" if path else member.name
    if value is not None:
        yield from _violations(value, member.shape, at)
    elif member.is_required:
        yield f"Value null at '{at}' failed to satisfy constraint: Member must not be null"


def _string_violations(value: str, shape: Shape, path: str) -> Iterator[str]:
    if shape.maximum is not None and len(value) > shape.maximum:
        # Not matched against the pattern as well: its cost may grow faster than its length.
        yield _violation(value, shape, path, _length_rule("less than or equal to", shape.maximum))
        return
    if shape.minimum is not None and len(value) < shape.minimum:
        yield _violation(value, shape, path, _length_rule("greater than or equal to", shape.minimum))
    if shape.pattern is not None and not _matches(value, shape):
        rule = f"Member must satisfy regular expression pattern: {shape.pattern}"
        yield _violation(value, shape, path, rule)
    if shape.enum and value not in shape.enum:
        deviation = deviation_of(shape.service, shape.name)
        if deviation is None or not deviation.ignore_enum:
            yield _violation(
                value,
                shape,
                path,
                f"Member must satisfy enum value set: [{', '.join(shape.enum)}]",
            )


def _matches(value: str, shape: Shape) -> bool:
    if len(value) > _LONGEST_MATCHED_VALUE and shape.maximum is None:
        return False
    return any(pattern.fullmatch(value) for pattern in _patterns(shape))


@cache
def _patterns(shape: Shape) -> tuple[re.Pattern[str], ...]:
    deviation = deviation_of(shape.service, shape.name)
    others = deviation.also_accept if deviation else ()
    return (
        pattern_of(cast("str", shape.pattern)),
        *(re.compile(other) for other in others),
    )


def _size_violations(size: int, value: Any, shape: Shape, path: str) -> Iterator[str]:
    if shape.minimum is not None and size < shape.minimum:
        yield _violation(value, shape, path, _length_rule("greater than or equal to", shape.minimum))
    if shape.maximum is not None and size > shape.maximum:
        yield _violation(value, shape, path, _length_rule("less than or equal to", shape.maximum))


def _range_violations(value: float, shape: Shape, path: str) -> Iterator[str]:
    # NaN compares false with everything, so the allowed case is asked for.
    if shape.minimum is not None and not value >= shape.minimum:
        yield _violation(
            value,
            shape,
            path,
            f"Member must have value greater than or equal to {shape.minimum:g}",
        )
    if shape.maximum is not None and not value <= shape.maximum:
        yield _violation(
            value,
            shape,
            path,
            f"Member must have value less than or equal to {shape.maximum:g}",
        )


def _length_rule(comparison: str, length: float) -> str:
    return f"Member must have length {comparison} {int(length)}"


def _violation(value: Any, shape: Shape, path: str, rule: str) -> str:
    shown = None if shape.is_sensitive else _shown(value)
    subject = "Value" if shown is None else f"Value '{shown}'"
    return f"{subject} at '{path}' failed to satisfy constraint: {rule}"


def _shown(value: Any) -> str | None:
    """`value` as AWS prints it; None for what it does not print."""
    if isinstance(value, list):
        parts = [_shown(item) for item in cast("Sequence[Any]", value)[:20]]
        text = None if None in parts else f"[{', '.join(cast('list[str]', parts))}]"
    elif isinstance(value, str | int | float):
        text = str(value)
    else:
        return None
    return text if text is None or len(text) <= _LONGEST_SHOWN_VALUE else text[:_LONGEST_SHOWN_VALUE] + "…"


_TOKEN = re.compile(r"\\p\{(\w)\w*\}|\\.|.", re.DOTALL)


def _python_spelling(java: str) -> str:
    r"""`\p{L}` as ranges, in or outside a character class; a `[` inside a class escaped, as Python will want."""
    result: list[str] = []
    in_class = False
    for token in _TOKEN.finditer(java):
        text = token[0]
        if token[1]:
            text = _category_ranges(token[1]) if in_class else f"[{_category_ranges(token[1])}]"
        elif text == "[":
            text = r"\[" if in_class else text
            in_class = True
        elif text == "]":
            in_class = False
        result.append(text)
    return "".join(result)


@cache
def _category_ranges(category: str) -> str:
    """The characters of a Unicode category (`L`, `M`) as ranges for a character class.

    Cost     about 0.2 s once, only for the two shapes of the model that use it.
    """
    ranges: list[str] = []
    start: int | None = None
    for code in range(sys.maxunicode + 2):
        belongs = code <= sys.maxunicode and unicodedata.category(chr(code)).startswith(category)
        if belongs and start is None:
            start = code
        elif not belongs and start is not None:
            ranges.append(f"{re.escape(chr(start))}-{re.escape(chr(code - 1))}")
            start = None
    return "".join(ranges)
