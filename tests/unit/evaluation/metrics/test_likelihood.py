"""Loss, perplexity and bits per byte of given answers."""

import math

import pytest

from tanren.evaluation.answers import Likelihood
from tanren.evaluation.metrics.likelihood import likelihood_scores


def test_perplexity_is_the_exponential_of_the_loss_over_all_tokens():
    scores = likelihood_scores(
        [Likelihood(nats=6.0, token_count=3, byte_count=12), Likelihood(nats=1.0, token_count=4, byte_count=20)]
    )
    assert scores["loss"].value == pytest.approx(1.0)
    assert scores["perplexity"].value == pytest.approx(math.e, abs=1e-6)
    assert scores["bits_per_byte"].value == pytest.approx(7 / 32 / math.log(2))


def test_bits_per_byte_do_not_depend_on_how_a_tokenizer_cuts():
    coarse = likelihood_scores([Likelihood(nats=8.0, token_count=2, byte_count=16)])
    fine = likelihood_scores([Likelihood(nats=8.0, token_count=16, byte_count=16)])
    assert coarse["bits_per_byte"].value == fine["bits_per_byte"].value
    assert coarse["loss"].value != fine["loss"].value


def test_what_a_model_cannot_read_has_no_figure_and_changes_none():
    found = Likelihood(nats=6.0, token_count=3, byte_count=12)
    scores = likelihood_scores([found, None])
    assert scores["loss"].value == likelihood_scores([found])["loss"].value
    assert [math.isnan(value) for value in scores["perplexity"].values] == [False, True]
    assert math.isnan(likelihood_scores([None])["bits_per_byte"].value)
