"""A long curve thinned out to a few of its own points, so that a picture of it looks the same.

Algorithm   largest triangle three buckets (Steinarsson, 2013): first and last point stay; the points between are cut
            into equal buckets, and of each stays the point that makes the largest triangle with the one kept before and
            the mean of the next bucket. Peaks stay, level stretches go. No value is made up.
Cost        one pass.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")


def thinned(items: Sequence[T], xs: Sequence[float], ys: Sequence[float], *, most: int) -> list[T]:
    """At most `most` of the items, in their order; `xs` and `ys` are their places on the curve.

    A value that is no finite number stands at 0. Where one item is wanted, it is the last.
    """
    count = len(items)
    if count <= most:
        return list(items)
    if most <= 2:
        return [items[0], items[-1]][-most:]
    heights = [y if math.isfinite(y) else 0.0 for y in ys]
    width = (count - 2) / (most - 2)
    borders = [1 + round(width * bucket) for bucket in range(most - 1)]
    kept = [0]
    for start, end in pairwise(borders):
        following = range(end, min(count, end + max(1, round(width)))) if end < count - 1 else range(count - 1, count)
        mean_x = sum(xs[i] for i in following) / len(following)
        mean_y = sum(heights[i] for i in following) / len(following)
        x, y = xs[kept[-1]], heights[kept[-1]]
        kept.append(
            max(
                range(start, end),
                key=lambda i: abs((x - mean_x) * (heights[i] - y) - (x - xs[i]) * (mean_y - y)),
            )
        )
    return [items[index] for index in (*kept, count - 1)]
