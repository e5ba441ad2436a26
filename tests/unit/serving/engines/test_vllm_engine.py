"""What vLLM does wrong is an error of this request; what it dies of, others survive."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tanren.domain.conversation import Conversation, Message, Role, Tool
from tanren.domain.errors import (
    ModelFailed,
    ModelNotReady,
    NotImplementedHere,
    ServiceUnavailable,
    TanrenError,
    Throttled,
    ValidationFailed,
)
from tanren.domain.generation import FinishReason, GenerationStart
from tanren.serving.engines import vllm_options
from tanren.serving.engines.choice import EngineChoice, Wanted, open_engine
from tanren.serving.engines.reference import ReferenceEngine
from tanren.serving.engines.reference_base import load_reference_base
from tanren.serving.engines.vllm_engine import VllmEngine, open_vllm_engine
from tanren.serving.engines.vllm_options import VllmOptions, VllmUnfit, find_command, has_cuda_device
from tanren.serving.protocol import AdapterRef, EngineLimits
from tests.unit.serving.engines.fake_vllm_engine import bid, fake_command
from tests.unit.serving.listening import Listener, asked, listen, started
from tests.unit.serving.tiny_base import write_tiny_adapter, write_tiny_base

PATIENCE_SECONDS = 60


@dataclass
class Scene:
    engine: VllmEngine
    faults: Path


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("base") / "base", writes="abcdefghijklmnop")


@pytest.fixture(scope="module")
def adapter(base: Path) -> AdapterRef:
    return write_tiny_adapter(base.parent / "adapter", base, seed=1)


@pytest.fixture(scope="module")
def running(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("fake")
    command = fake_command(folder, folder / "faults.json")
    engine = open_vllm_engine(base, command, VllmOptions(dtype="float32", start_seconds=60), note="asked for")
    yield Scene(engine, folder / "faults.json")
    engine.close()


@pytest.fixture
def scene(running: Scene) -> Scene:
    """The server behaves."""
    bid(running.faults)
    return running


def answered_again(
    engine: VllmEngine, adapter: AdapterRef | None = None, *, patience_seconds: float = PATIENCE_SECONDS
) -> str:
    """The answer, once the server has come back; until then the caller is told to come back."""
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline:
        with suppress(ModelNotReady, ModelFailed):
            return listen(engine, asked(), adapter).text
        time.sleep(0.01)
    raise TimeoutError


def failure_of(listener: Listener) -> TanrenError:
    """What came in place of an end."""
    with pytest.raises(TanrenError) as raised:
        listener.end()
    return raised.value


def test_the_description_names_vllm_its_version_and_the_reason(scene: Scene):
    description = scene.engine.describe()
    assert (description.engine, description.engine_note) == ("vllm 0.0.fake", "asked for")


def test_an_answer_under_another_name_is_withheld(scene: Scene):
    bid(scene.faults, model="another")
    listener = listen(scene.engine, asked())
    error = failure_of(listener)
    assert isinstance(error, ModelFailed)
    assert "answered with the model 'another' where 'base' was asked; the answer is withheld" in str(error)
    assert [type(event) for event in listener.heard] == [GenerationStart]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, ValidationFailed),
        (401, ModelFailed),
        (404, ModelFailed),
        (429, Throttled),
        (500, ModelFailed),
        (503, ServiceUnavailable),
    ],
)
def test_what_vllm_refuses_is_the_error_that_it_means_to_the_caller(scene: Scene, status: int, error: type[Exception]):
    bid(scene.faults, status=status)
    raised = failure_of(listen(scene.engine, asked()))
    assert type(raised) is error
    assert "bidden by the test" in str(raised)
    bid(scene.faults)
    assert listen(scene.engine, asked()).text


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ({"error_after": 3}, "vLLM failed on this request.*Internal server error"),
        ({"end_after": 3}, "ended an answer before its last token"),
        ({"without_ids": True}, "without its token ids"),
    ],
)
def test_an_answer_that_is_not_whole_ends_in_an_error(scene: Scene, fault: dict[str, Any], text: str):
    bid(scene.faults, **fault)
    listener = listen(scene.engine, asked())
    with pytest.raises(ModelFailed, match=text):
        listener.end()
    assert len(listener.deltas) == (2 if any("after" in name for name in fault) else 0)
    assert scene.engine.describe().active_count == 0


def test_what_cannot_be_held_to_a_schema_here_is_refused_with_the_engines_that_can(scene: Scene):
    tool = Tool(name="f", description="", input_schema={"type": "object"})
    conversation = Conversation(messages=(Message(role=Role.USER, text="x"),), tools=(tool,))
    for request in (
        replace(asked(), conversation=conversation, forced_tools=("f",)),
        replace(asked(), answer_schema={"type": "object"}),
    ):
        with pytest.raises(NotImplementedHere, match=r"served by vLLM.*TANREN_ENGINE=native"):
            listen(scene.engine, request)


def test_what_vllm_would_take_for_something_else_is_said_as_it_understands_it(scene: Scene):
    greedy = listen(scene.engine, asked()).text
    assert listen(scene.engine, asked(temperature=1.0, top_p=0.0)).text == greedy
    assert listen(scene.engine, asked(temperature=0.005)).text == greedy
    drawn = [listen(scene.engine, asked(temperature=1.0, seed=seed)).text for seed in (-1, -1, 2**64)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_window_can_be_narrowed(base: Path, tmp_path: Path):
    options = VllmOptions(dtype="float32", context_length=48, start_seconds=60)
    engine = open_vllm_engine(base, fake_command(tmp_path), options)
    try:
        assert engine.describe().context_length == 48
        assert listen(engine, asked(max_new_tokens=1000)).end().finish_reason is FinishReason.CONTEXT_FULL
    finally:
        engine.close()


def test_a_server_that_dies_in_the_middle_fails_those_answers_and_comes_back_with_every_adapter(
    scene: Scene, adapter: AdapterRef, base: Path
):
    reference = ReferenceEngine(load_reference_base(base))
    expected = [listen(reference, asked(), each).text for each in (None, adapter)]
    reference.close()
    assert listen(scene.engine, asked(), adapter).text == expected[1]
    bid(scene.faults, die_after=4)
    listener = listen(scene.engine, asked(max_new_tokens=140), adapter)
    with pytest.raises(ModelFailed, match="vLLM ended unexpectedly during its answer; the request may be sent again"):
        listener.end()
    assert len(listener.deltas) == 3
    bid(scene.faults)
    assert answered_again(scene.engine, adapter) == expected[1]
    assert answered_again(scene.engine) == expected[0]
    assert scene.engine.describe().resident_adapters == (adapter.sha256,)


def test_kill_9_of_the_servers_group_under_load_loses_no_later_request(scene: Scene, adapter: AdapterRef):
    before = answered_again(scene.engine, adapter)
    in_flight = [listen(scene.engine, asked(max_new_tokens=140), each) for each in (adapter, None) * 3]
    started(in_flight[0])
    os.killpg(scene.engine.process_id, signal.SIGKILL)
    for listener in in_flight:
        with pytest.raises(ModelFailed, match="vLLM ended unexpectedly during its answer; the request may be sent"):
            listener.end()
    assert answered_again(scene.engine, adapter) == before


def test_vllm_by_name_without_a_gpu_is_refused_with_the_reason(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(vllm_options, "has_cuda_device", lambda: False)
    wanted = Wanted(choice=EngineChoice.VLLM, vllm=VllmOptions(command=str(fake_command(tmp_path))))
    with pytest.raises(NotImplementedHere, match=r"needs a CUDA GPU.*set TANREN_ENGINE to native or auto"):
        open_engine(base, wanted)


def test_the_threads_of_other_engines_are_refused(base: Path):
    with pytest.raises(NotImplementedHere, match="number of threads"):
        open_engine(base, Wanted(choice=EngineChoice.VLLM, threads=2))


@pytest.mark.parametrize(
    ("choice", "note"),
    [
        (EngineChoice.AUTO, "vllm engine: a CUDA GPU and vLLM are here"),
        (EngineChoice.VLLM, "vllm engine: asked for by name"),
    ],
)
def test_where_a_gpu_and_vllm_are_there_it_is_chosen_and_says_so(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, choice: EngineChoice, note: str
):
    monkeypatch.setattr(vllm_options, "has_cuda_device", lambda: True)
    options = VllmOptions(command=str(fake_command(tmp_path)), dtype="float32", start_seconds=60)
    engine = open_engine(base, Wanted(choice=choice, vllm=options))
    try:
        description = engine.describe()
        assert (description.engine, description.engine_note) == ("vllm 0.0.fake", note)
        assert listen(engine, asked()).text
    finally:
        engine.close()


def test_a_named_command_that_is_none_is_an_error_also_for_auto(base: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(vllm_options, "has_cuda_device", lambda: True)
    with pytest.raises(NotImplementedHere, match="TANREN_VLLM_COMMAND names /nowhere/vllm"):
        open_engine(base, Wanted(vllm=VllmOptions(command="/nowhere/vllm")))


@pytest.mark.skipif(has_cuda_device(), reason="there is a GPU")
def test_an_engine_host_says_in_its_log_why_vllm_cannot_be(base: Path, tmp_path: Path):
    command = [sys.executable, "-m", "tanren.engine_host", "--engine", "vllm", "--base-folder", str(base)]
    done = subprocess.run(
        [*command, "--socket", str(tmp_path / "s")],
        env=os.environ | {"TANREN_VLLM_COMMAND": str(fake_command(tmp_path))},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 1
    assert b"cannot be served: vLLM needs a CUDA GPU" in done.stderr


def real_command() -> Path | None:
    """TANREN_TEST_VLLM names an executable that runs without a GPU: vLLM's build for CPUs."""
    named = os.environ.get("TANREN_TEST_VLLM", "")
    try:
        return find_command(VllmOptions(command=named)) if named or has_cuda_device() else None
    except VllmUnfit:
        return None


