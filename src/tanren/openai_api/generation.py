"""Chat completions and completions: a body in OpenAI's format → an answer of the model it names, whole or streamed.

    model, stream, stream_options    said here
    what has no effect               taken where its value is the one that happens anyway: n 1, frequency_penalty 0, …
    labels                           user, safety_identifier, prompt_cache_key: for whom it is asked; change no answer
    everything else                  the body format's (`bodies/openai_chat.py`, `bodies/openai_completion.py`)

Whatever none of these knows is refused by its name; so are log probabilities, which no engine of ours gives.
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from tanren.bodies.base import BodyFormat
from tanren.domain.errors import ResourceNotFound, TanrenError, ValidationFailed
from tanren.domain.generation import AnswerEvent, GenerationRequest, GenerationResult
from tanren.domain.scope import Scope
from tanren.openai_api.calls import Answer, Call, Handler, Json, json_answer, read_json
from tanren.openai_api.errors import InvalidParameter, refusal_of

NORMAL_VALUES: Final[Mapping[str, tuple[Any, ...]]] = {
    "n": (1,),
    "best_of": (1,),
    "echo": (False,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "modalities": (["text"],),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "suffix": ("",),
}
"""Parameter → values that say what happens anyway."""

MOST_PROMPTS: Final = 64
"""Of one request; they wait in the engine's queue as requests of their own."""

LABELS: Final = ("user", "safety_identifier", "prompt_cache_key")
LOG_PROBABILITIES: Final = ("logprobs", "top_logprobs")

_METRICS: Final = "amazon-bedrock-invocationMetrics"
_NAMED: Final = re.compile(r"#/(\w+)|key \[(\w+)\]")
_DONE: Final = b"data: [DONE]\n\n"


class Generating(Protocol):
    """What answers; `runtime/inference.py` has it."""

    async def generate(self, scope: Scope, model_id: str, request: GenerationRequest) -> GenerationResult: ...

    async def generate_stream(
        self, scope: Scope, model_id: str, request: GenerationRequest
    ) -> AsyncGenerator[AnswerEvent]: ...


