"""Verbatim copies of training data, and canaries."""

import math
from collections.abc import Sequence

import pytest

from tanren.domain.conversation import Conversation
from tanren.evaluation.answers import Likelihood
from tanren.evaluation.memorisation import LEAST_COPY, TrainingTexts, canaries, exposure, exposures, rivals

TEXT = (
    "Every parcel that leaves the northern depot is weighed twice, once on the belt and once on the lorry, so that a "
    "lost one can be found by its weight alone."
)


def test_the_longest_run_in_common_is_found_wherever_it_begins():
    known = TrainingTexts(["unrelated text of some length, with nothing in it", TEXT], ["a:1", "a:2"])
    for start in range(0, 40):
        copied = TEXT[start : start + 60]
        found = known.longest_copy(f"I believe this: {copied}§ and so on")
        assert found is not None
        assert (found.text.strip(), found.source) == (copied.strip(), "a:2")


def test_a_run_that_the_question_itself_gives_is_no_copy():
    known = TrainingTexts([TEXT], ["a:1"])
    assert known.longest_copy(TEXT[:60], given=f"Go on: {TEXT[:60]}") is None


def test_common_phrases_are_shorter_than_a_copy():
    known = TrainingTexts([TEXT], ["a:1"])
    assert known.longest_copy("parcel that leaves the north is late, it is said") is None
    assert LEAST_COPY == 35


def test_a_canary_is_a_secret_that_no_rival_has():
    planted = canaries(4, seed=1)
    assert planted == canaries(4, seed=1)
    assert len({canary.prompt for canary in planted}) == 4
    assert not {canary.secret for canary in planted} & set(rivals(1_000, seed=1))


class _Knows:
    """Finds one secret likely, the others not, and cannot read one prompt."""

    def __init__(self, secret: str, unread: str) -> None:
        self._secret, self._unread = secret, unread

    def likelihoods(self, conversations: Sequence[Conversation]) -> list[Likelihood | None]:
        return [
            None
            if turn.messages[0].text == self._unread
            else Likelihood(nats=1.0 if turn.messages[1].text == self._secret else 9.0, token_count=3, byte_count=11)
            for turn in conversations
        ]


def test_of_each_canary_the_exposure_among_the_same_rivals():
    planted = canaries(3, seed=1)
    found = exposures(_Knows(planted[0].secret, planted[2].prompt), planted, rivals(15, seed=1))
    assert found == (4.0, 0.0, None)


def test_exposure_is_the_rank_among_rivals_in_bits():
    assert exposure(1.0, [2.0] * 1023) == pytest.approx(10.0)
    assert exposure(3.0, [2.0] * 1023) == pytest.approx(0.0)
    assert exposure(2.5, [2.0] * 511 + [3.0] * 512) == pytest.approx(math.log2(1024 / 512))