@pytest.mark.gpu
@pytest.mark.timeout(1800)
@pytest.mark.skipif(real_command() is None, reason="vLLM is not installed, or there is no GPU")
def test_the_real_vllm_answers_as_the_reference_with_and_without_adapters(tmp_path: Path):
    command = real_command()
    assert command is not None
    # Heads of 32 numbers: vLLM has no kernels for the smaller ones of the tiny base.
    base = write_tiny_base(tmp_path / "base", writes="abcdefghijklmnop", hidden_size=128)
    adapters = [write_tiny_adapter(tmp_path / str(seed), base, seed=seed) for seed in (1, 2, 3)]
    reference = ReferenceEngine(load_reference_base(base))
    expected = [listen(reference, asked(), each).text for each in (None, *adapters)]
    reference.close()
    options = VllmOptions(dtype="float32" if not has_cuda_device() else "auto", max_lora_rank=8, batched_adapters=2)
    limits = EngineLimits(key_value_megabytes=200, max_active=8, max_resident_adapters=2)
    engine = open_vllm_engine(base, command, options, limits)
    try:
        texts = [listen(engine, asked(), each).text for each in (None, *adapters, adapters[0])]
        assert len(set(texts)) == 4
        assert texts[4] == texts[1]  # it had made room for the others
        if not has_cuda_device():  # in bfloat16 a random model's near ties fall otherwise
            assert texts[:4] == expected
        drawn = asked(temperature=1.0, top_p=0.9, top_k=20, seed=5)
        assert listen(engine, drawn).text == listen(engine, drawn).text
        stop = texts[0][5:8]
        ended = listen(engine, asked(stop_sequences=(stop,)))
        assert (ended.text, ended.end().stop_sequence) == (texts[0][: texts[0].index(stop)], stop)
        os.killpg(engine.process_id, signal.SIGKILL)
        assert answered_again(engine, adapters[2], patience_seconds=900) == texts[3]
    finally:
        engine.close()
