"""A row of a recipe's file, and what all generators do with rows."""

from collections.abc import Iterable
from random import Random

Row = dict[str, object]
Files = dict[str, list[Row]]
"""Rows by the name of their file."""


def pair(prompt: str, completion: str) -> Row:
    return {"prompt": prompt, "completion": completion}


def distinct(rows: Iterable[Row], count: int, *, besides: Iterable[Row] = ()) -> list[Row]:
    """The first `count` rows whose prompts differ from each other's and from those of `besides`."""
    taken = {row["prompt"] for row in besides}
    found: list[Row] = []
    for row in rows:
        if row["prompt"] not in taken:
            taken.add(row["prompt"])
            found.append(row)
            if len(found) == count:
                return found
    raise ValueError(f"only {len(found)} of {count} different rows came")


def shuffled(rows: list[Row], rng: Random) -> list[Row]:
    return rng.sample(rows, len(rows))
