"""The clock of the machine."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

__all__ = ["SystemClock"]


def in_utc() -> datetime:
    """Return the date and time, in UTC."""
    return datetime.now(UTC)


class SystemClock:
    """The clock of the machine: that of the event loops of asyncio and uvloop, which read it too."""

    monotonic = staticmethod(time.monotonic)
    """Return seconds that never go back."""

    def now(self) -> datetime:
        """Return the date and time in UTC."""
        return in_utc()

    async def sleep(self, seconds: float) -> None:
        """Wait on the loop."""
        await asyncio.sleep(seconds)
