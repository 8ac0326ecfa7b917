"""Between an executor and a sink that may take its time: a thread that calls it, and events that wait for it.

Theory of operation. The loop puts an event into a queue, with the context variables of who caused it, and goes on. It
never waits, takes no lock that a sink can hold, and does not even log: a handler of the log may be what is slow. The
thread begins with the first event. When it finds the queue empty it rests for a moment, since each time that it wakes,
the loop shares the interpreter with it: so it takes many at a time. It does not rest long, since the garbage collector
looks at all that waits. It ends with the executor. A sink that does not return is left behind with it, in a thread that
keeps no process alive.

Of two numbers, one is written by the loop and one by the thread; their difference is what waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from queue import SimpleQueue
from threading import Event as Flag
from threading import Thread

from wayhook.execution.ports import AttemptEnded, Event, EventSink, ExecutionEnded, TokenAttemptEnded

__all__ = ["Relay"]

CAPACITY = 10_000
"""Events that wait for a sink."""
ROOM = 64 * 2**20
"""Bytes of calls and answers that wait with them."""
CLOSING = 3.0
"""Seconds that closing an executor waits for a sink."""
_REST = 0.002
_LOG = logging.getLogger("wayhook")


class Relay:
    """A sink that takes each event at once, and lets another one hear of it. `dropped`: events that found no room."""

    def __init__(self, sink: EventSink) -> None:
        self._sink, self._name = sink, type(sink).__name__
        self._waiting: SimpleQueue[tuple[Context, Event, int] | None] = SimpleQueue()
        self._taken = self._told = 0
        self._closing = Flag()
        self._ended: Callable[[], object] | None = None
        self._thread: Thread | None = None
        self.dropped = 0

    def emit(self, event: Event) -> None:
        """Take an event; one that finds no room is dropped."""
        size = _size(event)
        if self._waiting.qsize() >= CAPACITY or (size and self._has_no_room_for(size)):
            self.dropped += 1
            if self.dropped == 1:
                waiting = self._waiting.qsize()
                self._report("the event sink %s is slow: %d events wait, and what comes now is dropped", waiting)
            return
        self._taken += size
        self._waiting.put((copy_context(), event, size))
        if self._thread is None:
            self._thread = Thread(target=self._serve, name=f"wayhook {self._name}", daemon=True)
            self._thread.start()

    def _has_no_room_for(self, size: int) -> bool:
        """Whether so many bytes are too many; what waits alone may be as large as it is."""
        waiting = self._taken - self._told
        return waiting > 0 and waiting + size > ROOM

    async def aclose(self) -> None:
        """Wait until the sink has heard what is left, up to 3 seconds; what is lost is logged."""
        if self._thread is None or not self._thread.is_alive():
            return
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        self._ended = lambda: loop.call_soon_threadsafe(ended.set)
        self._closing.set()
        self._waiting.put(None)
        try:
            await asyncio.wait_for(ended.wait(), CLOSING)
        except TimeoutError:
            lost = self.dropped + self._waiting.qsize()  # the end in the queue counts for the event that is not done
            self._report("the event sink %s did not end: %d events were dropped", lost)
            return
        self._thread.join()  # it has said its last word
        if self.dropped:
            self._report("the event sink %s was slow: %d events were dropped", self.dropped)

    def _report(self, message: str, count: int) -> None:
        """Log in a thread that nobody waits for."""
        Thread(target=_LOG.warning, args=(message, self._name, count), daemon=True).start()

    def _serve(self) -> None:
        while self._tell(self._waiting.get()):
            if self._waiting.empty():
                self._closing.wait(_REST)
        if self._ended is not None:
            with suppress(RuntimeError):  # a loop that did not wait may be closed
                self._ended()

    def _tell(self, waiting: tuple[Context, Event, int] | None) -> bool:
        """Tell the sink of an event; False at the end. No event stays here while the next one is waited for."""
        if waiting is None:
            return False
        context, event, size = waiting
        self._told += size
        try:
            context.run(self._sink.emit, event)
        except BaseException:  # noqa: BLE001 - a sink harms no call, and whom it would cancel or end is not here
            with suppress(BaseException):  # a handler of the log may fail as well, and what comes next is heard
                _LOG.exception("the event sink %s failed", self._name)
        return True


def _size(event: Event) -> int:
    """The bytes that an event keeps in memory, beside a little; a body that two events share counts for both."""
    match event:
        case ExecutionEnded():
            call, answer = event.outcome.call, event.outcome.received
        case AttemptEnded() | TokenAttemptEnded():
            call, answer = event.call, None
        case _:
            return 0
    sent = 0 if call is None or call.body is None else len(call.body)
    return sent if answer is None else sent + len(answer.body)
