"""InvokeModel and Converse for the records of a batch job: the operations that online callers have, without HTTP.

A record's `modelInput` is the request's JSON body and its `modelOutput` the response's, so both go through the shapes
of the service model, and an error has the status and the text that it would have online.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from tanren.aws.context import AsyncHandler, Members, Principal, Reply, RequestContext
from tanren.aws.errors import WireError, fault_of
from tanren.aws.operations.bedrock_runtime import INPUT_TOKEN_COUNT, OUTPUT_TOKEN_COUNT
from tanren.aws.parsing import from_json
from tanren.aws.serialization import to_json
from tanren.aws.service_models import Operation, load_service
from tanren.aws.validation import validate
from tanren.domain.clock import Clock
from tanren.domain.errors import TanrenError, ValidationFailed
from tanren.domain.scope import Scope
from tanren.runtime.batch_records import ModelOutput, RecordOperation

SERVICE = "bedrock-runtime"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCaller:
    """On whose behalf the records are put, and to which model."""

    scope: Scope
    role_arn: str
    model_id: str
    job_arn: str


class _Operation(Protocol):
    """What the two operations differ in."""

    def params(self, body: Json) -> Members: ...

    def output(self, answer: Members | Reply) -> ModelOutput: ...


def batch_operation(
    name: str, handlers: Mapping[str, AsyncHandler], caller: BatchCaller, *, clock: Clock
) -> RecordOperation:
    """`InvokeModel` or `Converse`, as the job's modelInvocationType has it."""
    operation = load_service(SERVICE).operation(name)
    kinds: dict[str, Callable[[], _Operation]] = {
        "InvokeModel": _InvokeModel,
        "Converse": lambda: _Converse(operation, caller.model_id),
    }
    return _BatchOperation(operation, handlers[name], kinds[name](), caller, clock)


class _BatchOperation:
    def __init__(
        self, operation: Operation, handler: AsyncHandler, kind: _Operation, caller: BatchCaller, clock: Clock
    ) -> None:
        self._operation = operation
        self._handler = handler
        self._kind = kind
        self._caller = caller
        self._clock = clock

    async def answer(self, model_input: Json) -> ModelOutput:
        try:
            params = {"modelId": self._caller.model_id, **self._kind.params(model_input)}
        except WireError as error:
            raise ValidationFailed(error.message) from error
        return self._kind.output(await self._handler(self._context(), params))

    def error(self, error: TanrenError) -> Json:
        fault = fault_of(error, self._operation, request_id=self._caller.job_arn)
        return {"errorCode": fault.status, "errorMessage": fault.message}

    def _context(self) -> RequestContext:
        caller = self._caller
        return RequestContext(
            request_id=caller.job_arn,
            service=SERVICE,
            operation=self._operation.name,
            scope=caller.scope,
            # As on AWS, where the service assumes the role that the job was given.
            principal=Principal(arn=caller.role_arn, account_id=caller.scope.account_id, access_key_id=""),
            source_ip="bedrock.amazonaws.com",
            user_agent="bedrock.amazonaws.com",
            received_at=self._clock(),
            headers={},
        )


class _InvokeModel:
    def params(self, body: Json) -> Members:
        # In ASCII, so that half of a surrogate pair is refused by the body format, as it is online.
        return {"body": json.dumps(body, separators=(",", ":")).encode()}

    def output(self, answer: Members | Reply) -> ModelOutput:
        assert isinstance(answer, Reply)
        return ModelOutput(
            body=json.loads(answer.members["body"]),
            input_token_count=int(answer.extra_headers[INPUT_TOKEN_COUNT]),
            output_token_count=int(answer.extra_headers[OUTPUT_TOKEN_COUNT]),
        )


class _Converse:
    def __init__(self, operation: Operation, model_id: str) -> None:
        assert operation.input is not None
        assert operation.output is not None
        self._operation = operation
        self._model_id = model_id
        self._taken = {m.wire_name: m for m in operation.input.members.values() if m.location == "body"}
        self._given = operation.output.members

    def params(self, body: Json) -> Members:
        unknown = [key for key in body if key not in self._taken]
        if unknown:
            raise ValidationFailed(
                f"Malformed input request: #: extraneous key [{unknown[0]}] is not permitted, please reformat your "
                f"input and try again. A Converse record takes {', '.join(sorted(self._taken))}."
            )
        found = {
            member.name: from_json(body[name], member.shape, f"/{name}", member)
            for name, member in self._taken.items()
            if body.get(name) is not None
        }
        validate(self._operation, {"modelId": self._model_id, **found})
        return found

    def output(self, answer: Members | Reply) -> ModelOutput:
        members = answer.members if isinstance(answer, Reply) else answer
        body = {
            self._given[name].wire_name: to_json(value, self._given[name].shape, f"/{name}", self._given[name])
            for name, value in members.items()
            if value is not None and self._given[name].location == "body"
        }
        usage = cast("dict[str, int]", members["usage"])
        return ModelOutput(body=body, input_token_count=usage["inputTokens"], output_token_count=usage["outputTokens"])
