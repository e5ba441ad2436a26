"""The operations of `bedrock-runtime`: members of the service model in, members out; the rules are in `runtime/`."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from tanren.aws.context import AsyncHandler, Members, Reply, RequestContext
from tanren.domain.errors import NotImplementedHere, ValidationFailed
from tanren.domain.invocation_logging import read_request_metadata
from tanren.runtime.conversing import converse_events, converse_output, echoed_settings, read_converse
from tanren.runtime.inference import CONTENT_TYPE, Inference

INPUT_TOKEN_COUNT: Final = "x-amzn-bedrock-input-token-count"
OUTPUT_TOKEN_COUNT: Final = "x-amzn-bedrock-output-token-count"
INVOCATION_LATENCY: Final = "x-amzn-bedrock-invocation-latency"

_NOT_YET: Final = ("guardrailIdentifier", "guardrailVersion")
_NORMAL_VALUES: Final = (("performanceConfigLatency", "standard"), ("serviceTier", "default"), ("trace", "DISABLED"))


class BedrockRuntime:
    """Thin handlers over `Inference`."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    async def invoke_model(self, context: RequestContext, params: Members) -> Reply:
        echoed = _read_invoke_settings(params)
        reply = await self._inference.invoke(context.scope, params["modelId"], params.get("body", b""))
        return Reply(
            members={"body": reply.body, "contentType": reply.content_type, **echoed},
            extra_headers={
                INPUT_TOKEN_COUNT: str(reply.input_token_count),
                OUTPUT_TOKEN_COUNT: str(reply.output_token_count),
                INVOCATION_LATENCY: str(reply.latency_ms),
            },
        )

    async def invoke_model_with_response_stream(self, context: RequestContext, params: Members) -> Members:
        echoed = _read_invoke_settings(params)
        chunks = await self._inference.invoke_stream(context.scope, params["modelId"], params.get("body", b""))
        return {"body": _chunk_events(chunks), "contentType": CONTENT_TYPE, **echoed}

    async def converse(self, context: RequestContext, params: Members) -> Members:
        asked = read_converse(params)
        result = await self._inference.converse(context.scope, params["modelId"], asked)
        return {**converse_output(result), **echoed_settings(params)}

    async def converse_stream(self, context: RequestContext, params: Members) -> Members:
        asked = read_converse(params)
        events = await self._inference.converse_stream(context.scope, params["modelId"], asked)
        return {"stream": converse_events(events, echoed_settings(params))}

    async def count_tokens(self, context: RequestContext, params: Members) -> Members:
        counted = params["input"]
        if "invokeModel" in counted:
            body = counted["invokeModel"]["body"]
            tokens = await self._inference.count_body_tokens(context.scope, params["modelId"], body)
        else:
            conversation = read_converse(counted["converse"]).conversation
            tokens = await self._inference.count_conversation_tokens(context.scope, params["modelId"], conversation)
        return {"inputTokens": tokens}


def runtime_handlers(inference: Inference) -> dict[str, AsyncHandler]:
    """Operation name → handler, for the service `bedrock-runtime`."""
    operations = BedrockRuntime(inference)
    return {
        "InvokeModel": operations.invoke_model,
        "InvokeModelWithResponseStream": operations.invoke_model_with_response_stream,
        "Converse": operations.converse,
        "ConverseStream": operations.converse_stream,
        "CountTokens": operations.count_tokens,
    }


async def _chunk_events(chunks: AsyncGenerator[bytes]) -> AsyncGenerator[Members]:
    async with aclosing(chunks):  # so that a client which leaves ends the generation at once
        async for chunk in chunks:
            yield {"chunk": {"bytes": chunk}}


def _read_invoke_settings(params: Members) -> Members:
    """The settings to echo. Raises   ValidationFailed for a media type or a setting that we do not have."""
    content_type = str(params.get("contentType") or CONTENT_TYPE).partition(";")[0].strip().lower()
    if content_type != CONTENT_TYPE:
        raise ValidationFailed(f"The provided content type '{content_type}' is not supported; expected {CONTENT_TYPE}.")
    accept = str(params.get("accept") or CONTENT_TYPE).lower()
    if not any(each in accept for each in (CONTENT_TYPE, "application/*", "*/*")):
        raise ValidationFailed(f"The answer cannot be given as '{accept}'; expected {CONTENT_TYPE}.")
    for name in _NOT_YET:
        if params.get(name):
            raise NotImplementedHere(f"{name} is not supported here. Remove {name} and try again.")
    if params.get("requestMetadata"):
        read_request_metadata(params["requestMetadata"])  # for the invocation log, which writes it
    for name, normal in _NORMAL_VALUES:
        if params.get(name, normal) != normal:
            raise NotImplementedHere(f"{name} '{params[name]}' is not supported here; '{normal}' is what there is.")
    return {name: params[name] for name, _ in _NORMAL_VALUES if name != "trace" and name in params}
