"""What the formats with a `prompt` refuse, in AWS's words: Claude 2, Llama, Cohere Command, Mistral."""

from typing import Any

import pytest

from tanren.bodies.anthropic_text import AnthropicText
from tanren.bodies.base import BodyFormat
from tanren.bodies.cohere_command import CohereCommand, random_id
from tanren.bodies.meta_llama import MetaLlama
from tanren.bodies.mistral_text import MistralText
from tanren.domain.errors import ValidationFailed

LLAMA, CLAUDE, COHERE, MISTRAL = MetaLlama(), AnthropicText(), CohereCommand(), MistralText()
NEEDED: dict[str, dict[str, Any]] = {"anthropic_text": {"max_tokens_to_sample": 5}}

REFUSED: list[tuple[BodyFormat, dict[str, Any], str]] = [
    *(
        (each, {"prompt": ""}, "#/prompt: expected minLength: 1, actual: 0")
        for each in (LLAMA, CLAUDE, COHERE, MISTRAL)
    ),
    *((each, {"prompt": 5}, "#/prompt: expected type: String, found: Integer") for each in (LLAMA, CLAUDE, COHERE)),
    *((each, {"x": 1}, "#: extraneous key [x] is not permitted") for each in (LLAMA, CLAUDE, COHERE, MISTRAL)),
    (LLAMA, {"max_gen_len": 8192}, "#/max_gen_len: 8192 is not less or equal to 2048"),
    (LLAMA, {"max_gen_len": "5"}, "#/max_gen_len: expected type: Integer, found: String"),
    (LLAMA, {"temperature": 1.5}, "#/temperature: 1.5 is not less or equal to 1"),
    (LLAMA, {"images": []}, "#/images: not supported by this model yet"),
    (LLAMA, {"max_tokens": 5}, "#: extraneous key [max_tokens] is not permitted"),
    (LLAMA, {"stop": []}, "#: extraneous key [stop] is not permitted"),
    (CLAUDE, {"max_tokens_to_sample": 4097}, "#/max_tokens_to_sample: 4097 is not less or equal to 4096"),
    (CLAUDE, {"max_tokens_to_sample": 0}, "#/max_tokens_to_sample: 0 is not greater or equal to 1"),
    (CLAUDE, {"top_k": 501}, "#/top_k: 501 is not less or equal to 500"),
    (CLAUDE, {"stop_sequences": "a"}, "#/stop_sequences: expected type: JSONArray, found: String"),
    (CLAUDE, {"anthropic_version": "x"}, "#/anthropic_version: x is not a valid enum value"),
    (CLAUDE, {"stream": True}, "#: extraneous key [stream] is not permitted"),
    (COHERE, {"max_tokens": 4097}, "#/max_tokens: 4097 is not less or equal to 4096"),
    (COHERE, {"temperature": 5.5}, "#/temperature: 5.5 is not less or equal to 5"),
    (COHERE, {"k": 501}, "#/k: 501 is not less or equal to 500"),
    (COHERE, {"stop_sequences": ["a"] * 5}, "#/stop_sequences: expected maximum item count: 4, found: 5"),
    (COHERE, {"stream": "yes"}, "#/stream: expected type: Boolean, found: String"),
    (COHERE, {"num_generations": 6}, "#/num_generations: 6 is not less or equal to 5"),
    (COHERE, {"num_generations": 2}, "#/num_generations: more than one generation is not supported by this model yet"),
    (COHERE, {"return_likelihoods": "ALL"}, "#/return_likelihoods: ALL is not supported by this model yet"),
    (COHERE, {"return_likelihoods": "all"}, "#/return_likelihoods: all is not a valid enum value"),
    (COHERE, {"truncate": "END"}, "#/truncate: END is not supported by this model yet"),
    (COHERE, {"logit_bias": {}}, "#/logit_bias: not supported by this model yet"),
    (COHERE, {"top_p": 0.5}, "#: extraneous key [top_p] is not permitted"),
    (MISTRAL, {"max_tokens": 8193}, "#/max_tokens: 8193 is not less or equal to 8192"),
    (MISTRAL, {"top_k": 0}, "#/top_k: 0 is not greater or equal to 1"),
    (MISTRAL, {"stop": ["a"] * 11}, "#/stop: expected maximum item count: 10, found: 11"),
    (MISTRAL, {"stop_sequences": []}, "#: extraneous key [stop_sequences] is not permitted"),
]


@pytest.mark.parametrize(
    ("body_format", "change", "violation"), REFUSED, ids=[f"{each.name} {text}" for each, _, text in REFUSED]
)
def test_a_violation_is_named_in_awss_words(body_format: BodyFormat, change: dict[str, Any], violation: str):
    with pytest.raises(ValidationFailed) as raised:
        body_format.decode({"prompt": "hi", **NEEDED.get(body_format.name, {}), **change})
    assert str(raised.value).startswith(f"Malformed input request: {violation}")


@pytest.mark.parametrize("body_format", [LLAMA, CLAUDE, COHERE, MISTRAL], ids=lambda each: each.name)
def test_a_body_without_a_prompt_is_told_so(body_format: BodyFormat):
    with pytest.raises(ValidationFailed, match=r"#: required key \[prompt\] not found"):
        body_format.decode(dict(NEEDED.get(body_format.name, {})))


def test_claudes_number_of_tokens_has_to_be_given():
    with pytest.raises(ValidationFailed, match=r"required key \[max_tokens_to_sample\] not found"):
        CLAUDE.decode({"prompt": "hi"})


def test_an_id_of_cohere_is_new_each_time():
    assert len({random_id() for _ in range(100)}) == 100
