"""The clock of the machine."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

__all__ = ["SystemClock"]


class SystemClock:
    """The clock of the machine; waits and deadlines run on the event loop's own."""

    def monotonic(self) -> float:
        """Return the time of the running loop."""
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        """Return the date and time in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait on the loop."""
        await asyncio.sleep(seconds)
