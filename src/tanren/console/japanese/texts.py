"""The console's words in Japanese, by their English; AWS's own words where AWS's console has them.

Source   the Japanese Bedrock console, as the articles of `docs/demonstrations.md` walk through it
"""

from collections.abc import Mapping
from typing import Final

from tanren.console.japanese.data import DATA
from tanren.console.japanese.evaluations import EVALUATIONS
from tanren.console.japanese.findings import FINDINGS
from tanren.console.japanese.frame import FRAME
from tanren.console.japanese.job_sentences import JOB_SENTENCES
from tanren.console.japanese.jobs import JOBS
from tanren.console.japanese.models import MODELS
from tanren.console.japanese.operations import OPERATIONS
from tanren.console.japanese.playground import PLAYGROUND
from tanren.console.japanese.provisioned_throughputs import PROVISIONED_THROUGHPUTS

PARTS: Final = (
    DATA,
    EVALUATIONS,
    FINDINGS,
    FRAME,
    JOB_SENTENCES,
    JOBS,
    MODELS,
    OPERATIONS,
    PLAYGROUND,
    PROVISIONED_THROUGHPUTS,
)

JAPANESE: Final[Mapping[str, str]] = {english: japanese for part in PARTS for english, japanese in part.items()}
