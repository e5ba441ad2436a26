"""Two thousand requests for every operation that is there, right and wrong: the answers keep to botocore's model.

`make proofs` asks ten times as many (proofs/test_conformance.py).
"""

import json
import math
from pathlib import Path

from tests.conformance.asking import Asker

REQUESTS = 2_000


def test_two_thousand_requests_end_in_a_result_or_an_error_of_the_model(tmp_path: Path, migrated_file: Path):
    asker = Asker(tmp_path, migrated_file)
    tally = asker.ask_everything(math.ceil(REQUESTS / len(asker.operations)))
    asker.close()
    print(json.dumps(tally.figures(), indent=1))
    assert tally.complaints == [], "\n".join(tally.complaints)
    assert tally.count >= REQUESTS
    # They come further than to the validation: of those that are right by intention, at least half have a result.
    assert tally.answered_right / tally.asked_right > 0.5, tally.never_answered
    assert len(tally.answered) / len(tally.asked) > 0.9, tally.never_answered
