"""Each hostile folder is refused with the reason that is its own, at once, in little memory, and nothing in it runs."""

import json
import pickle
import re
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tanren.domain.errors import JobFailed, UnsafeModel
from tanren.model_files.adapter_inspection import inspect_adapter_folder
from tanren.model_files.inspection import inspect_model_folder
from tests.unit.model_files.hostile_folders import MODELS, Canary, good_folder, pickle_only, write_json, write_tensors

SECONDS = 8.0
KILOBYTES = 400_000


def refused(look: Callable[[], object], parent: Path) -> str:
    """The reason; and that it came soon, cheaply and without running anything."""
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    with pytest.raises(UnsafeModel) as told:
        look()
    assert time.process_time() - begin < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < KILOBYTES
    assert not (parent / "CANARY").exists()
    return str(told.value)


def test_the_good_folder_is_good(tmp_path: Path) -> None:
    facts = inspect_model_folder(good_folder(tmp_path / "m"))
    assert (facts.hidden_size, facts.vocabulary_size, facts.dtype, facts.has_chat_template) == (8, 20, "F32", True)
    assert issubclass(UnsafeModel, JobFailed)


@pytest.mark.parametrize("name", MODELS)
def test_a_hostile_folder_is_refused_for_its_own_reason(tmp_path: Path, name: str) -> None:
    spoil, reason = MODELS[name]
    folder = good_folder(tmp_path / "m")
    spoil(folder)
    text = refused(lambda: inspect_model_folder(folder), tmp_path)
    assert re.search(reason, text), text
    assert len(text) < 1500
    others = [other for other, (_, pattern) in MODELS.items() if other != name and re.search(pattern, text)]
    assert not others, f"{text} is the reason of {others}, too"


def test_pickles_beside_safetensors_are_not_opened(tmp_path: Path) -> None:
    folder = good_folder(tmp_path / "m")
    for name in ("training_args.bin", "optimizer.pt", "pytorch_model.bin"):
        (folder / name).write_bytes(pickle.dumps(Canary(folder)))
    inspect_model_folder(folder)
    assert not (tmp_path / "CANARY").exists()


def test_a_special_token_without_row_is_left_alone_where_nothing_writes_it(tmp_path: Path) -> None:
    """Gemma 3's text models have one for images."""
    folder = good_folder(tmp_path / "m")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["added_tokens"].append({"id": 20, "content": "<image>", "special": True})
    write_json(folder / "tokenizer.json", tokenizer)
    inspect_model_folder(folder)
    (folder / "chat_template.jinja").write_text("{{ '<image>' }}")
    assert "id 20; the embedding" in refused(lambda: inspect_model_folder(folder), tmp_path)


def test_the_canary_sings(tmp_path: Path) -> None:
    """Otherwise its silence would prove nothing."""
    folder = good_folder(tmp_path / "m")
    pickle_only(folder)
    pickle.loads((folder / "pytorch_model.bin").read_bytes())
    assert (tmp_path / "CANARY").exists()


LAYER = "base_model.model.model.layers.0.self_attn.q_proj.lora_{}.weight"
CONFIG = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"], "bias": "none"}


def adapter(
    folder: Path,
    tensors: dict[str, Any] | None = None,
    *,
    layer: str = LAYER,
    rank: int = 2,
    sizes: tuple[int, int] = (8, 8),
    **changes: Any,
) -> Path:
    folder.mkdir()
    write_json(folder / "adapter_config.json", {**CONFIG, "r": rank, **changes})
    a, b = np.ones((rank, sizes[0]), np.float32), np.ones((sizes[1], rank), np.float32)
    write_tensors(folder / "adapter_model.safetensors", {layer.format("A"): a, layer.format("B"): b, **(tensors or {})})
    return folder


