import pytest

from tanren.domain.errors import ValidationFailed
from tanren.model_files.selection import wanted_files, weights_wanted

NEEDED = ["LICENSE", "README.md", "chat_template.jinja", "config.json", "merges.txt", "model.safetensors"]


def test_what_makes_a_model_is_taken_and_the_rest_is_left():
    left = [
        "pytorch_model.bin",
        "pytorch_model.bin.index.json",
        "model.gguf",
        "modeling.py",
        "onnx/model.safetensors",
        "..\\config.json",
        ".gitattributes",
        "adapter_config.json",
        "consolidated.safetensors",
        "model.fp16.safetensors",
        "figure.png",
    ]
    assert wanted_files([*left, *NEEDED]) == NEEDED
    assert wanted_files(["tokenizer.model", "LICENCE.txt", "NOTICE", "USE_POLICY.md"])[-1] == "tokenizer.model"


def test_an_index_says_which_weights_belong_together():
    names = ["a.safetensors", "b.safetensors", "config.json"]
    index = b'{"weight_map": {"x": "b.safetensors"}}'
    assert weights_wanted(names, index, where="index") == ["b.safetensors", "config.json"]


@pytest.mark.parametrize("index", [b"", b"[]", b"{}", b'{"weight_map": 3}', b'{"weight_map": {"x": "../c"}}'])
def test_an_index_that_is_none_or_speaks_of_what_is_not_there_is_refused(index):
    with pytest.raises(ValidationFailed, match="index"):
        weights_wanted(["a.safetensors"], index, where="the index")
