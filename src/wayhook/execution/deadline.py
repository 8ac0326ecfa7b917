"""When tasks are to be done: one timer looks after all of them, so that a deadline costs a call next to nothing."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from wayhook.execution.ports import Clock

__all__ = ["Deadline", "Watch"]

_LOOK = 0.05
"""Seconds between two looks: a task ends at most twice that late, two fifths of the overrun that is allowed (P8)."""


class Watch:
    """Ends the tasks of one loop that are late by `clock`: what `asyncio.timeout` does, with one timer for all.

    A task ends at the second look that finds it late. A transport keeps the same deadline with a timer of its own, and
    after the first look it has ended what it waits for, also where the loop was held until both were late: what it
    knows by then, such as a head that came, is not lost.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._watched: set[Deadline] = set()
        self._late: set[Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.stopped = False

    def begin(self, deadline: Deadline, loop: asyncio.AbstractEventLoop) -> None:
        """Look after the deadline from now on; raises `TimeoutError` when everything was stopped."""
        if self.stopped:
            deadline.expired = True
            raise TimeoutError
        self._watched.add(deadline)
        if self._timer is None:
            self._timer = loop.call_later(_LOOK, self._look)

    def end(self, deadline: Deadline) -> None:
        """Look after it no more."""
        self._watched.discard(deadline)

    def stop(self) -> None:
        """End every task at once, and all that come, as if they were late."""
        self.stopped = True
        for deadline in self._watched:
            deadline.expire()
        self._watched.clear()

    def _look(self) -> None:
        now = self._clock.monotonic()
        late = {each for each in self._watched if each.at is not None and each.at <= now}
        for deadline in late & self._late:
            self._watched.discard(deadline)
            deadline.expire()
        self._late = late
        self._timer = asyncio.get_running_loop().call_later(_LOOK, self._look) if self._watched else None


class Deadline:
    """A context manager for the task that enters it; leaving it late raises `TimeoutError`.

    `at`: on the clock, may be changed at any time; None while its time stands still. `expired`: whether it
    passed. Cancellation by somebody else goes through.
    """

    __slots__ = ("_cancelling", "_task", "_watch", "at", "expired")

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self.at: float | None = None
        self.expired = False

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101 - executions run in tasks
        self._task, self._cancelling = task, task.cancelling()
        self._watch.begin(self, loop)
        return self

    def expire(self) -> None:
        """End what the task waits for."""
        self.expired = True
        self._task.cancel()

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._watch.end(self)
        if self.expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from None
