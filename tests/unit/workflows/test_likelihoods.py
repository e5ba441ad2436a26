"""How probable a tiny model finds given answers: the figures of transformers, over the tokens that training learns."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from tanren.domain.conversation import Conversation, Message, Role, user_turn
from tanren.domain.errors import JobFailed
from tanren.model_files.digests import weights_digest
from tanren.weights.adapters import write_adapter
from tanren.weights.base_models import load_base_model, load_tokenizer
from tanren.weights.chat_template import ChatTemplate
from tanren.weights.lora import LoraSettings, attach_lora, factors_of
from tanren.workflows import likelihoods
from tanren.workflows.likelihoods import WeightsLikelihoods

ASKED = user_turn("what is 7?").answered("hello 7")


def _scorer(folder: Path, adapter: Path | None = None, **more: Any) -> WeightsLikelihoods:
    return WeightsLikelihoods(folder, adapter, device="cpu", **{"check_wanted": lambda: None, **more})


def _by_transformers(folder: Path, conversation: Conversation) -> tuple[float, int]:
    """Nats and tokens of the last answer, computed from the logits of the whole."""
    template = ChatTemplate(load_tokenizer(folder))
    ids, _ = template.example(conversation)
    asked = len(template.prompt_ids(replace(conversation, messages=conversation.messages[:-1])))
    with torch.no_grad():
        logits = load_base_model(folder, dtype="float32")(torch.tensor([ids])).logits[0]
    end = ids.index(template.end_of_turn_id, asked) + 1
    losses = functional.cross_entropy(logits[asked - 1 : end - 1], torch.tensor(ids[asked:end]), reduction="sum")
    return float(losses), end - asked


def test_the_figure_is_that_of_the_answers_tokens_and_the_end_of_its_turn(tiny_model: Path):
    (found,) = _scorer(tiny_model).likelihoods([ASKED])
    nats, count = _by_transformers(tiny_model, ASKED)
    assert found is not None
    assert (found.nats, found.token_count) == (pytest.approx(nats, rel=1e-5), count)
    assert found.byte_count == len("hello 7")


def test_answers_of_examples_before_are_read_and_not_counted(tiny_model: Path):
    example = (Message(role=Role.USER, text="what is 1?"), Message(role=Role.ASSISTANT, text="hello 1"))
    shown = replace(ASKED, messages=(*example, *ASKED.messages))
    alone, beside = _scorer(tiny_model).likelihoods([ASKED, shown])
    assert alone is not None
    assert beside is not None
    nats, count = _by_transformers(tiny_model, shown)
    assert (beside.nats, beside.token_count) == (pytest.approx(nats, rel=1e-5), count)
    assert beside.token_count == alone.token_count
    assert beside.nats != alone.nats


def test_an_adapter_changes_the_figure_as_it_changes_the_weights(tiny_model: Path, tmp_path: Path):
    model = load_base_model(tiny_model, dtype="float32")
    layers = attach_lora(model, LoraSettings(rank=2, alpha=4), seed=0)
    with torch.no_grad():
        for layer in layers.values():
            layer.lora_b_OR.normal_(0, 0.1)
    write_adapter(
        tmp_path / "adapter",
        factors_of(layers),
        settings=LoraSettings(rank=2, alpha=4),
        base_weights_sha256=weights_digest(tiny_model),
        base_name="tiny",
    )
    (base,) = _scorer(tiny_model).likelihoods([ASKED])
    (tuned,) = _scorer(tiny_model, tmp_path / "adapter").likelihoods([ASKED])
    assert base is not None
    assert tuned is not None
    assert tuned.nats != pytest.approx(base.nats)


def test_what_is_too_long_has_no_figure_and_the_rest_has(tiny_model: Path):
    long = user_turn("what is 7? " * 100).answered("hello 7")
    assert [found is None for found in _scorer(tiny_model).likelihoods([long, ASKED])] == [True, False]


def test_nothing_is_computed_twice_and_the_work_can_be_ended(tiny_model: Path):
    asked: list[int] = []
    scorer = _scorer(tiny_model, check_wanted=lambda: asked.append(1))
    assert scorer.likelihoods([ASKED, ASKED]) == scorer.likelihoods([ASKED, ASKED])
    assert len(asked) == 1


def test_weights_that_do_not_fit_are_not_loaded(tiny_model: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(likelihoods, "available_memory", lambda device: 10)
    with pytest.raises(JobFailed, match=r"takes its weights in float32, .* Leave loss"):
        _scorer(tiny_model).likelihoods([ASKED])
