"""The process and the event loop that connections belong to."""

from __future__ import annotations

import asyncio
import os

from wayhook.errors import ExecutionError

__all__ = ["Home"]


class Home:
    """Where something was first used, and is to be used from then on (P25). `subject`: what it is, in an error."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._place: tuple[int, asyncio.AbstractEventLoop] | None = None

    def require(self) -> None:
        """Raise `ExecutionError` anywhere else."""
        process, loop = os.getpid(), asyncio.get_running_loop()
        if self._place is None:
            self._place = process, loop
        elif self._place[0] != process:
            raise ExecutionError(f"these {self._subject} were used before the process was forked; make others here")
        elif self._place[1] is not loop:
            raise ExecutionError(f"these {self._subject} were used on another event loop; make others for this loop")

    @property
    def is_gone(self) -> bool:
        """Whether there is nothing to close: it is another process's, or its loop is closed."""
        return self._place is not None and (self._place[0] != os.getpid() or self._place[1].is_closed())
