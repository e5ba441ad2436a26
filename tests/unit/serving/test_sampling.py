"""Draws follow the model's distribution under the filters of `transformers`, and a seed decides them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from transformers.generation.logits_process import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from tanren.domain.errors import ModelFailed
from tanren.serving.sampling import FIRST_GUESS, Sampler
from tests.unit.serving.listening import asked

LOGITS_V = np.random.default_rng(1).normal(size=50).astype(np.float32) * 3
FLAT_V = np.random.default_rng(2).normal(size=8 * FIRST_GUESS + 9).astype(np.float32) * np.float32(0.5)
"""So flat that top-p keeps many more tokens than are looked at first."""


@dataclass
class Allowing:
    """A constraint: the answer is these tokens in this order, or another of the same step's."""

    steps: list[set[int]]
    accepted: list[int] = field(default_factory=list)

    def mask(self, logits_V: NDArray[np.float32]) -> NDArray[np.float32]:
        allowed = np.full_like(logits_V, -np.inf)
        for token in self.steps[len(self.accepted)]:
            allowed[token] = logits_V[token]
        return allowed

    def accept(self, token: int) -> None:
        self.accepted.append(token)

    @property
    def is_complete(self) -> bool:
        return len(self.accepted) == len(self.steps)


def draws(count: int, **how: Any) -> list[int]:
    sampler = Sampler(asked(**how))
    return [sampler.next_token(LOGITS_V) for _ in range(count)]


def test_temperature_zero_takes_the_most_probable_token():
    assert set(draws(20, temperature=0.0, top_p=0.5, top_k=3)) == {int(LOGITS_V.argmax())}


def test_of_equals_the_lowest_id_is_the_most_probable():
    logits_V = np.array([0, 2, 1, 2, 2], dtype=np.float32)
    assert Sampler(asked()).next_token(logits_V) == 1
    assert {Sampler(asked(temperature=1.0, top_k=1)).next_token(logits_V) for _ in range(9)} == {1}


@pytest.mark.parametrize("how", [{"top_k": 1}, {"top_p": 0.0}, {"top_p": 1e-9}, {"temperature": 1e-300}])
def test_the_narrowest_filters_leave_the_most_probable_token(how: dict[str, Any]):
    assert set(draws(20, **{"temperature": 1.0, **how})) == {int(LOGITS_V.argmax())}


@settings(max_examples=60, deadline=None)
@given(
    logits_V=st.sampled_from([LOGITS_V, FLAT_V]),
    temperature=st.floats(0.1, 1.5),
    top_k=st.one_of(st.none(), st.integers(1, 60)),
    top_p=st.sampled_from([0.1, 0.35, 0.6, 0.9, 0.999, 1.0]),
)
def test_the_tokens_that_may_be_drawn_and_their_odds_are_those_of_transformers(
    logits_V: NDArray[np.float32], temperature: float, top_k: int | None, top_p: float
):
    scores = TemperatureLogitsWarper(temperature)(None, torch.from_numpy(logits_V)[None])
    if top_k is not None:
        scores = TopKLogitsWarper(top_k)(None, scores)
    if top_p < 1:
        scores = TopPLogitsWarper(top_p)(None, scores)
    expected_V = scores.softmax(dim=-1)[0].numpy()
    ids, weights = Sampler(asked(temperature=temperature, top_k=top_k, top_p=top_p)).kept(logits_V)
    actual_V = np.zeros_like(expected_V)
    actual_V[slice(None) if ids is None else ids] = weights / weights.sum()
    np.testing.assert_allclose(actual_V, expected_V, atol=1e-5, rtol=1e-4)


def test_tokens_are_drawn_as_often_as_their_odds_say():
    probabilities_V = np.exp(LOGITS_V) / np.exp(LOGITS_V).sum()
    drawn = draws(20_000, temperature=1.0, seed=3)
    frequencies_V = np.bincount(drawn, minlength=len(LOGITS_V)) / len(drawn)
    np.testing.assert_allclose(frequencies_V, probabilities_V, atol=0.015)


def test_a_seed_decides_the_draws():
    assert draws(30, temperature=1.0, seed=5) == draws(30, temperature=1.0, seed=5)
    assert draws(30, temperature=1.0, seed=5) != draws(30, temperature=1.0, seed=6)
    assert draws(3, temperature=1.0, seed=2**64 + 1)
    assert draws(3, temperature=1.0, seed=-1)


@pytest.mark.parametrize("damage", [float("nan"), float("inf")])
def test_logits_that_are_not_numbers_are_an_error_and_no_token(damage: float):
    logits_V = LOGITS_V.copy()
    logits_V[7] = damage
    for temperature in (0.0, 1.0):
        with pytest.raises(ModelFailed, match="not finite"):
            Sampler(asked(temperature=temperature)).next_token(logits_V)
    with pytest.raises(ModelFailed, match="not finite"):
        Sampler(asked()).take_best(7, damage)


def test_only_a_greedy_unconstrained_choice_needs_no_logits():
    assert not Sampler(asked()).needs_logits
    assert Sampler(asked(temperature=0.5)).needs_logits
    assert Sampler(asked(), Allowing([{1}])).needs_logits
    assert Sampler(asked()).take_best(7, 1.5) == 7


@pytest.mark.parametrize("how", [{}, {"temperature": 1.0}, {"temperature": 1.0, "top_k": 40, "top_p": 0.9}])
def test_a_constraint_decides_what_may_be_chosen_and_hears_what_was(how: dict[str, Any]):
    likeliest = int(LOGITS_V.argmax())
    constraint = Allowing([{3}, {8, 9}, {4, 5} - {likeliest}])
    sampler = Sampler(asked(**how), constraint)
    chosen: list[int] = []
    while not sampler.is_complete:
        chosen.append(sampler.next_token(LOGITS_V))
    assert chosen == constraint.accepted
    assert all(token in allowed for token, allowed in zip(chosen, constraint.steps, strict=True))


def test_a_constraint_that_leaves_nothing_is_an_error_of_its_own():
    with pytest.raises(ModelFailed, match="grammar allows no token"):
        Sampler(asked(), Allowing([set()])).next_token(LOGITS_V)
