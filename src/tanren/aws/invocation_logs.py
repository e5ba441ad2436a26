"""A record for every invocation of a model, where the account has logging on: wrapped around the runtime's handlers.

The record is on this machine's disk before the answer is complete: of a whole answer before it is begun, of a stream
before its last event. A stream that broke, or whose client left, is recorded with what had been made of it. Counting
tokens is no invocation, as on AWS; neither is a batch job's record.

Source   the fact sheet §7. The output of InvokeModelWithResponseStream is the list of its chunks, that of
         ConverseStream the answer as Converse would have given it.
"""

import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any, Final, cast

from tanren.aws.context import AsyncHandler, Members, Reply, RequestContext
from tanren.aws.errors import codes_of
from tanren.domain.errors import ServiceUnavailable, TanrenError, ValidationFailed
from tanren.domain.invocation_logging import InvocationLogging, read_logging_config
from tanren.storage.invocation_log_spool import InvocationLogSpool
from tanren.storage.invocation_logging import InvocationLoggingConfigurations
from tanren.threads import LOGS

INVOCATIONS: Final = ("InvokeModel", "InvokeModelWithResponseStream", "Converse", "ConverseStream")
_JSON_TYPE: Final = "application/json"
_METRICS: Final = "amazon-bedrock-invocationMetrics"
_DEEPEST_BODY: Final = 200
"""Levels of JSON. One that is nearer to Python's own limit could be read here and not be written again later."""


class InvocationLogs:
    def __init__(self, configurations: InvocationLoggingConfigurations, spool: InvocationLogSpool) -> None:
        self._configurations = configurations
        self._spool = spool

    async def config_of(self, context: RequestContext) -> dict[str, Any] | None:
        """What the account has put for this region; None where it logs nothing."""
        is_known, config = self._configurations.kept(context.scope)
        return config if is_known else await LOGS.run(self._configurations.get, context.scope)

    def check_room(self, context: RequestContext) -> None:
        """Raises ServiceUnavailable where too much of the account waits for its destination."""
        self._spool.check_room(context.scope)

    async def write(
        self, context: RequestContext, config: dict[str, Any], make_record: Callable[[], dict[str, Any]]
    ) -> None:
        """Makes the record, off the event loop since a body may be long, and writes it.

        Raises   ServiceUnavailable where it cannot be written: what is not logged is not answered; ValidationFailed
                 where its members are nested too deeply for a record.
        """

        def work() -> None:
            self._spool.append(context.scope, config, make_record())

        try:
            await LOGS.run(work)
        except RecursionError as error:
            raise ValidationFailed(
                "The request or its answer is nested too deeply for the log of this invocation, which the account asks "
                "for, so it is not answered. Nest documents less deeply, at most a few hundred levels."
            ) from error
        except OSError as error:
            raise ServiceUnavailable(
                "The server cannot write the log of this invocation, which the account asks for, so it does not answer."
            ) from error


def with_invocation_logs(handlers: Mapping[str, AsyncHandler], logs: InvocationLogs) -> dict[str, AsyncHandler]:
    """The same operations; those that invoke a model leave a record where the account wants it."""
    return {name: _logged(handler, logs) if name in INVOCATIONS else handler for name, handler in handlers.items()}


def _logged(handler: AsyncHandler, logs: InvocationLogs) -> AsyncHandler:
    async def answer(context: RequestContext, params: Members) -> Members | Reply:
        config = await logs.config_of(context)
        if config is None:
            return await handler(context, params)
        logs.check_room(context)
        record = _Record(context, params, read_logging_config(config))
        try:
            result = await handler(context, params)
        except Exception as error:
            await logs.write(context, config, partial(record.failed, error))
            raise
        reply = result if isinstance(result, Reply) else Reply(members=result)
        stream = _STREAMS.get(context.operation)
        if stream is None:
            await logs.write(context, config, partial(record.answered, reply))
            return reply
        events = cast("AsyncGenerator[Mapping[str, Members]]", reply.members[stream])
        recorded = _recorded(events, _Written(logs, context, config, record))
        return Reply(members={**reply.members, stream: recorded}, extra_headers=reply.extra_headers)

    return answer


