"""Control-C: at once where nothing is under way, and in two steps where calls are."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["at_once", "in_two_steps"]


def _is_heard() -> bool:
    """Whether signals come here: to the main thread alone."""
    return threading.current_thread() is threading.main_thread()


@contextmanager
def at_once() -> Iterator[None]:
    """Let Control-C raise `KeyboardInterrupt` inside of the block, which holds up the event loop."""
    if not _is_heard():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def in_two_steps(stop: Callable[[], None]) -> Iterator[None]:
    """Let the first Control-C call `stop`, so that what is under way can end, and the next one cancel the task."""
    if not _is_heard():
        yield
        return
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine runs in one
    steps = iter([stop])
    try:
        loop.add_signal_handler(signal.SIGINT, lambda: next(steps, task.cancel)())  # noqa: PLW0108 - another one each time
    except NotImplementedError:  # Windows: the loop's own handler cancels the task at once
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
