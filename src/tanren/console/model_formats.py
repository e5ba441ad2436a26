"""The body that each base model is asked with, and the rows that it is tuned on, as its card and its page show them.

Bedrock has no operation that says them; it publishes them as tables. So does this file, by the beginning of the model's
id, and a test holds it to the catalogue and to what answers.

Source   AWS user guide, "Inference request parameters" and "Prepare your training datasets"; docs/catalogue.md
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Of a body of InvokeModel, or of a line of a data file."""

    name: str
    """As its makers call it; the same in every language."""
    example: str
    """JSON, the least that is right."""


_TITAN: Final = Shape(
    name="Titan Text",
    example='{"inputText": "…", "textGenerationConfig": {"maxTokenCount": 200, "temperature": 0}}',
)
_BODIES: Final[tuple[tuple[str, Shape], ...]] = (
    (
        "anthropic.claude-3",
        Shape(
            name="Anthropic Messages",
            example='{"anthropic_version": "bedrock-2023-05-31", "max_tokens": 200, '
            '"messages": [{"role": "user", "content": "…"}]}',
        ),
    ),
    (
        "anthropic.claude",
        Shape(
            name="Anthropic Text Completions",
            example='{"prompt": "\\n\\nHuman: …\\n\\nAssistant:", "max_tokens_to_sample": 200}',
        ),
    ),
    (
        "amazon.nova",
        Shape(
            name="Nova messages-v1",
            example='{"schemaVersion": "messages-v1", "messages": [{"role": "user", "content": [{"text": "…"}]}], '
            '"inferenceConfig": {"maxTokens": 200}}',
        ),
    ),
    ("amazon.titan", _TITAN),
    ("tanren.nano", _TITAN),
    ("cohere.command", Shape(name="Cohere Command", example='{"prompt": "…", "max_tokens": 200}')),
    ("meta.llama", Shape(name="Meta Llama", example='{"prompt": "…", "max_gen_len": 200}')),
    ("mistral.", Shape(name="Mistral", example='{"prompt": "<s>[INST] … [/INST]", "max_tokens": 200}')),
)

_PAIRS: Final = Shape(name="prompt / completion", example='{"prompt": "…", "completion": "…"}')
_MESSAGES: Final = Shape(
    name="messages",
    example='{"system": "…", "messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}',
)
_CONVERSATION: Final = Shape(
    name="bedrock-conversation-2024",
    example='{"schemaVersion": "bedrock-conversation-2024", "system": [{"text": "…"}], '
    '"messages": [{"role": "user", "content": [{"text": "…"}]}, {"role": "assistant", "content": [{"text": "…"}]}]}',
)
_TEXT: Final = Shape(name="input", example='{"input": "…"}')
_ROWS: Final[tuple[tuple[str, tuple[Shape, ...]], ...]] = (
    ("tanren.nano", (_PAIRS, _MESSAGES, _CONVERSATION)),
    ("anthropic.claude-3-haiku", (_MESSAGES,)),
    ("amazon.nova", (_CONVERSATION,)),
    ("amazon.titan", (_PAIRS,)),
    ("cohere.command", (_PAIRS,)),
    ("meta.llama2", (_PAIRS,)),
    ("meta.llama3-1", (_PAIRS,)),
    ("meta.llama3", (_CONVERSATION,)),
)


def body_of(model_id: str) -> Shape | None:
    """None for a model that is not known here."""
    return next((shape for beginning, shape in _BODIES if model_id.startswith(beginning)), None)


def rows_of(model_id: str, customizations: list[str]) -> tuple[Shape, ...]:
    """What AWS takes to tune the model in the ways that it can be customized; nothing where that is not known here."""
    fine_tuning = next((shapes for beginning, shapes in _ROWS if model_id.startswith(beginning)), ())
    own = fine_tuning if "FINE_TUNING" in customizations else ()
    return (*own, _TEXT) if "CONTINUED_PRE_TRAINING" in customizations else own
