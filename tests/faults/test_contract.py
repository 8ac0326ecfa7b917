"""The contract of transports, kept by ours."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

import wayhook as wh
from wayhook.testing import TransportContract


class TestHttpxTransport(TransportContract):
    """The default transport."""

    @pytest.fixture
    async def transport(self, authorities: str) -> AsyncIterator[wh.HttpxTransport]:
        """Open one, and close it."""
        opened = wh.HttpxTransport(trust=authorities)
        yield opened
        await opened.aclose()


class TestWireTransport(TransportContract):
    """The fast one."""

    @pytest.fixture
    async def transport(self, authorities: str) -> AsyncIterator[wh.WireTransport]:
        """Open one, and close it."""
        opened = wh.WireTransport(trust=authorities)
        yield opened
        await opened.aclose()


@pytest.mark.asyncio(loop_factories=["uvloop"])
class TestWireTransportOnUvloop(TestWireTransport):
    """The same on another event loop, which batches what is written and tells late what has left."""
