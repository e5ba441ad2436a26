"""The line that a model is of, by its name, and why no judge may be of the line that it judges.

A model likes its own words best. So a judge of the tuned model's line is refused, wherever it is named.
"""

import re
from collections.abc import Sequence
from typing import Final

from tanren.domain.errors import ValidationFailed

_LETTERS: Final = re.compile("[A-Za-z]+")
_PROFILE_PREFIX: Final = re.compile(r"^(?:us|us-gov|eu|apac|jp|au|ca|global)\.(?=[a-z0-9]+\.)")


def model_line(name: str) -> str:
    """The family that a model is of: "anthropic.claude" of an id or an ARN, "qwen" of a repository."""
    if not name.startswith("arn:") and "/" in name:
        letters = _LETTERS.match(name.rsplit("/", 1)[-1])
        return letters.group().casefold() if letters else name.casefold()
    model_id = _PROFILE_PREFIX.sub("", name.rsplit("/", 1)[-1])
    provider, _, model = model_id.partition(".")
    return f"{provider}.{model.split('-')[0].rstrip('0123456789')}" if model else provider.split(":")[0]


def check_judge(judge: Sequence[str], tuned: Sequence[str]) -> None:
    """`judge` and `tuned`: what is known of either, ids and names of weights; what it was called comes first.

    Raises   ValidationFailed, which names both, where they have an id, weights or a family in common.
    """
    lines = {model_line(name) for name in judge}
    kin = next((name for name in tuned if model_line(name) in lines), None)
    if kin is not None:
        raise ValidationFailed(
            f"The judge {judge[0]} is of the same line ({model_line(kin)}) as the tuned model {tuned[0]} and would "
            "like its own words best; take a judge of another family."
        )
