"""The API as the console sees it: boto3's clients, with the keys of the user who has signed in and nothing else.

    page ── await api.ask("bedrock", "ListCustomModels", …) ──▶ a thread ──▶ boto3 ──▶ the endpoint, signed by the user

So whatever a page shows or does, its user could have asked for with the same keys, and is refused what they are
refused. The endpoint is any that speaks Bedrock. `tanren`, the service of what Bedrock has no operation for, is known
to boto3 by the models in `ApiEndpoint.models_folder`; an endpoint that lacks it answers with an error, and the pages
that need it say so (`ApiRefusal.lacks_service`).

Cost     a client takes about 50 ms to make, once for each user and service; its descriptions are read once a process.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader

from tanren.domain.errors import TanrenError

Result = TypeVar("Result")

_TIMEOUTS: Final[Mapping[str, int]] = {"bedrock-runtime": 300, "tanren": 180}
"""Seconds; a long answer may be silent for as long as its prompt is read, and a checkpoint answers after a step."""
_SHORT_TIMEOUT: Final = 60
_OURS: Final = "tanren"
_NOT_KNOWN: Final = frozenset({"UnknownServiceError", "UnknownOperationException", "ResponseParserError"})
_NOT_KNOWN_STATUSES: Final = frozenset({404, 405, 500, 501})
"""By which servers of other makers say so, with an error that has no name or one that is none of ours."""
_OUR_ERRORS: Final = frozenset({"ResourceNotFoundException", "InternalServerException"})
"""Of the service's own, those with such a status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiEndpoint:
    url: str | None
    """None: AWS itself."""
    ca_bundle: str | None = None
    """What its certificate is checked against; None for the authorities that the system trusts."""
    models_folder: Path | None = None
    """Further service models, laid out as botocore's data."""


class ApiRefusal(TanrenError):
    """The API has said no, or could not be reached. `str(error)` is its own message."""

    def __init__(
        self, message: str, *, code: str, operation: str, service: str = "", status: int = 0, request_id: str = ""
    ) -> None:
        super().__init__(message)
        self.code = code
        self.operation = operation
        self.service = service
        self.status = status
        """Of the answer; 0 where there was none."""
        self.request_id = request_id

    def __reduce__(self) -> tuple[Callable[..., "ApiRefusal"], tuple[object, ...]]:
        return _refusal, (str(self), self.code, self.operation, self.service, self.status, self.request_id)

    @property
    def is_absence(self) -> bool:
        """Whether the resource is not there, for this user."""
        codes = ("ResourceNotFoundException", "NoSuchKey", "NoSuchBucket")
        return not self.lacks_service and (self.status == 404 or self.code in codes)

    @property
    def lacks_service(self) -> bool:
        """Whether the endpoint has nothing of what only tanren has: AWS itself, or a server of another maker."""
        is_unknown = self.code in _NOT_KNOWN or self.status in _NOT_KNOWN_STATUSES
        return self.service == _OURS and is_unknown and self.code not in _OUR_ERRORS

    @property
    def report(self) -> str:
        """What a user may hand on: no key, no body."""
        lines = [f"operation: {self.operation}", f"error: {self.code}", f"message: {self}"]
        if self.status:
            lines.append(f"status: {self.status}")
        if self.request_id:
            lines.append(f"request id: {self.request_id}")
        return "\n".join(lines)


def _refusal(message: str, code: str, operation: str, service: str, status: int, request_id: str) -> ApiRefusal:
    return ApiRefusal(message, code=code, operation=operation, service=service, status=status, request_id=request_id)


