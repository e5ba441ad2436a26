"""The gateway's end of an engine host's socket: domain values in, domain values and domain errors out. No tensors here.

A generation is an async generator. Leaving it early (`aclose`, a `break` under `aclosing`, a cancelled task) closes the
connection, and the host frees the sequence's place. A connection whose answer has come whole is kept for the next
request.

Cost     a connection is made as often as more requests are under way than ever before. It is read without asyncio's
         streams: their transport and protocol cost three turns of the loop before the first byte.
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
MOST_KEPT: Final = 64
"""Connections that wait for a next request."""


class EngineClient:
    """Speaks to one engine host, and outlives its restarts: a kept connection that the host has closed is not used."""

    def __init__(self, socket_path: str, *, silence_seconds: float = 300.0) -> None:
        """`silence_seconds`: an answer that brings nothing for so long ends in ModelTimeout. Waiting in the host's
        queue is silence too."""
        self.socket_path = socket_path
        self._silence_seconds = silence_seconds
        self._kept: list[socket.socket] = []

    def __del__(self) -> None:
        for connection in self._kept:
            connection.close()

    async def generate(
        self, request: GenerationRequest, adapter: AdapterRef | None = None
    ) -> AsyncGenerator[GenerationEvent]:
        """The events of one generation, each as soon as the host has made it.

        Raises   what `Engine.generate` raises; ServiceUnavailable if no host answers at the socket;
                 ModelFailed if the host dies before the end; ModelTimeout after too long a silence.
        """
        frame = {"operation": "generate", "request": request_to_json(request), "adapter": adapter_to_json(adapter)}
        async with self._answer(frame, during="its answer") as lines:
            while not lines.are_over:
                event = event_from_frame(await lines.next_frame())
                # Known before the reader has the event: it may leave with that.
                lines.are_over = isinstance(event, GenerationEnd)
                yield event

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
        async with self._answer(frame, during=f"the operation {frame['operation']}") as lines:
            answer = await lines.next_frame()
            raise_carried_error(answer)
            lines.are_over = True
        return answer["done"]

    @asynccontextmanager
    async def _answer(self, frame: Frame, *, during: str) -> AsyncGenerator["_Lines"]:
        """The host's answer to `frame`, which has been sent. Its connection is closed when the block is left, or kept
        where the answer has been read to its end."""
        connection = self._kept_one() or self._connected()
        lines = _Lines(connection, self._silence_seconds, during)
        try:
            with suppress(ConnectionError):
                # The host may have answered with an error before it died or hung up: reading says which.
                await asyncio.get_running_loop().sock_sendall(connection, encode_frame(frame))
            yield lines
        finally:
            if lines.are_over and not lines.has_more and len(self._kept) < MOST_KEPT:
                self._kept.append(connection)
            else:
                connection.close()

    def _kept_one(self) -> socket.socket | None:
        """A connection that the host has not closed meanwhile."""
        while self._kept:
            connection = self._kept.pop()
            try:
                connection.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                return connection  # open, and silent, as it should be
            except ConnectionError:
                pass
            connection.close()
        return None

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            connection.connect(self.socket_path)
        except OSError as error:
            connection.close()
            if isinstance(error, BlockingIOError):  # a Unix socket's way to say that its backlog is full
                raise Throttled("Too many requests, please wait before trying again.") from error
            if isinstance(error, FileNotFoundError | ConnectionRefusedError):
                raise ServiceUnavailable(
                    f"the engine host at {self.socket_path} is not running; it may be starting, or its log says why"
                ) from error
            raise
        return connection


class _Lines:
    """What comes over a connection, line by line."""

    def __init__(self, connection: socket.socket, silence_seconds: float, during: str) -> None:
        """`during`: in words, what it is that the host answers."""
        self._connection = connection
        self.are_over = False
        """The answer's last line has been read."""
        self._silence_seconds = silence_seconds
        self._during = during
        self._read = bytearray()
        self._searched = 0
        """Bytes of `_read` in which there is no end of a line."""

    @property
    def has_more(self) -> bool:
        """Bytes have come that nobody asked for."""
        return bool(self._read)

    async def next_frame(self) -> Frame:
        """Raises   ModelFailed where the connection has ended before it; ModelTimeout after too long a silence."""
        try:
            line = await self._next()
        except ConnectionError:
            line = b""
        if not line.endswith(b"\n"):
            raise ModelFailed(
                f"the engine host ended unexpectedly during {self._during}; the request may be sent again"
            )
        return decode_frame(line)

    async def _next(self) -> bytes:
        """With its newline; without one where the connection has ended in mid-line, empty where it has ended.

        Raises   ConnectionError; ModelFailed for a line that is longer than any the host sends.
        """
        while (end := self._read.find(b"\n", self._searched)) < 0:
            self._searched = len(self._read)
            if self._searched > FRAME_LIMIT_BYTES:
                raise ModelFailed(f"the engine host's socket carried a line of more than {FRAME_LIMIT_BYTES} bytes")
            if not await self._more():
                return bytes(self._read)
        line = bytes(self._read[: end + 1])
        del self._read[: end + 1]
        self._searched = 0
        return line

    async def _more(self) -> bool:
        """Reads on; False where the connection has ended. Raises   ConnectionError; ModelTimeout."""
        try:
            async with asyncio.timeout(self._silence_seconds):
                piece = await asyncio.get_running_loop().sock_recv(self._connection, READ_BYTES)
        except TimeoutError as error:
            raise ModelTimeout(
                f"the engine host said nothing for {self._silence_seconds:g} s during {self._during}"
            ) from error
        self._read += piece
        return bool(piece)
