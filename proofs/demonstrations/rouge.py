"""ROUGE-L: how much of two texts is one common sequence of words.

Source   Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries", section 3; F1, words in lower case.
"""

import re

_WORD = re.compile(r"[a-z0-9]+")


def rouge_l(answer: str, expected: str) -> float:
    """From 0 to 1."""
    left, right = _WORD.findall(answer.lower()), _WORD.findall(expected.lower())
    common = _longest_common_subsequence(left, right)
    return 2 * common / (len(left) + len(right)) if common else 0.0


def _longest_common_subsequence(left: list[str], right: list[str]) -> int:
    row = [0] * (len(right) + 1)
    for word in left:
        diagonal = 0
        for index, other in enumerate(right, 1):
            diagonal, row[index] = row[index], diagonal + 1 if word == other else max(row[index], row[index - 1])
    return row[-1]
