"""The limiter of one process keeps the contract of limiters."""

from __future__ import annotations

import pytest

import wayhook as wh
from wayhook.testing import LimiterContract


class TestWindowLimiter(LimiterContract):
    """Every promise of a limiter that is told its rules."""

    @pytest.fixture
    async def limiter(self) -> wh.RuleLimiter:
        """A limiter without rules."""
        return wh.WindowLimiter()
