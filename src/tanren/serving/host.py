"""An engine behind a Unix socket: one request at a time on a connection, lines of JSON (`serving/wire.py`).

The engine is threaded and this is async. They meet in two places: calls into the engine run in a worker thread, and its
events come back through an `Outbox`, each as soon as it is made where somebody reads along.

A client that closes its side has cancelled; one whose answer is whole may ask again. `drain` lets what is under way
finish, for a while.
"""

import asyncio
import logging
import os
import socket
import stat
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from tanren.domain.conversation import Conversation
from tanren.domain.errors import ModelFailed, TanrenError, ValidationFailed
from tanren.serving.outgoing import Gathering, Outbox, Outgoing
from tanren.serving.protocol import Engine
from tanren.serving.wire import (
    FRAME_LIMIT_BYTES,
    Frame,
    adapter_from_json,
    decode_frame,
    description_to_json,
    encode_frame,
    error_to_frame,
    request_from_json,
)

logger = logging.getLogger(__name__)

LONGEST_SOCKET_PATH: Final = 107
"""Bytes, on Linux; a limit of Unix sockets themselves."""


class EngineHost:
    """Serves one engine at one socket."""

    def __init__(self, engine: Engine, socket_path: Path) -> None:
        self._engine = engine
        self._socket_path = socket_path
        self._server: asyncio.Server | None = None
        self._outbox: Outbox | None = None
        self._inode = 0
        self._answering: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Task[None]] = set()
        """Connections without a request."""
        self._is_draining = False

    async def start(self) -> None:
        """Answers at the socket from now on. A socket that an earlier host left there is replaced.

        Raises   ValidationFailed if the path is too long for a socket.
        """
        staging = self._socket_path.with_name(f"{self._socket_path.name}.{os.getpid()}")
        if len(os.fsencode(staging)) > LONGEST_SOCKET_PATH:
            raise ValidationFailed(
                f"the socket path {staging} is longer than {LONGEST_SOCKET_PATH} bytes; choose a shorter folder"
            )
        staging.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(staging))
        staging.chmod(stat.S_IRUSR | stat.S_IWUSR)
        self._inode = staging.stat().st_ino
        self._server = await asyncio.start_unix_server(
            self._connected, sock=listener, limit=FRAME_LIMIT_BYTES, backlog=1024
        )
        self._outbox = Outbox(asyncio.get_running_loop())
        # Only now has the socket its name: whoever finds it, is answered.
        staging.rename(self._socket_path)

    async def drain(self, seconds: float) -> None:
        """Takes no more requests, and returns when all answers are given or the time is over."""
        self._is_draining = True
        waiting = [*self._waiting]
        for task in waiting:
            task.cancel()
        if self._server is not None:
            self._server.close()
            self._remove_socket()
        if waiting:
            await asyncio.wait(waiting)
        if self._answering:
            logger.info("draining %d answers for at most %g s", len(self._answering), seconds)
            _, unfinished = await asyncio.wait(self._answering, timeout=seconds)
            for task in unfinished:
                task.cancel()
            if unfinished:
                await asyncio.wait(unfinished)

    def _remove_socket(self) -> None:
        """Unless a newer host already has the name."""
        try:
            if self._socket_path.stat().st_ino == self._inode:
                self._socket_path.unlink()
        except FileNotFoundError:
            pass

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        # The next request, or the end of the connection, which during an answer says that the client has left.
        following = asyncio.ensure_future(reader.readline())
        try:
            self._waiting.add(task)
            while not self._is_draining and (line := await following).endswith(b"\n"):
                self._waiting.discard(task)
                self._answering.add(task)
                following = asyncio.ensure_future(reader.readline())
                await self._answer(line, following, writer)
                self._answering.discard(task)
                self._waiting.add(task)
        except ConnectionError:
            pass  # The client has left; what it asked for was cancelled on the way here.
        except asyncio.CancelledError:
            pass  # Only `drain` cancels, at once or past its time; the closed connection tells the client.
        finally:
            self._waiting.discard(task)
            self._answering.discard(task)
            if not following.cancel() and not following.cancelled():
                following.exception()  # looked at: that the connection broke is no news
            writer.close()

    async def _answer(self, line: bytes, following: "asyncio.Future[bytes]", writer: asyncio.StreamWriter) -> None:
        try:
            frame = decode_frame(line)
            operation = self._operations().get(frame.get("operation", ""))
            if operation is None:
                raise ModelFailed(f"the engine host has no operation '{frame.get('operation')}'")
            await operation(frame, following, writer)
        except TanrenError as error:
            await _send(writer, error_to_frame(error))
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:
            logger.exception("an operation of the engine host failed")
            await _send(writer, error_to_frame(ModelFailed("the engine host failed; its log has the reason")))

    def _operations(
        self,
    ) -> dict[str, Callable[[Frame, "asyncio.Future[bytes]", asyncio.StreamWriter], Coroutine[Any, Any, None]]]:
        return {
            "generate": self._generate,
            "count_tokens": self._count_tokens,
            "load_adapter": self._load_adapter,
            "unload_adapter": self._unload_adapter,
            "describe": self._describe,
            "ping": self._ping,
        }

    async def _generate(self, frame: Frame, following: "asyncio.Future[bytes]", writer: asyncio.StreamWriter) -> None:
        request, adapter = request_from_json(frame["request"]), adapter_from_json(frame["adapter"])
        assert self._outbox is not None
        answer = Outgoing(self._outbox, writer)
        sink = answer.hear if request.is_streamed else Gathering(answer.hear).hear
        following.add_done_callback(answer.abandon)
        try:
            generation = await asyncio.to_thread(self._engine.generate, request, adapter, sink)
            try:
                await answer.is_over.wait()
                await writer.drain()
            finally:
                generation.cancel()
        finally:
            following.remove_done_callback(answer.abandon)
            answer.is_over.set()
        if not answer.is_whole:
            raise ConnectionAbortedError("the client has left, or asked again before its answer was whole")

    async def _count_tokens(self, frame: Frame, _: "asyncio.Future[bytes]", writer: asyncio.StreamWriter) -> None:
        conversation = Conversation.from_json(frame["conversation"])
        count = await asyncio.to_thread(self._engine.count_input_tokens, conversation)
        await _send(writer, {"done": {"input_token_count": count}})

    async def _load_adapter(self, frame: Frame, _: "asyncio.Future[bytes]", writer: asyncio.StreamWriter) -> None:
        adapter = adapter_from_json(frame["adapter"])
        assert adapter is not None
        await asyncio.to_thread(self._engine.load_adapter, adapter)
        await _send(writer, {"done": {}})

    async def _unload_adapter(self, frame: Frame, _: "asyncio.Future[bytes]", writer: asyncio.StreamWriter) -> None:
        adapter = adapter_from_json(frame["adapter"])
        assert adapter is not None
        self._engine.unload_adapter(adapter)
        await _send(writer, {"done": {}})

    async def _describe(self, _frame: Frame, _: "asyncio.Future[bytes]", writer: asyncio.StreamWriter) -> None:
        await _send(writer, {"done": description_to_json(self._engine.describe())})

    async def _ping(self, _frame: Frame, _: "asyncio.Future[bytes]", writer: asyncio.StreamWriter) -> None:
        await _send(writer, {"done": {}})


async def _send(writer: asyncio.StreamWriter, frame: Frame) -> None:
    writer.write(encode_frame(frame))
    await writer.drain()
