"""The gateway's end of an engine host's socket: domain values in, domain values and domain errors out. No tensors here.

A generation is an async generator. Leaving it early (`aclose`, a `break` under `aclosing`, a cancelled task) closes the
connection, and the host frees the sequence's place.

Cost     one connection to a Unix socket a request. It is read without asyncio's streams: their transport and protocol
         cost three turns of the loop before the first byte, for every request.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Final

from tanren.domain.conversation import Conversation
from tanren.domain.errors import ModelFailed, ModelTimeout, ServiceUnavailable, Throttled
from tanren.domain.generation import GenerationEnd, GenerationEvent, GenerationRequest
from tanren.serving.protocol import AdapterRef, EngineDescription
from tanren.serving.wire import (
    FRAME_LIMIT_BYTES,
    Frame,
    adapter_to_json,
    decode_frame,
    description_from_json,
    encode_frame,
    event_from_frame,
    raise_carried_error,
    request_to_json,
)

READ_BYTES: Final = 64 * 1024


class EngineClient:
    """Speaks to one engine host; holds no connection between calls, so it outlives restarts of the host."""

    def __init__(self, socket_path: str, *, silence_seconds: float = 300.0) -> None:
        """`silence_seconds`: an answer that brings nothing for so long ends in ModelTimeout. Waiting in the host's
        queue is silence too."""
        self.socket_path = socket_path
        self._silence_seconds = silence_seconds

    async def generate(
        self, request: GenerationRequest, adapter: AdapterRef | None = None
    ) -> AsyncGenerator[GenerationEvent]:
        """The events of one generation, each as soon as the host has made it.

        Raises   what `Engine.generate` raises; ServiceUnavailable if no host answers at the socket;
                 ModelFailed if the host dies before the end; ModelTimeout after too long a silence.
        """
        frame = {"operation": "generate", "request": request_to_json(request), "adapter": adapter_to_json(adapter)}
        async with self._connection(frame) as lines:
            while True:
                event = event_from_frame(await self._next_frame(lines, during="its answer"))
                yield event
                if isinstance(event, GenerationEnd):
                    return

    async def count_input_tokens(self, conversation: Conversation) -> int:
        done = await self._ask({"operation": "count_tokens", "conversation": conversation.to_json()})
        return int(done["input_token_count"])

    async def load_adapter(self, adapter: AdapterRef) -> None:
        """Returns when the adapter is resident and checked. Raises   what `Engine.load_adapter` raises."""
        await self._ask({"operation": "load_adapter", "adapter": adapter_to_json(adapter)})

    async def unload_adapter(self, adapter: AdapterRef) -> None:
        await self._ask({"operation": "unload_adapter", "adapter": adapter_to_json(adapter)})

    async def describe(self) -> EngineDescription:
        return description_from_json(await self._ask({"operation": "describe"}))

    async def ping(self) -> None:
        """Returns if the host answers. Raises   ServiceUnavailable, ModelFailed or ModelTimeout if not."""
        await self._ask({"operation": "ping"})

    async def _ask(self, frame: Frame) -> Frame:
        async with self._connection(frame) as lines:
            answer = await self._next_frame(lines, during=f"the operation {frame['operation']}")
        raise_carried_error(answer)
        return answer["done"]

    @asynccontextmanager
    async def _connection(self, frame: Frame) -> AsyncGenerator["_Lines"]:
        """The host's answer to `frame`, which has been sent; the connection is closed when the block is left."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.setblocking(False)
            try:
                connection.connect(self.socket_path)
            except (FileNotFoundError, ConnectionRefusedError) as error:
                raise ServiceUnavailable(
                    f"the engine host at {self.socket_path} is not running; it may be starting, or its log says why"
                ) from error
            except BlockingIOError as error:  # a Unix socket's way to say that its backlog is full
                raise Throttled("Too many requests, please wait before trying again.") from error
            with suppress(ConnectionError):
                # The host may have answered with an error before it died or hung up: reading says which.
                await asyncio.get_running_loop().sock_sendall(connection, encode_frame(frame))
            yield _Lines(connection)

    async def _next_frame(self, lines: "_Lines", *, during: str) -> Frame:
        try:
            async with asyncio.timeout(self._silence_seconds):
                line = await lines.next()
        except TimeoutError as error:
            raise ModelTimeout(
                f"the engine host said nothing for {self._silence_seconds:g} s during {during}"
            ) from error
        except ConnectionError:
            line = b""
        if not line.endswith(b"\n"):
            raise ModelFailed(f"the engine host ended unexpectedly during {during}; the request may be sent again")
        return decode_frame(line)


class _Lines:
    """What comes over a connection, line by line."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._read = bytearray()
        self._searched = 0
        """Bytes of `_read` in which there is no end of a line."""

    async def next(self) -> bytes:
        """With its newline; without one where the connection has ended in mid-line, empty where it has ended.

        Raises   ConnectionError; ModelFailed for a line that is longer than any the host sends.
        """
        while (end := self._read.find(b"\n", self._searched)) < 0:
            self._searched = len(self._read)
            if self._searched > FRAME_LIMIT_BYTES:
                raise ModelFailed(f"the engine host's socket carried a line of more than {FRAME_LIMIT_BYTES} bytes")
            piece = await asyncio.get_running_loop().sock_recv(self._connection, READ_BYTES)
            if not piece:
                return bytes(self._read)
            self._read += piece
        line = bytes(self._read[: end + 1])
        del self._read[: end + 1]
        self._searched = 0
        return line
