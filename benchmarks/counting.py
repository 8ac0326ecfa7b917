"""A transport that answers at once: what is left is our own."""

from __future__ import annotations

import asyncio
import json

from order import ANSWER

from wayhook.wire import Request, Response


class CountingTransport:
    """Answers at once and keeps nothing but counts, and the last request."""

    def __init__(self) -> None:
        self.count, self.size, self.last = 0, 0, None
        self._answer = Response(200, (("content-type", "application/json"),), json.dumps(ANSWER).encode())

    async def send(self, request: Request, deadline: float) -> Response:  # noqa: ARG002 - the shape of the port
        """Count the request."""
        self.count += 1
        self.size += len(request.body)
        self.last = request
        await asyncio.sleep(0)  # a real call gives the loop back at least once
        return self._answer

    async def aclose(self) -> None:
        """Nothing is open."""