_STREAMS: Final = {"InvokeModelWithResponseStream": "body", "ConverseStream": "stream"}
"""Operation → the member of its output that is the stream."""


class _Record:
    """One record, as far as it is known."""

    def __init__(self, context: RequestContext, params: Members, logging: InvocationLogging) -> None:
        self._context = context
        self._logging = logging
        self._params = params

    def answered(self, reply: Reply) -> dict[str, Any]:
        if self._context.operation == "Converse":
            usage = reply.members.get("usage", {})
            body = _jsonable(reply.members, keeps_bytes=self._logging.delivers_images)
            return self._whole(body, usage.get("inputTokens"), usage.get("outputTokens"))
        counts = reply.extra_headers
        input_tokens = counts.get("x-amzn-bedrock-input-token-count")
        output_tokens = counts.get("x-amzn-bedrock-output-token-count")
        return self._whole(_parsed(reply.members.get("body", b"")), _count(input_tokens), _count(output_tokens))

    def streamed(self, events: list[Mapping[str, Members]], error: BaseException | None) -> dict[str, Any]:
        if self._context.operation == "ConverseStream":
            body = _as_converse(events)
            usage: Members = body.get("usage", {})
            record = self._whole(body, usage.get("inputTokens"), usage.get("outputTokens"))
        else:
            chunks = [_parsed(event["chunk"]["bytes"]) for event in events if "chunk" in event]
            last = chunks[-1] if chunks else None
            metrics: Members = last.get(_METRICS, {}) if isinstance(last, dict) else {}
            record = self._whole(chunks, metrics.get("inputTokenCount"), metrics.get("outputTokenCount"))
        return record if error is None else {**record, "errorCode": _code(error)}

    def failed(self, error: Exception) -> dict[str, Any]:
        return {**self._beginning(None), "errorCode": _code(error)}

    def _whole(self, body: Any, input_tokens: int | None, output_tokens: int | None) -> dict[str, Any]:
        shown = {"outputBodyJson": body} if self._logging.delivers_text else {}
        output = {"outputContentType": _JSON_TYPE, **shown, "outputTokenCount": output_tokens}
        return {**self._beginning(input_tokens), "output": _present(output)}

    def _beginning(self, input_tokens: int | None) -> dict[str, Any]:
        context, params = self._context, self._params
        if "body" in params or context.operation.startswith("Invoke"):
            content_type, body = str(params.get("contentType") or _JSON_TYPE), _parsed(params.get("body", b""))
        else:
            asked = {name: value for name, value in params.items() if name not in ("modelId", "requestMetadata")}
            content_type, body = _JSON_TYPE, _jsonable(asked, keeps_bytes=self._logging.delivers_images)
        shown = {"inputBodyJson": body} if self._logging.delivers_text else {}
        said = params.get("requestMetadata")
        metadata = {"requestMetadata": _pairs(said)} if said else {}
        return {
            "schemaType": "ModelInvocationLog",
            "schemaVersion": "1.0",
            "timestamp": f"{context.received_at:%Y-%m-%dT%H:%M:%SZ}",
            "accountId": context.scope.account_id,
            "identity": {"arn": context.principal.arn},
            "region": context.scope.region,
            "requestId": context.request_id,
            "operation": context.operation,
            "modelId": params["modelId"],
            "input": _present({"inputContentType": content_type, **shown, "inputTokenCount": input_tokens}),
            **metadata,
        }


