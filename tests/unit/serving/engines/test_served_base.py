"""A base model without its weights knows all that an engine must know before it computes."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from torch import nn
from transformers import AutoModelForCausalLM

from tanren.domain.conversation import written_prompt
from tanren.domain.errors import JobFailed, ValidationFailed
from tanren.serving.engines.reference_base import load_reference_base
from tanren.serving.engines.served_base import load_served_base, skeleton_of
from tests.numerics import tiny_models
from tests.unit.serving.listening import asked
from tests.unit.serving.tiny_base import write_tiny_adapter, write_tiny_base


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("base") / "base")


@pytest.mark.parametrize("name", tiny_models.ARCHITECTURES)
def test_a_skeleton_has_the_models_layers_and_no_memory(tmp_path: Path, name: str):
    folder = tiny_models.save_architecture(tmp_path, name)
    skeleton = skeleton_of(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(folder)

    def linear(module: Any) -> dict[str, tuple[int, int]]:
        found = {name: each for name, each in module.named_modules() if isinstance(each, nn.Linear)}
        return {name: (each.out_features, each.in_features) for name, each in found.items()}

    assert linear(skeleton) == linear(model)
    assert {parameter.device.type for parameter in skeleton.parameters()} == {"meta"}
    assert load_served_base(folder).parameter_count == model.num_parameters()


def test_with_and_without_weights_a_base_is_the_same(base: Path):
    without, whole = load_served_base(base), load_reference_base(base)
    for name in ("folder", "parameter_count", "context_length", "stop_ids"):
        assert getattr(without, name) == getattr(whole, name)
    assert without.digest() == whole.digest()
    assert without.prompt_ids(asked().conversation) == whole.prompt_ids(asked().conversation)


def test_a_base_without_a_chat_template_takes_written_prompts_and_refuses_conversations(base: Path, tmp_path: Path):
    folder = tmp_path / "bare"
    shutil.copytree(base, folder)
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config.pop("chat_template", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    bare, whole = load_served_base(folder), load_served_base(base)
    prompt = written_prompt("<|user|>\nhello<|end|>\n<|assistant|>\n")
    assert bare.prompt_ids(prompt) == whole.prompt_ids(prompt)
    assert bare.stop_ids <= whole.stop_ids | bare.stop_ids
    with pytest.raises(ValidationFailed, match="has no chat template"):
        bare.prompt_ids(asked().conversation)


def test_an_adapter_is_checked_against_the_skeleton_as_against_the_model(base: Path, tmp_path: Path):
    served = load_served_base(base)
    good = write_tiny_adapter(tmp_path / "good", base, seed=1)
    assert served.load_adapter(good).size_bytes > 0
    wider = write_tiny_base(tmp_path / "wider", hidden_size=64)
    bad = write_tiny_adapter(tmp_path / "bad", wider, seed=1, base_sha256=served.digest())
    with pytest.raises(ValidationFailed, match="64 to 64 features"):
        served.load_adapter(bad)


@pytest.mark.parametrize(
    ("file", "stated", "expected"),
    [
        ("generation_config.json", [7, 8], {7, 8}),
        ("generation_config.json", 9, {9}),
        ("generation_config.json", None, set()),
        ("config.json", 6, {6}),
    ],
)
def test_further_ends_of_a_turn_are_those_that_the_folder_states(
    base: Path, tmp_path: Path, file: str, stated: Any, expected: set[int]
):
    folder = write_tiny_base(tmp_path / "base")
    end_of_turn = load_served_base(folder).stop_ids
    (folder / "generation_config.json").unlink()
    config = json.loads((folder / file).read_text()) if file == "config.json" else {}
    (folder / file).write_text(json.dumps({**config, "eos_token_id": stated}))
    stop_ids = load_served_base(folder).stop_ids
    assert len(end_of_turn) == 1
    assert stop_ids == end_of_turn | expected
    assert load_reference_base(folder).stop_ids == stop_ids


def test_a_folder_that_is_no_base_model_is_refused(tmp_path: Path):
    for load in (load_served_base, load_reference_base, skeleton_of):
        with pytest.raises(JobFailed, match=r"config\.json is missing"):
            load(tmp_path)
