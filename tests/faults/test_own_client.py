"""The contract of transports, kept over a client that a user gives."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator

import httpx
import pytest

import wayhook as wh
from wayhook.testing import TransportContract


class ByClient(wh.HttpxTransport):
    """A transport over a client that closes together with it, as its owner would do."""

    async def aclose(self) -> None:
        await self._client.aclose()


class TestClientOfOnesOwn(TransportContract):
    """A client that the user gives: it dials and reads for itself."""

    @pytest.fixture
    async def transport(self, authorities: str) -> AsyncIterator[wh.HttpxTransport]:
        """Open one, and close it."""
        context = ssl.create_default_context(cadata=authorities)
        opened = ByClient(httpx.AsyncClient(verify=context, trust_env=False))
        yield opened
        await opened.aclose()
