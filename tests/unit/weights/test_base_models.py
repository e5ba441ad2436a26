import json
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import PreTrainedTokenizerFast

from tanren.domain.errors import JobFailed
from tanren.model_files.digests import weights_digest
from tanren.weights.base_models import load_base_model, load_tokenizer, read_facts
from tests.numerics.tiny_models import save_architecture, save_base_model


def test_facts_agree_with_the_loaded_model(tmp_path: Path) -> None:
    folder = save_base_model(tmp_path)
    facts = read_facts(folder)
    model = load_base_model(folder, dtype="float32")
    assert facts.parameter_count == sum(parameter.numel() for parameter in model.parameters())
    assert facts.context_length == 256
    assert facts.architecture == "LlamaForCausalLM"
    assert (facts.hidden_size, facts.layer_count) == (32, 2)
    assert facts.vocabulary_size == len(load_tokenizer(folder))


def test_the_dtype_is_the_one_asked_for_and_nothing_is_trainable(tmp_path: Path) -> None:
    model = load_base_model(save_base_model(tmp_path), dtype="bfloat16")
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_a_model_that_wants_to_run_code_is_refused(tmp_path: Path) -> None:
    folder = save_base_model(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "evil.Model"}}))
    for open_it in (read_facts, load_tokenizer, lambda folder: load_base_model(folder, dtype="float32")):
        with pytest.raises(JobFailed, match="auto_map"):
            open_it(folder)


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    folder = save_base_model(tmp_path)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(JobFailed, match=r"pytorch_model\.bin, a pickle"):
        load_base_model(folder, dtype="float32")


@pytest.mark.parametrize("content", [b"", b"\xff" * 20, b"\x10" + b"\0" * 7 + b"x" * 16])
def test_a_torn_weights_file_is_named(tmp_path: Path, content: bytes) -> None:
    folder = save_base_model(tmp_path)
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(JobFailed, match="not a safetensors file"):
        read_facts(folder)


def test_the_digest_follows_the_weights(tmp_path: Path) -> None:
    one, same, other = (save_base_model(tmp_path / str(n), seed=n // 2) for n in range(3))
    assert weights_digest(one) == weights_digest(same)
    assert weights_digest(one) != weights_digest(other)


def _word_level(folder: Path, words: list[str]) -> None:
    """A tokenizer of whole words in a folder whose architecture has a class of its own, which splits bytes."""
    vocabulary = {word: index for index, word in enumerate(words)}
    backend = Tokenizer(WordLevel(vocabulary, unk_token=words[0]))
    backend.pre_tokenizer = WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=backend, eos_token=words[0]).save_pretrained(folder)


def test_a_tokenizer_that_is_asked_for_as_it_lies_is_not_replaced_by_its_architectures(tmp_path: Path) -> None:
    folder = save_architecture(tmp_path, "qwen-2")
    _word_level(folder, ["<|end|>", "steel", "river"])
    assert load_tokenizer(folder).encode("river steel", add_special_tokens=False) == [2, 1]


def test_a_tokenizer_that_knows_no_plain_text_is_refused_with_the_way_out(tmp_path: Path) -> None:
    folder = save_architecture(tmp_path, "qwen-2")
    _word_level(folder, ["<|end|>", "steel", "river"])
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, "tokenizer_class": "Qwen2Tokenizer"}))
    with pytest.raises(JobFailed, match="makes no token of a or The answer"):
        load_tokenizer(folder)