class NamedModels(Protocol):
    async def check(self, scope: Scope, model_id: str) -> None:
        """Called where a request has failed, and the model may be why. Raises   UnknownModel."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    model: str
    is_streamed: bool
    includes_usage: bool
    bodies: list[Json]
    """What the body format reads; several where a completion has several prompts."""


def generation_handler(inference: Generating, models: NamedModels, body_format: BodyFormat) -> Handler:
    """The handler of requests in this format."""

    async def answer(call: Call, _: str) -> Answer:
        asked = _read(await read_json(call))
        operation = "InvokeModelWithResponseStream" if asked.is_streamed else "InvokeModel"
        await call.permit("bedrock-runtime", operation, {"modelId": asked.model})
        requests = [_decoded(body_format, body) for body in asked.bodies]
        try:
            if asked.is_streamed:
                opening = inference.generate_stream(call.scope, asked.model, requests[0])
                return _streamed(await call.while_connected(opening), body_format, asked)
            results = await call.while_connected(_every(inference, call.scope, asked.model, requests))
        except (ResourceNotFound, ValidationFailed):
            await models.check(call.scope, asked.model)
            raise
        pairs = zip(results, asked.bodies, strict=True)
        return json_answer(_joined([body_format.encode(result, asked.model, body) for result, body in pairs]))

    return answer


def _read(body: Json) -> _Asked:
    model = body.pop("model", None)
    if not isinstance(model, str) or not model:
        raise InvalidParameter("model is missing; it must be the id of a model, as GET /v1/models lists them.", "model")
    is_streamed = _boolean(body, "stream")
    options = body.pop("stream_options", {})
    if options and not is_streamed:
        raise InvalidParameter("stream_options is only for stream: true; leave it out.", "stream_options")
    includes_usage = _includes_usage(options)
    for name, values in NORMAL_VALUES.items():
        # False is 0 to Python, and `logprobs: 0` asks for something.
        if any(
            body.get(name) == value and isinstance(body.get(name), bool) is isinstance(value, bool) for value in values
        ):
            del body[name]
    for name in LABELS:
        if not isinstance(body.pop(name, ""), str):
            raise InvalidParameter(f"{name} must be a text.", name)
    for name in LOG_PROBABILITIES:
        if name in body:
            raise InvalidParameter(f"{name}: no engine of this server gives log probabilities; leave it out.", name)
    if isinstance(body.get("messages"), list):
        body["messages"] = [_without_nulls(message) for message in body["messages"]]
    prompt = body.get("prompt")
    bodies = [body]
    if isinstance(prompt, list):
        prompts = _prompts(cast("list[Any]", prompt), is_streamed=is_streamed)
        bodies = [{**body, "prompt": each} for each in prompts]
    return _Asked(model=model, is_streamed=is_streamed, includes_usage=includes_usage, bodies=bodies)


def _boolean(body: Json, name: str) -> bool:
    value = body.pop(name, False)
    if not isinstance(value, bool):
        raise InvalidParameter(f"{name} must be true or false.", name)
    return value


def _includes_usage(options: Any) -> bool:
    members = dict(cast("Json", options)) if isinstance(options, dict) else None
    if members is None:
        raise InvalidParameter("stream_options must be an object.", "stream_options")
    includes = _boolean(members, "include_usage")
    members = {name: value for name, value in members.items() if value not in (None, False)}
    if members:
        name = next(iter(members))
        raise InvalidParameter(f"stream_options has no member {name} here; it has include_usage.", "stream_options")
    return includes


def _without_nulls(message: Any) -> Any:
    if not isinstance(message, dict):
        return message
    members = cast("Json", message)
    return {name: value for name, value in members.items() if value is not None or name == "content"}


def _prompts(prompts: list[Any], *, is_streamed: bool) -> list[Any]:
    """Clients write one prompt as a list of one, too."""
    most = 1 if is_streamed else MOST_PROMPTS
    if not (1 <= len(prompts) <= most and all(isinstance(each, str) for each in prompts)):
        raise InvalidParameter(
            f"prompt is a list of {len(prompts)}; it must be one text, or a list of texts: at most {MOST_PROMPTS}, and "
            "of a stream one.",
            "prompt",
        )
    return prompts


async def _every(
    inference: Generating, scope: Scope, model: str, requests: list[GenerationRequest]
) -> list[GenerationResult]:
    """The answers to all of them, made side by side; none goes on once one has failed."""
    tasks = [asyncio.ensure_future(inference.generate(scope, model, request)) for request in requests]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def _joined(answers: list[Json]) -> Json:
    """One answer with the choices of all, in the order of their prompts."""
    if len(answers) == 1:
        return answers[0]
    choices = [{**answer["choices"][0], "index": index} for index, answer in enumerate(answers)]
    usage = {name: sum(answer["usage"][name] for answer in answers) for name in answers[0]["usage"]}
    return {**answers[0], "choices": choices, "usage": usage}


def _decoded(body_format: BodyFormat, body: Json) -> GenerationRequest:
    try:
        return body_format.decode(body)
    except ValidationFailed as error:
        named = _NAMED.search(str(error))
        if named is None:
            raise
        raise InvalidParameter(str(error), named[1] or named[2]) from error


def _streamed(events: AsyncGenerator[AnswerEvent], body_format: BodyFormat, asked: _Asked) -> Answer:
    headers = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
    return Answer(headers=headers, body=_server_sent(events, body_format, asked))


async def _server_sent(
    events: AsyncGenerator[AnswerEvent], body_format: BodyFormat, asked: _Asked
) -> AsyncGenerator[bytes]:
    encoder = body_format.stream_encoder(asked.model)
    async with aclosing(events):
        try:
            async for event in events:
                for chunk in encoder.chunks(event):
                    usage = chunk.pop("usage", None)
                    chunk.pop(_METRICS, None)
                    yield _sent({**chunk, "usage": None} if asked.includes_usage else chunk)
                    if usage is not None and asked.includes_usage:
                        yield _sent({**chunk, "choices": [], "usage": usage})
        except TanrenError as error:
            # The headers are out: what went wrong is the last that the stream says.
            yield b"data: " + refusal_of(error).body() + b"\n\n"
            return
    yield _DONE


def _sent(chunk: Json) -> bytes:
    return b"data: " + json.dumps(chunk, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"
