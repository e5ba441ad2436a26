"""What a handler is given and what it may return.

A handler is a plain function (run in a worker thread) or an async function, of the request's context and the parsed,
validated parameters; it answers with the members of the operation's output shape, or with a `Reply` where response
headers outside the model go with them. Errors are raised from `domain/errors.py`; `aws/errors.py` gives them codes.

    def get_custom_model(context: RequestContext, params: Members) -> Members:
        model = control.get(context.scope, params["modelIdentifier"])
        return {"modelArn": model.arn, "creationTime": model.created_at}

    async def converse_stream(context: RequestContext, params: Members) -> Members:
        return {"stream": events()}          # an async iterator of {"contentBlockDelta": {...}}
"""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, cast

from tanren.aws.signatures import BearerTokenType
from tanren.domain.scope import Scope

Members = dict[str, Any]
"""Members of an input or output shape by name: str, int, float, bool, bytes, aware datetime, list, dict."""

Events = AsyncIterator[Mapping[str, Members]]
"""What a streaming operation puts at its event-stream member: {event name: {its members}}, one event an item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who signed the request."""

    arn: str
    account_id: str
    access_key_id: str
    bearer_token_type: BearerTokenType | None = None
    """Set where a Bedrock API key took the place of a signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestContext:
    request_id: str
    service: str
    """The service's name in the models: `bedrock`, `bedrock-runtime`."""
    operation: str
    scope: Scope
    principal: Principal
    source_ip: str
    user_agent: str
    received_at: datetime
    headers: Mapping[str, str]
    """By lower-case name, without credentials; a repeated header is joined with commas."""
    is_secure: bool = False
    """Whether it came over TLS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer with response headers that the model does not have, such as `x-amzn-bedrock-input-token-count`."""

    members: Members
    extra_headers: Mapping[str, str] = field(default_factory=dict[str, str])


SyncHandler = Callable[[RequestContext, Members], Members | Reply]
"""Runs in a worker thread; may block on the database."""

AsyncHandler = Callable[[RequestContext, Members], Awaitable[Members | Reply]]
"""Runs on the event loop; must not block. It is cancelled when the client goes away, so it keeps no state half done."""

Handler = SyncHandler | AsyncHandler

Handlers = Mapping[str, Mapping[str, Handler]]
"""Service name → operation name → handler. The services that are ours are exactly the keys."""


@cache
def is_async(handler: Handler) -> bool:
    """Whether `handler` answers with an awaitable; objects with an async `__call__` count."""
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(cast("Any", handler).__call__)
