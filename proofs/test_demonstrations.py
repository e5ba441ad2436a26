"""nano is taught five things for real, beside a control with random weights; a claim that does not hold fails.

make proofs, or python -m proofs.demonstrations            the figures go to build/proofs/demonstrations.json
python -m proofs.demonstrations --page                     and from there to docs/demonstrations.md
"""

import pytest

from proofs.demonstrations.lessons import LESSONS
from proofs.demonstrations.running import demonstrate, failures, table


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("letter", LESSONS)
def test_nano_learns_what_is_claimed_and_more_than_random_weights_do(letter: str):
    figures = demonstrate(letter)
    print(f"\n({letter}) {table(figures)}")
    assert failures(figures) == []
