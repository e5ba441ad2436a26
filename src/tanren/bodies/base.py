"""What an InvokeModel body format can do: its request read, its answer written, whole or in chunks.

A format is pure translation between JSON objects and domain values. It knows no model, no engine and no socket, and it
holds no state between requests; the state of one streamed answer is in its `StreamEncoder`.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from tanren.domain.generation import AnswerEvent, GenerationEnd, GenerationRequest, GenerationResult
from tanren.domain.prompt_templates import PromptTemplate

Json = dict[str, Any]
"""A JSON object, parsed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationDefaults:
    """What the family takes where a request says nothing; also for Converse, which has no defaults of its own."""

    max_new_tokens: int
    temperature: float
    top_p: float
    top_k: int | None = None


class StreamEncoder(Protocol):
    """One answer on its way out. Given every event of an answer in order, it returns the chunks to send for each; the
    last chunk carries `amazon-bedrock-invocationMetrics`. Tool uses come only where the request could have tools."""

    def chunks(self, event: AnswerEvent) -> list[Json]: ...


class BodyFormat(Protocol):
    """One family's request and response JSON.

    Why these: `matches` lets a caller speak another family's format than the model's own; `decode` and `encode` are
    InvokeModel; `stream_encoder` is InvokeModelWithResponseStream; `defaults` is what Converse needs of a family;
    `prompt_templates` is what training needs of it.
    """

    name: ClassVar[str]
    """The key in `bodies/registry.py` and in the catalogue."""
    defaults: ClassVar[GenerationDefaults]
    prompt_templates: ClassVar[tuple[PromptTemplate, ...]]
    """In which a `prompt` of the format may be written; rows of training data for the family too."""

    def matches(self, body: Json) -> bool:
        """Whether there are keys that only this format has; says nothing about the body being right."""
        ...

    def decode(self, body: Json) -> GenerationRequest:
        """Every member has its effect on the request or is refused.

        Raises   ValidationFailed that lists all violations, in AWS's words.
        """
        ...

    def encode(self, result: GenerationResult, model_id: str, body: Json) -> Json:
        """The response body. `model_id`, and what the request's `body` said, are echoed where the format does so."""
        ...

    def stream_encoder(self, model_id: str) -> StreamEncoder: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedBody:
    request: GenerationRequest
    body_format: BodyFormat
    """The format that the caller spoke, and in which it expects the answer."""
    body: Json
    """What it sent, for `encode`."""


def invocation_metrics(end: GenerationEnd) -> Json:
    """What the last chunk of every format carries. Latencies in ms, from the engine's acceptance of the request."""
    return {
        "amazon-bedrock-invocationMetrics": {
            "inputTokenCount": end.input_token_count,
            "outputTokenCount": end.output_token_count,
            "invocationLatency": end.total_ms,
            "firstByteLatency": end.first_token_ms,
        }
    }
