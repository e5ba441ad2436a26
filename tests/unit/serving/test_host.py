"""A request through the socket: events at once, errors as themselves, and a client that leaves is forgotten."""

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, aclosing, asynccontextmanager
from pathlib import Path

import pytest

from tanren.domain.conversation import user_turn
from tanren.domain.errors import ModelFailed, ModelTimeout, ServiceUnavailable, Throttled, ValidationFailed
from tanren.domain.generation import GenerationEnd, GenerationStart, TextDelta
from tanren.serving.client import EngineClient
from tanren.serving.host import EngineHost
from tanren.serving.protocol import AdapterRef
from tanren.serving.wire import encode_frame, request_to_json
from tests.unit.serving.listening import asked
from tests.unit.serving.scripted_engine import ScriptedEngine

ADAPTER = AdapterRef(folder="/adapters/a", sha256="a1")


@asynccontextmanager
async def hosting(engine: ScriptedEngine, folder: Path) -> AsyncIterator[tuple[EngineHost, EngineClient]]:
    host = EngineHost(engine, folder / "s")
    await host.start()
    try:
        yield host, EngineClient(str(folder / "s"), silence_seconds=60)
    finally:
        await host.drain(0)


def with_host(engine: ScriptedEngine, folder: Path, story: Callable[[EngineClient], Awaitable[None]]) -> None:
    async def told() -> None:
        async with asyncio.timeout(60), hosting(engine, folder) as (_, client):
            await story(client)

    asyncio.run(told())


def test_an_answer_comes_through_whole(tmp_path: Path):
    engine = ScriptedEngine(answer=("The", " lo 😀"))
    request = asked("hi", temperature=0.5, stop_sequences=("x",), seed=4, top_k=7)

    async def story(client: EngineClient) -> None:
        events = [event async for event in client.generate(request, ADAPTER)]
        assert [type(event) for event in events] == [GenerationStart, TextDelta, TextDelta, GenerationEnd]
        assert events[2] == TextDelta(text=" lo 😀", output_token_count=2)

    with_host(engine, tmp_path, story)
    assert (engine.generations[0].request, engine.generations[0].adapter) == (request, ADAPTER)


def test_each_token_is_sent_before_the_next_is_made(tmp_path: Path):
    engine = ScriptedEngine()

    async def story(client: EngineClient) -> None:
        async with aclosing(client.generate(asked())) as events:
            assert isinstance(await anext(events), GenerationStart)
            for text in ("a", "b", "c"):
                engine.generations[0].make(text)
                event = await anext(events)
                assert isinstance(event, TextDelta)
                assert event.text == text

    with_host(engine, tmp_path, story)


def test_an_answer_that_nobody_reads_along_comes_in_one_piece(tmp_path: Path):
    engine = ScriptedEngine(answer=("The", " lo", " 😀"))

    async def story(client: EngineClient) -> None:
        events = [event async for event in client.generate(asked(is_streamed=False))]
        assert events[1:-1] == [TextDelta(text="The lo 😀", output_token_count=3)]
        assert [type(event) for event in (events[0], events[-1])] == [GenerationStart, GenerationEnd]

    with_host(engine, tmp_path, story)


def test_a_client_that_leaves_early_cancels(tmp_path: Path):
    engine = ScriptedEngine()

    async def story(client: EngineClient) -> None:
        async with aclosing(client.generate(asked())) as events:
            await anext(events)
        assert await asyncio.to_thread(engine.generations[0].cancelled.wait, 60)

    with_host(engine, tmp_path, story)


def test_a_cancelled_task_cancels_the_answer(tmp_path: Path):
    engine = ScriptedEngine()

    async def story(client: EngineClient) -> None:
        async def read() -> None:
            async for _ in client.generate(asked()):
                pass

        task = asyncio.create_task(read())
        assert await asyncio.to_thread(engine.arrived.acquire, timeout=60)
        task.cancel()
        assert await asyncio.to_thread(engine.generations[0].cancelled.wait, 60)

    with_host(engine, tmp_path, story)


def test_a_refusal_and_a_failure_on_the_way_are_raised_as_what_they_are(tmp_path: Path):
    engine = ScriptedEngine()

    async def story(client: EngineClient) -> None:
        engine.refusal = Throttled("Too many requests")
        with pytest.raises(Throttled, match="Too many"):
            await anext(client.generate(asked()))
        engine.refusal = ValidationFailed("the adapter is damaged")
        with pytest.raises(ValidationFailed, match="damaged"):
            await client.load_adapter(ADAPTER)
        engine.refusal = None
        events = client.generate(asked())
        await anext(events)
        engine.generations[0].fail(ModelFailed("not finite"))
        with pytest.raises(ModelFailed, match="not finite"):
            await anext(events)

    with_host(engine, tmp_path, story)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_fault_of_the_engine_is_a_failed_model_and_the_host_goes_on(tmp_path: Path):
    engine = ScriptedEngine()

    async def story(client: EngineClient) -> None:
        with pytest.raises(ModelFailed, match="log has the reason"):
            await client.unload_adapter(ADAPTER)  # the script has none to remove: ValueError
        await client.ping()

    with_host(engine, tmp_path, story)


