"""Texts that are nearly the same, among many: MinHash signatures, compared only where a band of them agrees.

Algorithm   a text is the set of its runs of five characters, of three where they are Japanese or Chinese, without
            differences of case and space. A signature holds the least of 64 hashes over that set; two signatures agree
            in as many places as the sets have in common. Sixteen bands of four places: sets with 80 % in common meet in
            a band in 999 of 1,000 cases, with 30 % in one of eight, and then the whole signature decides.
Cost        about 0.1 ms and 3 KB a text; the first `CAPACITY` texts are kept, further ones are only compared with them.
Source      Broder, On the resemblance and containment of documents, 1997.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

CAPACITY: Final = 100_000

_PLACES: Final = 64
_BANDS: Final = 16
_RUN: Final = 5
_WIDE_RUN: Final = 3
_WIDE: Final = 0x2E80
"""From here on, a character says as much as a syllable or a word."""
_SIMILAR: Final = 0.8
_RANDOM: Final = np.random.default_rng(20_240_731)
_FACTORS: Final = _RANDOM.integers(1, 2**63, _PLACES, dtype=np.uint64) | np.uint64(1)
_OFFSETS: Final = _RANDOM.integers(0, 2**63, _PLACES, dtype=np.uint64)
_POWERS: Final = np.array([pow(1_000_003, index, 2**64) for index in range(_RUN)], dtype=np.uint64)


class NearDuplicates:
    """Takes texts one by one, and tells of each which earlier one it is nearly the same as."""

    def __init__(self) -> None:
        self._signatures: list[NDArray[np.uint32]] = []
        self._numbers: list[int] = []
        self._bands: list[dict[bytes, int]] = [{} for _ in range(_BANDS)]

    def earlier(self, text: str, number: int) -> tuple[int, float] | None:
        """The number of an earlier text and the share in common, at least 0.8; the text is kept under its number while
        there is room."""
        signature = _signature(text)
        if signature is None:
            return None
        best = self._nearest(signature)
        if len(self._numbers) < CAPACITY:
            for bands, piece in zip(self._bands, _pieces(signature), strict=True):
                bands.setdefault(piece, len(self._signatures))
            self._signatures.append(signature)
            self._numbers.append(number)
        return best

    def like(self, text: str) -> tuple[int, float] | None:
        """As `earlier`; the text is not kept."""
        signature = _signature(text)
        return None if signature is None else self._nearest(signature)

    def _nearest(self, signature: NDArray[np.uint32]) -> tuple[int, float] | None:
        pieces = _pieces(signature)
        best: tuple[int, float] | None = None
        for index in {bands[piece] for bands, piece in zip(self._bands, pieces, strict=True) if piece in bands}:
            share = float(np.mean(self._signatures[index] == signature))
            if share >= _SIMILAR and (best is None or share > best[1]):
                best = (self._numbers[index], share)
        return best


def _pieces(signature: NDArray[np.uint32]) -> list[bytes]:
    return [part.tobytes() for part in np.split(signature, _BANDS)]


def _signature(text: str) -> NDArray[np.uint32] | None:
    """None for a text too short to be nearly another."""
    plain = " ".join(text.casefold().split())
    codes = np.frombuffer(plain.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    run = _WIDE_RUN if codes.size and np.median(codes) >= _WIDE else _RUN
    if codes.size < 4 * run:
        return None
    runs = np.unique(sum(codes[i : codes.size - run + 1 + i] * _POWERS[i] for i in range(run)))
    least = np.full(_PLACES, np.iinfo(np.uint64).max, dtype=np.uint64)
    for part in _parts(runs):
        least = np.minimum(least, (part[:, None] * _FACTORS + _OFFSETS).min(axis=0))
    return (least >> np.uint64(32)).astype(np.uint32)


def _parts(runs: NDArray[np.uint64]) -> Iterator[NDArray[np.uint64]]:
    """A long text in pieces: the table of hashes stays below 2 MiB."""
    for start in range(0, runs.size, 4_096):
        yield runs[start : start + 4_096]
