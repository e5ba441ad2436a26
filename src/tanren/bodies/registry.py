"""Every body format by name, and the choice among them for a body that arrives.

A format may have keys of its own; a body that has such keys is in that format, whatever the model's own is. Two kinds
of body have none:

    messages                the model's own format if it takes them (for Mistral's family, its chat completion), else
                            OpenAI's
    prompt and max_tokens   the model's own format if it takes them (Mistral, Cohere), else Claude's text completion,
                            whose answer is in `completion`

An imported model has three formats of its own, told apart by the keys `messages`, `max_gen_len` and `prompt`. They win
over those of other families, which have the same keys; what has none of the three keys is as with any other model.
"""

from typing import Final

from tanren.bodies.anthropic_messages import AnthropicMessages
from tanren.bodies.anthropic_text import AnthropicText
from tanren.bodies.base import BodyFormat, DecodedBody, Json
from tanren.bodies.bedrock_completion import BedrockCompletion
from tanren.bodies.cohere_command import CohereCommand
from tanren.bodies.meta_llama import MetaLlama
from tanren.bodies.mistral_chat import OTHERS_KEYS, MistralChat
from tanren.bodies.mistral_text import MistralText
from tanren.bodies.nova_messages import NovaMessages
from tanren.bodies.openai_chat import OpenAIChat
from tanren.bodies.openai_completion import OpenAICompletion
from tanren.bodies.schema_violations import read_object
from tanren.bodies.titan_text import TitanText

BODY_FORMATS: Final[dict[str, BodyFormat]] = {
    "anthropic_messages": AnthropicMessages(),
    "anthropic_text": AnthropicText(),
    "bedrock_completion": BedrockCompletion(),
    "cohere_command": CohereCommand(),
    "meta_llama": MetaLlama(),
    "mistral_chat": MistralChat(),
    "mistral_text": MistralText(),
    "nova_messages": NovaMessages(),
    "openai_chat": OpenAIChat(),
    "openai_completion": OpenAICompletion(),
    "titan_text": TitanText(),
}


OF_IMPORTED_MODELS: Final = (
    ("max_gen_len", "bedrock_completion"),
    ("prompt", "openai_completion"),
    ("messages", "openai_chat"),
)
"""Key → format, the first that fits."""

_TAKE_MESSAGES: Final = ("anthropic_messages", "mistral_chat", "nova_messages", "openai_chat")
_TAKE_PROMPT_AND_MAX_TOKENS: Final = ("cohere_command", "mistral_text")


def decode_body(body: bytes, default_format: str, *, is_imported: bool = False) -> DecodedBody:
    """The request, in the format that its keys name: the model's own where it matches, else the first that does.

    Where none matches, the body is the model's own, and is told what is missing if it is not.
    Takes    is_imported: the model has the formats of imported models.
    Raises   ValidationFailed in AWS's words.
    """
    value = read_object(body)
    of_imported = (name for key, name in OF_IMPORTED_MODELS if is_imported and key in value)
    spoken = BODY_FORMATS[next(of_imported, None) or _spoken(value, default_format)]
    return DecodedBody(request=spoken.decode(value), body_format=spoken, body=value)


def _spoken(body: Json, own: str) -> str:
    if own in ("mistral_chat", "mistral_text") and "messages" in body and not OTHERS_KEYS & body.keys():
        return "mistral_chat"
    matching = next((name for name in (own, *BODY_FORMATS) if BODY_FORMATS[name].matches(body)), None)
    if matching is not None:
        return matching
    if "messages" in body and own not in _TAKE_MESSAGES:
        return "openai_chat"
    if {"prompt", "max_tokens"} <= body.keys() and own not in _TAKE_PROMPT_AND_MAX_TOKENS:
        return "anthropic_text"
    return own
