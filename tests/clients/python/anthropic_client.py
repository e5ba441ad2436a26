"""Anthropic's SDK for Bedrock, unmodified; its endpoint comes from ANTHROPIC_BEDROCK_BASE_URL.

python anthropic_client.py '["anthropic.claude-3-haiku-20240307-v1:0", "no-such-model"]'

A line of JSON for each: the whole answer, its stream's pieces, stop reason and usage; or the SDK's error by its class.
"""

import json
import sys

from anthropic import AnthropicBedrock, APIStatusError

client = AnthropicBedrock(max_retries=0)


def answer(model: str) -> dict:
    settings = {
        "model": model,
        "max_tokens": 8,
        "extra_body": {"temperature": 0},  # the newest SDK has no argument of that name
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "Hello."}],
    }
    try:
        whole = client.messages.create(**settings)
    except APIStatusError as error:
        return {"error": type(error).__name__, "status": error.status_code, "message": str(error)}
    with client.messages.stream(**settings) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()
    return {
        "text": whole.content[0].text,
        "pieces": pieces,
        "stop_reason": whole.stop_reason,
        "usage": {"input_tokens": whole.usage.input_tokens, "output_tokens": whole.usage.output_tokens},
        "streamed_output_tokens": final.usage.output_tokens,
    }


for model in json.loads(sys.argv[1]):
    print(json.dumps({"case": model, **answer(model)}), flush=True)
