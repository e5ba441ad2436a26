"""Bedrock's completion of a prompt by an imported model: `prompt` and `max_gen_len` in, `generation` out.

The prompt is the model's whole input, as the caller wrote it in the model's own template or in none; no chat template
is applied. The answer has the shape of Llama's (`meta_llama.py`).

Source   https://docs.aws.amazon.com/bedrock/latest/userguide/invoke-imported-model.html (BedrockCompletion). Which
         members beside the two it takes, and the defaults, are unconfirmed: they are those of Llama's format, with
         `top_k`, `stop` and `seed`.
"""

from typing import ClassVar

from tanren.bodies.base import GenerationDefaults, Json, StreamEncoder
from tanren.bodies.meta_llama import MetaLlama
from tanren.bodies.openai_chat import MAX_SEED, MAX_STOPS, MAX_TEMPERATURE
from tanren.bodies.schema_violations import Members, Violations
from tanren.domain.conversation import written_prompt
from tanren.domain.generation import GenerationRequest, GenerationResult
from tanren.domain.prompt_templates import PromptTemplate


class BedrockCompletion:
    name: ClassVar[str] = "bedrock_completion"
    defaults: ClassVar[GenerationDefaults] = MetaLlama.defaults
    prompt_templates: ClassVar[tuple[PromptTemplate, ...]] = ()

    def __init__(self) -> None:
        self._answers = MetaLlama()

    def matches(self, body: Json) -> bool:
        # Llama's own bodies have the same keys; whether a body is in this format is said by the model.
        return False

    def decode(self, body: Json) -> GenerationRequest:
        violations = Violations()
        members = Members(body, violations)
        prompt = members.text("prompt", is_required=True, min_length=1)
        max_gen_len = members.integer("max_gen_len", minimum=1, is_required=True)
        temperature = members.number("temperature", minimum=0, maximum=MAX_TEMPERATURE)
        top_p = members.number("top_p", minimum=0, maximum=1, is_minimum_excluded=True)
        top_k = members.integer("top_k", minimum=1)
        stops = members.texts("stop", max_items=MAX_STOPS)
        seed = members.integer("seed", minimum=0, maximum=MAX_SEED)
        members.refuse("images", "logprobs", "structured_outputs")
        members.refuse_others()
        violations.raise_if_any()
        return GenerationRequest(
            conversation=written_prompt(prompt or ""),
            max_new_tokens=max_gen_len or self.defaults.max_new_tokens,
            temperature=self.defaults.temperature if temperature is None else temperature,
            top_p=top_p or self.defaults.top_p,
            top_k=top_k,
            stop_sequences=stops,
            seed=seed,
        )

    def encode(self, result: GenerationResult, model_id: str, body: Json) -> Json:
        return self._answers.encode(result, model_id, body)

    def stream_encoder(self, model_id: str) -> StreamEncoder:
        return self._answers.stream_encoder(model_id)
