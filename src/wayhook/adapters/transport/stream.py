"""One connection of bytes: what was sent over it, and what comes back, within limits."""

from __future__ import annotations

import asyncio
import socket

from wayhook.adapters.transport.body import FLOOD, FRAMING_LIMIT, too_large
from wayhook.adapters.transport.failure import malformed
from wayhook.adapters.transport.head import FIELD_LIMIT, HEAD_LIMIT, INTERIM_LIMIT
from wayhook.adapters.transport.link import Link
from wayhook.errors import Evidence, TransportError

__all__ = ["Stream"]

_STEP = 16_384
_HIGH = 65_536


class Stream(Link):
    """A connection that is read when it is asked for bytes, for one exchange after the other.

    `sent`: whether a byte of the request may have left. `at_end`: whether the end of the connection was read.
    """

    def __init__(self, opened: socket.socket, into: memoryview) -> None:
        super().__init__(opened, into)
        self._received, self._unsent = bytearray(), b""
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._left: int | None = None
        self.begin()

    def begin(self) -> None:
        """Begin an exchange; what is read first is its heads, the interim ones and the last."""
        self.sent, self.at_end, self._early = False, False, False
        self._heads, self._size, self._lines, self._tail, self._given = 0, 0, 0, b"", b""
        self._limit, self._left = 0, None

    def begin_body(self, limit: int) -> None:
        """Go on with the body: at most `limit` bytes, and 64 KiB of framing around them.

        An answer that came while the request was still under way leaves the connection in doubt.
        """
        self._limit, self._left = limit, limit + FRAMING_LIMIT
        self._early = self.is_sending

    # What asyncio tells.

    def buffer_updated(self, nbytes: int) -> None:
        """Keep what arrived; more than enough makes the other side wait."""
        self._received += self.buffer[:nbytes]
        if len(self._received) > _HIGH and not self._paused and self.transport is not None:
            self.transport.pause_reading()
            self._paused = True
        self.ended()

    def ended(self) -> None:
        """Wake who waits for bytes."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # What a client does.

    def write(self, data: bytes) -> None:
        """Take a piece of the request; the pieces leave together when the answer is asked for."""
        self._unsent += data

    def _flush(self) -> None:
        transport, unsent = self.transport, self._unsent
        self._unsent = b""
        if unsent and transport is not None and not transport.is_closing():
            transport.write(unsent)
            # A socket that refuses the very first byte closes at once.
            self.sent = self.sent or not transport.is_closing()

    async def read(self, chunk: int = 0) -> bytes:
        """Send what was written, and return what came back next, at most 16 KiB; `b""` at the end.

        `chunk`: how many bytes of one are still to come, as its size was announced; one above the limit is not awaited.
        Raises `ConnectionResetError`, and `TransportError` for what is larger than its limit. The head is never
        waited for behind the body: an answer that comes early is read while the request is still under way.
        """
        self._flush()
        if self._left is None:
            self._count_head(self._given)
        elif chunk > self._limit:
            raise TransportError(too_large(self._limit), Evidence.PERMANENT)
        if self._received:
            await asyncio.sleep(0)  # whoever sends without end does not keep the loop for itself
        while not self._received and not self.over:
            await self._arrival()
        if self._received:
            return self._counted(self._taken())
        self.at_end = True
        if self.failure is not None:
            raise ConnectionResetError
        return b""

    async def _arrival(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _taken(self) -> bytes:
        data = bytes(self._received[:_STEP])
        del self._received[:_STEP]
        if self._paused and len(self._received) <= _HIGH and not self.over and self.transport is not None:
            self.transport.resume_reading()
            self._paused = False
        return data

    def _counted(self, data: bytes) -> bytes:
        if self._left is None:
            self._given = data
            return data
        self._left -= len(data)
        if self._left < 0:
            raise TransportError(FLOOD, Evidence.PERMANENT)
        return data

    def _count_head(self, data: bytes) -> None:
        """Measure the head that is not complete yet; those before it were interim.

        That is known of what was read when more is asked for: a body may have come together with its head.
        """
        seen = self._tail + data
        end = max(seen.rfind(b"\n\n") + 2, seen.rfind(b"\n\r\n") + 3)
        if end > 2:  # noqa: PLR2004 - an empty line was found
            self._size, self._lines = len(seen) - end, seen.count(b"\n", end)
        else:
            self._size, self._lines = self._size + len(data), self._lines + data.count(b"\n")
        self._tail, self._heads = seen[-2:], self._heads + len(data)
        if self._size > HEAD_LIMIT or self._lines > FIELD_LIMIT + 1 or self._heads > INTERIM_LIMIT:
            raise malformed("the head of the answer is larger than its limit")

    def abort(self) -> None:
        """Close the socket now; nothing is drained, and nothing is waited for."""
        self._received.clear()
        super().abort()

    @property
    def stray(self) -> bool:
        """Whether bytes are here that nobody asked for."""
        return bool(self._received)

    @property
    def is_quiet(self) -> bool:
        """Whether the exchange left nothing: all was sent, nothing more came, and both sides are there."""
        if self._unsent or self._early:
            return False
        return super().is_quiet and not self.is_sending
