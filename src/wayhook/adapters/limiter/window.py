"""Capping in one process: at most so many calls in any window, which begins at any moment (R219)."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from time import monotonic

from wayhook.errors import Discarded
from wayhook.model.limit import CappingRule

__all__ = ["WindowLimiter"]


class WindowLimiter:
    """Holds capping rules exactly, by the times of the calls in the last window.

    A call that several rules cover needs a place in each of them, and takes none unless all have one.
    `clock`: seconds that never go back. Memory: one time for each call of a window.
    """

    def __init__(self, rules: Iterable[CappingRule], *, clock: Callable[[], float] = monotonic) -> None:
        self._windows = [(rule, deque[float]()) for rule in rules]
        self._clock = clock

    @asynccontextmanager
    async def place(self, method: str, url: str) -> AsyncIterator[float]:
        """Take a place for one attempt now; raises `Discarded` when a rule that covers it has none left."""
        if not self._taken(method, url):
            raise Discarded("the call is above the rate and was not sent (R215)")
        yield 0.0

    def _taken(self, method: str, url: str) -> bool:
        now = self._clock()
        windows = [(rule, times) for rule, times in self._windows if rule.covers(method, url)]
        for rule, times in windows:
            while times and now - times[0] >= rule.period_in_ms / 1000:
                times.popleft()
        if any(len(times) >= rule.max_calls_count for rule, times in windows):
            return False
        for _, times in windows:
            times.append(now)
        return True
