"""Draws follow the model's distribution under the filters of `transformers`, and a seed decides them."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.generation.logits_process import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from tanren.domain.errors import ModelFailed
from tanren.serving.sampling import Sampler
from tests.unit.serving.listening import asked

LOGITS_V = torch.randn(50, generator=torch.Generator().manual_seed(1)) * 3


def draws(count: int, **how: Any) -> list[int]:
    sampler = Sampler(asked(**how))
    return [sampler.next_token(LOGITS_V) for _ in range(count)]


def test_temperature_zero_takes_the_most_probable_token():
    assert set(draws(20, temperature=0.0, top_p=0.5, top_k=3)) == {int(LOGITS_V.argmax())}


@pytest.mark.parametrize("how", [{"top_k": 1}, {"top_p": 0.0}, {"top_p": 1e-9}, {"temperature": 1e-300}])
def test_the_narrowest_filters_leave_the_most_probable_token(how: dict[str, Any]):
    assert set(draws(20, **{"temperature": 1.0, **how})) == {int(LOGITS_V.argmax())}


@settings(max_examples=40, deadline=None)
@given(
    temperature=st.floats(0.1, 1.5),
    top_k=st.one_of(st.none(), st.integers(1, 60)),
    top_p=st.sampled_from([0.1, 0.35, 0.6, 0.9, 0.999, 1.0]),
)
def test_the_tokens_that_may_be_drawn_and_their_odds_are_those_of_transformers(
    temperature: float, top_k: int | None, top_p: float
):
    scores = TemperatureLogitsWarper(temperature)(None, LOGITS_V[None])
    if top_k is not None:
        scores = TopKLogitsWarper(top_k)(None, scores)
    if top_p < 1:
        scores = TopPLogitsWarper(top_p)(None, scores)
    expected_V = scores.softmax(dim=-1)[0]
    sampler = Sampler(asked(temperature=temperature, top_k=top_k, top_p=top_p))
    kept, ids = sampler._kept((LOGITS_V - LOGITS_V.max()) / temperature)
    actual_V = torch.zeros_like(expected_V)
    actual_V[ids if ids is not None else slice(None)] = kept / kept.sum()
    torch.testing.assert_close(actual_V, expected_V, atol=1e-5, rtol=1e-4)


def test_a_seed_decides_the_draws():
    assert draws(30, temperature=1.0, seed=5) == draws(30, temperature=1.0, seed=5)
    assert draws(30, temperature=1.0, seed=5) != draws(30, temperature=1.0, seed=6)
    assert draws(3, temperature=1.0, seed=2**64 + 1)


@pytest.mark.parametrize("damage", [float("nan"), float("inf")])
def test_logits_that_are_not_numbers_are_an_error_and_no_token(damage: float):
    logits_V = LOGITS_V.clone()
    logits_V[7] = damage
    for temperature in (0.0, 1.0):
        with pytest.raises(ModelFailed, match="not finite"):
            Sampler(asked(temperature=temperature)).next_token(logits_V)
