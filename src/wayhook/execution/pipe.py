"""Messages between two processes of ours on one machine, as many in one write as there are.

Each has a kind, a number, and a content that is opened by itself: values of the users' own classes are in it, which may
be known here and nowhere else.
"""

from __future__ import annotations

import asyncio
import pickle
import socket
from typing import Any, Self

__all__ = ["CannotTravel", "Message", "Pipe", "opened"]

_PREFIX = 4
Message = tuple[str, int, bytes]
"""Kind, number, content."""


class CannotTravel(Exception):  # noqa: N818 - it is no fault: what stays is done here
    """Something cannot be put into a message, or not be taken out of it."""


def opened(content: bytes) -> tuple[Any, ...]:
    """Return what was sent; raises `CannotTravel`."""
    try:
        found: tuple[Any, ...] = pickle.loads(content)  # noqa: S301 - our own
    except Exception as failure:
        raise CannotTravel from failure  # whatever a class of the users raises
    return found


class Pipe:
    """One end of a pair of sockets that nobody else has; what comes out of it was pickled by the other end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._unsent: list[bytes] = []

    @classmethod
    async def over(cls, end: socket.socket) -> Self:
        """Return the pipe over a connected socket, which it owns from now on."""
        try:
            return cls(*await asyncio.open_connection(sock=end))
        except BaseException:
            end.close()
            raise

    def send(self, kind: str, number: int, *told: Any) -> None:
        """Send a message, together with those that are sent before the loop turns; raises `CannotTravel`."""
        try:
            content = pickle.dumps(told, pickle.HIGHEST_PROTOCOL)
            message = pickle.dumps((kind, number, content), pickle.HIGHEST_PROTOCOL)
            size = len(message).to_bytes(_PREFIX)
        except Exception as failure:
            raise CannotTravel from failure  # whatever a class of the users raises
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unsent += (size, message)

    def _flush(self) -> None:
        if not self._writer.transport.is_closing():
            self._writer.write(b"".join(self._unsent))
        self._unsent.clear()

    async def receive(self) -> Message | None:
        """Return the next message; None when the other end is gone."""
        try:
            size = int.from_bytes(await self._reader.readexactly(_PREFIX))
            message: Message = pickle.loads(await self._reader.readexactly(size))  # noqa: S301 - our own
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return message

    def close(self) -> None:
        """Close this end at once."""
        self._writer.transport.abort()
