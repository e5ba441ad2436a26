"""A vLLM server's OpenAI-compatible API, as far as the engine uses it: token ids in, token ids out.

It is spoken over a Unix socket in a folder of ours, with a key that only the server and we know, so that no other user
of this machine can ask it, or answer in its place. One connection a request; a generation that is left early has its
connection closed, which is how vLLM is told to give it up.

Every answer is compared with what was asked for: where no model is named, or one that it does not know by a resolver,
vLLM may answer with another one.

Source   vLLM 0.32's `entrypoints/openai` and `entrypoints/serve/lora`, and its documentation of the same.
"""

import http.client
import json
import socket
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from tanren.domain.errors import ModelFailed, ModelTimeout, ServiceUnavailable, TanrenError, Throttled, ValidationFailed

Json = dict[str, Any]

SILENCE_SECONDS: Final = 300.0
"""A generation that brings nothing for so long has failed."""
ANSWER_SECONDS: Final = 120.0
"""The same for everything else: loading an adapter, reading the canary."""
HEALTH_SECONDS: Final = 10.0
DATA: Final = b"data: "


class VllmRefused(Exception):
    """The server answered with an error. Never leaves the engine: `refusal_of` says what it means to the caller."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message

    def __str__(self) -> str:
        return f"{self.status}: {self.message}"


class VllmGone(Exception):
    """The server is not there, or went away before it had answered."""


def refusal_of(error: VllmRefused) -> TanrenError:
    """What the answer to a generation means to the caller."""
    match error.status:
        case HTTPStatus.BAD_REQUEST | HTTPStatus.UNPROCESSABLE_ENTITY:
            return ValidationFailed(f"vLLM refuses the request: {error.message}")
        case HTTPStatus.TOO_MANY_REQUESTS:
            return Throttled(f"Too many requests, please wait before trying again. vLLM says: {error.message}")
        case HTTPStatus.SERVICE_UNAVAILABLE:
            return ServiceUnavailable(f"vLLM cannot answer now, the request may be sent again: {error.message}")
        case _:
            return ModelFailed(f"vLLM failed on this request ({error})")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenChunk:
    """The next tokens of an answer."""

    token_ids: list[int]
    is_last: bool
    """vLLM has ended the answer with these."""


class Completion:
    """One generation under way. Iterated by one thread; `abort` comes from any."""

    def __init__(self, connection: "_UnixConnection", model: str, path: str, body: Json, headers: Json) -> None:
        self._connection = connection
        self._model = model
        self._request = (path, body, headers)

    def abort(self) -> None:
        """The iteration ends soon, with VllmGone; vLLM gives the sequence up. More than once is once."""
        self._connection.hang_up()

    def __iter__(self) -> Generator[TokenChunk]:
        """The chunks, each as soon as it has been made. Closing the generator closes the connection.

        Raises   VllmRefused, VllmGone, ModelTimeout; ModelFailed where another model answers than was asked.
        """
        path, body, headers = self._request
        try:
            response = self._connection.answer("POST", path, body, headers)
            _check_status(response)
            for event in _events(response):
                _check_model(event, self._model)
                yield from _chunks(event)
        finally:
            self._connection.close()


@dataclass(frozen=True, slots=True)
class VllmApi:
    """Used from any thread; holds nothing but the address."""

    socket: Path
    key: str = field(repr=False)

    def is_healthy(self) -> bool:
        """Whether the server answers and its engine is alive."""
        try:
            self._ask("GET", "/health", seconds=HEALTH_SECONDS)
        except (VllmRefused, VllmGone, ModelTimeout):
            return False
        return True

    def version(self) -> str:
        return str(self._json("GET", "/version").get("version", "of unknown version"))

    def models(self) -> dict[str, Json]:
        """Everything that can be asked for, by name: the base and the adapters that are loaded."""
        listed = self._json("GET", "/v1/models").get("data", [])
        return {str(card["id"]): card for card in listed}

    def load_adapter(self, name: str, folder: Path) -> None:
        """Raises   VllmRefused. That it returns does not yet mean that the adapter takes part: `vllm_adapters.py`."""
        self._ask("POST", "/v1/load_lora_adapter", {"lora_name": name, "lora_path": str(folder)})

    def unload_adapter(self, name: str) -> None:
        self._ask("POST", "/v1/unload_lora_adapter", {"lora_name": name})

    def prompt_logprobs(self, model: str, prompt_ids: Sequence[int]) -> list[float]:
        """Log-probability of each token of the prompt but the first, in nats: what the model makes of a fixed text."""
        answer = self._json(
            "POST",
            "/v1/completions",
            {"model": model, "prompt": list(prompt_ids), "max_tokens": 1, "temperature": 0.0, "prompt_logprobs": 0},
        )
        _check_model(answer, model)
        positions = answer["choices"][0].get("prompt_logprobs") or []
        if len(positions) != len(prompt_ids):
            raise ModelFailed(f"vLLM gave {len(positions)} log-probabilities for a prompt of {len(prompt_ids)} tokens")
        return [float(at[str(token)]["logprob"]) for token, at in zip(prompt_ids[1:], positions[1:], strict=True)]

    def complete(self, model: str, members: Json) -> Completion:
        """A generation, not yet asked for: iterating it does that."""
        body = {**members, "model": model, "stream": True, "return_token_ids": True}
        connection = _UnixConnection(self.socket, SILENCE_SECONDS)
        return Completion(connection, model, "/v1/completions", body, self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}

    def _json(self, method: str, path: str, body: Json | None = None) -> Json:
        text = self._ask(method, path, body)
        try:
            return json.loads(text)
        except ValueError as error:
            raise ModelFailed(f"vLLM answered {path} with what is no JSON: {text[:200]!r}") from error

    def _ask(self, method: str, path: str, body: Json | None = None, *, seconds: float = ANSWER_SECONDS) -> bytes:
        connection = _UnixConnection(self.socket, seconds)
        try:
            response = connection.answer(method, path, body, self._headers())
            _check_status(response)
            return _read(response)
        finally:
            connection.close()


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket, for one request."""

    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__("vllm", timeout=seconds)
        self._path = str(path)
        self._is_hung_up = False
        self._socket: socket.socket | None = None
        self._response: http.client.HTTPResponse | None = None

    def connect(self) -> None:
        # Kept beside `sock`, which http.client lets go as soon as it knows that the server will close.
        self._socket = self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
        if self._is_hung_up:
            raise ConnectionAbortedError

    def close(self) -> None:
        super().close()
        if self._response is not None:
            self._response.close()

    def hang_up(self) -> None:
        """From any thread: whoever reads from the connection finds its end."""
        self._is_hung_up = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def answer(self, method: str, path: str, body: Json | None, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        content = None if body is None else json.dumps(body).encode()
        with _translated(path):
            self.request(method, path, content, dict(headers))
            self._response = self.getresponse()
            return self._response


class _translated:
    """What sockets and HTTP raise, as VllmGone or ModelTimeout."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, TimeoutError):
            raise ModelTimeout(f"vLLM said nothing for too long ({self._what})") from error
        if isinstance(error, OSError | http.client.HTTPException):
            raise VllmGone(f"{type(error).__name__} at {self._what}") from error


def _read(response: http.client.HTTPResponse) -> bytes:
    with _translated("an answer"):
        return response.read()


def _check_status(response: http.client.HTTPResponse) -> None:
    if response.status >= HTTPStatus.BAD_REQUEST:
        raise VllmRefused(response.status, _message_of(_read(response)))


def _message_of(body: bytes) -> str:
    try:
        error: Any = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return body[:500].decode(errors="replace") or "no reason given"
    return str(error.get("message", error)) if isinstance(error, dict) else str(error)


def _events(response: http.client.HTTPResponse) -> Generator[Json]:
    """The events of a stream, until it says that it is complete. Raises   VllmGone where it ends before that."""
    while True:
        with _translated("a stream"):
            line = response.readline()
        if not line:
            raise VllmGone("the stream ended before the answer did")
        if not line.startswith(DATA):
            continue  # a blank line between events, or a comment that keeps the connection alive
        text = line.removeprefix(DATA).strip()
        if text == b"[DONE]":
            return
        try:
            event: Json = json.loads(text)
        except ValueError as error:
            raise ModelFailed(f"vLLM streamed what is no JSON: {text[:200]!r}") from error
        if "error" in event:
            failure: Json = event["error"]
            raise VllmRefused(int(failure.get("code", 500)), str(failure.get("message", failure)))
        yield event


def _check_model(answer: Json, model: str) -> None:
    if answer.get("model") != model:
        raise ModelFailed(
            f"vLLM answered with the model {answer.get('model')!r} where {model!r} was asked; the answer is withheld"
        )


def _chunks(event: Json) -> Generator[TokenChunk]:
    for choice in event.get("choices", ()):
        token_ids = choice.get("token_ids")
        if token_ids is None:
            raise ModelFailed("vLLM streamed an answer without its token ids; tanren is made for vLLM 0.32 and later")
        yield TokenChunk(token_ids=list(token_ids), is_last=choice.get("finish_reason") is not None)