class Api(Protocol):
    """What the pages need of the API. `SignedApi` is the one that is spoken over the wire."""

    async def ask(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        """The answer of one operation, named as AWS names it. Raises   ApiRefusal."""
        ...

    async def open_stream(self, service: str, operation: str, member: str, /, **params: Any) -> Iterator[Any]:
        """The events of an answer's stream, from the answer's `member`; to be read in a thread. Raises   ApiRefusal.

        The iterator is a generator: closing it gives the connection up. It raises ApiRefusal, too.
        """
        ...

    async def beginning_of(self, bucket: str, key: str, /, *, size_bytes: int) -> bytes:
        """At most so much of an S3 object that is not empty. Raises   ApiRefusal."""
        ...

    async def presigned(self, operation: str, /, *, seconds: int, **params: Any) -> str:
        """The URL of one S3 operation, signed with the user's keys."""
        ...


async def if_there(api: Api, operation: str, /, **params: Any) -> dict[str, Any] | None:
    """The answer of an operation of `tanren`; None from an endpoint without it, or to a user who may not ask."""
    try:
        return await api.ask("tanren", operation, **params)
    except ApiRefusal:
        return None


class RememberingApi:
    """The API of one visit. A page may go on without an answer; what was refused to it is remembered, to be told."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._refused: dict[str, ApiRefusal] = {}

    @property
    def refused(self) -> list[ApiRefusal]:
        """One of each operation, but for what is simply not there."""
        return list(self._refused.values())

    async def ask(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        return await self._remembering(self._api.ask(service, operation, **params))

    async def open_stream(self, service: str, operation: str, member: str, /, **params: Any) -> Iterator[Any]:
        return await self._remembering(self._api.open_stream(service, operation, member, **params))

    async def beginning_of(self, bucket: str, key: str, /, *, size_bytes: int) -> bytes:
        return await self._remembering(self._api.beginning_of(bucket, key, size_bytes=size_bytes))

    async def presigned(self, operation: str, /, *, seconds: int, **params: Any) -> str:
        return await self._remembering(self._api.presigned(operation, seconds=seconds, **params))

    async def _remembering(self, asked: Awaitable[Result]) -> Result:
        try:
            return await asked
        except ApiRefusal as refusal:
            if not refusal.is_absence:
                self._refused[refusal.operation] = refusal
            raise


class ApiClients:
    """Makes the API of one user after another. One a process: what botocore reads from disk is read once."""

    def __init__(self, endpoint: ApiEndpoint) -> None:
        self.endpoint = endpoint
        folder = endpoint.models_folder
        self._loader = Loader(extra_search_paths=None if folder is None else [str(folder)])
        self._making = threading.Lock()
        """botocore's loader and session are not safe to use from several threads at once."""

    def signed(self, credentials: Credentials) -> "SignedApi":
        return SignedApi(lambda service: self._client(service, credentials), self.endpoint)

    def _client(self, service: str, credentials: Credentials) -> Any:
        with self._making:
            session = botocore.session.Session()
            session.register_component("data_loader", self._loader)
            return session.create_client(
                service,
                region_name=credentials.region,
                endpoint_url=self.endpoint.url,
                verify=self.endpoint.ca_bundle,
                aws_access_key_id=credentials.access_key_id,
                aws_secret_access_key=credentials.secret_access_key,
                aws_session_token=credentials.session_token,
                config=Config(
                    # The user's keys, whatever this process's environment holds: a bearer token would win over them.
                    signature_version="s3v4" if service == "s3" else "v4",
                    s3={"addressing_style": "path"},
                    proxies={},
                    connect_timeout=10,
                    read_timeout=_TIMEOUTS.get(service, _SHORT_TIMEOUT),
                    retries={"mode": "standard", "total_max_attempts": 2},
                    user_agent_extra="tanren-console",
                ),
            )


class SignedApi:
    """One user's clients, made when they are first needed."""

    def __init__(self, make: Callable[[str], Any], endpoint: ApiEndpoint) -> None:
        self._make = make
        self._clients: dict[str, Any] = {}
        self.endpoint = endpoint

    async def ask(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        return await asyncio.to_thread(self._call, service, operation, params)

    async def open_stream(self, service: str, operation: str, member: str, /, **params: Any) -> Iterator[Any]:
        answer = await self.ask(service, operation, **params)
        return _events(answer[member], service, operation)

    async def beginning_of(self, bucket: str, key: str, /, *, size_bytes: int) -> bytes:
        part = f"bytes=0-{size_bytes - 1}"
        answer = await self.ask("s3", "GetObject", Bucket=bucket, Key=key, Range=part)
        return await asyncio.to_thread(_refusing, answer["Body"].read, "s3", "GetObject")

    async def presigned(self, operation: str, /, *, seconds: int, **params: Any) -> str:
        def sign() -> str:
            return self._client("s3").generate_presigned_url(xform_name(operation), Params=params, ExpiresIn=seconds)

        return await asyncio.to_thread(_refusing, sign, "s3", operation)

    def _call(self, service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        return _refusing(lambda: getattr(self._client(service), xform_name(operation))(**params), service, operation)

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._make(service)
        return self._clients[service]


def _events(stream: Any, service: str, operation: str) -> Iterator[Any]:
    events = iter(stream)
    try:
        while (event := _refusing(lambda: next(events, None), service, operation)) is not None:
            yield event
    finally:
        stream.close()


def _refusing(call: Callable[[], Result], service: str, operation: str) -> Result:
    """The result of the call. Raises   ApiRefusal for whatever botocore or the API have against it."""
    try:
        return call()
    except ClientError as error:
        told = error.response.get("Error", {})
        meta: Mapping[str, Any] = error.response.get("ResponseMetadata", {})
        message: str = told.get("Message", "") or str(error)
        if message.lstrip().startswith("<"):
            message = f"The endpoint answered with a page in place of an error. It may not know {operation}."
        raise ApiRefusal(
            message,
            code=told.get("Code", "Unknown"),
            operation=operation,
            service=service,
            status=int(meta.get("HTTPStatusCode", 0)),
            request_id=str(meta.get("RequestId", "")),
        ) from error
    except (BotoCoreError, ValueError) as error:
        raise ApiRefusal(str(error), code=type(error).__name__, operation=operation, service=service) from error
