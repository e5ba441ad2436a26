"""A caller's schema cannot harm the process that checks it, and says the same as the package it is checked with."""

from typing import Any

import pytest

from tanren.domain.errors import ValidationFailed
from tanren.runtime.tool_schemas import check_schema, satisfies


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def laughing(levels: int) -> dict[str, Any]:
    """A schema of a few hundred characters that takes 2 to the `levels` steps."""
    definitions: dict[str, Any] = {"d0": {"type": "object"}}
    for level in range(levels):
        definitions[f"d{level + 1}"] = {"allOf": [{"$ref": f"#/$defs/d{level}"}] * 2}
    return {"type": "object", "$defs": definitions, "allOf": [{"$ref": f"#/$defs/d{levels}"}]}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(levels):
        schema = of(a=schema)
    return schema


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (1, "The value at here must be a JSON schema, an object."),
        ({"type": "string"}, "The value at here.type must be one of the following: object."),
        (of(a={"type": "text"}), "The JSON schema at here.properties.a.type is not valid"),
        (
            of(a={"$ref": "http://169.254.169.254/latest"}),
            "The $ref 'http://169.254.169.254/latest' at here.properties.a",
        ),
        (
            of(a={"$ref": "#/$defs/none"}),
            "The $ref '#/$defs/none' at here.properties.a refers to nothing in the schema.",
        ),
        (of(a={"type": "string", "pattern": "("}), "The pattern '(' cannot be used: "),
        ({"type": "object", "patternProperties": {}}, "The keyword patternProperties at here is not supported"),
        ({"type": "object", "$ref": "#"}, "The JSON schema at here is nested too deeply, or refers to itself."),
        (nested(2000), "The JSON schema at here is nested too deeply"),
        (of(a={"description": "x" * 70_000}), "The JSON schema at here has "),
        (of(a={"description": "\ud800"}), "The JSON schema at here holds half of a surrogate pair."),
        (laughing(60), "The JSON schema takes more than 20000 steps"),
    ],
)
def test_what_is_no_schema_or_could_do_harm_is_refused(schema: Any, text: str):
    with pytest.raises(ValidationFailed) as raised:
        check_schema(schema, "here")
    assert str(raised.value).startswith(text)


def test_names_of_properties_are_no_keywords():
    check_schema(of(pattern={"type": "string"}, patternProperties={"type": "object"}), "here")


@pytest.mark.parametrize(
    ("text", "is_found"), [("a" * 5000, True), ("a" * 5000 + "b", False), ("", False), ('"\\\nあ', False)]
)
def test_a_pattern_that_backtracks_for_ever_is_matched_in_linear_time(text: str, is_found: bool):
    assert satisfies(of(a={"type": "string", "pattern": "^(a+)+$"}), {"a": text}) is is_found


def test_a_pattern_may_be_found_anywhere_and_concerns_strings_only():
    schema = of(a={"pattern": "b"})
    assert satisfies(schema, {"a": 'a"b\n'})
    assert satisfies(schema, {"a": 7})


def test_an_older_draft_is_followed_where_it_is_named():
    schema = {**of(a={"type": "integer", "exclusiveMinimum": 3}), "$schema": "http://json-schema.org/draft-07/schema#"}
    check_schema(schema, "here")
    assert not satisfies(schema, {"a": 3})
