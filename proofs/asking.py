"""One question put to a server in each of the four ways of `bedrock-runtime`, and the whole text that came back.

A stream counts as whole only where it says itself that it has ended; one that just stops is `CutStream`.
"""

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

WAYS = ("InvokeModel", "InvokeModelWithResponseStream", "Converse", "ConverseStream")


class CutStream(Exception):
    """An event stream was over before its last event, and nothing in it said why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    way: str
    """One of `WAYS`."""
    model_id: str
    prompt: str
    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0


def ask(runtime: Any, question: Question) -> str:
    """The answer's text. Raises   what botocore raises; CutStream."""
    return _BY_WAY[question.way](runtime, question)


def _invoke(runtime: Any, question: Question) -> str:
    answer = runtime.invoke_model(modelId=question.model_id, body=_titan_body(question))
    return json.loads(answer["body"].read())["results"][0]["outputText"]


def _invoke_stream(runtime: Any, question: Question) -> str:
    answer = runtime.invoke_model_with_response_stream(modelId=question.model_id, body=_titan_body(question))
    with closing(answer["body"]) as events:
        chunks = [json.loads(event["chunk"]["bytes"]) for event in events]
    if not chunks or chunks[-1]["completionReason"] is None:
        raise CutStream("the last chunk has no completionReason")
    return "".join(chunk["outputText"] for chunk in chunks)


def _converse(runtime: Any, question: Question) -> str:
    content = runtime.converse(**_conversation(question))["output"]["message"]["content"]
    return "".join(block["text"] for block in content)


def _converse_stream(runtime: Any, question: Question) -> str:
    with closing(runtime.converse_stream(**_conversation(question))["stream"]) as stream:
        events = list(stream)
    if [name for event in events[-2:] for name in event] != ["messageStop", "metadata"]:
        raise CutStream("the last events are not messageStop and metadata")
    return "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)


def _titan_body(question: Question) -> str:
    settings = {
        "maxTokenCount": question.max_tokens,
        "temperature": question.temperature,
        "topP": question.top_p,
    }
    return json.dumps({"inputText": question.prompt, "textGenerationConfig": settings})


def _conversation(question: Question) -> dict[str, Any]:
    return {
        "modelId": question.model_id,
        "messages": [{"role": "user", "content": [{"text": question.prompt}]}],
        "inferenceConfig": {
            "maxTokens": question.max_tokens,
            "temperature": question.temperature,
            "topP": question.top_p,
        },
    }


_BY_WAY: dict[str, Callable[[Any, Question], str]] = {
    "InvokeModel": _invoke,
    "InvokeModelWithResponseStream": _invoke_stream,
    "Converse": _converse,
    "ConverseStream": _converse_stream,
}
