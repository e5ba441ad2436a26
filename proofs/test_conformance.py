"""Twenty thousand requests and more for every operation, right and wrong, by botocore's model of them.

make proofs            the figures go to docs/proofs.md

Other requests each time: the figures name the seed that they were drawn by, and `--hypothesis-seed N` draws them again.
"""

import json
import math
import random
import time
from pathlib import Path

import pytest

from proofs.figures import keep
from tanren.storage.database import sqlite_url, upgrade
from tests.conformance.asking import Asker

REQUESTS = 22_000
"""Hypothesis draws none twice of an operation that has few; of 20,000 that are wanted some are spare."""


@pytest.mark.timeout(3600)
def test_twenty_thousand_requests_end_in_a_result_or_an_error_of_the_model(tmp_path: Path, pytestconfig: pytest.Config):
    seed = int(pytestconfig.getoption("hypothesis_seed") or random.SystemRandom().randrange(2**32))
    print(f"\ndrawn by seed {seed}")
    migrated = tmp_path / "migrated.db"
    upgrade(sqlite_url(migrated))
    asker = Asker(tmp_path / "asked", migrated)
    began = time.monotonic()
    tally = asker.ask_everything(math.ceil(REQUESTS / len(asker.operations)), chance=seed)
    asker.close()
    keep("conformance", {"seed": seed, "seconds": round(time.monotonic() - began), **tally.figures()})
    assert tally.complaints == [], "\n".join(tally.complaints)
    assert tally.count >= 20_000
    assert tally.never_answered == [], json.dumps(tally.figures())
