"""A raw server on this machine that fails as it is told: sockets and bytes, and no HTTP library that would help it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Self

from wayhook.errors import MissingExtra

__all__ = ["CLEAN", "OK", "FaultServer", "Script", "Visit", "authority", "certified"]

CLEAN = b'{"clean": true}'
OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(CLEAN), CLEAN)
_QUEUE = 4


class Visit:
    """One connection to the server, as a script sees it."""

    def __init__(self, server: FaultServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server, self._reader, self._writer = server, reader, writer

    async def head(self) -> bytes:
        """Read the head of a request, and count it."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        self.server.requests.append(head)
        return head

    async def request(self) -> bytes:
        """Read a whole request, and count it."""
        head = await self.head()
        lines = (line.lower().partition(b":") for line in head.split(b"\r\n"))
        length = next((int(value) for name, _, value in lines if name == b"content-length"), 0)
        return head + await self._reader.readexactly(length)

    async def read(self) -> bytes:
        """Read what comes, whatever it is."""
        return await self._reader.read(65_536)

    async def say(self, *pieces: bytes, pause: float = 0.0) -> None:
        """Send pieces, and wait `pause` seconds behind each."""
        for piece in pieces:
            self._writer.write(piece)
            await self._writer.drain()
            await asyncio.sleep(pause)

    async def repeat(self, piece: bytes, pause: float = 0.0) -> None:
        """Send a piece again and again, until the other side leaves."""
        while True:
            await self.say(piece, pause=pause)

    async def hang(self) -> None:
        """Say nothing more, until the other side leaves."""
        while await self._reader.read(65_536):
            pass

    async def stall(self) -> None:
        """Neither read nor say anything, until the server is healed; then wait for the other side to leave."""
        await self.server.healing.wait()
        await self.hang()

    def reset(self) -> None:
        """End the connection as a crash does."""
        opened = self._writer.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def secure(self, context: ssl.SSLContext) -> None:
        """Go over to TLS."""
        await self._writer.start_tls(context)

    async def serve(self) -> None:
        """Answer request after request, as a service without a fault does."""
        while True:
            await self.request()
            await self.say(OK)


Script = Callable[[Visit], Awaitable[None]]


class FaultServer:
    """Listens on 127.0.0.1 and lets every connection follow a script; an async context manager, for one loop.

    `requests`: the heads that came, in order. `connections`: how many there were; `open`: how many there are.
    `listens`: `"never"` refuses connections, `"full"` leaves them unanswered. Once healed, it answers every request on
    every new connection with 200 and `{"clean": true}`.

    >>> async def main():
    ...     async def hangs_up(visit): await visit.request()
    ...     async with FaultServer(hangs_up) as server:
    ...         return server.url
    >>> asyncio.run(main()).startswith("http://127.0.0.1:")
    True
    """

    def __init__(self, script: Script, *, scheme: str = "http", listens: str = "always") -> None:
        self._script, self._scheme, self._listens = script, scheme, listens
        self.requests: list[bytes] = []
        self.connections, self.open = 0, 0
        self.healing = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._waiting: list[socket.socket] = []
        self._listener: asyncio.Server | None = None
        self.port = 0
        self._socket = socket.socket()

    @property
    def healed(self) -> bool:
        """Whether the fault has passed."""
        return self.healing.is_set()

    @property
    def url(self) -> str:
        """The origin of the server, without a slash at the end."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        if self._listens == "always":
            await self._listen()
        elif self._listens == "full":
            self._fill()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listener is not None:
            self._listener.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for opened in (*self._waiting, self._socket):
            opened.close()

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._serve, sock=self._socket, backlog=1024)

    def _fill(self) -> None:
        """Fill the queue of connections that nobody accepts, so that the next one gets no answer."""
        self._socket.listen(0)
        for _ in range(_QUEUE):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(self._socket.getsockname())
            self._waiting.append(waiting)

    async def heal(self) -> None:
        """Have no fault from now on."""
        self.healing.set()
        for waiting in self._waiting:
            waiting.close()
        if self._listener is None:
            await self._listen()

    async def nothing_open(self) -> None:
        """Wait until every connection is closed; raises `TimeoutError` after two seconds."""
        async with asyncio.timeout(2):
            while self.open:  # noqa: ASYNC110 - a counter has no event
                await asyncio.sleep(0.005)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a connection is served by one
        self._tasks.add(task)
        self.connections += 1
        self.open += 1
        visit = Visit(self, reader, writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
                await (self._well(visit) if self.healed else self._script(visit))
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.close()

    async def _well(self, visit: Visit) -> None:
        if self._scheme == "https":
            await visit.secure(certified("good"))
        await visit.serve()


# Certificates, of an authority that is made for the occasion.


@cache
def authority() -> Any:
    """Return an authority for certificates; raises `MissingExtra` without trustme."""
    try:
        import trustme
    except ModuleNotFoundError:
        raise MissingExtra("a server with TLS needs trustme: pip install trustme") from None
    return trustme.CA()


def _context(*names: str, by: Any = None, **validity: datetime) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (by or authority()).issue_cert(*names, **validity).configure_cert(context)
    return context


@cache
def certified(kind: str) -> ssl.SSLContext:
    """Return the context of a server with a certificate of some `kind`, good or bad."""
    import trustme

    now, day = datetime.now(UTC), timedelta(days=1)
    match kind:
        case "good":
            return _context("127.0.0.1")
        case "untrusted":
            return _context("127.0.0.1", by=trustme.CA())
        case "expired":
            return _context("127.0.0.1", not_before=now - 2 * day, not_after=now - day)
        case "not yet valid":
            return _context("127.0.0.1", not_before=now + day, not_after=now + 2 * day)
        case "of another host":
            return _context("other.example.com")
    context = _context("127.0.0.1")  # one that asks for ours
    context.verify_mode = ssl.CERT_REQUIRED
    authority().configure_trust(context)
    return context
