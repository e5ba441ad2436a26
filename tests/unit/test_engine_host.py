"""The engine host as a process: it answers, it dies, and it does not outlive its parent."""

import asyncio
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from tanren.domain.errors import ModelFailed, ServiceUnavailable, ValidationFailed
from tanren.domain.generation import FinishReason, GenerationEnd, TextDelta
from tanren.serving.client import EngineClient
from tanren.serving.protocol import AdapterRef
from tests.unit.serving.listening import asked
from tests.unit.serving.tiny_base import write_tiny_adapter, write_tiny_base

PATIENCE_SECONDS = 60


class Host:
    """A running `python -m tanren.engine_host`; its log is read to know when it is ready."""

    def __init__(self, base_folder: Path, socket_path: Path, *options: str) -> None:
        self.client = EngineClient(str(socket_path))
        command = [sys.executable, "-m", "tanren.engine_host", "--base-folder", str(base_folder), "--threads", "1"]
        self.process = subprocess.Popen(
            [*command, "--socket", str(socket_path), *options], stdin=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        self.log = b""

    def wait_until_logged(self, text: bytes) -> None:
        assert self.process.stderr is not None
        while text not in self.log:
            readable, _, _ = select.select([self.process.stderr], [], [], PATIENCE_SECONDS)
            assert readable, f"nothing more was logged: {self.log.decode()}"
            line = self.process.stderr.readline()
            assert line, f"the host ended: {self.log.decode()}"
            self.log += line

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stderr):
            if pipe is not None:
                pipe.close()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("base") / "base", writes="abcdefgh")


@pytest.fixture(scope="module")
def adapter(base: Path) -> AdapterRef:
    return write_tiny_adapter(base.parent / "adapter", base, seed=1)


@pytest.fixture
def host(base: Path, tmp_path: Path) -> Iterator[Host]:
    started = Host(base, tmp_path / "s")
    try:
        started.wait_until_logged(b"ready at")
        yield started
    finally:
        started.close()


async def text_of(client: EngineClient, adapter: AdapterRef | None = None) -> str:
    events = [event async for event in client.generate(asked(), adapter)]
    assert isinstance(events[-1], GenerationEnd)
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def ask_and_lose(client: EngineClient, process: subprocess.Popen[bytes]) -> None:
    """The host is halted, asked, and killed with the question in its hands: however fast it is, it has not answered."""
    process.send_signal(signal.SIGSTOP)
    async with aclosing(client.generate(asked(max_new_tokens=140))) as events:
        answer = asyncio.ensure_future(anext(events))
        for _ in range(100):  # turns of the loop, in which the client connects and asks
            await asyncio.sleep(0)
        process.kill()
        await answer


def test_a_host_answers_with_each_adapter_and_dies_with_a_clear_error(host: Host, adapter: AdapterRef):
    async def story() -> None:
        texts = await asyncio.gather(*[text_of(host.client, each) for each in (None, adapter) * 3])
        assert texts == texts[:2] * 3
        assert texts[0] != texts[1]
        with pytest.raises(ValidationFailed, match="SHA-256"):
            await text_of(host.client, AdapterRef(folder=adapter.folder, sha256="0" * 64))
        assert (await host.client.describe()).resident_adapters == (adapter.sha256,)
        with pytest.raises(ModelFailed, match="ended unexpectedly during its answer"):
            await ask_and_lose(host.client, host.process)
        host.process.wait(PATIENCE_SECONDS)
        with pytest.raises(ServiceUnavailable, match="not running"):
            await host.client.ping()

    asyncio.run(story())


def test_a_host_ends_when_its_lifeline_closes(host: Host):
    assert host.process.stdin is not None
    host.process.stdin.close()
    assert host.process.wait(PATIENCE_SECONDS) == 0
    assert not Path(host.client.socket_path).exists()


def test_on_sigterm_a_host_finishes_its_answers_first(host: Host):
    async def story() -> None:
        async with aclosing(host.client.generate(asked(max_new_tokens=140))) as events:
            await anext(events)
            host.process.send_signal(signal.SIGTERM)
            last = [event async for event in events][-1]
            assert isinstance(last, GenerationEnd)
            assert last.finish_reason in (FinishReason.MAX_TOKENS, FinishReason.END_TURN, FinishReason.CONTEXT_FULL)

    asyncio.run(story())
    assert host.process.wait(PATIENCE_SECONDS) == 0


def test_a_folder_that_is_no_base_model_is_said_in_the_log(tmp_path: Path):
    host = Host(tmp_path, tmp_path / "s")
    try:
        host.wait_until_logged(b"config.json is missing")
        assert host.process.wait(PATIENCE_SECONDS) == 1
    finally:
        host.close()


def test_a_host_serves_with_the_engine_that_was_asked_for_and_within_its_limits(base: Path, tmp_path: Path):
    host = Host(base, tmp_path / "s", "--engine", "torch", "--key-value-megabytes", "1", "--max-queued", "3")
    try:
        host.wait_until_logged(b"torch engine: asked for by name")
        host.wait_until_logged(b"ready at")

        async def story() -> None:
            description = await host.client.describe()
            assert (description.engine, description.engine_note) == ("torch", "torch engine: asked for by name")
            assert 0 < description.block_count < 1_000_000 / 16
            assert len(await text_of(host.client)) == 24

        asyncio.run(story())
    finally:
        host.close()


def test_a_limit_that_cannot_be_kept_is_said_in_the_log(base: Path, tmp_path: Path):
    host = Host(base, tmp_path / "s", "--key-value-megabytes", "0")
    try:
        host.wait_until_logged(b"key_value_megabytes is 0; at least 1 is needed")
        assert host.process.wait(PATIENCE_SECONDS) == 1
    finally:
        host.close()
