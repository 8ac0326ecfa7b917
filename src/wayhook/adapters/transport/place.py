"""Places for calls: at most so many at once for each key, and who waits is served in order."""

from __future__ import annotations

import asyncio
from collections import deque

import attrs

from wayhook.adapters.transport.deadline import Deadlines
from wayhook.adapters.transport.pool import Key

__all__ = ["Places"]


@attrs.define
class _Line:
    """The places of one key that are taken, and who waits for one."""

    taken: int = 0
    waiting: deque[asyncio.Future[bool]] = attrs.Factory(deque)


class Places:
    """At most `limit` places at once for each key. A place that is left goes to the one who has waited longest."""

    def __init__(self, limit: int, deadlines: Deadlines) -> None:
        self._limit, self._deadlines = limit, deadlines
        self._lines: dict[Key, _Line] = {}

    def enter(self, key: Key) -> bool:
        """Take a place if there is one that nobody waits for; return whether there was."""
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Line()
        if line.taken >= self._limit:
            return False
        line.taken += 1
        return True

    def taken(self, key: Key) -> int:
        """Return how many places are taken."""
        return self._lines[key].taken if key in self._lines else 0

    async def wait(self, key: Key, deadline: float) -> bool:
        """Wait for a place, where `enter` found none; return whether it came by `deadline`."""
        line = self._lines[key]
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        line.waiting.append(future)
        self._deadlines.add(future, deadline)
        entered = False
        try:
            entered = await future
        finally:
            self._deadlines.remove(future)
            if not entered:
                self._give_way(key, line, future)
        return entered

    def _give_way(self, key: Key, line: _Line, future: asyncio.Future[bool]) -> None:
        """Leave the line, or the place that was given at the very moment of the cancellation."""
        if future in line.waiting:
            line.waiting.remove(future)
        elif not future.cancelled() and future.result():
            self.leave(key)

    def leave(self, key: Key) -> None:
        """Give a place back: to who waits for it, if somebody does."""
        line = self._lines[key]
        while line.waiting:
            future = line.waiting.popleft()
            if not future.done():
                future.set_result(True)
                return
        line.taken -= 1
        if not line.taken:
            del self._lines[key]