def test_adapters_tokens_and_description_come_through(tmp_path: Path):
    engine = ScriptedEngine()

    async def story(client: EngineClient) -> None:
        await client.ping()
        await client.load_adapter(ADAPTER)
        assert (await client.describe()).resident_adapters == ("a1",)
        await client.unload_adapter(ADAPTER)
        assert (await client.describe()).resident_adapters == ()
        assert await client.count_input_tokens(user_turn("three short words")) == 3

    with_host(engine, tmp_path, story)


def test_a_prompt_of_many_megabytes_comes_through(tmp_path: Path):
    engine = ScriptedEngine(answer=("ok",))
    prompt = "日" * 3_000_000

    async def story(client: EngineClient) -> None:
        assert len([event async for event in client.generate(asked(prompt))]) == 3

    with_host(engine, tmp_path, story)
    assert engine.generations[0].request.conversation.messages[0].text == prompt


def test_a_connection_serves_one_request_after_another_and_one_that_was_left_is_closed(tmp_path: Path, monkeypatch):
    engine = ScriptedEngine(answer=("a",))
    made = []
    connect = EngineClient._connected
    monkeypatch.setattr(EngineClient, "_connected", lambda client: made.append(1) or connect(client))

    async def story(client: EngineClient) -> None:
        for _ in range(3):
            assert len([event async for event in client.generate(asked())]) == 3
            await client.ping()
        assert len(made) == 1
        async with aclosing(client.generate(asked())) as events:
            await anext(events)
        await client.ping()
        assert len(made) == 2
        engine.refusal = Throttled("Too many requests")
        with pytest.raises(Throttled):
            await anext(client.generate(asked()))
        await client.ping()
        assert len(made) == 3

    with_host(engine, tmp_path, story)


def test_requests_at_the_same_time_have_a_connection_each(tmp_path: Path):
    engine = ScriptedEngine()

    async def story(client: EngineClient) -> None:
        await client.ping()
        answers = [client.generate(asked(str(number))) for number in range(3)]
        for events in answers:
            assert isinstance(await anext(events), GenerationStart)
        for generation in reversed(engine.generations):
            generation.make(generation.request.conversation.messages[0].text)
            generation.finish()
        texts = [[event.text async for event in events if isinstance(event, TextDelta)] for events in answers]
        assert texts == [["0"], ["1"], ["2"]]

    with_host(engine, tmp_path, story)


def test_a_host_that_came_back_is_asked_over_a_new_connection_and_one_that_did_not_is_unavailable(tmp_path: Path):
    async def story() -> None:
        async with hosting(ScriptedEngine(answer=("old",)), tmp_path) as (_, client):
            assert len([event async for event in client.generate(asked())]) == 3
        async with hosting(ScriptedEngine(answer=("new",)), tmp_path):
            events = [event async for event in client.generate(asked())]
            assert events[1] == TextDelta(text="new", output_token_count=1)
        with pytest.raises(ServiceUnavailable, match="not running"):
            await client.ping()

    asyncio.run(story())


def test_a_client_that_asks_again_too_early_is_sent_away(tmp_path: Path):
    """Its answers could not be told apart."""
    engine = ScriptedEngine()

    async def story() -> None:
        async with asyncio.timeout(60), hosting(engine, tmp_path) as (_, client):
            frame = {"operation": "generate", "request": request_to_json(asked()), "adapter": None}
            reader, writer = await asyncio.open_unix_connection(client.socket_path)
            writer.write(encode_frame(frame))
            await reader.readline()
            writer.write(encode_frame({"operation": "ping"}))
            assert await reader.read() == b""
            writer.close()
            assert engine.generations[0].cancelled.is_set()

    asyncio.run(story())


