"""One connection of bytes: what was sent over it, and what comes back, within limits. asyncio and sockets only."""

from __future__ import annotations

import asyncio
import socket
import ssl

from wayhook.adapters.transport.body import too_large
from wayhook.errors import Delivery, Evidence, TransportError

__all__ = ["FIELD_LIMIT", "HEAD_LIMIT", "INTERIM_LIMIT", "Stream"]

HEAD_LIMIT = 65_536
FIELD_LIMIT = 1_000
INTERIM_LIMIT = 1_048_576
_FRAMING_LIMIT = 65_536
_STEP = 16_384
_HIGH = 65_536


class Stream(asyncio.Protocol):
    """A connected socket, for one exchange after the other.

    `sent`: whether a byte of the request may have left. `ended`: whether the end of the connection was read.
    `failure`: what broke it, or None.
    """

    def __init__(self, opened: socket.socket) -> None:
        self.socket = opened
        self._received, self._unsent = bytearray(), b""
        self._over, self._paused = False, False
        self.failure: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._raw: asyncio.Transport | None = None
        self._transport: asyncio.Transport | None = None
        self._left: int | None = None
        self.begin()

    def begin(self) -> None:
        """Begin an exchange; what is read first is its heads, the interim ones and the last."""
        self.sent, self.ended, self._early = False, False, False
        self._heads, self._size, self._lines, self._tail, self._given = 0, 0, 0, b"", b""
        self._limit, self._left = 0, None

    def begin_body(self, limit: int) -> None:
        """Go on with the body: at most `limit` bytes, and 64 KiB of framing around them.

        An answer that came while the request was still under way leaves the connection in doubt.
        """
        self._limit, self._left = limit, limit + _FRAMING_LIMIT
        self._early = self._is_sending

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a socket has no other
        self._raw = self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Keep what arrived; more than enough makes the other side wait."""
        self._received += data
        if len(self._received) > _HIGH and not self._paused and self._transport is not None:
            self._transport.pause_reading()
            self._paused = True
        self._wake()

    def eof_received(self) -> None:
        """Note the end; the transport closes itself."""
        self._over = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end, or the break."""
        self._over, self.failure = True, self.failure or exc
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # What a client does.

    async def secure(self, context: ssl.SSLContext, host: str) -> None:
        """Go over to TLS as `host`; raises `ssl.SSLError`, `ConnectionError`."""
        assert self._raw is not None  # noqa: S101 - it is connected
        if self._received:
            raise ssl.SSLError(1, "bytes came before the handshake")
        loop = asyncio.get_running_loop()
        self._transport = await loop.start_tls(self._raw, self, context, server_hostname=host)
        if self._transport is None:
            raise ConnectionResetError

    def write(self, data: bytes) -> None:
        """Take a piece of the request; the pieces leave together when the answer is asked for."""
        self._unsent += data

    def _flush(self) -> None:
        transport, unsent = self._transport, self._unsent
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
        while not self._received and not self._over:
            await self._arrival()
        if self._received:
            return self._counted(self._taken())
        self.ended = True
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
        if self._paused and len(self._received) <= _HIGH and not self._over and self._transport is not None:
            self._transport.resume_reading()
            self._paused = False
        return data

    def _counted(self, data: bytes) -> bytes:
        if self._left is None:
            self._given = data
            return data
        self._left -= len(data)
        if self._left < 0:
            raise TransportError("the body is larger on the wire than its limit", Evidence.PERMANENT)
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
            raise TransportError(
                "the head of the answer is larger than its limit", Evidence.PERMANENT, delivery=Delivery.UNKNOWN
            )

    @property
    def _is_sending(self) -> bool:
        return self._transport is not None and self._transport.get_write_buffer_size() > 0

    def abort(self) -> None:
        """Close the socket now; nothing is drained, and nothing is waited for."""
        self._received.clear()
        if self._raw is not None:
            self._raw.abort()

    @property
    def is_quiet(self) -> bool:
        """Whether the exchange left nothing: all was sent, nothing more came, and both sides are there."""
        transport = self._transport
        if transport is None or self._over or self._received or self._unsent or self._early:
            return False
        return not transport.is_closing() and not self._is_sending

    @property
    def is_alive(self) -> bool:
        """Whether it can be used: quiet, and nothing waits on the socket, not even its end."""
        if not self.is_quiet:
            return False
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False
