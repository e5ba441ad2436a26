"""LangChain's three ways to Bedrock, unmodified; the endpoint comes from AWS_ENDPOINT_URL.

python langchain_client.py '[["BedrockLLM", "cohere", "cohere.command-text-v14"], ["ChatBedrock", "anthropic", "…"]]'

A line of JSON for each: the whole answer, its stream's pieces, and the usage where LangChain tells it.
"""

import json
import sys

from langchain_aws import BedrockLLM, ChatBedrock, ChatBedrockConverse

PROMPT = "Hello."
TOKENS = 8


def answer(kind: str, provider: str, model_id: str) -> dict:
    if kind == "BedrockLLM":
        settings = {} if provider == "anthropic" else {"temperature": 0.0}
        model = BedrockLLM(model_id=model_id, provider=provider, model_kwargs=settings)
        return {"text": model.invoke(PROMPT), "pieces": list(model.stream(PROMPT))}
    if kind == "ChatBedrock":
        model = ChatBedrock(model=model_id, provider=provider, model_kwargs={"max_tokens": TOKENS, "temperature": 0.0})
    else:
        model = ChatBedrockConverse(model=model_id, provider=provider, max_tokens=TOKENS, temperature=0.0)
    whole = model.invoke([("system", "Be brief."), ("human", PROMPT)])
    pieces = [chunk.text for chunk in model.stream([("system", "Be brief."), ("human", PROMPT)])]
    return {"text": whole.text, "pieces": pieces, "usage": whole.usage_metadata}


for case in json.loads(sys.argv[1]):
    print(json.dumps({"case": case, **answer(*case)}), flush=True)
