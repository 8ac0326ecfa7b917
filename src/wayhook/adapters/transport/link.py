"""A connected socket as asyncio's protocol: its bytes, TLS on top of it, its end. asyncio and sockets only."""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
from collections.abc import Callable
from ipaddress import ip_address
from typing import cast

from wayhook.model.address import Address

__all__ = ["Link", "buffer"]

_BUFFER = 65_536


def buffer() -> memoryview:
    """Return what the links of one event loop read into, one after the other.

    Asyncio asks for a quarter of a megabyte for each read otherwise. As long as the allocator maps that anew each time,
    it costs more than all the rest of an exchange.
    """
    return memoryview(bytearray(_BUFFER))


class Link(asyncio.BufferedProtocol):
    """One connection, for as long as it lasts; a subclass says what becomes of its bytes, in `buffer_updated`.

    `raw`, `transport`: the socket's transport, and the one to write to, which speaks TLS where asked to; None before it
    is connected. `over`: whether the other side has ended it, or it broke. `failure`: what broke it, or None.
    """

    def __init__(self, opened: socket.socket, into: memoryview) -> None:
        self.socket, self.buffer = opened, into
        self._readable = _watched(opened)
        self.raw: asyncio.Transport | None = None
        self.transport: asyncio.Transport | None = None
        self.over = False
        self.failure: Exception | None = None

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.raw = self.transport = cast("asyncio.Transport", transport)  # those of uvloop are none by their class

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - theirs
        """Return where to read into."""
        return self.buffer

    def eof_received(self) -> None:
        """Note the end; the transport closes itself."""
        self.over = True
        self.ended()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end, or the break."""
        self.over, self.failure = True, self.failure or exc
        self.ended()

    def ended(self) -> None:
        """Look at `over` and `failure`: one of them has changed."""

    # What a client does.

    async def secure(self, context: ssl.SSLContext, host: str) -> None:
        """Go over to TLS as `host`; raises `ssl.SSLError`, `ConnectionError`."""
        assert self.raw is not None  # noqa: S101 - it is connected
        if self.stray:
            raise ssl.SSLError(1, "bytes came before the handshake")
        if self.over:
            raise ConnectionResetError
        loop = asyncio.get_running_loop()
        self.transport = await loop.start_tls(self.raw, self, context, server_hostname=host)
        if self.transport is None:
            raise ConnectionResetError

    def abort(self) -> None:
        """Close the socket now; nothing is drained, and nothing is waited for."""
        if self.raw is not None:
            self.raw.abort()

    def disown(self) -> None:
        """Close our copy of the socket, and touch neither its loop nor the other process that has one."""
        self.socket.close()

    @property
    def peer(self) -> Address:
        """The address at the other end."""
        return ip_address(self.socket.getpeername()[0])

    @property
    def is_sending(self) -> bool:
        """Whether something that was written has not left yet, above TLS or below."""
        if self.transport is None or self.raw is None:
            return False
        above = self.transport.get_write_buffer_size()
        return above > 0 or (self.raw is not self.transport and self.raw.get_write_buffer_size() > 0)

    @property
    def stray(self) -> bool:
        """Whether bytes came that nobody asked for."""
        return False

    @property
    def is_quiet(self) -> bool:
        """Whether nothing came that nobody asked for, and both sides are there."""
        return self.transport is not None and not (self.over or self.stray or self.transport.is_closing())

    @property
    def is_alive(self) -> bool:
        """Whether it can be used: quiet, and nothing waits on the socket, not even its end."""
        return self.is_quiet and not self._readable(0)


def _watched(opened: socket.socket) -> Callable[[int], object]:
    """A question to the kernel: what is there to be read by now, a byte or the end. To peek by an error costs more."""
    if hasattr(select, "poll"):
        poller = select.poll()
        poller.register(opened, select.POLLIN)
        return poller.poll
    return lambda seconds: select.select([opened], [], [], seconds)[0]
