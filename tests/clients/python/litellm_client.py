"""LiteLLM, unmodified; its endpoint comes from AWS_BEDROCK_RUNTIME_ENDPOINT, since it does not read AWS_ENDPOINT_URL.

python litellm_client.py '["bedrock/converse/anthropic.claude-3-haiku-20240307-v1:0", "bedrock/invoke/…"]'

A line of JSON for each: the whole answer, its stream's pieces, finish reason and usage.
"""

import json
import sys

import litellm

MESSAGES = [{"role": "user", "content": "Hello."}]


def answer(model: str) -> dict:
    settings = {"model": model, "messages": MESSAGES, "max_tokens": 8, "temperature": 0, "num_retries": 0}
    whole = litellm.completion(**settings)
    chunks = list(litellm.completion(**settings, stream=True))
    return {
        "text": whole.choices[0].message.content,
        "pieces": [chunk.choices[0].delta.content or "" for chunk in chunks],
        "finish_reason": whole.choices[0].finish_reason,
        "usage": {"input_tokens": whole.usage.prompt_tokens, "output_tokens": whole.usage.completion_tokens},
    }


for model in json.loads(sys.argv[1]):
    print(json.dumps({"case": model, **answer(model)}), flush=True)
