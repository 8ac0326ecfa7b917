"""Standings in memory keep the contract, and what executors make of standings that they share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

import wayhook as wh
from wayhook.testing import FakeClock, StandingContract


class TestMemoryStandings(StandingContract):
    """Every promise, in memory."""

    @pytest.fixture
    def standings(self, clock: FakeClock) -> wh.MemoryStandings:
        """Standings without a destination."""
        return wh.MemoryStandings(clock=clock)

    @pytest.fixture
    def later(self, clock: FakeClock) -> Callable[[float], Awaitable[None]]:
        """Let time pass."""
        return clock.sleep
