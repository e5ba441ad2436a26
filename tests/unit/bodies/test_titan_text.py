"""What Titan Text's format refuses, in AWS's words."""

from typing import Any

import pytest

from tanren.bodies.titan_text import TitanText
from tanren.domain.errors import ValidationFailed

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "#: required key [inputText] not found"),
    ({"inputText": ""}, "#/inputText: expected minLength: 1, actual: 0"),
    ({"inputText": 5}, "#/inputText: expected type: String, found: Integer"),
    ({"inputText": None}, "#/inputText: expected a value, found: Null"),
    ({"inputText": "\ud800"}, "#/inputText: half of a surrogate pair is not a character"),
    ({"inputText": "a", "prompt": "b"}, "#: extraneous key [prompt] is not permitted"),
    (
        {"inputText": "a", "textGenerationConfig": []},
        "#/textGenerationConfig: expected type: JSONObject, found: JSONArray",
    ),
]
REFUSED_CONFIGS: list[tuple[dict[str, Any], str]] = [
    ({"temperature": 3}, "#/textGenerationConfig/temperature: 3 is not less or equal to 1"),
    ({"temperature": -0.5}, "#/textGenerationConfig/temperature: -0.5 is not greater or equal to 0"),
    ({"temperature": "0.5"}, "#/textGenerationConfig/temperature: expected type: Number, found: String"),
    ({"temperature": True}, "#/textGenerationConfig/temperature: expected type: Number, found: Boolean"),
    ({"temperature": float("inf")}, "#/textGenerationConfig/temperature: inf is not less or equal to 1"),
    ({"topP": 0}, "#/textGenerationConfig/topP: 0 is not greater than 0"),
    ({"topP": 1.01}, "#/textGenerationConfig/topP: 1.01 is not less or equal to 1"),
    ({"maxTokenCount": 0}, "#/textGenerationConfig/maxTokenCount: 0 is not greater or equal to 1"),
    ({"maxTokenCount": 8193}, "#/textGenerationConfig/maxTokenCount: 8193 is not less or equal to 8192"),
    ({"maxTokenCount": 1.5}, "#/textGenerationConfig/maxTokenCount: expected type: Integer, found: BigDecimal"),
    ({"stopSequences": "User:"}, "#/textGenerationConfig/stopSequences: expected type: JSONArray, found: String"),
    ({"stopSequences": ["a", ""]}, "#/textGenerationConfig/stopSequences/1: expected minLength: 1, actual: 0"),
    ({"stopSequences": ["a"] * 65}, "#/textGenerationConfig/stopSequences: expected maximum item count: 64, found: 65"),
    ({"topK": 5}, "#/textGenerationConfig: extraneous key [topK] is not permitted"),
]


@pytest.mark.parametrize(
    ("body", "violation"),
    [*REFUSED, *(({"inputText": "a", "textGenerationConfig": config}, text) for config, text in REFUSED_CONFIGS)],
)
def test_a_violation_is_named_in_awss_words(body: dict[str, Any], violation: str):
    with pytest.raises(ValidationFailed) as raised:
        TitanText().decode(body)
    assert str(raised.value) == (f"Malformed input request: {violation}, please reformat your input and try again.")


def test_several_violations_are_listed_together():
    with pytest.raises(ValidationFailed) as raised:
        TitanText().decode({"textGenerationConfig": {"temperature": 3, "seed": 1}, "x": 1})
    assert str(raised.value) == (
        "Malformed input request: 4 schema violations found: #: required key [inputText] not found; "
        "#/textGenerationConfig/temperature: 3 is not less or equal to 1; "
        "#/textGenerationConfig: extraneous key [seed] is not permitted; #: extraneous key [x] is not permitted, "
        "please reformat your input and try again."
    )
