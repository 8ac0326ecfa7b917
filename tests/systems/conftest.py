"""What the tests of the systems share: an executor that may reach this machine, and waits for nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

import wayhook as wh


class HastyClock:
    """The clock of the machine, but each wait is over at once. `waits`: the seconds of each."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self._skipped = 0.0

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self._skipped

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._skipped)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._skipped += seconds


@pytest.fixture
def clock() -> HastyClock:
    """A clock that remembers the waits."""
    return HastyClock()


@pytest.fixture
async def executor(loopback: wh.Guardrails, clock: HastyClock) -> AsyncIterator[wh.Executor]:
    """An executor of the standard edition, without jitter."""
    async with wh.Executor(guardrails=loopback, clock=clock, random=lambda: 0.0) as executor:
        yield executor
