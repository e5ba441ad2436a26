import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tanren.domain.errors import JobFailed
from tanren.weights.adapters import CONFIG_FILE, ORIGIN_FILE, WEIGHTS_FILE, read_adapter, write_adapter
from tanren.weights.lora import LoraFactors, LoraSettings

SETTINGS = LoraSettings(rank=2, alpha=4)


def factors() -> dict[str, LoraFactors]:
    torch.manual_seed(0)
    return {
        f"model.layers.{n}.mlp.up_proj": LoraFactors(a_RI=torch.randn(2, 3), b_OR=torch.randn(5, 2), scale=2.0)
        for n in range(2)
    }


def write(folder: Path) -> str:
    return write_adapter(folder, factors(), settings=SETTINGS, base_weights_sha256="b" * 64, base_name="nano")


def rewrite(folder: Path, **tensors: torch.Tensor | None) -> None:
    """Changes tensors behind the back of the recorded sum."""
    kept = {**load_file(folder / WEIGHTS_FILE), **tensors}
    save_file({name: tensor for name, tensor in kept.items() if tensor is not None}, folder / WEIGHTS_FILE)
    (folder / ORIGIN_FILE).unlink()


def test_what_is_written_is_read_and_equal_tensors_give_equal_bytes(tmp_path: Path) -> None:
    assert write(tmp_path / "a") == write(tmp_path / "b") == write(tmp_path / "a")
    adapter = read_adapter(tmp_path / "a", base_weights_sha256="b" * 64)
    assert adapter.settings == SETTINGS
    assert adapter.sha256 == write(tmp_path / "c")
    for name, given in factors().items():
        assert torch.equal(adapter.factors[name].a_RI, given.a_RI)
        assert torch.equal(adapter.factors[name].b_OR, given.b_OR)
        assert adapter.factors[name].scale == 2.0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]


def test_another_base_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a")
    with pytest.raises(JobFailed, match="trained on base weights bbbbbbbbbbbb"):
        read_adapter(tmp_path / "a", base_weights_sha256="c" * 64)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a")
    file = tmp_path / "a" / WEIGHTS_FILE
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(JobFailed, match="is damaged"):
        read_adapter(tmp_path / "a")


KEY = "base_model.model.model.layers.0.mlp.up_proj.lora_{}.weight"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({KEY.format("A"): torch.full((2, 3), torch.nan)}, "not finite"),
        ({KEY.format("A"): torch.ones(3, 3)}, "its rank is 2"),
        ({KEY.format("B"): None}, "an A and no B"),
        ({"base_model.model.lm_head.weight": torch.ones(1)}, "no part of LoRA"),
        ({KEY.format("B").replace("0", n): torch.zeros(5, 2) for n in "01"}, "zero everywhere"),
    ],
)
def test_broken_tensors_are_refused(tmp_path: Path, change: dict[str, torch.Tensor | None], reason: str) -> None:
    write(tmp_path / "a")
    rewrite(tmp_path / "a", **change)
    with pytest.raises(JobFailed, match=reason):
        read_adapter(tmp_path / "a")


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"r": 0}, "r = 0"), ({"r": "8"}, "r = 8"), ({"peft_type": "IA3"}, "IA3"), ({"use_dora": True}, "use_dora")],
)
def test_a_config_that_is_not_plain_lora_is_refused(tmp_path: Path, change: dict[str, object], reason: str) -> None:
    write(tmp_path / "a")
    file = tmp_path / "a" / CONFIG_FILE
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(JobFailed, match=reason):
        read_adapter(tmp_path / "a")


def test_a_folder_without_adapter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JobFailed, match="cannot be read"):
        read_adapter(tmp_path)
