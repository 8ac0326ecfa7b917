"""Which event loops the tests of faults run on: asyncio's, but where a mark asks for another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Asyncio's own, and uvloop's for who is marked with it; where that is not installed the test is skipped."""
    factories: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
    marker = item.get_closest_marker("asyncio")
    if marker is not None and "uvloop" in marker.kwargs.get("loop_factories", ()):
        with suppress(ImportError):
            import uvloop

            factories["uvloop"] = uvloop.new_event_loop
    return factories
