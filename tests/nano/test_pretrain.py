import dataclasses

import numpy as np
import pytest
import torch

from nano import pretrain as module
from nano.pretrain import HELD_OUT_KINDS, build_model, pretrain, read_history, rows_at
from nano.recipe import NANO, Shape

TINY = dataclasses.replace(
    NANO,
    shape=Shape(
        d_model=32, layers=1, heads=2, kv_heads=1, d_mlp=48, vocabulary=64, max_positions=64, rope_theta=10_000.0
    ),
    train_tokens=16 * 4 * 6,
    row_length=16,
    rows_per_step=4,
    rows_per_forward=2,
)


@pytest.fixture
def data(tmp_path):
    generator = np.random.default_rng(0)
    np.save(tmp_path / "train.npy", generator.integers(16, 64, 16 * 20).astype(np.uint16))
    for kind in HELD_OUT_KINDS:
        np.save(tmp_path / f"held_out_{kind}.npy", generator.integers(16, 64, 16 * 3).astype(np.uint16))
    return tmp_path


def test_a_resumed_run_ends_with_the_weights_of_an_unbroken_one(data, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "STEPS_PER_CHECKPOINT", 2)
    (tmp_path / "unbroken").mkdir()
    (tmp_path / "broken").mkdir()
    unbroken = pretrain(TINY, data, tmp_path / "unbroken", is_compiled=False)

    steps_done, whole_step = [], module._step

    def dying_step(*arguments):
        if len(steps_done) == 5:
            raise KeyboardInterrupt
        steps_done.append(1)
        return whole_step(*arguments)

    monkeypatch.setattr(module, "_step", dying_step)
    with pytest.raises(KeyboardInterrupt):
        pretrain(TINY, data, tmp_path / "broken", is_compiled=False)
    monkeypatch.setattr(module, "_step", whole_step)
    resumed = pretrain(TINY, data, tmp_path / "broken", is_compiled=False)

    for name, weight in unbroken.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name
    losses = [
        [(record.step, record.training, record.prose) for record in read_history(tmp_path / name / "losses.csv")]
        for name in ("unbroken", "broken")
    ]
    assert losses[0] == losses[1]
    assert [record[0] for record in losses[0]] == [2, 4, 6]


def test_every_target_is_the_next_token_and_rows_wrap_after_the_last():
    tokens = np.arange(16 * 5 + 1, dtype=np.uint16)
    first = rows_at(tokens, 0, TINY)
    assert torch.equal(first[0], torch.arange(17))
    assert torch.equal(first[1, 0], torch.tensor(16))
    assert torch.equal(rows_at(tokens, 1, TINY)[:, 0], torch.tensor([64, 0, 16, 32]))


def test_nano_has_about_four_million_parameters():
    assert 3_800_000 < build_model(NANO.shape).num_parameters() < 4_400_000