class _Written:
    """The record of a stream, written once."""

    def __init__(self, logs: InvocationLogs, context: RequestContext, config: dict[str, Any], record: _Record) -> None:
        self._logs = logs
        self._context = context
        self._config = config
        self._record = record
        self._is_written = False

    async def write(self, events: list[Mapping[str, Members]], error: BaseException | None = None) -> None:
        if not self._is_written:
            self._is_written = True
            await self._logs.write(self._context, self._config, partial(self._record.streamed, list(events), error))


async def _recorded(
    events: AsyncGenerator[Mapping[str, Members]], written: _Written
) -> AsyncIterator[Mapping[str, Members]]:
    """The same events; the record is written before the last of them is given on."""
    seen: list[Mapping[str, Members]] = []
    try:
        async with aclosing(events):
            async for event in events:
                seen.append(event)
                if _is_last(event):
                    await written.write(seen)
                yield event
    except Exception as error:
        await written.write(seen, error)
        raise
    finally:
        # The client has left, or the stream ended without the event that is its last.
        await written.write(seen)


def _is_last(event: Mapping[str, Members]) -> bool:
    if "chunk" not in event:
        return "metadata" in event
    chunk: bytes = event["chunk"]["bytes"]
    # Looked for first since it is quick; a model may also have written the words.
    return _METRICS.encode() in chunk and _METRICS in _parsed(chunk)


def _as_converse(events: list[Mapping[str, Members]]) -> Members:
    """What Converse would have answered, of the events of ConverseStream."""
    blocks: dict[int, Members] = {}
    body: Members = {}
    for event in events:
        for name, members in event.items():
            match name:
                case "contentBlockStart":
                    start: Members = members["start"].get("toolUse", {})
                    blocks[members["contentBlockIndex"]] = {"toolUse": {**start, "input": ""}}
                case "contentBlockDelta":
                    delta: Members = members["delta"]
                    if "toolUse" in delta:
                        blocks[members["contentBlockIndex"]]["toolUse"]["input"] += delta["toolUse"]["input"]
                    else:
                        block = blocks.setdefault(members["contentBlockIndex"], {"text": ""})
                        block["text"] += delta.get("text", "")
                case "messageStop":
                    body["stopReason"] = members["stopReason"]
                case "metadata":
                    body |= {name: members[name] for name in ("metrics", "usage") if name in members}
                case _:
                    pass
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = _parsed(block["toolUse"]["input"].encode())
    content = [blocks[index] for index in sorted(blocks)]
    return {"output": {"message": {"role": "assistant", "content": content}}, **body}


def _parsed(body: bytes) -> Any:
    """The JSON that it is; the text, where it is none: a tool's input that broke off, a body that was refused. Also
    where it is nested so deeply that it could not be written again."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")
    # Counted first since that is quick, and nearly always enough.
    is_shallow = body.count(b"[") + body.count(b"{") <= _DEEPEST_BODY or _is_shallow(value)
    return value if is_shallow else body.decode("utf-8", "replace")


def _is_shallow(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST_BODY):
        level = [child for each in level for child in _children(each)]
        if not level:
            return True
    return False


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value).values()
    return cast("list[Any]", value) if isinstance(value, list) else ()


def _jsonable(value: Any, *, keeps_bytes: bool) -> Any:
    """As the members go over the wire; the bytes of images and documents as None where they are not to be kept."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode() if keeps_bytes else None
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value)
        return {name: _jsonable(each, keeps_bytes=keeps_bytes) for name, each in members.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(each, keeps_bytes=keeps_bytes) for each in cast("list[Any]", value)]
    return value


def _code(error: BaseException) -> str:
    codes = codes_of(error, None) if isinstance(error, TanrenError) else ()
    return codes[0] if codes else "InternalServerException"


def _count(text: str | None) -> int | None:
    return None if text is None else int(text)


def _pairs(said: Any) -> Any:
    """InvokeModel's are a text, which may be one that is about to be refused, or has been."""
    return _parsed(said.encode()) if isinstance(said, str) else said


def _present(members: Members) -> Members:
    return {name: value for name, value in members.items() if value is not None}
