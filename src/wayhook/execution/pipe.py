"""Messages between two processes of ours on one machine: tuples of plain values, as many in one write as there are."""

from __future__ import annotations

import asyncio
import pickle
import socket
from typing import Any, Self

__all__ = ["Pipe"]

_PREFIX = 4


class Pipe:
    """One end of a pair of sockets that nobody else has; what comes out of it was pickled by the other end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._unsent: list[bytes] = []

    @classmethod
    async def over(cls, end: socket.socket) -> Self:
        """Return the pipe over a connected socket, which it owns from now on."""
        return cls(*await asyncio.open_connection(sock=end))

    def send(self, *message: Any) -> None:
        """Send a message, together with those that are sent before the loop turns; raises what pickling it raises."""
        pickled = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unsent += (len(pickled).to_bytes(_PREFIX), pickled)

    def _flush(self) -> None:
        self._writer.write(b"".join(self._unsent))
        self._unsent.clear()

    async def receive(self) -> tuple[Any, ...] | None:
        """Return the next message; None when the other end is gone."""
        try:
            size = int.from_bytes(await self._reader.readexactly(_PREFIX))
            message: tuple[Any, ...] = pickle.loads(await self._reader.readexactly(size))  # noqa: S301 - our own
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return message

    def close(self) -> None:
        """Close this end at once."""
        self._writer.transport.abort()
