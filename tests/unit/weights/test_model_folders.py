from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tanren.domain.errors import JobFailed
from tanren.model_files.digests import weights_digest
from tanren.weights.base_models import load_base_model
from tanren.weights.model_folders import load_weights, write_model
from tests.numerics.tiny_models import save_base_model


def test_a_written_model_opens_in_plain_transformers(tmp_path: Path) -> None:
    base = save_base_model(tmp_path / "base")
    model = load_base_model(base, dtype="float32")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.01)
    digest = write_model(tmp_path / "new", model, base_folder=base)
    assert digest == weights_digest(tmp_path / "new")
    ids = torch.arange(1, 9).reshape(1, 8)
    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "new")
    assert plain.dtype == torch.float32
    assert torch.equal(plain(ids).logits, model(ids).logits)
    assert AutoTokenizer.from_pretrained(tmp_path / "new").chat_template
    again = load_base_model(base, dtype="float32")
    load_weights(tmp_path / "new", again)
    assert torch.equal(again(ids).logits, model(ids).logits)


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    base = save_base_model(tmp_path / "base")
    deeper = save_base_model(tmp_path / "deeper", layers=3)
    with pytest.raises(JobFailed, match="does not fit"):
        load_weights(deeper, load_base_model(base, dtype="float32"))
