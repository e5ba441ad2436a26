"""The valid ids that a wrong one was probably meant to be, for the error that refuses it.

Cost     one comparison for each known id, some 20 µs; only where an id leads nowhere.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

SHOWN: Final = 5
LONGEST_COMPARED: Final = 256
"""Characters; a comparison takes time with their square."""
_LEAST_LIKENESS: Final = 0.5


def nearest_sentence(wrong: str, known: Iterable[str]) -> str:
    """Names the nearest, the likeliest first, with a space in front; empty where none is near."""
    by_lower_case = {each.lower()[:LONGEST_COMPARED]: each for each in known}
    compared = wrong.lower()[:LONGEST_COMPARED]
    found = get_close_matches(compared, by_lower_case, n=SHOWN, cutoff=_LEAST_LIKENESS)
    return f" Nearest: {', '.join(by_lower_case[each] for each in found)}." if found else ""
