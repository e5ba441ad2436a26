"""`inferenceParams` of a model that an evaluation job asks: JSON text, in one of the spellings that are sent to AWS.

{"inferenceConfig": {"maxTokens": 512, "temperature": 0.7}}     as Converse has it: AWS's samples with a judge
{"temperature": "0.0", "topP": "1", "maxTokenCount": "512"}     as a model family's own body has it, numbers as text
"""

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from tanren.domain.errors import ValidationFailed

DEFAULT_MAX_TOKENS: Final = 512
"""Of an answer, where nothing is said. Ours; AWS does not document its own."""

_INFERENCE_CONFIG: Final = ("maxTokens", "temperature", "topP", "stopSequences")
_FLAT_NAMES: Final[Mapping[str, str]] = {
    # As the model families' own bodies write them, which is what AWS's console and samples send.
    "maxTokenCount": "maxTokens",
    "max_tokens": "maxTokens",
    "max_tokens_to_sample": "maxTokens",
    "max_gen_len": "maxTokens",
    "max_new_tokens": "maxTokens",
    "maxTokens": "maxTokens",
    "temperature": "temperature",
    "topP": "topP",
    "top_p": "topP",
    "stopSequences": "stopSequences",
    "stop_sequences": "stopSequences",
}


def converse_members(inference_params: str | None) -> dict[str, Any]:
    """`inferenceConfig` and `additionalModelRequestFields` of Converse, as a model's inferenceParams have them.

    They are JSON: either these members themselves, or parameters in the spelling of a model family's own body. Where
    they say nothing, the most probable token is taken each time, so that an evaluation can be repeated.

    Raises   ValidationFailed for text that is no such JSON.
    """
    members: dict[str, Any] = {"inferenceConfig": {"maxTokens": DEFAULT_MAX_TOKENS, "temperature": 0.0}}
    if inference_params is None:
        return members
    try:
        given: Any = json.loads(inference_params)
    except (ValueError, RecursionError) as error:
        raise ValidationFailed(f"inferenceParams is no JSON: {error}.") from error
    if not isinstance(given, dict):
        raise ValidationFailed(
            'inferenceParams must be a JSON object, such as {"inferenceConfig": {"maxTokens": 256}}.'
        )
    for name, value in cast("dict[str, Any]", given).items():
        if name == "inferenceConfig" and isinstance(value, dict):
            config = cast("dict[str, Any]", value)
            unknown = [key for key in config if key not in _INFERENCE_CONFIG]
            if unknown:
                raise ValidationFailed(
                    f"inferenceParams: inferenceConfig has no member '{unknown[0]}'; it has "
                    f"{', '.join(_INFERENCE_CONFIG)}."
                )
            members["inferenceConfig"] |= config
        elif name == "additionalModelRequestFields" and isinstance(value, dict):
            members[name] = value
        elif name in _FLAT_NAMES:
            members["inferenceConfig"][_FLAT_NAMES[name]] = _number(value)
        else:
            raise ValidationFailed(
                f"inferenceParams: '{name}' is not known. Give inferenceConfig and additionalModelRequestFields as in "
                f"Converse, or {', '.join(_FLAT_NAMES)}."
            )
    return members


def _number(value: Any) -> Any:
    """AWS's samples write numbers as text: "temperature": "0.0"."""
    if not isinstance(value, str):
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    return int(number) if number.is_integer() and "." not in value else number