ADAPTERS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "an absurd rank": (lambda f: adapter(f, rank=1024), "r = 1024"),
    "a rank above its matrix": (lambda f: adapter(f, rank=16), r"rank 16 is above .* \(8\)"),
    "a layer that the base has not": (
        lambda f: adapter(f, layer=LAYER.replace("0", "7")),
        r"layers\.7\S+, which is no",
    ),
    "the head": (lambda f: adapter(f, layer="base_model.model.lm_head.lora_{}.weight"), "targets lm_head"),
    "another shape": (lambda f: adapter(f, sizes=(16, 8)), "from 16 to 8 features; the base's"),
    "NaN": (lambda f: adapter(f, {LAYER.format("A"): np.full((2, 8), np.nan, np.float32)}), "not finite"),
    "alpha 0": (lambda f: adapter(f, lora_alpha=0), "lora_alpha = 0"),
    "alpha NaN": (lambda f: adapter(f, lora_alpha=float("nan")), "NaN is no JSON number"),
    "dropout 1": (lambda f: adapter(f, lora_dropout=1.0), r"lora_dropout = 1\.0"),
    "another kind": (lambda f: adapter(f, peft_type="EVIL"), "peft_type is EVIL"),
    "DoRA": (lambda f: adapter(f, use_dora=True), "asks for use_dora"),
    "modules to save": (lambda f: adapter(f, modules_to_save=["lm_head"]), "asks for modules_to_save"),
    "PiSSA": (lambda f: adapter(f, init_lora_weights="pissa"), "asks for init_lora_weights"),
    "code": (lambda f: adapter(f, auto_map={"A": "evil.M"}), "has auto_map"),
    "a tensor that is no LoRA": (lambda f: adapter(f, {"x": np.ones(1, np.float32)}), "no part of LoRA: 'x'"),
    "an A alone": (
        lambda f: adapter(f, {LAYER.format("A").replace("q_proj", "o_proj"): np.ones((2, 8), np.float32)}),
        r"and not the other for model\.layers\.0\.self_attn\.o_proj",
    ),
    "a rank that its tensors have not": (
        lambda f: adapter(f, {LAYER.format("A"): np.ones((3, 8), np.float32)}),
        "the rank in adapter_config.json is 2",
    ),
    "doubles": (lambda f: adapter(f, {LAYER.format("A"): np.ones((2, 8), np.float64)}), "stored as F64"),
}


@pytest.mark.parametrize("name", ADAPTERS)
def test_a_hostile_adapter_is_refused_for_its_own_reason(tmp_path: Path, name: str) -> None:
    make, reason = ADAPTERS[name]
    base = good_folder(tmp_path / "base")
    folder = make(tmp_path / "a")
    text = refused(lambda: inspect_adapter_folder(folder, base_folder=base), tmp_path)
    assert re.search(reason, text), text
    assert not [other for other, (_, pattern) in ADAPTERS.items() if other != name and re.search(pattern, text)], text


def test_an_adapter_of_another_base_is_refused(tmp_path: Path) -> None:
    base = good_folder(tmp_path / "base")
    folder = adapter(tmp_path / "a")
    facts = inspect_adapter_folder(folder, base_folder=base)
    assert (facts.rank, facts.alpha, facts.layers) == (2, 4.0, ("model.layers.0.self_attn.q_proj",))
    (folder / "tanren.json").write_text(json.dumps({"base_weights_sha256": "c" * 64}))
    text = refused(lambda: inspect_adapter_folder(folder, base_folder=base), tmp_path)
    assert "trained on base weights cccccccccccc" in text


def test_a_pickled_adapter_is_refused(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "a")
    (folder / "adapter_model.safetensors").unlink()
    (folder / "adapter_model.bin").write_bytes(pickle.dumps(Canary(folder)))
    assert "it has adapter_model.bin, a pickle" in refused(lambda: inspect_adapter_folder(folder), tmp_path)
    # And where it only has the other's name.
    (folder / "adapter_model.bin").rename(folder / "adapter_model.safetensors")
    assert "by its content it is a pickle" in refused(lambda: inspect_adapter_folder(folder), tmp_path)
