"""The road to the GPU's kernel, with a kernel of our own in its place that does what its description says.

What the real one computes is compared with rectangles in tests/gpu, which need a device.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tanren.training import document_attention, varlen_attention
from tanren.training.document_attention import WHOLE, attend, attention_backwards, attention_forwards
from tanren.training.varlen_attention import why_not_varlen
from tests.numerics.runs import small_run
from tests.numerics.tiny_models import pairs, save_architecture

LENGTHS = [1, 3, 8, 8, 21]
STARTS = torch.tensor([0, *LENGTHS]).cumsum(0)


def _segments(query: Tensor, key: Tensor, value: Tensor, borders: Tensor, scale: float, left: int) -> Iterator[Any]:
    """Of each segment: its place, its heads [H, L, D] and its weights [H, L, L]. A token sees those before it in its
    segment and itself, at most `left` of them to its left; -1: any number."""
    shared = query.shape[1] // key.shape[1]
    for start, end in zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True):
        place = torch.arange(end - start)
        distance = place[:, None] - place
        sees = (distance >= 0) & ((distance <= left) | (left < 0))
        q, k, v = (each[start:end].transpose(0, 1) for each in (query, key, value))
        k, v = k.repeat_interleave(shared, 0), v.repeat_interleave(shared, 0)
        weights = (q @ k.mT * scale).masked_fill(~sees, -torch.inf).softmax(-1)
        yield slice(start, end), q, k, v, weights


def _gradients(d_out: Tensor, query: Tensor, key: Tensor, value: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    """By hand: within an operator of its own, torch differentiates nothing."""
    shared = query.shape[1] // key.shape[1]
    d_query, d_key, d_value = (torch.zeros_like(each) for each in (query, key, value))
    for place, q, k, v, weights in _segments(query, key, value, *rest):
        d = d_out[place].transpose(0, 1)
        d_weights = d @ v.mT
        d_scores = weights * (d_weights - (d_weights * weights).sum(-1, keepdim=True)) * rest[1]
        d_query[place] = (d_scores @ k).transpose(0, 1)
        d_key[place] = (d_scores.mT @ q).unflatten(0, (-1, shared)).sum(1).transpose(0, 1)
        d_value[place] = (weights.mT @ d).unflatten(0, (-1, shared)).sum(1).transpose(0, 1)
    return d_query, d_key, d_value


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A kernel for the processor under the name of the GPU's, and what it was asked."""
    seen: list[dict[str, Any]] = []

    def forward(query: Tensor, key: Tensor, value: Tensor, borders: Tensor, *rest: Any, **named: Any) -> Any:
        assert borders.dtype == torch.int32
        assert named["window_size_right"] == 0
        seen.append({"borders": borders.tolist(), "longest": rest[1], **named})
        given = borders, named["scale"], named["window_size_left"]
        out = torch.cat([(weights @ v).transpose(0, 1) for *_, v, weights in _segments(query, key, value, *given)])
        empty = torch.zeros(0)
        return out, torch.zeros(query.shape[1], query.shape[0]), empty, empty, empty

    def backward(d_out: Tensor, query: Tensor, key: Tensor, value: Tensor, *rest: Any, **named: Any) -> Any:
        return _gradients(d_out, query, key, value, rest[2], named["scale"], named["window_size_left"])

    monkeypatch.setattr(torch.ops.aten, "_flash_attention_forward", forward, raising=False)
    monkeypatch.setattr(torch.ops.aten, "_flash_attention_backward", backward, raising=False)

    def takes_it(_: Tensor) -> bool:
        return True

    monkeypatch.setattr(document_attention, "takes_varlen", takes_it)
    return seen


def _heads(*, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    tokens = sum(LENGTHS)
    shapes = [(tokens, count, 8) for count in (4, 2, 2)]
    return [torch.randn(shape, dtype=dtype, generator=generator, requires_grad=True) for shape in shapes]


@pytest.mark.parametrize("window", [WHOLE, 1, 5])
def test_documents_heads_scale_and_window_are_told_to_the_kernel_as_it_wants_them(
    calls: list[dict[str, Any]], window: int
) -> None:
    query, key, value = _heads()
    expected = attend(query, key, value, STARTS, 0.3, window)
    downstream = torch.randn_like(expected)
    gradients = torch.autograd.grad(expected, (query, key, value), downstream)

    by_torch = varlen_attention.varlen_attention(query, key, value, STARTS, 0.3, window)
    torch.testing.assert_close(by_torch, expected)
    for one, other in zip(torch.autograd.grad(by_torch, (query, key, value), downstream), gradients, strict=True):
        torch.testing.assert_close(one, other)
    assert calls[0] == {**calls[0], "borders": STARTS.tolist(), "longest": 21}

    with torch.no_grad():
        torch.testing.assert_close(attention_forwards(query, key, value, STARTS, 0.3, window), expected)
        by_hand = attention_backwards(downstream, query, key, value, STARTS, 0.3, window)
    for one, other in zip(by_hand, gradients, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("knobs", [{}, {"lora_dropout": 0.1}, {"method": "full", "learning_rate": 1e-3}])
@pytest.mark.parametrize("checkpointing", ["off", "on"])
def test_a_run_by_the_kernel_has_the_losses_of_one_by_rectangles(
    tmp_path: Path, request: pytest.FixtureRequest, knobs: dict[str, Any], checkpointing: str
) -> None:
    torch.set_num_threads(1)
    base = save_architecture(tmp_path / "base", "mistral")
    by_rectangles = small_run(base, tmp_path / "rectangles", pairs(8), **knobs)
    calls: list[dict[str, Any]] = request.getfixturevalue("calls")
    by_kernel = small_run(base, tmp_path / "kernel", pairs(8), gradient_checkpointing=checkpointing, **knobs)
    assert calls
    for one, other in zip(by_kernel.step_records, by_rectangles.step_records, strict=True):
        assert one.training_loss == pytest.approx(other.training_loss, abs=1e-5)
        assert one.gradient_norm == pytest.approx(other.gradient_norm, rel=1e-3)


def test_the_kernel_is_taken_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    capability = (9, 0)

    def asked(_: torch.device) -> tuple[int, int]:
        return capability

    monkeypatch.setattr(torch.cuda, "get_device_capability", asked)
    gpu, narrow = torch.device("cuda:0"), torch.bfloat16
    assert why_not_varlen(narrow, 64, gpu) is None
    assert why_not_varlen(narrow, 256, gpu) is None
    assert why_not_varlen(narrow, 64, torch.device("cpu")) == "there is no kernel for it on cpu"
    assert why_not_varlen(torch.float32, 64, gpu) == "there is no kernel for float32"
    assert why_not_varlen(narrow, 4, gpu) == "there is no kernel for heads 4 wide"
    assert why_not_varlen(narrow, 512, gpu) == "there is no kernel for heads 512 wide"
    capability = (7, 5)
    assert why_not_varlen(narrow, 64, gpu) == "there is no kernel for a device of capability 7.5"
