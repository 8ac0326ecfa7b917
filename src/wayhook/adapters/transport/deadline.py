"""One timer for everything in an event loop that has a deadline."""

from __future__ import annotations

import asyncio

__all__ = ["Deadlines"]

_TICK_SECONDS = 0.025


class Deadlines:
    """Ends what waits for longer than it may: never early, and late by one tick (25 ms) at most.

    A timer for each call would cost more than the call's way through the parser. This one rests when nothing waits.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[asyncio.Future[bool], float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, future: asyncio.Future[bool], deadline: float) -> None:
        """Let `future` become False at its deadline, on the loop's clock, unless it is done by then."""
        self._waiting[future] = deadline
        if self._timer is None:
            self._timer = self._loop.call_later(_TICK_SECONDS, self._tick)

    def remove(self, future: asyncio.Future[bool]) -> None:
        """Forget a future."""
        self._waiting.pop(future, None)

    def _tick(self) -> None:
        now = self._loop.time()
        for future in [future for future, deadline in self._waiting.items() if deadline <= now]:
            del self._waiting[future]
            if not future.done():
                future.set_result(False)
        self._timer = self._loop.call_later(_TICK_SECONDS, self._tick) if self._waiting else None
