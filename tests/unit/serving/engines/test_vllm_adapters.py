"""An adapter that vLLM did not load, or does not compute, is an error with its name; never the base's answer."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from tanren.domain.conversation import user_turn
from tanren.domain.errors import ModelFailed, ValidationFailed
from tanren.model_files.digests import weights_digest
from tanren.serving.engines.reference import ReferenceEngine
from tanren.serving.engines.reference_base import load_reference_base
from tanren.serving.engines.vllm_canary import AdapterIgnored, CanaryOracle
from tanren.serving.engines.vllm_engine import VllmEngine, open_vllm_engine
from tanren.serving.engines.vllm_options import VllmOptions
from tanren.serving.protocol import AdapterRef, EngineLimits
from tanren.weights.adapters import write_adapter
from tanren.weights.canary import write_expectation
from tanren.weights.lora import LoraFactors, LoraSettings
from tests.unit.serving.engines.fake_vllm_engine import bid, fake_command
from tests.unit.serving.listening import Listener, asked, listen
from tests.unit.serving.tiny_base import write_tiny_adapter, write_tiny_base


@dataclass
class Scene:
    engine: VllmEngine
    faults: Path
    base: Path
    expected: dict[str, str]
    """Digest of an adapter → what the reference engine answers with it."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("base") / "base", writes="abcdefghijklmnop")


@pytest.fixture(scope="module")
def adapter(base: Path) -> AdapterRef:
    return write_tiny_adapter(base.parent / "adapter", base, seed=1)


@pytest.fixture(scope="module")
def running(base: Path, adapter: AdapterRef, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("fake")
    reference = ReferenceEngine(load_reference_base(base))
    expected = {adapter.sha256: listen(reference, asked(), adapter).text, "": listen(reference, asked()).text}
    reference.close()
    options = VllmOptions(dtype="float32", max_lora_rank=8, start_seconds=60)
    limits = EngineLimits(max_active=4)
    engine = open_vllm_engine(base, fake_command(folder, folder / "faults.json"), options, limits)
    yield Scene(engine, folder / "faults.json", base, expected)
    engine.close()


@pytest.fixture
def scene(running: Scene, adapter: AdapterRef) -> Scene:
    """Nothing is loaded and the server behaves."""
    bid(running.faults)
    for sha256 in running.engine.describe().resident_adapters:
        running.engine.unload_adapter(AdapterRef(folder="", sha256=sha256))
    return running


def refuse_everywhere(scene: Scene, adapter: AdapterRef, error: type[Exception], text: str) -> None:
    """Loading and asking both say so, nothing is heard, nothing stays, and the base answers on."""
    listener = Listener()
    with pytest.raises(error, match=text):
        scene.engine.load_adapter(adapter)
    with pytest.raises(error, match=text):
        scene.engine.generate(asked(), adapter, listener.events.put)
    assert listener.events.empty()
    assert scene.engine.describe().resident_adapters == ()
    assert listen(scene.engine, asked()).text == scene.expected[""]


def test_an_adapter_that_works_answers_as_the_reference_does(scene: Scene, adapter: AdapterRef):
    scene.engine.load_adapter(adapter)
    assert listen(scene.engine, asked(), adapter).text == scene.expected[adapter.sha256] != scene.expected[""]


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        ({"adapts": "nothing"}, AdapterIgnored, r"lists the adapter {} and answers as the base"),
        ({"unlisted": True}, ModelFailed, r"says that it has loaded the adapter {}, and does not list it"),
        ({"root": "/elsewhere"}, ModelFailed, r"lists the adapter {} from /elsewhere"),
        (
            {"load_error": "target modules differ"},
            ModelFailed,
            r"does not load the adapter {} .*: target modules differ",
        ),
        ({"model": "base"}, ModelFailed, r"answered with the model 'base' where '{}' was asked"),
    ],
    ids=lambda given: next(iter(given)) if isinstance(given, dict) else "",
)
def test_an_adapter_that_is_not_seen_to_work_is_an_error_and_can_be_tried_again(
    scene: Scene, adapter: AdapterRef, fault: dict[str, object], error: type[Exception], text: str
):
    bid(scene.faults, **fault)
    if "model" in fault:  # the base is then asked for by its own name, and answers
        with pytest.raises(error, match=text.format(adapter.sha256)):
            scene.engine.load_adapter(adapter)
    else:
        refuse_everywhere(scene, adapter, error, text.format(adapter.sha256))
    bid(scene.faults)
    assert listen(scene.engine, asked(), adapter).text == scene.expected[adapter.sha256]


