"""Which ids take tools in Converse: as on AWS, so that a script which works here works there.

The weights behind an id may well be able to (`weights/chat_template.py` asks their template); where AWS refuses, so do
we. tanren's own base and every id that is not listed take them.

Source   https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-supported-models-features.html, the
         column "Tool use" ("Mistral AI Instruct" is Mistral 7B and Mixtral).
"""

from typing import Final

WITHOUT_TOOL_USE: Final = (
    "amazon.titan-text-",
    "anthropic.claude-instant-",
    "anthropic.claude-v2",
    "cohere.command-light-text-",
    "cohere.command-text-",
    "meta.llama2-",
    "meta.llama3-2-1b-",
    "meta.llama3-2-3b-",
    "mistral.mistral-7b-",
    "mistral.mixtral-8x7b-",
)
"""Beginnings of ids."""


def has_tool_use(foundation_model_id: str) -> bool:
    return not foundation_model_id.startswith(WITHOUT_TOOL_USE)
