import dataclasses

import numpy as np
import pytest
import torch

from nano import attention
from nano import pretrain as module
from nano.pretrain import (
    HELD_OUT_KINDS,
    Corpus,
    GateMissed,
    build_model,
    drilled_before,
    pretrain,
    read_history,
    row_length_at,
    rows_at,
)
from nano.recipe import NANO, Drilling, Shape

TINY = dataclasses.replace(
    NANO,
    shape=Shape(
        d_model=32, layers=1, heads=2, kv_heads=1, d_mlp=48, vocabulary=64, max_positions=64, rope_theta=10_000.0
    ),
    train_tokens=16 * 4 * 6,
    row_length=16,
    long_row_length=32,
    long_share=0.3,
    tokens_per_step=64,
    tokens_per_forward=32,
    drillings=(Drilling(from_tokens=64 * 3, share=0.5),),
    reading_questions=2,
    gate_questions=3,
    gate_tokens=64 * 5,
)


def reads_all(_model: object, _count: int) -> float:
    return 1.0


@pytest.fixture
def data(tmp_path):
    generator = np.random.default_rng(0)
    np.save(tmp_path / "train.npy", generator.integers(16, 64, 16 * 20).astype(np.uint16))
    np.save(tmp_path / "drills.npy", generator.integers(16, 64, 16 * 20).astype(np.uint16))
    for kind in HELD_OUT_KINDS:
        np.save(tmp_path / f"held_out_{kind}.npy", generator.integers(16, 64, 16 * 3).astype(np.uint16))
    return tmp_path


def test_a_resumed_run_ends_with_the_weights_of_an_unbroken_one(data, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "STEPS_PER_CHECKPOINT", 2)
    (tmp_path / "unbroken").mkdir()
    (tmp_path / "broken").mkdir()
    unbroken = pretrain(TINY, data, tmp_path / "unbroken", reading=reads_all, is_compiled=False)

    steps_done, whole_step = [], module._step

    def dying_step(*arguments):
        if len(steps_done) == 5:
            raise KeyboardInterrupt
        steps_done.append(1)
        return whole_step(*arguments)

    monkeypatch.setattr(module, "_step", dying_step)
    with pytest.raises(KeyboardInterrupt):
        pretrain(TINY, data, tmp_path / "broken", reading=reads_all, is_compiled=False)
    monkeypatch.setattr(module, "_step", whole_step)
    resumed = pretrain(TINY, data, tmp_path / "broken", reading=reads_all, is_compiled=False)

    for name, weight in unbroken.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name
    losses = [
        [(record.step, record.training, record.prose) for record in read_history(tmp_path / name / "losses.csv")]
        for name in ("unbroken", "broken")
    ]
    assert losses[0] == losses[1]
    assert [record[0] for record in losses[0]] == [2, 4, 6]


def test_every_target_is_the_next_token_and_rows_wrap_after_the_last_whole_step():
    corpus = Corpus(documents=np.arange(64 * 2 + 1, dtype=np.uint16), drills=np.zeros(0, dtype=np.uint16))
    recipe = dataclasses.replace(TINY, tokens_per_step=64, drillings=())
    first = rows_at(corpus, 0, 16, recipe)
    assert torch.equal(first[0], torch.arange(17))
    assert torch.equal(first[:, 0], torch.tensor([0, 16, 32, 48]))
    assert torch.equal(rows_at(corpus, 1, 32, recipe)[:, 0], torch.tensor([64, 96]))
    assert torch.equal(rows_at(corpus, 2, 16, recipe), first)


def test_drills_take_their_share_of_the_steps_and_nothing_is_skipped():
    corpus = Corpus(documents=np.arange(4 * 64 + 1, dtype=np.uint16), drills=np.arange(1000, 1129, dtype=np.uint16))
    drillings = (Drilling(from_tokens=64, share=0.5), Drilling(from_tokens=192, share=0.25))
    recipe = dataclasses.replace(TINY, tokens_per_step=64, long_row_length=16, drillings=drillings)
    steps = [rows_at(corpus, step, 16, recipe)[:, 0].tolist() for step in range(4)]
    assert steps == [
        [0, 16, 32, 48],
        [64, 80, 1000, 1016],
        [96, 112, 1032, 1048],
        [128, 144, 160, 1064],
    ]


def test_a_share_of_drills_that_is_no_whole_row_is_refused():
    recipe = dataclasses.replace(TINY, tokens_per_step=64, drillings=(Drilling(from_tokens=0, share=0.1),))
    with pytest.raises(ValueError, match="no whole number of rows"):
        drilled_before(1, recipe)


def test_only_the_last_steps_have_long_rows():
    assert [row_length_at(step, 10, TINY) for step in range(10)] == [16] * 7 + [32] * 3


def test_a_base_that_cannot_read_stops_at_the_gate(data, tmp_path):
    (tmp_path / "work").mkdir()
    asked = []

    def reads_too_little(_model, count):
        asked.append(count)
        return 0.4

    with pytest.raises(GateMissed, match="320 tokens 40%"):
        pretrain(TINY, data, tmp_path / "work", reading=reads_too_little, is_compiled=False)
    assert asked[-1] == TINY.gate_questions


@pytest.mark.parametrize("length", [7, 128, 256, 300])
def test_attention_in_blocks_equals_torchs_own(length):
    model = build_model(TINY.shape)
    ids = torch.randint(16, 64, (2, length))
    expected = model(input_ids=ids, use_cache=False).logits
    model.set_attn_implementation(attention.NAME)
    torch.testing.assert_close(model(input_ids=ids, use_cache=False).logits, expected, rtol=1e-4, atol=1e-5)


def test_nano_has_about_eight_and_a_half_million_parameters():
    assert 8_000_000 < build_model(NANO.shape).num_parameters() < 9_000_000
