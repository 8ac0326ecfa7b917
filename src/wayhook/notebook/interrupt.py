"""Ctrl-C while rows are called: heard at once, wherever `wayhook.map` stands, and nothing is lost."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from wayhook.notebook.results import Results

__all__ = ["Brake", "Interrupted"]


class Interrupted(KeyboardInterrupt):
    """Ctrl-C stopped `wayhook.map`, or a retry; `results` has an outcome for every row, also for those not called.

    A call that was under way is `unknown` where it may have been done; a row that was not called is `unavailable`.
    `results.retry()` goes on with both. In a notebook, where nobody caught it: `sys.last_value.results`.
    """

    def __init__(self, results: Results) -> None:
        self.results = results
        super().__init__(results)

    def __str__(self) -> str:
        return (
            f"Ctrl-C stopped this; {len(self.results.succeeded):,} of {len(self.results):,} rows have succeeded. All "
            "outcomes are kept: `except wayhook.Interrupted as stopped: results = stopped.results`, or now, "
            "`import sys; results = sys.last_value.results`; and `results.retry()` goes on"
        )


class Brake:
    """Takes Ctrl-C for as long as it is held, if it is held in the main thread: others do not hear of it.

    It stands in for the handlers of Python, asyncio and ipykernel alone. Those of the latter two tell a task of the
    loop, which hears nothing while `map` has the thread. A handler of the caller's own stays where it is.

    `is_gentle`: whether the first Ctrl-C sets `is_pulled` and does nothing else; otherwise it raises at once.
    """

    def __init__(self) -> None:
        self.is_gentle = self.is_pulled = False
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread() and _is_known(signal.getsignal(signal.SIGINT)):
            self._before = signal.signal(signal.SIGINT, self._pull)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _pull(self, _number: int, _frame: FrameType | None) -> None:
        if self.is_pulled or not self.is_gentle:
            raise KeyboardInterrupt
        self.is_pulled = True


def _is_known(handler: Any) -> bool:
    """Whether a handler of SIGINT is Python's, asyncio's (a partial) or ipykernel's."""
    function = getattr(handler, "func", handler)
    home = str(getattr(function, "__module__", "")).partition(".")[0]
    return function is signal.default_int_handler or home in ("asyncio", "ipykernel")
