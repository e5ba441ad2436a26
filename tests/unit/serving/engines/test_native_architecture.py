"""What the native engine reads of a config, and what it refuses by name."""

import json
from pathlib import Path

import pytest

from tanren.domain.errors import ModelFailed
from tanren.serving.engines.native_architecture import read_native_architecture, rope_tables
from tests.numerics.tiny_models import save_architecture


def _changed(folder: Path, name: str, **changes: object) -> Path:
    save_architecture(folder, name)
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
    return folder


def test_experts_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ModelFailed, match=r"experts and attention sinks, which this GptOssForCausalLM has"):
        read_native_architecture(save_architecture(tmp_path, "gpt-oss"))


def test_an_activation_that_is_not_known_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ModelFailed, match="the activation relu"):
        read_native_architecture(_changed(tmp_path, "llama-2", hidden_act="relu"))


def test_rotary_embeddings_that_change_with_the_length_are_refused_by_name(tmp_path: Path) -> None:
    dynamic = {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0}
    with pytest.raises(ModelFailed, match="rotary embeddings of the kind dynamic"):
        read_native_architecture(_changed(tmp_path, "llama-2", rope_parameters=dynamic))


def test_windows_are_those_of_each_layer(tmp_path: Path) -> None:
    windows = {
        name: read_native_architecture(save_architecture(tmp_path / name, name)).windows
        for name in ("llama-2", "mistral", "phi-3", "qwen-2", "gemma-2", "gemma-3")
    }
    assert windows == {
        "llama-2": (0, 0),
        "mistral": (8, 8),
        "phi-3": (8, 8),
        "qwen-2": (0, 0),
        "gemma-2": (8, 0),
        "gemma-3": (8, 0),
    }


def test_layers_have_the_rotary_table_of_their_kind_or_none(tmp_path: Path) -> None:
    tables = {}
    for name in ("llama-3", "gemma-3", "smollm-3"):
        folder = save_architecture(tmp_path / name, name)
        tables[name] = rope_tables(read_native_architecture(folder), folder, position_count=20)
    assert {name: each.of_layer for name, each in tables.items()} == {
        "llama-3": (0, 0),
        "gemma-3": (1, 0),
        "smollm-3": (0, -1),
    }
    assert tables["gemma-3"].cosines_NTH.shape == (2, 20, 4)
    # The same table twice would go unnoticed where both kinds had the same base.
    assert (tables["gemma-3"].cosines_NTH[0] != tables["gemma-3"].cosines_NTH[1]).any()
