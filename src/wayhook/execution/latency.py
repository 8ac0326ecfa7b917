"""Latencies: how long calls took, counted in constant memory. No I/O."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate

__all__ = ["Latencies"]

_PER_DECADE = 20
_SHORTEST, _DECADES = 1e-4, 8
_BOUNDS = tuple(_SHORTEST * 10 ** (step / _PER_DECADE) for step in range(_DECADES * _PER_DECADE + 1))
"""Where one count ends and the next begins, in seconds: from a tenth of a millisecond to nearly three hours."""


class Latencies:
    """Counts of seconds by their size, each count an eighth wider than the one before; it grows with nothing.

    `total`: how many were counted.
    """

    __slots__ = ("_counts",)

    def __init__(self, seconds: Iterable[float] = ()) -> None:
        self._counts = [0] * (len(_BOUNDS) + 1)
        for each in seconds:
            self.add(each)

    def add(self, seconds: float) -> None:
        """Count one."""
        self._counts[bisect_left(_BOUNDS, seconds)] += 1

    @property
    def total(self) -> int:
        """How many were counted."""
        return sum(self._counts)

    def counts(self) -> Iterator[tuple[float, float, int]]:
        """Yield, from the shortest that was counted to the longest: above how many seconds, up to how many, how often.

        What is longer than all is counted as if it were at the end. Another thread may go on counting meanwhile.
        """
        counts = tuple(self._counts)
        there = [place for place, count in enumerate(counts) if count]
        for place in range(there[0], there[-1] + 1) if there else ():
            low = _BOUNDS[place - 1] if place else 0.0
            yield low, _BOUNDS[min(place, len(_BOUNDS) - 1)], counts[place]

    def within(self, share: float) -> float:
        """Return the seconds within which a `share` (0 to 1) of the calls ended, an eighth too long at most; 0 of none.

        >>> Latencies([0.1] * 98 + [2.0, 2.0]).within(0.95)
        0.1
        """
        found = tuple(self.counts())
        wanted = share * sum(count for *_, count in found)
        for (_, high, _), so_far in zip(found, accumulate(count for *_, count in found), strict=True):
            if so_far >= wanted:
                return high
        return 0.0
