"""Mistral AI: invoked on Bedrock, customized by nobody there."""

from typing import Final

from tanren.catalog.profiles.families import invocable

MISTRAL_MODELS: Final = tuple(
    invocable(model_id, product_name, provider="Mistral AI", body_format="mistral_text")
    for model_id, product_name in (
        ("mistral.mistral-7b-instruct-v0:2", "Mistral 7B Instruct"),
        ("mistral.mixtral-8x7b-instruct-v0:1", "Mixtral 8x7B Instruct"),
        ("mistral.mistral-large-2402-v1:0", "Mistral Large (24.02)"),
        ("mistral.mistral-small-2402-v1:0", "Mistral Small (24.02)"),
    )
)
