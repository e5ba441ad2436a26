"""Every family's own body is answered by a real engine, whole and streamed, under the family's ids."""

import json
from typing import Any

import pytest

LLAMA_3 = (
    "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nSay hello.<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n"
)
MESSAGES = [{"role": "user", "content": [{"text": "Say hello."}]}]

FAMILIES: list[tuple[str, dict[str, Any], str]] = [
    (
        "amazon.titan-text-premier-v1:0",
        {"inputText": "Say hello.", "textGenerationConfig": {"temperature": 0, "maxTokenCount": 64}},
        "results",
    ),
    ("amazon.nova-lite-v1:0", {"messages": MESSAGES, "inferenceConfig": {"temperature": 0, "maxTokens": 64}}, "output"),
    (
        "anthropic.claude-v2",
        {"prompt": "\n\nHuman: Say hello.\n\nAssistant:", "max_tokens_to_sample": 64, "temperature": 0},
        "completion",
    ),
    ("cohere.command-text-v14", {"prompt": "Say hello.", "max_tokens": 64, "temperature": 0}, "generations"),
    ("meta.llama3-3-70b-instruct-v1:0", {"prompt": LLAMA_3, "temperature": 0, "max_gen_len": 64}, "generation"),
    (
        "mistral.mistral-7b-instruct-v0:2",
        {"prompt": "<s>[INST] Say hello. [/INST]", "temperature": 0, "max_tokens": 64},
        "outputs",
    ),
    (
        "mistral.mistral-large-2402-v1:0",
        {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 64, "temperature": 0},
        "choices",
    ),
    ("tanren.nano-v1:0", {"prompt": "Say hello.", "max_tokens": 64, "temperature": 0}, "completion"),
]


def text_of(answer: Any) -> str:
    """The text of an answer of any family: what is under the key that holds it."""
    if isinstance(answer, str):
        return answer
    if isinstance(answer, list):
        return text_of(answer[0])
    keys = ("results", "output", "choices", "message", "content", "completion", "generations", "generation", "outputs")
    return text_of(next(answer[key] for key in (*keys, "text", "outputText") if key in answer))


@pytest.mark.parametrize(("model_id", "body", "key"), FAMILIES, ids=[model_id for model_id, _, _ in FAMILIES])
def test_the_same_question_in_every_familys_words_gets_the_same_answer(server, model_id: str, body: dict, key: str):
    """The same weights answer, greedily; a prompt that kept its family's control words would be another question."""
    runtime = server.client("bedrock-runtime")
    spoken = runtime.converse(modelId=model_id, messages=MESSAGES, inferenceConfig={"temperature": 0, "maxTokens": 64})
    expected = spoken["output"]["message"]["content"][0]["text"]
    answer = runtime.invoke_model(modelId=model_id, body=json.dumps(body))
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    whole = json.loads(answer["body"].read())
    assert key in whole
    assert text_of(whole) == expected
    assert int(headers["x-amzn-bedrock-input-token-count"]) == spoken["usage"]["inputTokens"]

    stream = runtime.invoke_model_with_response_stream(modelId=model_id, body=json.dumps(body))
    chunks = [json.loads(event["chunk"]["bytes"]) for event in stream["body"]]
    assert chunks[-1]["amazon-bedrock-invocationMetrics"]["inputTokenCount"] == spoken["usage"]["inputTokens"]