def test_half_an_adapter_is_found_out(scene: Scene, adapter: AdapterRef):
    bid(scene.faults, adapts="attention")
    refuse_everywhere(
        scene, adapter, AdapterIgnored, f"does not compute the adapter {adapter.sha256} as it was trained"
    )
    bid(scene.faults)
    scene.engine.load_adapter(adapter)
    assert scene.engine.describe().resident_adapters == (adapter.sha256,)


@pytest.fixture(scope="module")
def of_large_base(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Of a base that is too large to be kept on the processor."""
    folder = tmp_path_factory.mktemp("large")
    options = VllmOptions(dtype="float32", max_lora_rank=8, check_gigabytes=0, start_seconds=60)
    engine = open_vllm_engine(base, fake_command(folder, folder / "faults.json"), options)
    yield Scene(engine, folder / "faults.json", base, {"": listen(engine, asked()).text})
    engine.close()


def test_half_an_adapter_of_a_large_base_is_found_out_where_the_trainer_left_what_to_expect(
    of_large_base: Scene, tmp_path: Path
):
    adapter = write_tiny_adapter(tmp_path / "adapter", of_large_base.base, seed=2)
    trained = load_reference_base(of_large_base.base)
    prompt_ids = trained.prompt_ids(user_turn("What was said before?"))
    expectation = CanaryOracle(trained.model).expected(trained.load_adapter(adapter), prompt_ids)
    bid(of_large_base.faults, adapts="attention")
    of_large_base.engine.load_adapter(adapter)  # nobody knows better
    of_large_base.engine.unload_adapter(adapter)
    write_expectation(Path(adapter.folder), expectation)
    refuse_everywhere(of_large_base, adapter, AdapterIgnored, f"does not compute the adapter {adapter.sha256}")
    bid(of_large_base.faults)
    of_large_base.engine.load_adapter(adapter)
    assert of_large_base.engine.describe().resident_adapters == (adapter.sha256,)


def test_an_adapter_that_does_nothing_is_found_out_on_any_base(of_large_base: Scene, adapter: AdapterRef):
    bid(of_large_base.faults, adapts="nothing")
    with pytest.raises(AdapterIgnored, match="answers as the base"):
        of_large_base.engine.load_adapter(adapter)


def test_what_an_earlier_loading_has_left_in_the_server_is_not_taken_for_this_ones(
    scene: Scene, adapter: AdapterRef, tmp_path: Path
):
    other = write_tiny_adapter(tmp_path / "other", scene.base, seed=9)
    life = scene.engine._server.life
    life.api.load_adapter(adapter.sha256, Path(other.folder))
    assert listen(scene.engine, asked(), adapter).text == scene.expected[adapter.sha256]


def test_a_rank_above_the_servers_is_refused_with_the_setting_before_the_server_is_asked(scene: Scene, tmp_path: Path):
    factors = LoraFactors(a_RI=torch.ones(12, 32), b_OR=torch.ones(32, 12), scale=1.0)
    sha256 = write_adapter(
        tmp_path / "wide",
        {"model.layers.0.self_attn.q_proj": factors},
        settings=LoraSettings(rank=12, alpha=12),
        base_weights_sha256=weights_digest(scene.base),
        base_name="tiny",
    )
    wide = AdapterRef(folder=str(tmp_path / "wide"), sha256=sha256)
    bid(scene.faults, load_error="never asked")
    refuse_everywhere(scene, wide, ValidationFailed, r"has rank 12; .* ranks up to 8\. Set TANREN_VLLM_MAX_LORA_RANK")


def test_the_server_reads_what_was_checked_and_nothing_of_it_stays(scene: Scene, tmp_path: Path):
    adapter = write_tiny_adapter(tmp_path / "adapter", scene.base, seed=4)
    scene.engine.load_adapter(adapter)
    loan = scene.engine._adapters.cache.borrow(adapter)
    folder = loan.adapter.folder
    assert sorted(file.name for file in folder.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "tanren.json",
    ]
    shutil.rmtree(adapter.folder)
    assert listen(scene.engine, asked(), adapter).text
    scene.engine.unload_adapter(adapter)
    assert folder.exists()  # it is on loan
    loan.give_back()
    assert not folder.exists()
    assert adapter.sha256 not in loan.adapter.life.api.models()
