"""Every body format by name, and the choice among them for a body that arrives."""

from typing import Final

from tanren.bodies.anthropic_messages import AnthropicMessages
from tanren.bodies.anthropic_text import AnthropicText
from tanren.bodies.base import BodyFormat, DecodedBody
from tanren.bodies.cohere_command import CohereCommand
from tanren.bodies.meta_llama import MetaLlama
from tanren.bodies.mistral_text import MistralText
from tanren.bodies.nova_messages import NovaMessages
from tanren.bodies.openai_chat import OpenAIChat
from tanren.bodies.schema_violations import read_object
from tanren.bodies.titan_text import TitanText

BODY_FORMATS: Final[dict[str, BodyFormat]] = {
    "anthropic_messages": AnthropicMessages(),
    "anthropic_text": AnthropicText(),
    "cohere_command": CohereCommand(),
    "meta_llama": MetaLlama(),
    "mistral_text": MistralText(),
    "nova_messages": NovaMessages(),
    "openai_chat": OpenAIChat(),
    "titan_text": TitanText(),
}


def decode_body(body: bytes, default_format: str) -> DecodedBody:
    """The request, in the format that its keys name: the model's own where it matches, else the first that does.

    Where none matches, as with a bare `prompt`, the body is the model's own, and is told what is missing if it is not.
    Raises   ValidationFailed in AWS's words.
    """
    value = read_object(body)
    own = BODY_FORMATS[default_format]
    spoken = next((each for each in (own, *BODY_FORMATS.values()) if each.matches(value)), own)
    return DecodedBody(request=spoken.decode(value), body_format=spoken, body=value)