@asynccontextmanager
async def answering(folder: Path, *pieces: bytes) -> AsyncIterator[EngineClient]:
    """A host that reads a line, writes these bytes one by one, and hangs up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        writer.close()

    server = await asyncio.start_unix_server(answer, str(folder / "s"))
    async with server:
        yield EngineClient(str(folder / "s"), silence_seconds=60)


def test_an_answer_is_the_same_however_its_bytes_arrive(tmp_path: Path):
    answer = b'{"start":{"input_token_count":3}}\n{"delta":{"text":"\\u00e9","output_token_count":1}}\n'
    end = (
        b'{"end":{"finish_reason":"end_turn","stop_sequence":null,"input_token_count":3,"output_token_count":1,'
        b'"first_token_ms":1,"total_ms":2}}\n'
    )

    async def story() -> None:
        async with asyncio.timeout(60):
            for pieces in ([answer + end], [answer, end], [bytes([byte]) for byte in answer + end]):
                async with answering(tmp_path, *pieces) as client:
                    events = [event async for event in client.generate(asked())]
                assert [type(event) for event in events] == [GenerationStart, TextDelta, GenerationEnd]
                assert events[1] == TextDelta(text="é", output_token_count=1)

    asyncio.run(story())


@pytest.mark.parametrize("written", [b"", b'{"start":{"input_token_count":3}}\n{"delta":{"te'])
def test_a_connection_that_ends_too_soon_is_a_failed_model_and_no_short_answer(tmp_path: Path, written: bytes):
    async def story() -> None:
        async with asyncio.timeout(60), answering(tmp_path, written) as client:
            with pytest.raises(ModelFailed, match="ended unexpectedly"):
                _ = [event async for event in client.generate(asked())]

    asyncio.run(story())


def test_a_host_that_takes_no_more_connections_is_too_busy(tmp_path: Path):
    with ExitStack() as waiting:
        listener = waiting.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(tmp_path / "s"))
        listener.listen(0)
        is_full = False
        while not is_full:
            caller = waiting.enter_context(socket.socket(socket.AF_UNIX))
            caller.setblocking(False)
            try:
                caller.connect(str(tmp_path / "s"))
            except BlockingIOError:
                is_full = True
        with pytest.raises(Throttled):
            asyncio.run(EngineClient(str(tmp_path / "s")).ping())


def test_no_host_is_said_to_be_unavailable(tmp_path: Path):
    with pytest.raises(ServiceUnavailable, match="not running"):
        asyncio.run(EngineClient(str(tmp_path / "s")).ping())


def test_a_silent_host_ends_in_a_timeout(tmp_path: Path):
    engine = ScriptedEngine()

    async def story(client: EngineClient) -> None:
        hasty = EngineClient(client.socket_path, silence_seconds=0.05)
        with pytest.raises(ModelTimeout, match="nothing for"):
            async for _ in hasty.generate(asked()):
                pass

    with_host(engine, tmp_path, story)


def test_the_socket_is_its_owners_and_replaces_one_that_was_left_there(tmp_path: Path):
    (tmp_path / "s").touch()

    async def story(client: EngineClient) -> None:
        await client.ping()
        assert stat.S_IMODE(os.stat(client.socket_path).st_mode) == 0o600
        assert os.listdir(tmp_path) == ["s"]

    with_host(ScriptedEngine(), tmp_path, story)
    assert os.listdir(tmp_path) == []


def test_a_newer_hosts_socket_is_left_alone(tmp_path: Path):
    async def story() -> None:
        async with hosting(ScriptedEngine(), tmp_path) as (older, client):
            async with hosting(ScriptedEngine(answer=("new",)), tmp_path):
                await older.drain(0)
                await client.ping()

    asyncio.run(story())


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path):
    host = EngineHost(ScriptedEngine(), tmp_path / ("x" * 120))
    with pytest.raises(ValidationFailed, match="longer than 107 bytes"):
        asyncio.run(host.start())


def test_draining_lets_answers_finish_and_takes_no_new_ones(tmp_path: Path):
    engine = ScriptedEngine()

    async def story() -> None:
        async with hosting(engine, tmp_path) as (host, client):
            events = client.generate(asked())
            await anext(events)
            draining = asyncio.create_task(host.drain(60))
            while (tmp_path / "s").exists():
                await asyncio.sleep(0)
            with pytest.raises(ServiceUnavailable):
                await client.ping()
            assert not draining.done()
            engine.generations[0].make("late")
            engine.generations[0].finish()
            assert len([event async for event in events]) == 2
            await draining

    asyncio.run(story())


def test_draining_ends_what_does_not_finish_in_time(tmp_path: Path):
    engine = ScriptedEngine()

    async def story() -> None:
        async with hosting(engine, tmp_path) as (host, client):
            events = client.generate(asked())
            await anext(events)
            await host.drain(0.01)
            with pytest.raises(ModelFailed, match="ended unexpectedly"):
                await anext(events)
        assert engine.generations[0].cancelled.is_set()

    asyncio.run(story())
