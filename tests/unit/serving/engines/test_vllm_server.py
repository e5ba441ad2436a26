"""The server is waited for, looked after and ended as a whole, with its last words in the error."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tanren.domain.errors import EngineFailed
from tanren.serving.engines import vllm_server
from tanren.serving.engines.vllm_engine import VllmEngine, open_vllm_engine
from tanren.serving.engines.vllm_options import VllmOptions
from tests.unit.serving.engines.fake_vllm_engine import bid, fake_command
from tests.unit.serving.listening import asked, listen
from tests.unit.serving.tiny_base import write_tiny_base

PATIENCE_SECONDS = 60
OPENS = """
import sys, pathlib
from tests.unit.serving.engines.fake_vllm_engine import open_fake_vllm
engine = open_fake_vllm(pathlib.Path(sys.argv[1]))
print(engine.process_id, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("base") / "base", writes="abcdefgh")


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where servers have their folders; watched so that none is left behind."""
    folder = tmp_path / "t"
    folder.mkdir()
    monkeypatch.setattr(vllm_server.tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def faults(tmp_path: Path) -> Path:
    file = tmp_path / "faults.json"
    bid(file)
    return file


@pytest.fixture
def engine(base: Path, tmp_path: Path, faults: Path) -> Iterator[VllmEngine]:
    opened = opened_over(base, tmp_path, faults)
    yield opened
    opened.close()


def opened_over(base: Path, folder: Path, faults: Path, *, start_seconds: float = 60) -> VllmEngine:
    options = VllmOptions(dtype="float32", start_seconds=start_seconds)
    return open_vllm_engine(base, fake_command(folder, faults), options)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def group(leader: int) -> list[int]:
    """Processes of a group that live."""
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, process_group, *_ = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(process_group) == leader and state != "Z":
            found.append(int(stat.parent.name))
    return found


def test_a_server_that_cannot_start_is_an_error_with_its_last_words_and_leaves_nothing(
    base: Path, tmp_path: Path, faults: Path, folders: Path
):
    bid(faults, start_error="CUDA out of memory: buy a larger one")
    with pytest.raises(EngineFailed, match=r"ended before it could answer.*buy a larger one.*ended with exit code 1"):
        opened_over(base, tmp_path, faults)
    assert list(folders.iterdir()) == []


def test_a_server_that_does_not_get_ready_is_ended_in_time(base: Path, tmp_path: Path, faults: Path, folders: Path):
    bid(faults, unhealthy=True)
    with pytest.raises(EngineFailed, match=r"did not answer within 3 s \(TANREN_VLLM_START_SECONDS\)"):
        opened_over(base, tmp_path, faults, start_seconds=3)
    assert list(folders.iterdir()) == []


def test_a_server_of_another_window_than_was_asked_for_is_not_used(base: Path, tmp_path: Path, faults: Path):
    bid(faults, max_model_len=16)
    with pytest.raises(EngineFailed, match=r"started for 160 tokens and serves 16; set TANREN_VLLM_CONTEXT_LENGTH"):
        opened_over(base, tmp_path, faults)


def test_closing_ends_every_process_and_leaves_no_file(base: Path, tmp_path: Path, faults: Path, folders: Path):
    engine = opened_over(base, tmp_path, faults)
    leader = engine.process_id
    assert len(group(leader)) == 3  # lifeline, server, and what the server has started
    engine.close()
    assert group(leader) == []
    assert list(folders.iterdir()) == []


def test_nothing_outlives_a_host_that_is_killed(base: Path, folders: Path):
    host = subprocess.Popen(
        [sys.executable, "-c", OPENS, str(base)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(folders)},
        cwd=Path(__file__).resolve().parents[4],
    )
    assert host.stdin is not None
    assert host.stdout is not None
    leader = int(host.stdout.readline())
    assert len(group(leader)) == 3
    assert list(folders.glob("tanren-vllm-*"))
    host.kill()
    host.wait()
    wait_until(lambda: group(leader) == [])
    assert list(folders.glob("tanren-vllm-*")) == []
    host.stdin.close()
    host.stdout.close()


def test_a_server_whose_own_process_dies_takes_the_rest_along_and_comes_back(engine: VllmEngine):
    before, leader = listen(engine, asked()).text, engine.process_id
    server = min(each for each in group(leader) if each != leader)
    os.kill(server, signal.SIGKILL)
    wait_until(lambda: group(leader) == [])
    wait_until(lambda: engine.process_id != leader and bool(group(engine.process_id)))
    wait_until(lambda: answers(engine))
    assert listen(engine, asked()).text == before


def test_a_server_that_lives_and_is_not_healthy_is_started_again(
    engine: VllmEngine, faults: Path, monkeypatch: pytest.MonkeyPatch
):
    leader = engine.process_id
    monkeypatch.setattr(vllm_server, "HEALTH_PERIOD_SECONDS", 0.05)
    wait_until(lambda: answers(engine))
    bid(faults, unhealthy=True)
    os.kill(leader, 0)
    wait_until(lambda: engine.process_id != leader)
    bid(faults)
    wait_until(lambda: answers(engine))


def test_a_server_that_does_not_come_back_is_told_with_the_reason_until_it_does(
    engine: VllmEngine, faults: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(vllm_server, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(vllm_server, "LONGEST_PAUSE_SECONDS", 0.01)
    bid(faults, start_error="the GPU has fallen off the bus")
    os.killpg(engine.process_id, signal.SIGKILL)
    reasons: list[str] = []

    def is_told() -> bool:
        try:
            listen(engine, asked())
        except EngineFailed as error:
            reasons.append(str(error))
        except Exception:
            return False
        return bool(reasons)

    wait_until(is_told)
    assert "was started 3 times and failed" in reasons[0]
    assert "the GPU has fallen off the bus" in reasons[0]
    bid(faults)
    wait_until(lambda: answers(engine))


def answers(engine: VllmEngine) -> bool:
    try:
        return bool(listen(engine, asked()).text)
    except Exception:
        return False
